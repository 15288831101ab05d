from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from novate.adapter.book_file.format.parquet import Parquet
from novate.adapter.book_file.sheet import read_rows
from novate.errors import InputError


def test_a_table_becomes_rows_of_text(tmp_path: Path) -> None:
    path = tmp_path / "BOOK.PARQUET"
    columns = {"Name": ["x", None], "size": pa.array([0.1, 39432.48]), "count": [7, None]}
    pq.write_table(pa.table(columns), path)

    assert Parquet().recognises(path)
    names, rows = Parquet().read(path, pytest.fail)

    assert names == ["Name", "size", "count"]
    assert rows == [(1, ["x", "0.1", "7"]), (2, ["", "39432.48", ""])]


def _with_bytes(content: bytes) -> pa.Array:
    """A text column of one cell with any bytes."""
    ends = pa.py_buffer(np.array([0, len(content)], np.int32).tobytes())
    return pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(content)])


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"A"]),
        pa.array([True]),
        pa.array([["A"]]),
        pa.array([{"A": 1}]),
        pa.array([1], pa.duration("ns")),
        pa.array([dt.date(2020, 1, 1)]),
        pa.array([2**30], pa.date32()),
        pa.array([1], pa.time64("ns")),
        pa.array([b"A"]).dictionary_encode(),
        _with_bytes(b"\xff"),
    ],
    ids=lambda column: str(column.type),
)
def test_a_column_without_text_that_its_writer_meant_is_refused(
    tmp_path: Path, column: Any
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"name": column}), path)

    with pytest.raises(InputError, match="allowed: "):
        Parquet().read(path, pytest.fail)


def test_texts_numbers_and_their_dictionaries_are_text(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    columns = {
        "large": pa.array(["x"], pa.large_string()),
        "dictionary": pa.array(["y"]).dictionary_encode(),
        "instant": pa.array([0], pa.timestamp("s", tz="UTC")),
        "small": pa.array([7], pa.uint8()),
        "exact": pa.array(["1.50"]).cast(pa.decimal128(10, 2)),
        "nothing": pa.nulls(1),
    }
    pq.write_table(pa.table(columns), path)

    [(_, cells)] = Parquet().read(path, pytest.fail).rows

    assert cells == ["x", "y", "1970-01-01T00:00:00Z", "7", "1.50", ""]


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["1"])] * 2, names=["size", "size"]), path)

    with pytest.raises(InputError, match="each once"):
        list(read_rows(path, ("size",), pytest.fail))
