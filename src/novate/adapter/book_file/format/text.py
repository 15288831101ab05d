"""Comma-separated text with a header line."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from novate.adapter.book_file.format.form import Report, Sheet
from novate.errors import InputError


@dataclass(frozen=True, slots=True)
class Csv:
    """UTF-8 text in a file with the suffix ``.csv``; row numbers count the header line."""

    name: str = ".csv"

    def recognises(self, path: Path) -> bool:
        """Whether the suffix says so."""
        return path.suffix.lower() == self.name

    def read(self, path: Path, report: Report) -> Sheet:
        """Read all columns, without the spaces around a cell; empty lines are skipped."""
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
        return Sheet(rows[0][1], rows[1:])
