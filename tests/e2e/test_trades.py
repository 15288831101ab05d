"""Executed trades of a file in a replay, and the count of bars that the prices had."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from novate.adapter.sqlite_journal import SqliteJournal
from novate.app.cli import main
from novate.engine.batch import decode_batch
from novate.message.declare import rows_of
from novate.units import parse_instant
from tests.e2e.run_fixture import bars, book_arguments, replay_arguments, summary, write_csv

TRADES = [
    {
        "trade_id": name, "instant": f"2026-03-12T{at}Z", "buyer": buyer, "seller": seller,
        "instrument": "BTCUSDT", "price": price, "quantity": size, "maker_side": maker,
    }
    for name, at, buyer, seller, price, size, maker in (
        ("T-2", "01:07:30", "short", "idle", "50100.0", "0.1", "seller"),
        ("T-1", "00:30:00", "short", "long", "50000.0", "0.5", "buyer"),
        ("T-3", "01:07:30", "hedge", "long", "50100.0", "900", ""),
    )
]  # fmt: skip


def arguments_of(folder: Path, trades: list[dict[str, str]]) -> list[str]:
    """A replay with the small book, an account that only trades, and trades."""
    prices = write_csv(folder / "prices.csv", bars())
    found = replay_arguments(prices, folder / "run", *book_arguments(folder))
    with (folder / "collateral.csv").open("a") as file:
        file.write("idle,USDT,40000\n")
    path = write_csv(folder / "trades.csv", trades)
    return [str(each) for each in (*found, "--trades", path)]


def test_trades_are_novated_at_their_instants_and_refused_as_live(tmp_path: Path) -> None:
    # One bar is missing for both contracts, and one row lies outside the window.
    arguments = arguments_of(tmp_path, TRADES)
    rows = [row for row in bars() if "T08:" not in row["open_time"]]
    rows.append({**rows[0], "open_time": "2026-03-14T00:00:00Z"})
    write_csv(tmp_path / "prices.csv", rows)

    assert main(arguments) == 0

    journal = SqliteJournal(tmp_path / "run" / "journal.db", read_only=True)
    novated = [
        (batch.instant_ns, row)
        for batch in (decode_batch(record) for record in journal.read(1))
        for run in batch.events
        if run.name == "TradeNovated"
        for row in rows_of(run)
    ][5:]  # after the five positions of the opening
    journal.close()
    assert [(at, row["ticks"], row["lots"]) for at, row in novated] == [
        (parse_instant("2026-03-12T00:30:00Z"), 500_000, 500),
        (parse_instant("2026-03-12T01:07:30Z"), 501_000, 100),
    ]
    first = novated[0][1]
    assert first["buyer_fee"] < first["seller_fee"]  # the buyer's order rested
    content = summary(tmp_path / "run")
    assert [row["command"] for row in content["refusals"]] == ["SubmitTrade"]
    assert content["bars_by_symbol"] == [
        {"symbol": "BTCUSDT", "expected": 10, "present": 9, "missing": 1, "outside": 1},
        {"symbol": "ETHUSDT", "expected": 10, "present": 9, "missing": 1, "outside": 0},
    ]
    accounts = pq.read_table(tmp_path / "run" / "accounts.parquet")["reference"].to_pylist()
    assert accounts == ["long", "short", "hedge", "idle"]
    assert main(["verify", str(tmp_path / "run")]) == 0


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"buyer": "ghost"}, "a trade of account 'ghost'"),
        ({"instant": "2026-03-13T00:00:00Z"}, "trade 'T-2' at 2026-03-13T00:00:00Z; allowed: "),
        ({"quantity": "0.00001"}, "no usable trade, 1 rows left out"),
    ],
)
def test_trades_that_cannot_be_used_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cells: dict[str, str], message: str
) -> None:
    assert main(arguments_of(tmp_path, [{**TRADES[0], **cells}])) == 1
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "run").exists()


def test_a_trade_that_cannot_be_read_is_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {**TRADES[0], "trade_id": "T-9", "price": "nan"}

    assert main(arguments_of(tmp_path, [*TRADES, bad])) == 2
    assert summary(tmp_path / "run")["quarantine"][0]["column"] == "price"
    assert "1 row quarantined" in capsys.readouterr().out


def test_trades_without_a_book_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = write_csv(tmp_path / "prices.csv", bars())
    path = write_csv(tmp_path / "trades.csv", TRADES)
    arguments = [*replay_arguments(prices, tmp_path / "run"), "--trades", path]

    assert main([str(each) for each in arguments]) == 1
    assert "a trades file needs a positions and a collateral file" in capsys.readouterr().err
