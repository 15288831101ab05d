from __future__ import annotations

from pathlib import Path

from novate.adapter.price_file.format.text import Csv


def test_a_table_becomes_columns_with_the_rows_they_stand_in(tmp_path: Path) -> None:
    path = tmp_path / "BARS.CSV"
    path.write_text("open,other\n1,x\n2,y\n", encoding="utf-8")

    assert Csv().recognises(path)
    columns, row = Csv().read(path, {"open": ("open",)}, print, None)

    assert columns["open"].to_pylist() == ["1", "2"]
    assert row.tolist() == [2, 3]
