"""Instruments to price, from a file; a row that cannot be used is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from novate.adapter.book_file.format import Report
from novate.adapter.book_file.sheet import CellError, Row, read_rows
from novate.app.pricing.cell import optional, positive
from novate.app.pricing.exotic_sheet import READERS, STRUCK, Terms
from novate.errors import InputError, RowFault
from novate.units import parse_instant
from novate.valuation.holding import NO_EXPIRY, Kind

REQUIRED = ("symbol", "kind", "underlying")
KINDS = {
    "spot": Kind.SPOT,
    "future": Kind.FUTURE,
    "perpetual": Kind.FUTURE,
    "european": Kind.EUROPEAN,
    **dict.fromkeys(READERS, Kind.VALUED),
}
STRIKES = frozenset({"european", *STRUCK})
"""Kinds with a side and a strike."""
OPTIONS = STRIKES | {"touch"}
"""Kinds that need a volatility."""
IN_QUOTE = frozenset({"touch", "fair-future", "fair-perpetual"})
"""Kinds that are not settled in their own underlying."""
EXPIRING = OPTIONS | {"future", "fair-future"}
SIDES = {"call": 1.0, "put": -1.0}


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
    terms
        Of an exotic, by the names of its instrument; see `exotic_sheet`.
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
    terms: Terms = field(default_factory=dict)

    @property
    def level(self) -> float | None:
        """Strike or, of a touch, the barrier: where a volatility is read."""
        return float(self.terms["barrier"]) if self.kind == "touch" else self.strike


Check = Callable[[Instrument], None]


def read_instruments(path: Path, check: Check, report: Report) -> list[Instrument]:
    """Read a file of instruments.

    Parameters
    ----------
    path
        A file in a format of `adapter.book_file.format` with ``symbol, kind, underlying`` and, as
        the kind needs them, ``side, strike, expiry, settlement, unit, quantity, vol, price`` and
        the columns of `exotic_sheet`.
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
    has_strike, has_expiry = kind in STRIKES, kind in EXPIRING
    return Instrument(
        row=row.number,
        symbol=row.text("symbol"),
        underlying=row.text("underlying"),
        settlement=row.text("settlement") if row.cells.get("settlement") else "",
        kind=kind,
        side=SIDES[row.known("side", tuple(SIDES))] if has_strike else 0.0,
        strike=_strike(row, kind),
        expiry_ns=_instant(row) if has_expiry else _no_expiry(row, kind),
        unit=1.0 if not row.cells.get("unit") else positive(row, "unit"),
        quantity=optional(row, "quantity"),
        vol=optional(row, "vol", least=0.0),
        price=optional(row, "price", least=0.0),
        terms=READERS[kind][1](row) if kind in READERS else {},
    )


def _strike(row: Row, kind: str) -> float | None:
    if kind in STRIKES or (kind in ("future", "perpetual") and row.cells.get("strike")):
        return positive(row, "strike")
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
