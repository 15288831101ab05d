"""Option chains from files, as the columns that `novate.market.volatility` takes.

Four layouts are known by their column names:

- ``plain``: CSV or Parquet with ``snapshot, observed, underlying, unit, expiry, strike, side, bid,
  ask, bid_size, ask_size, open_interest, mark, forward, spot``.  ``snapshot`` is any text that
  tells snapshots apart, ``observed`` and ``expiry`` ISO 8601 with a zone, ``unit`` coin or quote,
  ``side`` call or put; an empty cell is an unknown number.
- ``summary_with_futures``: Deribit's book summaries joined with the futures price of each expiry.
- ``summary``: Deribit's book summaries alone, one snapshot a file; the estimated delivery price is
  the index.
- ``ticker``: Deribit's tickers, a snapshot of which is spread over minutes.

Deribit's options are counted in coin.  Strikes are exact integers; prices are the float64 nearest
to the decimal that the file holds, rounded half up at the eighth decimal.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from novate.errors import InputError, RowFault
from novate.market.volatility.chain import STRIKE_SCALE, Chain, PriceUnit
from novate.units import Rounding, parse_decimal, parse_instant

Report = Callable[[RowFault], None]

UTC_NAMES = frozenset({"UTC", "Etc/UTC", "GMT", "Z", "+00:00"})
SIDES = {"call": 1, "C": 1, "put": -1, "P": -1}
UNITS = {"coin": PriceUnit.COIN, "quote": PriceUnit.QUOTE}
NUMBER_MAX = 10**16
"""Largest number accepted, 100,000,000 in units of 1e-8: a larger one is a slipped decimal."""

PLAIN_TEXTS = ("snapshot", "observed", "underlying", "unit", "expiry", "strike", "side")
NUMBERS = ("bid", "ask", "bid_size", "ask_size", "open_interest", "mark", "forward", "spot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Column of each field; a field that is not named is unknown in this layout.

    Attributes
    ----------
    name
        For messages.
    columns
        Column by field.
    unit
        Price unit of the layout; None where a column says it.
    is_zero_none
        Whether a bid or ask of zero means that there is none.
    """

    name: str
    columns: dict[str, str]
    unit: PriceUnit | None = None
    is_zero_none: bool = field(default=False)


_SUMMARY = {
    "observed": "timestamp",
    "underlying": "currency",
    "strike": "strike",
    "side": "option_type",
    "bid": "bid_price",
    "ask": "ask_price",
    "mark": "mark_price",
    "open_interest": "open_interest",
}
LAYOUTS = (
    Layout(
        name="plain",
        columns={name: name for name in (*PLAIN_TEXTS, *NUMBERS)},
    ),
    Layout(
        name="summary_with_futures",
        columns=_SUMMARY
        | {
            "snapshot": "timestamp",
            "expiry": "expiry_datetime",
            "forward": "futures_price",
            "spot": "index_price",
        },
        unit=PriceUnit.COIN,
    ),
    Layout(
        name="ticker",
        columns=_SUMMARY
        | {
            "snapshot": "snapshot",
            "expiry": "expiry",
            "bid": "best_bid_price",
            "ask": "best_ask_price",
            "bid_size": "best_bid_amount",
            "ask_size": "best_ask_amount",
            "forward": "underlying_price",
            "spot": "index_price",
        },
        unit=PriceUnit.COIN,
        is_zero_none=True,
    ),
    Layout(
        name="summary",
        columns=_SUMMARY
        | {"expiry": "expiry", "forward": "underlying_price", "spot": "estimated_delivery_price"},
        unit=PriceUnit.COIN,
    ),
)


class _CellError(Exception):
    """One cell cannot be used."""

    def __init__(self, column: str, value: str, allowed: str) -> None:
        super().__init__(column)
        self.column, self.value, self.allowed = column, value[:80], allowed


@dataclass(slots=True)
class _Cells:
    """Text of a file by column, and the row number of its first row."""

    path: Path
    first_row: int
    texts: dict[str, list[str]]

    def __len__(self) -> int:
        return len(next(iter(self.texts.values()), []))


@dataclass(frozen=True, slots=True)
class _Row:
    """One option as read."""

    snapshot: str
    underlying: str
    unit: PriceUnit
    observed_ns: int
    expiry_ns: int
    strike_e8: int
    side: int
    numbers: tuple[float, ...]


