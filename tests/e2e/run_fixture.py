"""Files of a falling day and its book, and the command line as a person uses it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from novate.units import format_instant, parse_instant

ROOT = Path(__file__).parents[2]
START = "2026-03-12T00:00:00Z"
END = "2026-03-12T10:00:00Z"
HOURS = 10
HOUR_NS = 3_600 * 10**9
COLUMNS = ("symbol", "open_time", "open", "high", "low", "close", "volume")
FIRST = {"BTCUSDT": 50_000.0, "ETHUSDT": 3_000.0}
FALL = (1.0, 1.002, 0.995, 0.99, 0.93, 0.86, 0.80, 0.83, 0.85, 0.84, 0.845)

Table = list[dict[str, str]]


def bars() -> Table:
    """Ten hourly bars of two contracts that fall by a fifth; row 2 of the file is the first."""
    rows = []
    for hour in range(HOURS):
        for symbol, first in FIRST.items():
            opened, closed = first * FALL[hour], first * FALL[hour + 1]
            rows.append(
                {
                    "symbol": symbol,
                    "open_time": format_instant(parse_instant(START) + hour * HOUR_NS),
                    "open": f"{opened:.2f}",
                    "high": f"{max(opened, closed) * 1.004:.2f}",
                    "low": f"{min(opened, closed) * 0.99:.2f}",
                    "close": f"{closed:.2f}",
                    "volume": "4000.5",
                }
            )
    return rows


def write_csv(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """Write rows with a header of their keys."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


POSITIONS: Table = [
    {"account": name, "member": member, "instrument": symbol, "quantity": size, "entry_price": at}
    for name, member, symbol, size, at in (
        ("long", "east", "BTCUSDT", "2", "50000"),
        ("short", "west", "BTCUSDT", "-1.5", "49800.3"),
        ("hedge", "west", "BTCUSDT", "-0.5", "50010"),
        ("hedge", "west", "ETHUSDT", "10", "3000"),
        ("short", "west", "ETHUSDT", "-10", "2990.5"),
    )
]
COLLATERAL: Table = [
    {"account": "long", "asset": "USDT", "amount": "9000"},
    {"account": "long", "asset": "BTC", "amount": "0.05"},
    {"account": "short", "asset": "USDT", "amount": "30000"},
    {"account": "hedge", "asset": "USDC", "amount": "20000.5"},
]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a call of the command line came to."""

    code: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """Standard error without line breaks, which depend on the width of a terminal."""
        return " ".join(self.err.split())

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def novate(*arguments: str | Path) -> Shown:
    """Run the program in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "novate.app.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "4000", "NO_COLOR": "1"},
        timeout=300,
        check=False,
    )
    return Shown(done.returncode, done.stdout, done.stderr)


def replay_arguments(prices: Path, out: Path, *more: str | Path) -> list[str | Path]:
    """Arguments of a quick replay of the generated day."""
    return [
        "replay", prices, "--start", START, "--end", END, "--points", "4", "--accounts", "400",
        "--no-variants", "--out", out, *more,
    ]  # fmt: skip


def book_arguments(folder: Path) -> list[str | Path]:
    """Write the small book and return the arguments that name it."""
    positions = write_csv(folder / "positions.csv", POSITIONS)
    collateral = write_csv(folder / "collateral.csv", COLLATERAL)
    return ["--positions", positions, "--collateral", collateral]


def summary(run: Path) -> Any:
    """Read the summary of a run directory."""
    return json.loads((run / "summary.json").read_text(encoding="utf-8"))
