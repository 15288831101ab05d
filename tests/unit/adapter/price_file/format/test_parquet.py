from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from novate.adapter.price_file.format.parquet import Parquet


def test_a_table_becomes_columns_with_the_rows_they_stand_in(tmp_path: Path) -> None:
    path = tmp_path / "BARS.PARQUET"
    table = pa.table({"open": ["1", "2"], "other": ["x", "y"]})
    pq.write_table(table, path)

    assert Parquet().recognises(path)
    columns, row = Parquet().read(path, {"open": ("open",)}, print, None)

    assert columns["open"].to_pylist() == ["1", "2"]
    assert row.tolist() == [1, 2]
