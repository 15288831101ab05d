from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.group import (
    closable_lots,
    first_of_group,
    gross_lots_elsewhere,
    lots_elsewhere,
    net_row,
    next_of_group,
)
from novate.kernel.clearing.settle import row_of
from novate.message import command
from tests.unit.clearing import COIN, ClearingHouse
from tests.unit.margin.test_group_choice import open_sub

NAMES = ("A", "A1", "A2", "A3", "A4")
LOTS = {"A": 30, "A1": -50, "A2": 25, "A3": 40, "A4": -7}
"""Of contract 0; all but A4 are one netting set, that stands at +45."""


def house_of_five() -> ClearingHouse:
    """Five accounts of one group, all but A4 in the set of A; A1 has an open order to buy 9."""
    house = ClearingHouse()
    house.list_contract("X")
    house.open_client("A", deposit=10**6 * COIN)
    house.open_client("B", deposit=10**6 * COIN)
    for name in NAMES[1:]:
        open_sub(house, name, "A", group="A", netting_set="" if name == "A4" else "A")
    house.price(100)
    for name, lots in LOTS.items():
        sides = (name, "B") if lots > 0 else ("B", name)
        house.trade(*sides, lots=abs(lots), ticks=100)
    order = {"account": house.number("A1"), "instrument": 0, "lots": 9, "limit_ticks": 100}
    house.submit(command.RESERVE_MARGIN.row(**order))
    return house


def row(house: ClearingHouse, name: str) -> int:
    return int(row_of(house.state.positions.arrays(), house.number(name), 0))


@pytest.mark.rule("6.35")
def test_a_netted_position_is_met_once_with_the_sums_of_its_set() -> None:
    house = house_of_five()
    x = house.state
    arrays = x.account_arrays(), x.positions.arrays()

    found = {name: net_row(*arrays, row(house, name)) for name in NAMES}

    assert [name for name in NAMES if found[name][0]] == ["A", "A4"]
    assert {tuple(found[name][1:]) for name in NAMES[:4]} == {
        (45, 4_500 * COIN, 4_500 * COIN, 9, 0)
    }
    assert tuple(found["A4"][1:]) == (-7, -700 * COIN, -700 * COIN, 0, 0)


@pytest.mark.rule("6.37", "6.38")
def test_lots_elsewhere_are_signed_in_the_set_and_gross_in_the_group() -> None:
    house = house_of_five()
    x = house.state
    arrays = x.account_arrays(), x.positions.arrays()

    for name in NAMES:
        number = house.number(name)
        others = [LOTS[other] for other in NAMES[:4] if "A4" != name != other]
        orders = 9 if name not in ("A1", "A4") else 0
        assert tuple(lots_elsewhere(*arrays, number, 0)) == (sum(others), orders, 0)
        gross = sum(abs(lots) for other, lots in LOTS.items() if other != name)
        assert gross_lots_elsewhere(*arrays, number, 0) == gross  # -50 + 9 is the better side
    assert tuple(lots_elsewhere(*arrays, house.number("B"), 0)) == (0, 0, 0)


@pytest.mark.rule("6.40")
def test_lots_that_a_set_does_not_offset_add_up_to_its_net_position() -> None:
    house = house_of_five()
    x, p = house.state, house.state.positions
    dice = np.random.default_rng(3)

    def closable() -> list[int]:
        arrays = x.account_arrays(), p.arrays()
        return [int(closable_lots(*arrays, row(house, name))) for name in NAMES]

    assert closable() == [30, 0, 15, 0, -7]
    for _ in range(200):
        lots = dice.integers(-5, 6, 5)
        for name, size in zip(NAMES, lots.tolist(), strict=True):
            p.lots[row(house, name)] = size
        found = closable()
        assert sum(found[:4]) == lots[:4].sum()
        assert found[4] == lots[4]
        assert all(0 <= some * size <= size * size for some, size in zip(found, lots, strict=True))


def test_a_ring_is_walked_from_its_lowest_account_once() -> None:
    house = house_of_five()
    accounts = house.state.account_arrays()
    numbers = [house.number(name) for name in NAMES]

    for number in numbers:
        assert first_of_group(accounts, number) == numbers[0]
    walked, account = [], numbers[0]
    while account >= 0:
        walked.append(int(account))
        account = next_of_group(accounts, numbers[0], account)
    assert walked == numbers
    alone = house.number("B")
    assert first_of_group(accounts, alone) == alone
    assert next_of_group(accounts, alone, alone) == -1
