from __future__ import annotations

import pytest

from novate.message.parameter import Parameter, Scope, set_parameter
from novate.valuation.excess import assess_without, held_back, stale_asset
from tests.unit.clearing import COIN, E8, HOUR, START
from tests.unit.transfers import holder_house, open_sub


@pytest.mark.rule("6.10", "6.11")
def test_margin_cost_and_gains_that_are_not_proven_are_held_back() -> None:
    house = holder_house()
    house.trade("A", "B", lots=10, ticks=100)
    house.price(120, at_ns=START + HOUR)  # the slow index is at 110
    a = house.number("A")
    house.state.accounts.encumbered[a] = 7 * COIN

    x, marks = house.state, house.state.marks.mark
    assert held_back(x, a, x.assess(a), marks) == (132 * COIN, 107 * COIN, 0)


@pytest.mark.rule("6.15", "6.36")
def test_the_whole_group_and_the_parameters_of_the_account_count() -> None:
    house = holder_house(group=True)
    house.trade("A", "B", lots=10, ticks=100)
    a, a2 = house.number("A"), house.number("A2")
    house.state.accounts.encumbered[[a, a2]] = 3, 4
    house.submit(set_parameter(Parameter.LIQUIDATION_COST_PPM, 0, scope=Scope.ACCOUNT, subject=a2))

    found = house.state.assess(a)
    marks = house.state.marks.mark
    assert held_back(house.state, a, found, marks) == (110 * COIN, 7, 0)
    assert held_back(house.state, a2, found, marks) == (100 * COIN, 7, 0)


def test_an_assessment_without_an_amount_leaves_the_balance_as_it_was() -> None:
    house = holder_house()
    a = house.number("A")
    before = house.state.digest()

    assert assess_without(house.state, a, 0, 300 * COIN).equity == 700 * COIN
    assert house.state.digest() == before


@pytest.mark.rule("6.9", "6.36")
def test_the_lowest_stale_asset_that_any_account_of_the_group_hangs_on_is_named() -> None:
    house = holder_house(group=True)
    open_sub(house, "A3", "A")
    a, a2, a3 = (house.number(name) for name in ("A", "A2", "A3"))
    house.state.assets.is_stale[1] = True
    assert [stale_asset(house.state, k) for k in (a, a2, a3)] == [-1, -1, -1]

    house.deposit("A2", E8, asset=1)

    assert [stale_asset(house.state, k) for k in (a, a2, a3)] == [1, 1, -1]


@pytest.mark.rule("6.9")
def test_an_option_whose_smile_is_old_makes_its_underlying_stale() -> None:
    house = holder_house()
    option = house.list_option()
    house.smile(0.8)
    house.price(100)
    house.trade("A", "B", lots=1, ticks=900, instrument=option)
    a = house.number("A")
    assert stale_asset(house.state, a) == -1

    house.price(100, at_ns=START + 24 * HOUR)

    assert stale_asset(house.state, a) == 1
