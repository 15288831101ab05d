"""Rows of instruments: what is read, and what is left out with its reason."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from novate.adapter.book_file.sheet import CellError
from novate.app.pricing.instrument_sheet import Instrument, read_instruments
from novate.errors import InputError, RowFault
from novate.units import parse_instant

HEADER = "symbol,kind,underlying,side,strike,expiry,settlement,unit,quantity,vol,price\n"
GOOD = "C1,european,BTC,call,70000,2026-03-20T08:00:00Z,BTC,0.1,-10,0.5,0.03\n"


def anything(_: Instrument) -> None:
    """A market that prices everything."""


def read(folder: Path, *lines: str) -> tuple[list[Instrument], list[RowFault]]:
    path = folder / "sheet.csv"
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    faults: list[RowFault] = []
    return read_instruments(path, anything, faults.append), faults


def test_a_row_is_read_with_everything_it_says(tmp_path: Path) -> None:
    [one], faults = read(tmp_path, GOOD)

    assert faults == []
    assert one == Instrument(
        row=2,
        symbol="C1",
        underlying="BTC",
        settlement="BTC",
        kind="european",
        side=1.0,
        strike=70_000.0,
        expiry_ns=parse_instant("2026-03-20T08:00:00Z"),
        unit=0.1,
        quantity=-10.0,
        vol=0.5,
        price=0.03,
    )


def test_what_a_kind_does_not_need_may_be_empty(tmp_path: Path) -> None:
    found, faults = read(
        tmp_path,
        "S,spot,BTC,,,,,,,,\n",
        "P,perpetual,BTC,,,,BTC,10,5,,\n",
        "F,future,BTC,,71000,2026-06-26T08:00:00Z,,,,,\n",
    )

    assert faults == []
    assert [one.strike for one in found] == [None, None, 71_000.0]
    assert [one.expiry_ns == 0 for one in found] == [True, True, False]
    assert found[0].quantity is None
    assert found[0].unit == 1.0


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (",european,BTC,call,70000,2026-03-20T08:00:00Z,,,,,\n", "symbol"),
        ("X,asian,BTC,call,70000,2026-03-20T08:00:00Z,,,,,\n", "kind"),
        ("X,european,,call,70000,2026-03-20T08:00:00Z,,,,,\n", "underlying"),
        ("X,european,BTC,buy,70000,2026-03-20T08:00:00Z,,,,,\n", "side"),
        ("X,european,BTC,call,0,2026-03-20T08:00:00Z,,,,,\n", "strike"),
        ("X,european,BTC,call,,2026-03-20T08:00:00Z,,,,,\n", "strike"),
        ("X,european,BTC,call,nan,2026-03-20T08:00:00Z,,,,,\n", "strike"),
        ("X,european,BTC,call,70_000,2026-03-20T08:00:00Z,,,,,\n", "strike"),
        ("X,european,BTC,call,70000,2026-03-20,,,,,\n", "expiry"),
        ("X,future,BTC,,,,,,,,\n", "expiry"),
        ("X,perpetual,BTC,,,2026-03-20T08:00:00Z,,,,,\n", "expiry"),
        ("X,spot,BTC,,,,,-1,,,\n", "unit"),
        ("X,spot,BTC,,,,,,many,,\n", "quantity"),
        ("X,european,BTC,put,70000,2026-03-20T08:00:00Z,,,,-0.1,\n", "vol"),
        ("X,european,BTC,put,70000,2026-03-20T08:00:00Z,,,,,-1\n", "price"),
        ("C1,spot,BTC,,,,,,,,\n", "symbol"),
        ("X,spot,BTC\n", "cells"),
    ],
)
def test_a_bad_row_is_left_out_with_its_column_and_the_others_stay(
    tmp_path: Path, line: str, column: str
) -> None:
    found, [fault] = read(tmp_path, GOOD, line, GOOD.replace("C1", "C2"))

    assert [one.symbol for one in found] == ["C1", "C2"]
    assert (fault.row, fault.column) == (3, column)
    assert fault.allowed


def test_what_the_market_refuses_is_left_out_too(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(HEADER + GOOD, encoding="utf-8")
    faults: list[RowFault] = []

    def refuse(one: Instrument) -> None:
        raise CellError("underlying", one.underlying, "ETH")

    assert read_instruments(path, refuse, faults.append) == []
    assert str(faults[0]).endswith("row 2, underlying: 'BTC'; allowed: ETH")


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    table = pa.table({"symbol": ["S"], "kind": ["spot"], "underlying": ["BTC"], "quantity": [1.5]})
    pq.write_table(table, tmp_path / "sheet.parquet")
    [one] = read_instruments(tmp_path / "sheet.parquet", anything, lambda fault: None)

    assert (one.symbol, one.quantity) == ("S", 1.5)


def test_a_file_without_a_needed_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("symbol,kind\nA,spot\n", encoding="utf-8")

    with pytest.raises(InputError, match="underlying"):
        read_instruments(tmp_path / "sheet.csv", anything, lambda fault: None)


def test_a_barrier_needs_its_level_its_knock_and_how_it_is_watched(tmp_path: Path) -> None:
    header = "symbol,kind,underlying,side,strike,expiry,barrier,knock,monitoring,rebate\n"
    start = "X,barrier,BTC,put,7e4,2026-03-20T08:00:00Z,"
    ends = ["6e4,down-in,continuous,5\n", ",down-in,continuous,\n", "6e4,in,continuous,\n",
            "6e4,down-in,,\n", "6e4,down-in,continuous,-5\n"]  # fmt: skip
    path = tmp_path / "sheet.csv"
    path.write_text(header + "".join(start + end for end in ends), encoding="utf-8")
    faults: list[RowFault] = []
    [one] = read_instruments(path, anything, faults.append)

    terms = one.terms
    assert (terms["barrier"], terms["direction"], terms["is_in"]) == (6e4, -1.0, 1.0)
    assert (terms["monitoring"], terms["rebate"], terms["state"]) == (1.0, 5.0, 0.0)
    assert [fault.column for fault in faults] == ["barrier", "knock", "monitoring", "rebate"]
