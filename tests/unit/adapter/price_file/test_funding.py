from __future__ import annotations

from pathlib import Path

import pytest

from novate.adapter.price_file import FundingTable, load_funding
from novate.errors import InputError, RowFault
from novate.units import DAY, HOUR, format_instant, parse_instant

START = parse_instant("2021-05-19T00:00:00Z")


def load(path: Path, *symbols: str) -> tuple[FundingTable, list[RowFault]]:
    faults: list[RowFault] = []
    return load_funding([path], symbols, START, START + DAY, faults.append), faults


def write(folder: Path, lines: list[str], name: str = "funding.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def row(hour: int, symbol: str, rate: str) -> str:
    return f"{format_instant(START + hour * HOUR)},{symbol},{rate}"


def test_rates_are_read_exactly_in_the_window(tmp_path: Path) -> None:
    lines = [
        "date,symbol,funding_rate",
        row(8, "ETHUSDT", "-3.5e-7"),
        row(0, "BTCUSDT", "0.0001"),
        row(0, "BTCUSDT", "0.0001"),
        row(24, "BTCUSDT", "0.0002"),
        row(8, "SOLUSDT", "0.0002"),
    ]

    table, faults = load(write(tmp_path, lines), "BTCUSDT", "ETHUSDT")

    assert table.rate_e8.tolist() == [10_000, -35]
    assert table.symbol.tolist() == [0, 1]
    assert (len(table), table.duplicates, faults) == (2, 1, [])


def test_the_public_archive_of_rates_is_read(tmp_path: Path) -> None:
    lines = [
        "calc_time,funding_interval_hours,last_funding_rate",
        f"{START // 10**6 + 3},8,0.00010000",
    ]

    table, _ = load(write(tmp_path, lines, "BTCUSDT-fundingRate-2021-05.csv"), "BTCUSDT")

    assert table.rate_e8.tolist() == [10_000]
    assert table.instant_ns.tolist() == [START + 3_000_000]


@pytest.mark.parametrize("rate", ["nan", "inf", "0.5", "", "0.000000001", "much"])
def test_a_rate_that_cannot_be_is_left_out(tmp_path: Path, rate: str) -> None:
    lines = ["date,symbol,funding_rate", row(0, "BTCUSDT", rate), row(8, "BTCUSDT", "0.0001")]

    table, faults = load(write(tmp_path, lines), "BTCUSDT")

    assert len(table) == 1
    assert [(fault.row, fault.column) for fault in faults] == [(2, "rate")]


def test_contradicting_rates_are_left_out(tmp_path: Path) -> None:
    lines = ["date,symbol,funding_rate", row(0, "BTCUSDT", "0.0001"), row(0, "BTCUSDT", "0.0002")]

    table, faults = load(write(tmp_path, lines), "BTCUSDT")

    assert len(table) == 0
    assert "row 2" in faults[0].allowed


def test_a_file_is_needed_and_a_header_in_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no funding file"):
        load_funding([], ["BTCUSDT"], 0, 1, [].append)
    with pytest.raises(InputError, match="no header line"):
        load(write(tmp_path, ["1621382400000,8,0.0001"]), "BTCUSDT")
