"""What one call finds in the book for an order, against what is asked for one by one."""

from __future__ import annotations

import pytest

from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.order import hold_orders, look_at_order, netted_lots_of
from novate.kernel.clearing.settle import row_of
from tests.unit.clearing import ClearingHouse
from tests.unit.kernel.clearing.test_group import NAMES, house_of_five
from tests.unit.kernel.clearing.test_open_interest import MOST, PART, fill_up, wide_house


def looked_at(house: ClearingHouse, name: str, *, buys: int = 0, sells: int = 0) -> list[int]:
    x = house.state
    tables = x.account_arrays(), x.positions.arrays(), x.instrument_arrays()
    found = look_at_order(*tables, x.instruments.count, house.number(name), 0, buys, sells)
    return [int(number) for number in found]


@pytest.mark.rule("6.37")
def test_lots_of_a_netting_set_are_those_of_all_its_accounts() -> None:
    house = house_of_five()
    arrays = house.state.account_arrays(), house.state.positions.arrays()

    found = {name: netted_lots_of(*arrays, house.number(name), 0) for name in NAMES}

    # The set stands at +45, and A1 has an open order to buy 9; A4 is a set of its own.
    assert found == dict.fromkeys(NAMES[:4], (45, 9, 0)) | {"A4": (-7, 0, 0)}
    assert looked_at(house, "A3", buys=1)[2:] == [45, 9, 0]


@pytest.mark.rule("15.63")
def test_an_order_brings_an_asset_to_too_much_by_its_last_lot() -> None:
    house = wide_house()
    fill_up(house, PART - 10)
    assert MOST == AMOUNT_MAX

    left = MOST // 1_000 - (PART - 10)
    assert looked_at(house, "C", buys=left)[1] == 0
    gross, beyond, *lots = looked_at(house, "C", buys=left + 1)
    assert beyond == (PART + 1) * 1_000 > AMOUNT_MAX
    assert (gross, lots) == ((left + 1) * 1_000, [0, 0, 0])


@pytest.mark.rule("15.60")
def test_open_lots_are_held_by_a_row_of_their_own_and_counted_in_the_open_interest() -> None:
    house = wide_house()
    x, account = house.state, house.number("D")
    assert row_of(x.positions.arrays(), account, 0) < 0

    hold_orders(x.positions.arrays(), x.accounts.head, account, 0, 5, 0)
    hold_orders(x.positions.arrays(), x.accounts.head, account, 0, 0, 3)

    row = int(row_of(x.positions.arrays(), account, 0))
    assert (x.positions.buy_lots[row], x.positions.sell_lots[row]) == (5, 3)
    assert (x.positions.long_lots[0], x.positions.short_lots[0]) == (5, 3)
    assert x.accounts.head[account] == row
