"""Books and trades in every format of the catalogue: recorded bytes give one and the same table."""

from __future__ import annotations

from pathlib import Path

import pytest

from novate.adapter.book_file import (
    Account,
    Grid,
    load_collateral,
    load_positions,
    load_trades,
)
from novate.adapter.book_file.format import CATALOGUE
from novate.errors import RowFault
from novate.kernel.codes import MarginMode, Role, ShortfallPolicy
from novate.units import parse_instant

DATA = Path(__file__).with_name("data")
GRIDS = {"BTCUSDT": Grid(10**7, 10**5)}

pytestmark = pytest.mark.parametrize("suffix", [form.name for form in CATALOGUE])


def test_positions_of_every_format_are_the_same_book(suffix: str) -> None:
    faults: list[RowFault] = []

    table = load_positions(DATA / f"positions{suffix}", GRIDS, faults.append)

    assert table.accounts == (
        Account("orchid", "east", Role.CLIENT, MarginMode.CROSS, ShortfallPolicy.AUTO_LIQUIDATE),
        Account(
            "rowan", "west", Role.HOUSE, MarginMode.ISOLATED, ShortfallPolicy.CALL_THEN_DEFAULT
        ),
    )
    assert table.lots.tolist() == [12_500, -12_500]
    assert table.entry_price_e8.tolist() == [5_000_012_300_000, 4_995_000_000_000]
    assert faults == []


def test_collateral_of_every_format_is_the_same(suffix: str) -> None:
    decimals = {"USDT": 6, "BTC": 8}

    table = load_collateral(DATA / f"collateral{suffix}", decimals, pytest.fail)

    assert (table.accounts, table.assets) == (("orchid", "rowan"), ("USDT", "BTC"))
    assert table.amount.tolist() == [21_000 * 10**6, 90_000_001]


def test_trades_of_every_format_and_what_is_left_out_are_the_same(suffix: str) -> None:
    faults: list[RowFault] = []

    table = load_trades(DATA / f"trades{suffix}", GRIDS, faults.append)

    assert table.trade_ids == ("T-1", "T-2")
    assert table.instant_ns.tolist() == [
        parse_instant("2026-03-12T01:00:00Z"),
        parse_instant("2026-03-12T02:02:30.25Z"),
    ]
    assert (table.ticks.tolist(), table.lots.tolist()) == ([501_200, 499_801], [2_000, 500])
    assert table.maker_side.tolist() == [2, 0]
    assert table.duplicates == 1
    header = 1 if suffix == ".csv" else 0
    assert [(fault.row, fault.column, fault.value) for fault in faults] == [
        (4 + header, "price", "49980.15")
    ]
