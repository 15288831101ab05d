from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from novate.adapter.book_file import Grid, load_collateral, load_positions, load_trades
from novate.adapter.book_file.format import CATALOGUE, Report, Sheet
from novate.errors import InputError, RowFault

GRIDS = {"BTCUSDT": Grid(10**7, 10**5)}


@dataclass(frozen=True, slots=True)
class Tabbed:
    """Columns between tabs, named in another tongue: a further format in one class."""

    name: str = ".tsv"

    def recognises(self, path: Path) -> bool:
        return path.suffix == self.name

    def read(self, path: Path, report: Report) -> Sheet:
        lines = path.read_text(encoding="utf-8").splitlines()
        names = ["account" if name == "compte" else name for name in lines[0].split("\t")]
        return Sheet(names, [(k, line.split("\t")) for k, line in enumerate(lines[1:], start=2)])


FORMATS = (*CATALOGUE, Tabbed())
POSITIONS = ("compte", "instrument", "quantity", "entry_price")
COLLATERAL = ("compte", "asset", "amount")
TRADES = ("trade_id", "instant", "buyer", "seller", "instrument", "price", "quantity")


def tabbed(folder: Path, *lines: tuple[str, ...]) -> Path:
    path = folder / "book.tsv"
    path.write_text("\n".join("\t".join(line) for line in lines))
    return path


def test_a_format_of_one_file_reads_a_book(tmp_path: Path) -> None:
    long, short = (("a", "BTCUSDT", "1", "5"), ("b", "BTCUSDT", "-1", "5"))
    path = tabbed(tmp_path, POSITIONS, long, short)

    assert load_positions(path, GRIDS, pytest.fail, FORMATS).lots.tolist() == [1_000, -1_000]

    path = tabbed(tmp_path, COLLATERAL, ("a", "USDT", "7"))

    assert load_collateral(path, {"USDT": 6}, pytest.fail, FORMATS).amount.tolist() == [7 * 10**6]


def test_a_format_of_one_file_reads_trades(tmp_path: Path) -> None:
    trade = ("T-1", "2026-03-12T01:00:00Z", "a", "b", "BTCUSDT", "50", "2")
    path = tabbed(tmp_path, TRADES, trade, trade[:-1])
    faults: list[RowFault] = []

    table = load_trades(path, GRIDS, faults.append, FORMATS)

    assert table.lots.tolist() == [2_000]
    assert faults == [RowFault(str(path), 3, "cells", "6", "7 cells")]


def test_a_file_that_no_format_recognises_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = tabbed(tmp_path, POSITIONS)

    with pytest.raises(InputError, match=r"'\.tsv'; allowed: \.csv, \.parquet, \.jsonl$"):
        load_positions(path, GRIDS, pytest.fail)
    with pytest.raises(InputError, match=r"'\.tsv'; allowed: \.csv, \.parquet, \.jsonl$"):
        load_collateral(path, {}, pytest.fail)
    with pytest.raises(InputError, match=r"'\.tsv'; allowed: \.csv, \.parquet, \.jsonl$"):
        load_trades(path, GRIDS, pytest.fail)


def test_no_two_formats_recognise_one_file() -> None:
    for form in CATALOGUE:
        path = Path(f"book{form.name.upper()}")
        assert [other.name for other in CATALOGUE if other.recognises(path)] == [form.name]
