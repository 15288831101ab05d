"""Parquet tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from novate.adapter.price_file.format.form import Cells, Report
from novate.errors import InputError


@dataclass(frozen=True, slots=True)
class Parquet:
    """One table in a file with the suffix ``.parquet``."""

    name: str = ".parquet"

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
        """Read the columns that have a meaning."""
        return _read_parquet(path, aliases)


def _read_parquet(path: Path, aliases: Mapping[str, tuple[str, ...]]) -> Cells:
    accepted = {alias for names in aliases.values() for alias in names}
    try:
        with pq.ParquetFile(path) as file:
            found = file.schema_arrow.names
            twice = sorted({name for name in found if found.count(name) > 1 and name in accepted})
            if twice:
                message = f"{path}: columns {twice} are there more than once; allowed: each once"
                raise InputError(message)
            table = file.read(columns=[name for name in found if name in accepted])
    except (OSError, pa.ArrowException) as error:
        message = f"{path}: not readable as Parquet ({error}); allowed: a complete Parquet file"
        raise InputError(message) from error
    columns = {name: _one_chunk(table[name]) for name in table.column_names}
    if not columns:
        message = f"{path}: no usable column; found: {found}; known: {sorted(accepted)}"
        raise InputError(message)
    return Cells(columns, np.arange(1, table.num_rows + 1, dtype=np.int64))


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    # A column of no rows may have no chunk at all.
    return pa.concat_arrays(column.chunks or [pa.array([], column.type)])
