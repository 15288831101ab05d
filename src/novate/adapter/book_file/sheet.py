"""Rows of a CSV or Parquet file as text, and the steps of prices and quantities."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from novate.errors import InputError, RowFault, require
from novate.units import PRICE_DECIMALS, format_decimal, format_instant, parse_decimal

Report = Callable[[RowFault], None]

UTC_NAMES = frozenset({"UTC", "Etc/UTC", "GMT", "Z", "+00:00"})
NAME_LENGTH_MAX = 64


@dataclass(frozen=True, slots=True)
class Grid:
    """Steps of an instrument, both as integers of 1e-8.

    Attributes
    ----------
    tick_e8
        Smallest price step, 1e-8 quote units.
    lot_e8
        Smallest quantity step, 1e-8 base units (contracts for an inverse contract).
    """

    tick_e8: int
    lot_e8: int

    def __post_init__(self) -> None:
        require(self.tick_e8 > 0 and self.lot_e8 > 0, "tick and lot are positive")


class CellError(Exception):
    """One cell cannot be used; the reader turns it into a `RowFault`."""

    def __init__(self, column: str, value: str, allowed: str) -> None:
        super().__init__(f"{column}: {value!r}; allowed: {allowed}")
        self.column = column
        self.value = value
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Row:
    """One row as text.

    Attributes
    ----------
    number
        Row number, counted from 1, a header line included.
    cells
        Text by column; an absent or null cell is the empty text.
    """

    number: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a name: not empty, not too long, printable, without spaces at its ends."""
        value = self.cells.get(column, "")
        if not value or len(value) > NAME_LENGTH_MAX or not value.isprintable():
            raise CellError(column, value[:80], f"1 to {NAME_LENGTH_MAX} printable characters")
        return value

    def known(self, column: str, names: Sequence[str]) -> str:
        """Return a text that is one of several."""
        value = self.text(column)
        if value not in names:
            raise CellError(column, value, ", ".join(names))
        return value

    def amount(self, column: str, decimals: int, limit: int) -> int:
        """Return a number as an exact integer of ``10**-decimals``."""
        value = self.cells.get(column, "")
        try:
            return parse_decimal(value, decimals, limit=limit)
        except InputError as error:
            bound = format_decimal(limit, decimals)
            allowed = f"a number of at most {bound} in size with {decimals} decimals"
            raise CellError(column, value[:80], allowed) from error

    def steps(self, column: str, step_e8: int, limit: int) -> int:
        """Return a number as a count of steps; between two steps is refused."""
        value = self.amount(column, PRICE_DECIMALS, limit)
        count, rest = divmod(value, step_e8)
        if rest:
            step = format_decimal(step_e8, PRICE_DECIMALS)
            raise CellError(column, self.cells[column], f"a multiple of {step}")
        return count


def read_rows(path: Path, required: Sequence[str], report: Report) -> Iterator[Row]:
    """Yield the rows of a CSV (with header) or Parquet file as text.

    Floats become their shortest decimal text, which is what the writer meant (see
    `novate.units`); Arrow timestamps become ISO 8601 in UTC.

    Raises
    ------
    InputError
        If the file is missing, empty, cut short, of another format, or lacks a column.
    """
    match path.suffix.lower():
        case ".csv":
            names, rows = _csv_rows(path)
        case ".parquet":
            names, rows = _parquet_rows(path)
        case suffix:
            message = f"{path}: file type {suffix!r}; allowed: .csv, .parquet"
            raise InputError(message)
    known = [name.lower() for name in names]
    missing = [name for name in required if name not in known]
    if missing:
        hint = " (is the header line missing?)" if len(missing) == len(required) else ""
        message = f"{path}: columns missing: {missing}; found: {names}{hint}"
        raise InputError(message)
    if len(set(known)) != len(known):
        message = f"{path}: columns {names}; allowed: each once, whatever its case"
        raise InputError(message)
    names = known
    if not rows:
        message = f"{path}: no rows; allowed: at least one"
        raise InputError(message)
    for number, cells in rows:
        if len(cells) == len(names):
            yield Row(number, dict(zip(names, cells, strict=True)))
        else:
            report(RowFault(str(path), number, "cells", str(len(cells)), f"{len(names)} cells"))


def _csv_rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = [
                (number, [cell.strip() for cell in cells])
                for number, cells in enumerate(csv.reader(lines, strict=True), start=1)
                if cells
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: not readable as CSV ({error}); allowed: UTF-8, comma separated"
        raise InputError(message) from error
    if not rows:
        message = f"{path}: empty; allowed: a header line and rows"
        raise InputError(message)
    return rows[0][1], rows[1:]


def _parquet_rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        message = f"{path}: not readable as Parquet ({error}); allowed: a complete Parquet file"
        raise InputError(message) from error
    columns = [_texts(path, name, table[name]) for name in table.column_names]
    cells = zip(*columns, strict=True)
    return table.column_names, [(k, list(row)) for k, row in enumerate(cells, start=1)]


def _texts(path: Path, name: str, column: pa.ChunkedArray) -> list[str]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.tz not in UTC_NAMES:
            message = f"{path}, {name}: time zone {kind.tz!r}; allowed: UTC"
            raise InputError(message)
        try:
            counts = column.cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64()).to_pylist()
        except pa.ArrowInvalid as error:
            message = f"{path}, {name}: {error}; allowed: 1970-01-01 to 2261-12-31 UTC"
            raise InputError(message) from error
        return ["" if count is None else format_instant(count) for count in counts]
    if pa.types.is_floating(kind):
        return [
            "" if cell is None else repr(cell) for cell in column.cast(pa.float64()).to_pylist()
        ]
    return ["" if cell is None else str(cell) for cell in column.to_pylist()]
