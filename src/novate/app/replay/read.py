"""Reading what a replay takes in: prices, positions, collateral and trades, each file once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from novate.adapter.book_file import (
    CollateralTable,
    Grid,
    PositionTable,
    TradeTable,
    load_collateral,
    load_positions,
    load_trades,
)
from novate.adapter.price_file import BarCount, PriceTable, load_prices
from novate.adapter.quarantine import Quarantine
from novate.app.replay.job import Job
from novate.errors import InputError, RowFault
from novate.simulation.crash_day import CrashDay, crash_day


@dataclass(frozen=True, slots=True)
class BookFiles:
    """Positions, collateral and, if there are any, executed trades."""

    positions: PositionTable
    collateral: CollateralTable
    trades: TradeTable | None


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a run takes in.  All variants of a job share it.

    Attributes
    ----------
    parameters, symbols, start_ns, points
        As in the job.
    prices
        Bars of files, or a generated day.
    book
        The book of files; None where one is to be generated.
    faults, faulty_rows
        Examples of the rows that were left out, and how many there were in all.
    """

    parameters: Mapping[str, Any]
    symbols: tuple[str, ...]
    start_ns: int
    points: int
    prices: PriceTable | CrashDay
    book: BookFiles | None
    faults: tuple[RowFault, ...] = ()
    faulty_rows: int = 0

    @property
    def seed(self) -> int:
        """Seed of what is generated."""
        return int(self.parameters["run"]["seed"])

    @property
    def bars(self) -> tuple[BarCount, ...]:
        """How many bars of each symbol the files have; nothing for a generated day."""
        return self.prices.review.bars if isinstance(self.prices, PriceTable) else ()


def read_inputs(job: Job) -> Inputs:
    """Read the files of a job, or generate its day.

    Raises
    ------
    InputError
        If a file is missing, cannot be used, or has too many faulty rows.
    """
    if job.trades_file and not job.positions_file:
        raise InputError("a trades file needs a positions and a collateral file beside it")
    if job.positions_file and not job.collateral_file:
        raise InputError("a positions file needs a collateral file beside it")
    quarantine = Quarantine(faults_max=job.parameters["run"]["faults_max"])
    prices = _prices(job, quarantine)
    book = _book(job, quarantine) if job.positions_file else None
    return Inputs(
        job.parameters,
        job.symbols,
        job.start_ns,
        job.points,
        prices,
        book,
        tuple(quarantine.examples),
        quarantine.count,
    )


def _prices(job: Job, quarantine: Quarantine) -> PriceTable | CrashDay:
    if not job.price_files:
        return crash_day(job.parameters["run"]["seed"], job.start_ns)
    listed = job.parameters["instruments"]
    names = [listed[symbol]["price_symbol"] or symbol for symbol in job.symbols]
    return load_prices(job.price_files, names, job.start_ns, job.end_ns, quarantine)


def _book(job: Job, quarantine: Quarantine) -> BookFiles:
    listed = job.parameters["instruments"]
    grids = {name: Grid(listed[name]["tick"], listed[name]["lot"]) for name in job.symbols}
    decimals = {name: asset["decimals"] for name, asset in job.parameters["assets"].items()}
    positions = load_positions(job.positions_file, grids, quarantine)
    collateral = load_collateral(job.collateral_file, decimals, quarantine)
    trades = load_trades(job.trades_file, grids, quarantine) if job.trades_file else None
    return BookFiles(positions, collateral, trades)
