"""Parquet tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from novate.adapter.book_file.format.form import Report, Sheet
from novate.errors import InputError
from novate.units import format_instant

UTC_NAMES = frozenset({"UTC", "Etc/UTC", "GMT", "Z", "+00:00"})

_WRITTEN = (
    pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_integer,
    pa.types.is_decimal, pa.types.is_null,
)  # fmt: skip
"""Types whose values are text as they are; floats and timestamps are written out."""


@dataclass(frozen=True, slots=True)
class Parquet:
    """One table in a file with the suffix ``.parquet``."""

    name: str = ".parquet"

    def recognises(self, path: Path) -> bool:
        """Whether the suffix says so."""
        return path.suffix.lower() == self.name

    def read(self, path: Path, report: Report) -> Sheet:
        """Read all columns as text.

        Floats become their shortest decimal text, which is what the writer meant (see
        `novate.units`); timestamps become ISO 8601 in UTC.  Other types than texts, numbers and
        timestamps have no text that their writer meant: they are refused.
        """
        try:
            with pq.ParquetFile(path) as file:
                table = file.read()
                table.validate(full=True)
        except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
            message = f"{path}: not readable as Parquet ({error}); allowed: a complete Parquet file"
            raise InputError(message) from error
        names = table.column_names
        columns = [_texts(path, name, table.column(k)) for k, name in enumerate(names)]
        cells = zip(*columns, strict=True)
        return Sheet(names, [(k, list(row)) for k, row in enumerate(cells, start=1)])


def _texts(path: Path, name: str, column: pa.ChunkedArray) -> list[str]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
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
    if not any(is_kind(kind) for is_kind in _WRITTEN):
        message = f"{path}, {name}: type {kind}; allowed: texts, numbers and timestamps"
        raise InputError(message)
    return ["" if cell is None else str(cell) for cell in column.to_pylist()]
