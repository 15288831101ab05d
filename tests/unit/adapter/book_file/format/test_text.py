from __future__ import annotations

from pathlib import Path

import pytest

from novate.adapter.book_file.format.text import Csv


def test_a_table_becomes_rows_of_text_with_the_lines_they_stand_in(tmp_path: Path) -> None:
    path = tmp_path / "BOOK.CSV"
    path.write_text("Name, size\n\n x ,1\ny\n", encoding="utf-8")

    assert Csv().recognises(path)
    names, rows = Csv().read(path, pytest.fail)

    assert names == ["Name", "size"]
    assert rows == [(3, ["x", "1"]), (4, ["y"])]