def _as_text(path: Path, name: str, column: pa.ChunkedArray) -> list[str]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.tz not in UTC_NAMES:
            message = f"{path}, {name}: time zone {kind.tz!r}; allowed: UTC"
            raise InputError(message)
        column = pc.strftime(column.cast(pa.timestamp("ns", "UTC")), "%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_nested(kind):
        message = f"{path}, {name}: column type {kind}; allowed: numbers, text or times"
        raise InputError(message)
    return [cell or "" for cell in pc.cast(column, pa.string()).to_pylist()]


def _read_parquet(path: Path) -> _Cells:
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        message = f"{path}: {error}; allowed: a whole Parquet file"
        raise InputError(message) from error
    used = {name for layout in LAYOUTS for name in layout.columns.values()}
    names = [name for name in table.column_names if name in used]
    return _Cells(path, 1, {name: _as_text(path, name, table[name]) for name in names})


def _read_csv(path: Path) -> _Cells:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    if not rows:
        message = f"{path}: empty; allowed: a header line and rows"
        raise InputError(message)
    head = rows[0]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(head):
            message = f"{path}, row {number}: {len(row)} cells; allowed: {len(head)}"
            raise InputError(message)
    return _Cells(path, 2, {name: [row[at] for row in rows[1:]] for at, name in enumerate(head)})


def _read(path: Path) -> _Cells:
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        message = f"{path}: file type {path.suffix!r}; allowed: {', '.join(sorted(readers))}"
        raise InputError(message)
    try:
        return reader(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: {error}; allowed: a readable file"
        raise InputError(message) from error


def _layout_of(cells: _Cells) -> Layout:
    for layout in LAYOUTS:
        if all(name in cells.texts for name in layout.columns.values()):
            return layout
    known = "; ".join(
        f"{layout.name}: {', '.join(sorted(set(layout.columns.values())))}" for layout in LAYOUTS
    )
    message = f"{cells.path}: columns {sorted(cells.texts)}; allowed: {known}"
    raise InputError(message)


def _number(column: str, text: str) -> float:
    """Return a number that is not negative, or NaN for an empty cell."""
    if text in {"", "NaN", "nan"}:
        return math.nan
    try:
        value = parse_decimal(text, 8, rounding=Rounding.HALF_UP, limit=NUMBER_MAX)
    except InputError as error:
        raise _CellError(column, text, "a number from 0 to 100000000, or nothing") from error
    if value < 0:
        raise _CellError(column, text, "a number from 0 to 100000000, or nothing")
    return value / STRIKE_SCALE


def _instant(column: str, text: str) -> int:
    try:
        return parse_instant(text)
    except InputError as error:
        raise _CellError(column, text, "ISO 8601 with a zone, 1970 to 2261") from error


def _strike(column: str, text: str) -> int:
    try:
        value = parse_decimal(text, 8, limit=NUMBER_MAX)
    except InputError as error:
        raise _CellError(column, text, "a positive number with at most 8 decimals") from error
    if value <= 0:
        raise _CellError(column, text, "a positive number with at most 8 decimals")
    return value


def _row(layout: Layout, texts: dict[str, str]) -> _Row:
    """Return one row from its texts by field."""
    columns = layout.columns
    side, underlying = texts["side"], texts["underlying"]
    if side not in SIDES:
        raise _CellError(columns["side"], side, ", ".join(SIDES))
    if not underlying or not underlying.isprintable() or len(underlying) > 64:
        raise _CellError(columns["underlying"], underlying, "1 to 64 printable characters")
    unit = layout.unit
    if unit is None:
        unit = UNITS.get(texts["unit"])
    if unit is None:
        raise _CellError(columns["unit"], texts["unit"], ", ".join(UNITS))
    numbers = [
        _number(columns[name], texts[name]) if name in columns else math.nan for name in NUMBERS
    ]
    if layout.is_zero_none:
        numbers[:2] = [value if value != 0.0 else math.nan for value in numbers[:2]]
    return _Row(
        snapshot=texts.get("snapshot", ""),
        underlying=underlying,
        unit=unit,
        observed_ns=_instant(columns["observed"], texts["observed"]),
        expiry_ns=_instant(columns["expiry"], texts["expiry"]),
        strike_e8=_strike(columns["strike"], texts["strike"]),
        side=SIDES[side],
        numbers=tuple(numbers),
    )


def _chain(rows: Sequence[_Row]) -> Chain:
    """Put the rows of one underlying and snapshot into columns."""
    numbers = dict(zip(NUMBERS, np.array([row.numbers for row in rows]).T, strict=True))
    spot = numbers.pop("spot")
    known = spot[np.isfinite(spot)]
    return Chain(
        underlying=rows[0].underlying,
        unit=rows[0].unit,
        instant_ns=max(row.observed_ns for row in rows),
        spot=float(np.median(known)) if len(known) else math.nan,
        expiry_ns=np.array([row.expiry_ns for row in rows], np.int64),
        strike_e8=np.array([row.strike_e8 for row in rows], np.int64),
        side=np.array([row.side for row in rows], np.int8),
        observed_ns=np.array([row.observed_ns for row in rows], np.int64),
        **numbers,
    )


def load_chains(path: Path | str, report: Report) -> list[Chain]:
    """Return the chains of a file by (instant, underlying).

    A snapshot's instant is its last observation, its spot the median of the index prices in it.

    Parameters
    ----------
    path
        CSV or Parquet in one of the layouts above.
    report
        Called once for each row that is left out, with file, row, column, value and what is
        allowed.

    Raises
    ------
    InputError
        If the file is missing, broken, or of no known layout, or one snapshot mixes price units.
    """
    cells = _read(Path(path))
    layout = _layout_of(cells)
    groups: dict[tuple[str, str], list[_Row]] = {}
    for at in range(len(cells)):
        texts = {name: cells.texts[column][at] for name, column in layout.columns.items()}
        try:
            row = _row(layout, texts)
        except _CellError as error:
            number = cells.first_row + at
            report(RowFault(str(path), number, error.column, error.value, error.allowed))
            continue
        group = groups.setdefault((row.snapshot, row.underlying), [])
        if group and group[0].unit is not row.unit:
            message = f"{path}: snapshot {row.snapshot!r} of {row.underlying} has prices in coin "
            raise InputError(message + "and in quote currency; allowed: one unit")
        group.append(row)
    chains = [_chain(rows) for rows in groups.values()]
    return sorted(chains, key=lambda chain: (chain.instant_ns, chain.underlying))
