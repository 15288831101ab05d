from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq

from novate.app.replay.write import SCHEMAS, write_json, write_tables
from novate.app.report.column import COLUMNS, OPTION_COLUMNS


def test_every_table_is_written_with_its_columns_even_when_it_is_empty(tmp_path: Path) -> None:
    write_tables(tmp_path, {})

    for name, columns in SCHEMAS.items():
        table = pq.read_table(tmp_path / f"{name}.parquet")
        assert table.num_rows == 0
        assert {field.name: field.type for field in table.schema} == columns


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    row = {"instant_ns": 2**62 + 1, "account": "fees", "balance": 0.1}

    write_tables(tmp_path, {"ccp": [row, {**row, "balance": -1e18}]})

    assert pq.read_table(tmp_path / "ccp.parquet").to_pylist() == [row, {**row, "balance": -1e18}]


def test_the_report_reads_the_columns_that_are_written() -> None:
    assert {name: set(columns) for name, columns in COLUMNS.items()} == {
        name: set(columns) for name, columns in SCHEMAS.items() if name not in OPTION_COLUMNS
    }
    assert set(COLUMNS) | set(OPTION_COLUMNS) == set(SCHEMAS)


def test_a_document_is_readable_text(tmp_path: Path) -> None:
    content = {"name": "Zürich", "amount": "1.000000", "rows": [1, None, True]}

    write_json(tmp_path / "a.json", content)

    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == content
    assert "Zürich" in text
    assert text.endswith("}\n")
