"""Instruments to price, from a CSV or Parquet file; a row that cannot be used is left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from novate.adapter.book_file.sheet import CellError, Report, Row, read_rows
from novate.errors import InputError, RowFault
from novate.kernel.codes import Monitoring
from novate.units import parse_instant
from novate.valuation.holding import NO_EXPIRY, Kind

REQUIRED = ("symbol", "kind", "underlying")
KINDS = {
    "spot": Kind.SPOT,
    "future": Kind.FUTURE,
    "perpetual": Kind.FUTURE,
    "european": Kind.EUROPEAN,
    "digital": Kind.VALUED,
    "barrier": Kind.VALUED,
}
OPTIONS = frozenset({"european", "digital", "barrier"})
KNOCKS = {
    "up-in": (1.0, True),
    "up-out": (1.0, False),
    "down-in": (-1.0, True),
    "down-out": (-1.0, False),
}
MONITORINGS = {"continuous": Monitoring.CONTINUOUS, "at-expiry": Monitoring.AT_EXPIRY}
SIDES = {"call": 1.0, "put": -1.0}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
NUMBER_MAX = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A row of the file.

    Attributes
    ----------
    row
        Row number, counted from 1.
    symbol, underlying
        Names.
    settlement
        Settlement asset; empty for the reporting currency.
    kind
        As written: one of `KINDS`.
    side
        +1.0 call, -1.0 put, 0.0 for what is no option.
    strike
        Strike, or the price from which a future's value counts; None for its forward now.
    expiry_ns
        Nanoseconds since 1970 UTC; `NO_EXPIRY` for none.
    unit
        Units of the underlying per 1.00 of quantity (face value of an inverse future).
    quantity, vol, price
        What the row holds, its own volatility, and its price in the market; None for none.
    amount
        What a digital pays.
    barrier, knock, monitoring, rebate
        Of a barrier option: its level, one of `KNOCKS`, one of `MONITORINGS`, and its rebate.
    """

    row: int
    symbol: str
    underlying: str
    settlement: str
    kind: str
    side: float
    strike: float | None
    expiry_ns: int
    unit: float
    quantity: float | None
    vol: float | None
    price: float | None
    amount: float = 1.0
    barrier: float = 0.0
    knock: str = ""
    monitoring: str = ""
    rebate: float = 0.0


Check = Callable[[Instrument], None]


def read_instruments(path: Path, check: Check, report: Report) -> list[Instrument]:
    """Read a file of instruments.

    Parameters
    ----------
    path
        CSV or Parquet with ``symbol, kind, underlying`` and, as the kind needs them, ``side,
        strike, expiry, settlement, unit, quantity, vol, price, amount, barrier, knock, monitoring,
        rebate``.
    check
        Called with each instrument; raises `CellError` where the market cannot price it.
    report
        Called for each row that is left out.

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column.
    """
    found: list[Instrument] = []
    symbols: set[str] = set()
    for row in read_rows(path, REQUIRED, report):
        try:
            one = _instrument(row)
            if one.symbol in symbols:
                raise CellError("symbol", one.symbol, "one row for it")  # noqa: TRY301
            check(one)
        except CellError as error:
            report(RowFault(str(path), row.number, error.column, error.value, error.allowed))
        else:
            symbols.add(one.symbol)
            found.append(one)
    return found


def _instrument(row: Row) -> Instrument:
    kind = row.known("kind", tuple(KINDS))
    is_option = kind in OPTIONS
    has_expiry = is_option or kind == "future"
    is_barrier = kind == "barrier"
    return Instrument(
        row=row.number,
        symbol=row.text("symbol"),
        underlying=row.text("underlying"),
        settlement=row.text("settlement") if row.cells.get("settlement") else "",
        kind=kind,
        side=SIDES[row.known("side", tuple(SIDES))] if is_option else 0.0,
        strike=_strike(row, kind),
        expiry_ns=_instant(row) if has_expiry else _no_expiry(row, kind),
        unit=1.0 if not row.cells.get("unit") else _positive(row, "unit"),
        quantity=_optional(row, "quantity"),
        vol=_optional(row, "vol", least=0.0),
        price=_optional(row, "price", least=0.0),
        amount=_positive(row, "amount") if kind == "digital" and row.cells.get("amount") else 1.0,
        barrier=_positive(row, "barrier") if is_barrier else 0.0,
        knock=row.known("knock", tuple(KNOCKS)) if is_barrier else "",
        monitoring=row.known("monitoring", tuple(MONITORINGS)) if is_barrier else "",
        rebate=(_optional(row, "rebate", least=0.0) or 0.0) if is_barrier else 0.0,
    )


def _strike(row: Row, kind: str) -> float | None:
    if kind in OPTIONS or (kind != "spot" and row.cells.get("strike")):
        return _positive(row, "strike")
    return None


def _instant(row: Row) -> int:
    value = row.cells.get("expiry", "")
    try:
        return parse_instant(value)
    except InputError as error:
        allowed = "ISO 8601 with a zone, for example 2026-06-26T08:00:00Z"
        raise CellError("expiry", value[:80], allowed) from error


def _no_expiry(row: Row, kind: str) -> int:
    value = row.cells.get("expiry", "")
    if value:
        raise CellError("expiry", value[:80], f"nothing for a contract of kind {kind}")
    return NO_EXPIRY


def _optional(row: Row, column: str, least: float = -NUMBER_MAX) -> float | None:
    value = row.cells.get(column, "")
    return number(column, value, least) if value else None


def _positive(row: Row, column: str) -> float:
    value = row.cells.get(column, "")
    found = number(column, value, 0.0)
    if found == 0.0:
        raise CellError(column, value[:80], "more than zero")
    return found


def number(column: str, value: str, least: float) -> float:
    """Return a plain decimal number from ``least`` to 1e15.

    Raises
    ------
    CellError
        If the text is none; inf, nan and digits grouped by other characters are none.
    """
    found = float(value) if NUMBER.fullmatch(value) else None
    if found is None or not least <= found <= NUMBER_MAX:
        raise CellError(column, value[:80], f"a number from {least:g} to {NUMBER_MAX:g}")
    return found
