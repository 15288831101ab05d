"""JSON lines: one object a line, as services write their records."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from novate.adapter.book_file.format.form import Report, Sheet
from novate.errors import InputError, RowFault

Members = list[tuple[str, object]]

SHOWN_MAX = 80
"""Characters of a bad line or cell that a message repeats."""


@dataclass(frozen=True, slots=True)
class JsonLines:
    """UTF-8 text in a file with the suffix ``.jsonl``, one object of texts and numbers a line.

    The columns are the names of all objects, in the order in which they appear first.  A number
    keeps its digits: it never becomes a float.  Row numbers are those of the lines.
    """

    name: str = ".jsonl"

    def recognises(self, path: Path) -> bool:
        """Whether the suffix says so."""
        return path.suffix.lower() == self.name

    def read(self, path: Path, report: Report) -> Sheet:
        """Read all columns, without the spaces around a cell; empty lines are skipped."""
        try:
            lines = path.read_text(encoding="utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            message = f"{path}: not readable as JSON lines ({error}); allowed: UTF-8 text"
            raise InputError(message) from error
        objects: list[tuple[int, dict[str, str]]] = []
        for number, line in enumerate(lines, start=1):
            if line.strip():
                found = _object(path, number, line, report)
                if found is not None:
                    objects.append((number, found))
        names = list(dict.fromkeys(name for _, cells in objects for name in cells))
        if not names:
            message = f"{path}: no object with a name; allowed: one object a line"
            raise InputError(message)
        return Sheet(
            names, [(number, [cells.get(name, "") for name in names]) for number, cells in objects]
        )


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _object(path: Path, number: int, line: str, report: Report) -> dict[str, str] | None:
    """Return a line as texts by name; None, and a report, when it is not such an object."""
    members: Members = []

    def outermost(pairs: Members) -> Members:
        nonlocal members
        members = pairs
        return pairs

    try:
        value = json.loads(
            line,
            object_pairs_hook=outermost,
            parse_float=str,
            parse_int=str,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError):
        value = None
    if value is not members:
        report(RowFault(str(path), number, "line", line.strip()[:SHOWN_MAX], "one JSON object"))
        return None
    cells: dict[str, str] = {}
    for name, cell in members:
        if not name.isprintable():
            # It may be no text that a file can hold: an escape can stand for half a character.
            report(RowFault(str(path), number, "name", name[:SHOWN_MAX], "printable characters"))
            return None
        if name in cells:
            report(RowFault(str(path), number, name, "named twice", "each name once in a line"))
            return None
        if cell is not None and not isinstance(cell, str):
            shown = json.dumps(cell)[:SHOWN_MAX]
            report(RowFault(str(path), number, name, shown, "a text, a number or null"))
            return None
        cells[name] = "" if cell is None else cell.strip()
    return cells
