from __future__ import annotations

import pytest

from novate.kernel.codes import Bound
from novate.margin.standard import Standard
from novate.message import command
from novate.valuation.group_book import book_of
from novate.valuation.requirement import Binding, Component
from tests.unit.clearing import COIN, ClearingHouse


def two_contracts() -> ClearingHouse:
    """A is long 100 of X (5% to stay) and 20 of Y (30%), B short of both, at 500."""
    house = ClearingHouse()
    house.list_contract("X", tiers=((0, 100_000, 50_000), (20_000 * COIN, 150_000, 60_000)))
    house.list_contract("Y", tiers=((0, 400_000, 300_000),))
    house.open_client("A", deposit=100_000 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=20, ticks=500, instrument=1)
    house.trade("A", "B", lots=100, ticks=500)
    return house


@pytest.mark.rule("11.2")
def test_each_position_is_a_component_and_the_one_that_asks_most_binds() -> None:
    house = two_contracts()
    x = house.state

    asked = Standard().requirement(x, book_of(x, house.number("A")))

    # Beyond 20,000 the second tier: 50,000 * 15% - 1,000 and 50,000 * 6% - 200.
    assert asked.components == (
        Component("notional tier", 0, 6_500 * COIN, 2_800 * COIN),
        Component("notional tier", 1, 4_000 * COIN, 3_000 * COIN),
    )
    assert (asked.initial, asked.maintenance) == (10_500 * COIN, 5_800 * COIN)
    assert asked.binding == Binding(Bound.CONTRACT, 1, 0)


@pytest.mark.rule("11.2")
def test_a_tie_binds_the_lower_number_and_an_empty_book_nothing() -> None:
    house = ClearingHouse()
    for symbol in ("X", "Y"):
        house.list_contract(symbol)
    house.open_client("A", deposit=10_000 * COIN)
    house.open_client("B", deposit=10_000 * COIN)
    house.price(100)
    x, model = house.state, Standard()

    assert model.requirement(x, book_of(x, house.number("A"))).binding == Binding(Bound.NONE)
    for instrument in (1, 0):
        house.trade("A", "B", lots=10, ticks=100, instrument=instrument)
    asked = model.requirement(x, book_of(x, house.number("A")))
    assert asked.binding == Binding(Bound.CONTRACT, 0, 0)


def test_open_orders_count_for_initial_margin_alone_and_bind_nothing() -> None:
    house = ClearingHouse()
    house.list_contract("X")
    house.open_client("A", deposit=10_000 * COIN)
    house.price(100)
    order = {"account": house.number("A"), "instrument": 0, "limit_ticks": 100}
    house.submit(command.RESERVE_MARGIN.row(**order, lots=10))

    asked = Standard().requirement(house.state, book_of(house.state, house.number("A")))

    assert (asked.initial, asked.maintenance) == (100 * COIN, 0)
    assert asked.binding == Binding(Bound.NONE)


def test_the_sums_are_those_that_the_kernels_decide_with() -> None:
    house = two_contracts()

    for name in ("A", "B"):
        explained = house.state.requirement(house.number(name))
        numbers = house.state.assess(house.number(name))
        assert (explained.initial, explained.maintenance) == (numbers.initial, numbers.maintenance)
