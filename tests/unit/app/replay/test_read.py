"""Files are read once, with what was left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from novate.adapter.price_file import PriceTable
from novate.app.replay.read import read_inputs
from novate.errors import InputError
from novate.simulation.crash_day import CrashDay
from tests.unit.app.replay.small import job, parameters


def test_files_become_tables(tmp_path: Path) -> None:
    inputs = read_inputs(job(tmp_path))

    assert isinstance(inputs.prices, PriceTable)
    assert inputs.book is not None
    assert len(inputs.book.positions.lots) == 5
    assert inputs.book.trades is None
    assert {count.symbol: count.missing for count in inputs.bars} == {"BTCUSDT": 0, "ETHUSDT": 0}
    assert (inputs.faults, inputs.faulty_rows) == ((), 0)


def test_a_day_is_generated_where_there_are_no_prices(tmp_path: Path) -> None:
    given = {"price_files": (), "positions_file": "", "collateral_file": ""}
    inputs = read_inputs(job(tmp_path, **given))

    assert isinstance(inputs.prices, CrashDay)
    assert inputs.book is None
    assert inputs.bars == ()
    assert inputs.seed == parameters()["run"]["seed"]


def test_a_row_that_cannot_be_read_is_left_out_and_counted(tmp_path: Path) -> None:
    asked = job(tmp_path)
    with Path(asked.price_files[0]).open("a") as file:
        file.write("BTCUSDT,2026-03-12T05:00:00Z,x,1,2,50000,3\n")

    inputs = read_inputs(asked)

    assert inputs.faulty_rows == len(inputs.faults) == 1


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"collateral_file": ""}, "a positions file needs a collateral file beside it"),
        (
            {"positions_file": "", "trades_file": "trades.csv"},
            "a trades file needs a positions and a collateral file beside it",
        ),
    ],
)
def test_files_that_need_another_one_are_refused_without_it(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_inputs(job(tmp_path, **files))
