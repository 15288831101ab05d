from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from novate.adapter.book_file.format.parquet import Parquet


def test_a_table_becomes_rows_of_text(tmp_path: Path) -> None:
    path = tmp_path / "BOOK.PARQUET"
    columns = {"Name": ["x", None], "size": pa.array([0.1, 39432.48]), "count": [7, None]}
    pq.write_table(pa.table(columns), path)

    assert Parquet().recognises(path)
    names, rows = Parquet().read(path, pytest.fail)

    assert names == ["Name", "size", "count"]
    assert rows == [(1, ["x", "0.1", "7"]), (2, ["", "39432.48", ""])]
