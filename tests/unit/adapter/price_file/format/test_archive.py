from __future__ import annotations

import zipfile
from pathlib import Path

from novate.adapter.price_file.format.archive import ZippedCsv


def test_a_table_becomes_columns_with_the_rows_they_stand_in(tmp_path: Path) -> None:
    path = tmp_path / "BARS.ZIP"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bars.csv", "open,other\n1,x\n2,y\n")

    assert ZippedCsv().recognises(path)
    columns, row = ZippedCsv().read(path, {"open": ("open",)}, print, None)

    assert columns["open"].to_pylist() == ["1", "2"]
    assert row.tolist() == [2, 3]
