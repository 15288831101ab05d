#!/usr/bin/env bash
# Replay four crash weeks of real prices (BTC and ETH perpetuals, last and mark, hourly) with
# 20,000 generated accounts, verify each journal, and print what came of them.
# Usage: scripts/replay_weeks.sh PRICE_FILE [OUT_DIRECTORY]
set -euo pipefail
prices=${1:?path of perp_1h_binance_last_and_mark.parquet or files of the same shape}
out=${2:-build/weeks}
novate=${NOVATE:-.venv/bin/novate}
week() {
  "$novate" replay "$prices" --start "$2T00:00:00Z" --end "$3T00:00:00Z" --out "$out/$1"
  "$novate" verify "$out/$1"
}
# LUNA and FTT, the coins behind the last two weeks, are not in such a file: only what BTC and ETH
# did in those weeks is replayed.
week 2020-03 2020-03-08 2020-03-15
week 2021-05 2021-05-17 2021-05-22
week 2022-05 2022-05-08 2022-05-15
week 2022-11 2022-11-06 2022-11-12
