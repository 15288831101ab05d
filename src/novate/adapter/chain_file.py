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
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from novate.errors import InputError, RowFault
from novate.market.volatility.chain import STRIKE_SCALE, Chain, PriceUnit
from novate.units import MINUTE, Rounding, parse_decimal, parse_instant

Report = Callable[[RowFault], None]

UTC_NAMES = frozenset({"UTC", "Etc/UTC", "GMT", "Z", "+00:00"})
SIDES = {"call": 1, "C": 1, "put": -1, "P": -1}
UNITS = {"coin": PriceUnit.COIN, "quote": PriceUnit.QUOTE}
FRESH_NS = 5 * MINUTE
"""How close observations of one snapshot are; the age at which a quote is stale by default."""
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
    """Text of a file by column, and the row number of each row."""

    path: Path
    numbers: list[int]
    texts: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True, slots=True)
class _Row:
    """One option as read, and the number of its row."""

    number: int
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
    numbers = list(range(1, table.num_rows + 1))
    return _Cells(path, numbers, {name: _as_text(path, name, table[name]) for name in names})


def _read_csv(path: Path, report: Report) -> _Cells:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    if not rows:
        message = f"{path}: empty; allowed: a header line and rows"
        raise InputError(message)
    head = rows[0]
    whole = {number: row for number, row in enumerate(rows[1:], start=2) if len(row) == len(head)}
    for number, row in enumerate(rows[1:], start=2):
        if number not in whole:
            report(RowFault(str(path), number, "row", f"{len(row)} cells", f"{len(head)} cells"))
    texts = {name: [row[at] for row in whole.values()] for at, name in enumerate(head)}
    return _Cells(path, list(whole), texts)


def _read(path: Path, report: Report) -> _Cells:
    kind = path.suffix.lower()
    if kind not in {".csv", ".parquet"}:
        message = f"{path}: file type {path.suffix!r}; allowed: .csv, .parquet"
        raise InputError(message)
    try:
        return _read_csv(path, report) if kind == ".csv" else _read_parquet(path)
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


def _row(layout: Layout, number: int, texts: dict[str, str]) -> _Row:
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
        number=number,
        snapshot=texts.get("snapshot", ""),
        underlying=underlying,
        unit=unit,
        observed_ns=_instant(columns["observed"], texts["observed"]),
        expiry_ns=_instant(columns["expiry"], texts["expiry"]),
        strike_e8=_strike(columns["strike"], texts["strike"]),
        side=SIDES[side],
        numbers=tuple(numbers),
    )


def snapshot_instant(observed_ns: Sequence[int]) -> int:
    """Return when a snapshot was taken, whatever single rows say.

    The latest observation at which at least half of the rows had been observed within `FRESH_NS`;
    rows after it are not of its time.  Without such an instant it is the last observation.
    """
    at = sorted(observed_ns)
    for last in range(len(at), 0, -1):
        fresh = last - bisect_left(at, at[last - 1] - FRESH_NS)
        if 2 * fresh >= len(at):
            return at[last - 1]
    return at[-1]


def _of_one_unit(rows: list[_Row], refuse: Callable[[int, str, str, str], None]) -> list[_Row]:
    """Return the rows in the unit of most of them, the first on a tie; others are refused."""
    counts = Counter(row.unit for row in rows)
    most = max(counts.values())
    unit = next(row.unit for row in rows if counts[row.unit] == most)
    name = {kind: name for name, kind in UNITS.items()}
    for row in rows:
        if row.unit is not unit:
            refuse(row.number, "unit", name[row.unit], f"{name[unit]}, as most of its snapshot")
    return [row for row in rows if row.unit is unit]


def _chain(rows: Sequence[_Row]) -> Chain:
    """Put the rows of one underlying and snapshot into columns."""
    numbers = dict(zip(NUMBERS, np.array([row.numbers for row in rows]).T, strict=True))
    spot = numbers.pop("spot")
    known = spot[np.isfinite(spot)]
    return Chain(
        underlying=rows[0].underlying,
        unit=rows[0].unit,
        instant_ns=snapshot_instant([row.observed_ns for row in rows]),
        spot=float(np.median(known)) if len(known) else math.nan,
        expiry_ns=np.array([row.expiry_ns for row in rows], np.int64),
        strike_e8=np.array([row.strike_e8 for row in rows], np.int64),
        side=np.array([row.side for row in rows], np.int8),
        observed_ns=np.array([row.observed_ns for row in rows], np.int64),
        **numbers,
    )


def load_chains(path: Path | str, report: Report) -> list[Chain]:
    """Return the chains of a file by (instant, underlying).

    A snapshot's instant is that of `snapshot_instant`, its spot the median of the index prices in
    it, its unit that of most of its rows.

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
        If the file is missing, broken, or of no known layout.
    """

    def refuse(number: int, column: str, value: str, allowed: str) -> None:
        report(RowFault(str(path), number, column, value, allowed))

    cells = _read(Path(path), report)
    layout = _layout_of(cells)
    groups: dict[tuple[str, str], list[_Row]] = {}
    for at in range(len(cells)):
        texts = {name: cells.texts[column][at] for name, column in layout.columns.items()}
        try:
            row = _row(layout, cells.numbers[at], texts)
        except _CellError as error:
            refuse(cells.numbers[at], error.column, error.value, error.allowed)
            continue
        groups.setdefault((row.snapshot, row.underlying), []).append(row)
    chains = [_chain(_of_one_unit(rows, refuse)) for rows in groups.values()]
    return sorted(chains, key=lambda chain: (chain.instant_ns, chain.underlying))
