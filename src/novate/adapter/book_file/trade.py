"""Executed trades from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from novate.adapter.book_file.format import CATALOGUE, FileFormat, Report
from novate.adapter.book_file.sheet import CellError, Grid, Row, read_rows
from novate.errors import InputError, RowFault
from novate.units import format_instant, parse_zoned_instant

I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

REQUIRED = ("trade_id", "instant", "buyer", "seller", "instrument", "price", "quantity")
MAKER_SIDES = {"": 0, "buyer": 1, "seller": 2}
PRICE_MAX_E8 = 10**16
QUANTITY_MAX_E8 = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeTable:
    """Executed trades, sorted by instant; trades of one instant keep the file's order.

    Attributes
    ----------
    trade_ids
        One per trade, unique.
    accounts, instruments
        Names in the order of their first trade; ``buyer``, ``seller`` and ``instrument`` hold
        positions in these tuples.
    instant_ns
        Int64 ``[n]``.
    buyer, seller, instrument
        Int32 ``[n]``.
    ticks, lots
        Int64 ``[n]``: price in ticks and quantity in lots, both positive.
    maker_side
        Int8 ``[n]``: 0 not stated, 1 the buyer's order rested in the book, 2 the seller's.
    duplicates
        Rows dropped because the same trade was there.
    reordered
        Rows that stood after a later trade and were sorted in.
    quarantined
        Rows left out.
    """

    trade_ids: tuple[str, ...]
    accounts: tuple[str, ...]
    instruments: tuple[str, ...]
    instant_ns: I64
    buyer: I32
    seller: I32
    instrument: I32
    ticks: I64
    lots: I64
    maker_side: I8
    duplicates: int
    reordered: int
    quarantined: int

    def __len__(self) -> int:
        return len(self.trade_ids)


@dataclass(frozen=True, slots=True)
class _Trade:
    instant_ns: int
    buyer: str
    seller: str
    instrument: str
    ticks: int
    lots: int
    maker_side: int


class _Zone:
    """The one zone a file may use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first: tuple[int, str] | None = None

    def instant(self, text: str) -> int:
        """Return the instant of a text; another zone than the first one refuses the file."""
        try:
            instant_ns, offset = parse_zoned_instant(text)
        except InputError as error:
            raise CellError("instant", text[:80], "ISO 8601 with its zone") from error
        if self.first is None:
            self.first = (offset, text)
        elif self.first[0] != offset:
            message = (
                f"{self.path}, instant: time zones are mixed: {self.first[1]!r}, {text!r}; "
                "allowed: one per file"
            )
            raise InputError(message)
        return instant_ns


def _trade(row: Row, zone: _Zone, grids: Mapping[str, Grid]) -> _Trade:
    instrument = row.known("instrument", tuple(grids))
    grid = grids[instrument]
    ticks = row.steps("price", grid.tick_e8, PRICE_MAX_E8)
    lots = row.steps("quantity", grid.lot_e8, QUANTITY_MAX_E8)
    for column, steps in (("price", ticks), ("quantity", lots)):
        if steps <= 0:
            raise CellError(column, row.cells[column], "more than zero")
    buyer, seller = row.text("buyer"), row.text("seller")
    if buyer == seller:
        raise CellError("seller", seller, "another account than the buyer")
    maker = row.cells.get("maker_side", "").lower()
    if maker not in MAKER_SIDES:
        raise CellError("maker_side", maker[:80], "buyer, seller or nothing")
    instant_ns = zone.instant(row.cells["instant"])
    return _Trade(instant_ns, buyer, seller, instrument, ticks, lots, MAKER_SIDES[maker])


def _shown(trade: _Trade) -> str:
    return (
        f"{trade.buyer} buys {trade.lots} lots of {trade.instrument} from {trade.seller} at "
        f"{trade.ticks} ticks, {format_instant(trade.instant_ns)}"
    )


def load_trades(
    path: Path | str,
    grids: Mapping[str, Grid],
    quarantine: Report,
    formats: Sequence[FileFormat] = CATALOGUE,
) -> TradeTable:
    """Read executed trades.

    Parameters
    ----------
    path
        A file with ``trade_id, instant, buyer, seller, instrument, price, quantity`` and optionally
        ``maker_side``.
    grids
        Tick and lot by instrument; a trade in another instrument is left out.
    quarantine
        Called once for each row that is left out: unknown instrument, price off its tick,
        quantity off its lot, zero, negative, not a number, both sides the same account, or a
        repeated ``trade_id`` with other contents (the first one stands).
    formats
        What may be read; the first that recognises the file reads it.

    Raises
    ------
    InputError
        If the file as a whole cannot be used, mixes time zones, or holds no usable trade.
    """
    file = Path(path)
    kept: dict[str, _Trade] = {}
    duplicates = quarantined = 0

    def report(fault: RowFault) -> None:
        nonlocal quarantined
        quarantined += 1
        quarantine(fault)

    zone = _Zone(file)
    for row in read_rows(file, REQUIRED, report, formats):
        try:
            trade_id = row.text("trade_id")
            trade = _trade(row, zone, grids)
            if trade_id not in kept:
                kept[trade_id] = trade
            elif kept[trade_id] == trade:
                duplicates += 1
            else:
                allowed = f"a new identifier; it is taken: {_shown(kept[trade_id])}"
                raise CellError("trade_id", trade_id, allowed)  # noqa: TRY301  one exit for faults
        except CellError as error:
            report(RowFault(str(file), row.number, error.column, error.value, error.allowed))
    if not kept:
        message = f"{file}: no usable trade, {quarantined} rows left out; allowed: at least one"
        raise InputError(message)
    return _table(kept, duplicates, quarantined)


def _table(kept: dict[str, _Trade], duplicates: int, quarantined: int) -> TradeTable:
    arrived = list(kept.items())
    ordered = sorted(arrived, key=lambda item: item[1].instant_ns)
    instants = np.array([trade.instant_ns for _, trade in arrived], np.int64)
    trades = [trade for _, trade in ordered]
    sides = (side for trade in trades for side in (trade.buyer, trade.seller))
    accounts = {name: k for k, name in enumerate(dict.fromkeys(sides))}
    instruments = {
        name: k for k, name in enumerate(dict.fromkeys(trade.instrument for trade in trades))
    }
    return TradeTable(
        trade_ids=tuple(trade_id for trade_id, _ in ordered),
        accounts=tuple(accounts),
        instruments=tuple(instruments),
        instant_ns=np.array([trade.instant_ns for trade in trades], np.int64),
        buyer=np.array([accounts[trade.buyer] for trade in trades], np.int32),
        seller=np.array([accounts[trade.seller] for trade in trades], np.int32),
        instrument=np.array([instruments[trade.instrument] for trade in trades], np.int32),
        ticks=np.array([trade.ticks for trade in trades], np.int64),
        lots=np.array([trade.lots for trade in trades], np.int64),
        maker_side=np.array([trade.maker_side for trade in trades], np.int8),
        duplicates=duplicates,
        reordered=int(np.count_nonzero(instants < np.maximum.accumulate(instants))),
        quarantined=quarantined,
    )
