from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.adapter.book_file.format import Sheet
from novate.adapter.book_file.format.json_lines import JsonLines
from novate.errors import InputError, RowFault


def read(folder: Path, content: bytes) -> tuple[Sheet, list[RowFault]]:
    path = folder / "a.jsonl"
    path.write_bytes(content)
    faults: list[RowFault] = []
    return JsonLines().read(path, faults.append), faults


def test_a_line_becomes_a_row_and_numbers_keep_their_digits(tmp_path: Path) -> None:
    content = (
        b'\xef\xbb\xbf{"a": 0.10, "b": " x "}\r\n\r\n{"c": null, "a": 12345678901234567890.5}\n'
    )

    sheet, faults = read(tmp_path, content)

    assert sheet.names == ["a", "b", "c"]
    assert sheet.rows == [(1, ["0.10", "x", ""]), (3, ["12345678901234567890.5", "", ""])]
    assert faults == []


@pytest.mark.parametrize(
    ("line", "column", "value"),
    [
        ('{"a": 1', "line", '{"a": 1'),
        ("[1]", "line", "[1]"),
        ('[{"a": 1}]', "line", '[{"a": 1}]'),
        ('"a"', "line", '"a"'),
        ("null", "line", "null"),
        ('{"a": NaN}', "line", '{"a": NaN}'),
        ('{"a": 1} {"a": 2}', "line", '{"a": 1} {"a": 2}'),
        ("[" * 100_000, "line", "[" * 80),
        ('{"a": 1, "a": 2}', "a", "named twice"),
        ('{"a": true}', "a", "true"),
        ('{"a": [1]}', "a", '["1"]'),
        ('{"a": "1", "\\ud800": [1]}', "name", "\ud800"),
        ('{"a": "1", "\\n": "2"}', "name", "\n"),
    ],
)
def test_a_line_that_is_no_object_of_texts_and_numbers_is_reported(
    tmp_path: Path, line: str, column: str, value: str
) -> None:
    sheet, faults = read(tmp_path, f'{{"a": "x"}}\n{line}\n'.encode())

    assert sheet.rows == [(1, ["x"])]
    assert [(fault.row, fault.column, fault.value) for fault in faults] == [(2, column, value)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "one object a line"), (b"{}\n", "one object a line"), (b"\xff", "not readable as JSON")],
)
def test_a_file_without_a_column_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read(tmp_path, content)
    with pytest.raises(InputError, match="not readable as JSON"):
        JsonLines().read(tmp_path / "absent.jsonl", pytest.fail)


@given(rows=st.lists(st.tuples(st.text(), st.integers()), min_size=1))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int]]
) -> None:
    content = "".join(json.dumps({"text": text, "count": count}) + "\n" for text, count in rows)

    sheet, faults = read(tmp_path_factory.mktemp("lines"), content.encode())

    assert [cells for _, cells in sheet.rows] == [[text.strip(), str(n)] for text, n in rows]
    assert faults == []


def test_what_is_told_of_a_line_is_text_that_a_file_holds(tmp_path: Path) -> None:
    _, [fault] = read(tmp_path, b'{"a": 1}\n{"\\ud800": 1}\n')

    assert str(fault).encode("utf-8").endswith(b"allowed: printable characters")
