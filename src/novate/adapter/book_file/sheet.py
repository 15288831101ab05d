"""Rows of a file as text, and the steps of prices and quantities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from novate.adapter.book_file.format import CATALOGUE, FileFormat, Report
from novate.errors import InputError, RowFault, require
from novate.units import PRICE_DECIMALS, format_decimal, parse_decimal

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


def read_rows(
    path: Path,
    required: Sequence[str],
    report: Report,
    formats: Sequence[FileFormat] = CATALOGUE,
) -> Iterator[Row]:
    """Yield the rows of a file as text, in whichever format it is.

    Parameters
    ----------
    path
        A file of one of the formats.
    required
        Columns that must be there, in lower case; case does not matter in the file.
    report
        Called for each row that cannot be read.
    formats
        What may be read; the first that recognises the file reads it.

    Raises
    ------
    InputError
        If the file is missing, empty, cut short, of another format, or lacks a column.
    """
    form = next((form for form in formats if form.recognises(path)), None)
    if form is None:
        allowed = ", ".join(form.name for form in formats)
        message = f"{path}: file type {path.suffix.lower()!r}; allowed: {allowed}"
        raise InputError(message)
    names, rows = form.read(path, report)
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
