from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.adapter.price_file.bars import ALIASES, REQUIRED
from novate.adapter.price_file.frame import Frame, read_frame
from novate.errors import InputError, RowFault

HEADER = "open_time,symbol,open,high,low,close,volume\n"
LINE = "2021-05-19T00:00:00Z,BTCUSDT,10,12,9,11,5\n"


def read(path: Path, faults: list[RowFault] | None = None) -> Frame:
    return read_frame(path, ALIASES, REQUIRED, (faults if faults is not None else []).append)


def text_file(folder: Path, text: str | bytes, name: str = "bars.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def zip_file(folder: Path, members: dict[str, str], name: str = "BTCUSDT-1h-2021-05.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    return path


def test_a_csv_keeps_its_text_and_its_row_numbers(tmp_path: Path) -> None:
    frame = read(text_file(tmp_path, "\ufeff" + HEADER + "\n" + LINE + LINE))

    assert frame.columns["open"].to_pylist() == ["10", "10"]
    assert frame.row.tolist() == [3, 4]
    assert (frame.symbol, frame.interval_ns, frame.is_mark) == (None, None, False)


def test_the_name_and_the_folder_of_an_archive_tell_what_is_inside(tmp_path: Path) -> None:
    folder = tmp_path / "markPriceKlines"
    folder.mkdir()
    line = "1621382400000,10,12,9,11,0,1621385999999,0,0,0,0,0\n"

    frame = read(zip_file(folder, {"BTCUSDT-1h-2021-05.csv": line}))

    assert (frame.symbol, frame.interval_ns, frame.is_mark) == ("BTCUSDT", 3_600 * 10**9, True)
    assert frame.row.tolist() == [1]


def test_a_row_with_too_few_cells_is_reported_and_left_out(tmp_path: Path) -> None:
    faults: list[RowFault] = []
    path = text_file(tmp_path, HEADER + "2021-05-19T00:00:00Z,BTCUSDT,10\n" + LINE)

    assert read(path, faults).row.tolist() == [3]
    assert faults == [RowFault(str(path), 2, "cells", "3", "7 cells")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (HEADER, "no rows"),
        (b"\xff\xfe\x00\x01", "not readable as CSV"),
        (HEADER + '"unfinished', "not readable as CSV"),
        ("open_time,open,high\n2021,1,2\n", r"columns missing: \['low', 'close', 'volume'\]"),
        (HEADER.replace("close", "open"), "column names repeat"),
        (HEADER.replace("symbol", "date") + LINE, "mean the same"),
        ("1621382400000,10,12,9,11,0\n", "no header line, 6 columns"),
    ],
)
def test_a_csv_that_is_no_price_file_is_refused(
    tmp_path: Path, text: str | bytes, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        read(text_file(tmp_path, text))


@given(cut=st.floats(0.0, 0.999))
def test_a_truncated_archive_is_refused(
    tmp_path_factory: pytest.TempPathFactory, cut: float
) -> None:
    path = zip_file(tmp_path_factory.mktemp("cut"), {"a.csv": HEADER + LINE * 50})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * cut)])

    with pytest.raises(InputError, match="not readable as zip"):
        read(path)


def test_an_archive_with_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    path = zip_file(tmp_path, {"a.csv": HEADER + LINE * 50})
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)

    with pytest.raises(InputError, match="not readable as zip"):
        read(path)


@pytest.mark.parametrize(
    "members", [{}, {"a.csv": "x", "b.csv": "y"}, {"readme.txt": "x"}], ids=["none", "two", "text"]
)
def test_an_archive_holds_exactly_one_csv(tmp_path: Path, members: dict[str, str]) -> None:
    with pytest.raises(InputError, match="exactly one CSV"):
        read(zip_file(tmp_path, members))


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("novate.adapter.price_file.format.archive.ARCHIVE_BYTES_MAX", 10)

    with pytest.raises(InputError, match="bytes unpacked; allowed: at most 10"):
        read(zip_file(tmp_path, {"a.csv": HEADER + LINE}))


@pytest.mark.parametrize("cut", [0, 3, 100, -1, -9])
def test_a_truncated_parquet_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.table({name: ["1"] for name in (*REQUIRED, "symbol")}), path)
    path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(InputError, match="not readable as Parquet"):
        read(path)


def test_a_parquet_file_needs_the_columns_and_rows(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.table({"price": [1.0]}), path)
    with pytest.raises(InputError, match="no usable column"):
        read(path)

    pq.write_table(pa.table({"open": [1.0]}), path)
    with pytest.raises(InputError, match="columns missing"):
        read(path)

    empty = pa.table({name: pa.array([], pa.string()) for name in (*REQUIRED, "symbol")})
    pq.write_table(empty, path)
    with pytest.raises(InputError, match="no rows"):
        read(path)


def test_a_dictionary_column_is_read_as_its_text(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    columns = {name: pa.array(["1", "2"]) for name in REQUIRED}
    columns["symbol"] = pa.array(["A", "B"]).dictionary_encode()
    pq.write_table(pa.table(columns), path)

    assert read(path).columns["symbol"].to_pylist() == ["A", "B"]


@pytest.mark.parametrize("name", ["absent.csv", "absent.zip", "absent.parquet", "prices.xlsx", "x"])
def test_a_file_that_is_not_there_or_of_no_known_type_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="allowed"):
        read(tmp_path / name)
