"""Formats of price files: one file here, and one line in `CATALOGUE`, for each.

The first that recognises a file reads it.
"""

from __future__ import annotations

from novate.adapter.price_file.format.archive import ZippedCsv
from novate.adapter.price_file.format.form import FileFormat
from novate.adapter.price_file.format.parquet import Parquet
from novate.adapter.price_file.format.text import Csv

CATALOGUE: tuple[FileFormat, ...] = (Parquet(), Csv(), ZippedCsv())

__all__ = ["CATALOGUE", "FileFormat"]
