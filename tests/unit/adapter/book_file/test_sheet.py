from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from novate.adapter.book_file.sheet import CellError, Grid, Row, read_rows
from novate.errors import InputError, InvariantError, RowFault


def rows(path: Path, *required: str) -> tuple[list[Row], list[RowFault]]:
    faults: list[RowFault] = []
    return list(read_rows(path, required, faults.append)), faults


def test_a_csv_gives_text_by_column_and_row_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Name, size\n\n x ,1\ny\n")

    found, faults = rows(path, "name", "size")

    assert found == [Row(3, {"name": "x", "size": "1"})]
    assert faults == [RowFault(str(path), 4, "cells", "1", "2 cells")]


def test_parquet_columns_become_the_text_that_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "price": pa.array([39432.48, None]),
            "small": pa.array([0.1, 0.2], pa.float32()),
            "exact": pa.array([Decimal("1.50"), None]),
            "count": pa.array([7, None]),
            "instant": pa.array([datetime(2021, 5, 19, tzinfo=UTC), None]),
        }
    )
    pq.write_table(table, path)

    found, _ = rows(path, "price")

    assert found[0].cells["price"] == "39432.48"
    assert found[0].cells["exact"] == "1.50"
    assert found[0].cells["count"] == "7"
    assert found[0].cells["instant"] == "2021-05-19T00:00:00Z"
    assert set(found[1].cells.values()) == {"", "0.20000000298023224"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"name\n", "no rows"),
        (b"name,name\n1,2\n", "each once"),
        (b"other\n1\n", r"missing: .'name'.; found: .'other'.\s.is the header line missing"),
        (b"name\n\xff\n", "not readable as CSV"),
        (b'name\n"open\n', "not readable as CSV"),
    ],
)
def test_a_csv_that_is_no_table_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    with pytest.raises(InputError, match=reason):
        rows(path, "name")


def test_a_broken_absent_or_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    for name in ("cut.parquet", "absent.parquet", "absent.csv", "book.xlsx"):
        with pytest.raises(InputError, match="allowed"):
            rows(tmp_path / name)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(pa.timestamp("us"), "time zone None"), (pa.timestamp("us", tz="Asia/Tokyo"), "Asia/Tokyo")],
)
def test_parquet_times_are_utc(tmp_path: Path, kind: pa.DataType, reason: str) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"instant": pa.array([0], kind)}), path)

    with pytest.raises(InputError, match=reason):
        rows(path, "instant")


def test_parquet_times_beyond_nanoseconds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"instant": pa.array([2**60], pa.timestamp("ms", tz="UTC"))}), path)

    with pytest.raises(InputError, match="2261"):
        rows(path, "instant")


def test_cells_are_read_as_what_they_must_be() -> None:
    row = Row(2, {"name": "x", "size": "0.015", "empty": "", "odd": "a\tb", "long": "x" * 65})

    assert row.text("name") == "x"
    assert row.known("name", ("x", "y")) == "x"
    assert row.amount("size", 6, 10**18) == 15_000
    assert row.steps("size", 500_000, 10**18) == 3
    for column in ("empty", "odd", "long", "absent"):
        with pytest.raises(CellError, match="printable"):
            row.text(column)
    with pytest.raises(CellError, match="a, b"):
        row.known("name", ("a", "b"))
    with pytest.raises(CellError, match=r"multiple of 0\.01000000"):
        row.steps("size", 10**6, 10**18)
    with pytest.raises(CellError, match="a number of at most"):
        row.amount("size", 2, 10**18)


def test_steps_are_positive() -> None:
    with pytest.raises(InvariantError, match="positive"):
        Grid(0, 1)
