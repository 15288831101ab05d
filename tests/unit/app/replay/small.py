"""A small replay for unit tests: three accounts, two contracts, ten hours."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.parameter_file import read_parameters
from novate.app.cli import presets
from novate.app.replay.driver import FinishedRun, PreparedRun, drive
from novate.app.replay.job import Job, Variant
from novate.app.replay.read import read_inputs
from novate.app.replay.run import prepare
from novate.app.replay.venue import Venue, open_venue
from novate.units import parse_instant
from tests.e2e.run_fixture import COLLATERAL, END, POSITIONS, START, bars, write_csv

SYMBOLS = ("BTCUSDT", "ETHUSDT")
START_NS, END_NS = parse_instant(START), parse_instant(END)


def parameters() -> dict[str, Any]:
    """The venue preset with two contracts and the assets that they need."""
    settings = read_parameters(presets() / "venue.toml", presets())
    settings["instruments"] = {name: settings["instruments"][name] for name in SYMBOLS}
    settings["assets"] = {name: settings["assets"][name] for name in ("USDT", "BTC", "ETH", "USDC")}
    return settings


def venue() -> Venue:
    """The venue before its opening."""
    return open_venue(parameters(), SYMBOLS, START_NS)


def job(folder: Path, **changes: Any) -> Job:
    """A replay of the falling day with the small book, its files written to a folder."""
    values: dict[str, Any] = {
        "parameters": parameters(),
        "symbols": SYMBOLS,
        "start_ns": START_NS,
        "end_ns": END_NS,
        "title": "A small replay",
        "order": "low-first",
        "points": 4,
        "price_files": (str(write_csv(folder / "prices.csv", bars())),),
        "positions_file": str(write_csv(folder / "positions.csv", POSITIONS)),
        "collateral_file": str(write_csv(folder / "collateral.csv", COLLATERAL)),
    }
    return Job(**{**values, **changes})


def prepared(asked: Job, *, has_controls: bool = True) -> PreparedRun:
    """A job, ready to run."""
    return prepare(read_inputs(asked), Variant(asked.order, has_controls=has_controls))


@cache
def ready() -> PreparedRun:
    """The small replay, ready to run."""
    with TemporaryDirectory() as folder:
        return prepared(job(Path(folder)))


@cache
def finished() -> tuple[PreparedRun, FinishedRun]:
    """The small replay after its run; for reading only."""
    return ready(), drive(ready(), MemoryJournal(), lambda done, total: None)
