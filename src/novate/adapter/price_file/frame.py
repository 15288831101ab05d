"""Bring a file of prices into named Arrow columns, in whichever format it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from novate.adapter.price_file.format import CATALOGUE
from novate.adapter.price_file.format.form import FileFormat, Report
from novate.errors import InputError
from novate.units import DAY, HOUR, MINUTE

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
    formats: Sequence[FileFormat] = CATALOGUE,
) -> Frame:
    """Read a file into columns.

    Parameters
    ----------
    path
        A file of one of the formats.
    aliases
        Accepted column names by canonical name; other columns are ignored.
    required
        Canonical names that must be there.
    report
        Called for each CSV row with the wrong number of cells.
    headless
        Column names of a CSV without header line; None refuses such a file.
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
        raise InputError(f"{path}: file type {path.suffix.lower()!r}; allowed: {allowed}")
    columns, row = form.read(path, aliases, report, headless)
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
