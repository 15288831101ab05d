from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from novate.adapter.price_file.format.parquet import Parquet
from novate.errors import InputError


def test_a_table_becomes_columns_with_the_rows_they_stand_in(tmp_path: Path) -> None:
    path = tmp_path / "BARS.PARQUET"
    table = pa.table({"open": ["1", "2"], "other": ["x", "y"]})
    pq.write_table(table, path)

    assert Parquet().recognises(path)
    columns, row = Parquet().read(path, {"open": ("open",)}, print, None)

    assert columns["open"].to_pylist() == ["1", "2"]
    assert row.tolist() == [1, 2]


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["1"])] * 2, names=["open", "open"]), path)

    with pytest.raises(InputError, match="more than once"):
        Parquet().read(path, {"open": ("open",)}, print, None)
