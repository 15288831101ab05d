"""Numbers in the cells of a file of instruments."""

from __future__ import annotations

import re

from novate.adapter.book_file.sheet import CellError, Row

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
NUMBER_MAX = 1e15


def optional(row: Row, column: str, least: float = -NUMBER_MAX) -> float | None:
    """Return the number in a column, None for an empty cell."""
    value = row.cells.get(column, "")
    return number(column, value, least) if value else None


def positive(row: Row, column: str) -> float:
    """Return the number in a column, which is there and above zero."""
    value = row.cells.get(column, "")
    found = number(column, value, 0.0)
    if found == 0.0:
        raise CellError(column, value[:80], "more than zero")
    return found


def number(column: str, value: str, least: float, most: float = NUMBER_MAX) -> float:
    """Return a plain decimal number from ``least`` to ``most``.

    Raises
    ------
    CellError
        If the text is none; inf, nan and digits grouped by other characters are none.
    """
    found = float(value) if NUMBER.fullmatch(value) else None
    if found is None or not least <= found <= most:
        raise CellError(column, value[:80], f"a number from {least:g} to {most:g}")
    return found
