"""Bring a Parquet, CSV or zipped CSV file into named Arrow columns; text stays text."""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from novate.errors import InputError, RowFault
from novate.units import DAY, HOUR, MINUTE

Report = Callable[[RowFault], None]

ARCHIVE_BYTES_MAX = 4 * 2**30
"""Largest unpacked size of a zip member; a year of minute bars takes about 60 MB."""

KLINE_COLUMNS = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)

_NAME = re.compile(
    r"([A-Za-z0-9_]+?)-(?:([0-9]+)([mhd])|fundingRate)-[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?"
)
_LENGTH_NS = {"m": MINUTE, "h": HOUR, "d": DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A file as columns.

    Attributes
    ----------
    file
        Path as given.
    columns
        Arrow arrays of one length, by canonical name.
    row
        Int64 ``[n]``: row numbers for messages, counted from 1, the header line included.
    symbol, interval_ns
        What the file's name says, as in ``BTCUSDT-1h-2021-05.zip``; None otherwise.
    is_mark
        Whether the file's path says that it holds mark prices (``markPriceKlines``).
    """

    file: str
    columns: dict[str, pa.Array]
    row: npt.NDArray[np.int64]
    symbol: str | None
    interval_ns: int | None
    is_mark: bool


def read_frame(
    path: Path,
    aliases: Mapping[str, tuple[str, ...]],
    required: Iterable[str],
    report: Report,
    headless: tuple[str, ...] | None = KLINE_COLUMNS,
) -> Frame:
    """Read a file into columns.

    Parameters
    ----------
    path
        ``.parquet``, ``.csv`` or ``.zip`` with one CSV inside.
    aliases
        Accepted column names by canonical name; other columns are ignored.
    required
        Canonical names that must be there.
    report
        Called for each CSV row with the wrong number of cells.
    headless
        Column names of a CSV without header line; None refuses such a file.

    Raises
    ------
    InputError
        If the file is missing, empty, cut short, of another format, or lacks a column.
    """
    match path.suffix.lower():
        case ".parquet":
            columns, row = _read_parquet(path, aliases)
        case ".csv":
            columns, row = _read_csv(path, _csv_bytes(path), report, headless)
        case ".zip":
            columns, row = _read_csv(path, _zip_bytes(path), report, headless)
        case suffix:
            message = f"{path}: file type {suffix!r}; allowed: .parquet, .csv, .zip"
            raise InputError(message)
    named = _canonical(path, columns, aliases, required)
    if len(row) == 0:
        message = f"{path}: no rows; allowed: at least one"
        raise InputError(message)
    match = _NAME.match(path.name)
    return Frame(
        file=str(path),
        columns=named,
        row=row,
        symbol=match.group(1).upper() if match else None,
        interval_ns=(
            int(match.group(2)) * _LENGTH_NS[match.group(3)] if match and match.group(2) else None
        ),
        is_mark=any("markprice" in part.lower() for part in path.parts),
    )


def _canonical(
    path: Path,
    columns: Mapping[str, pa.Array],
    aliases: Mapping[str, tuple[str, ...]],
    required: Iterable[str],
) -> dict[str, pa.Array]:
    named: dict[str, pa.Array] = {}
    for name, accepted in aliases.items():
        present = [alias for alias in accepted if alias in columns]
        if len(present) > 1:
            message = f"{path}: columns {present} mean the same; allowed: one of them"
            raise InputError(message)
        if present:
            named[name] = columns[present[0]]
    missing = [name for name in required if name not in named]
    if missing:
        message = f"{path}: columns missing: {missing}; found: {list(columns)}"
        raise InputError(message)
    return named


def _read_parquet(
    path: Path, aliases: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, pa.Array], npt.NDArray[np.int64]]:
    accepted = {alias for names in aliases.values() for alias in names}
    try:
        with pq.ParquetFile(path) as file:
            found = file.schema_arrow.names
            table = file.read(columns=[name for name in found if name in accepted])
    except (OSError, pa.ArrowException) as error:
        message = f"{path}: not readable as Parquet ({error}); allowed: a complete Parquet file"
        raise InputError(message) from error
    columns = {name: _one_chunk(table[name]) for name in table.column_names}
    if not columns:
        message = f"{path}: no usable column; found: {found}; known: {sorted(accepted)}"
        raise InputError(message)
    return columns, np.arange(1, table.num_rows + 1, dtype=np.int64)


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    # A column of no rows may have no chunk at all.
    return pa.concat_arrays(column.chunks or [pa.array([], column.type)])


def _csv_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: not readable ({error.strerror}); allowed: an existing file"
        raise InputError(message) from error


def _zip_bytes(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1 or not members[0].filename.lower().endswith(".csv"):
                names = [member.filename for member in members]
                message = f"{path}: holds {names}; allowed: exactly one CSV file"
                raise InputError(message)
            if members[0].file_size > ARCHIVE_BYTES_MAX:
                size = members[0].file_size
                message = f"{path}: {size} bytes unpacked; allowed: at most {ARCHIVE_BYTES_MAX}"
                raise InputError(message)
            return archive.read(members[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        message = f"{path}: not readable as zip ({error}); allowed: a complete, open zip archive"
        raise InputError(message) from error
    except OSError as error:
        message = f"{path}: not readable ({error}); allowed: an existing file"
        raise InputError(message) from error


def _read_csv(
    path: Path, content: bytes, report: Report, headless: tuple[str, ...] | None
) -> tuple[dict[str, pa.Array], npt.NDArray[np.int64]]:
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
    return columns, np.array(row, np.int64)
