"""Formats of book and trade files: one file here, and one line in `CATALOGUE`, for each.

Positions, collateral and trades are read through the same catalogue: a format says how a file
becomes rows of text, and who reads them says what the columns mean.  The first that recognises a
file reads it.
"""

from __future__ import annotations

from novate.adapter.book_file.format.form import FileFormat, Report, Sheet
from novate.adapter.book_file.format.json_lines import JsonLines
from novate.adapter.book_file.format.parquet import Parquet
from novate.adapter.book_file.format.text import Csv

CATALOGUE: tuple[FileFormat, ...] = (Csv(), Parquet(), JsonLines())

__all__ = ["CATALOGUE", "FileFormat", "Report", "Sheet"]
