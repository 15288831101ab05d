"""Comma-separated text, with a header line or with columns that are known without one."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from novate.adapter.price_file.format.form import Cells, Report
from novate.errors import InputError, RowFault


@dataclass(frozen=True, slots=True)
class Csv:
    """UTF-8 text in a file with the suffix ``.csv``."""

    name: str = ".csv"

    def recognises(self, path: Path) -> bool:
        """Whether the suffix says so."""
        return path.suffix.lower() == self.name

    def read(
        self,
        path: Path,
        aliases: Mapping[str, tuple[str, ...]],
        report: Report,
        headless: tuple[str, ...] | None,
    ) -> Cells:
        """Read all columns."""
        return cells_of(path, _csv_bytes(path), report, headless)


def _csv_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: not readable ({error.strerror}); allowed: an existing file"
        raise InputError(message) from error


def cells_of(path: Path, content: bytes, report: Report, headless: tuple[str, ...] | None) -> Cells:
    """Return the cells of comma-separated text; a row of another width is reported."""
    try:
        text = content.decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: not readable as CSV ({error}); allowed: UTF-8, comma separated"
        raise InputError(message) from error
    first = next((line for line in lines if line), None)
    if first is None:
        message = f"{path}: empty; allowed: at least one row"
        raise InputError(message)
    names = [cell.strip().lower().replace(" ", "_") for cell in first]
    has_header = not any(cell[:1].isdigit() for cell in names)
    if not has_header:
        if headless is None or len(first) != len(headless):
            wanted = f" or {len(headless)} columns without one" if headless else ""
            message = f"{path}: no header line, {len(first)} columns; allowed: a header{wanted}"
            raise InputError(message)
        names = list(headless)
    if len(set(names)) != len(names):
        message = f"{path}: column names repeat: {names}; allowed: each name once"
        raise InputError(message)
    kept: list[list[str]] = []
    row: list[int] = []
    is_header = has_header
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        if is_header:
            is_header = False
        elif len(line) == len(names):
            kept.append(line)
            row.append(number)
        else:
            report(RowFault(str(path), number, "cells", str(len(line)), f"{len(names)} cells"))
    columns = {
        name: pa.array([cell.strip() or None for cell in cells], pa.string())
        for name, cells in zip(
            names, zip(*kept, strict=True) if kept else [()] * len(names), strict=True
        )
    }
    return Cells(columns, np.array(row, np.int64))
