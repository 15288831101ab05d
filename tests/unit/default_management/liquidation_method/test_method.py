from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from novate.default_management.liquidation_method import CATALOGUE
from novate.default_management.liquidation_method.method import (
    STANDARD,
    Closable,
    LiquidationMethod,
    by_number,
    closable,
    require_reducing,
)
from novate.default_management.state import DefaultState
from novate.engine.plugin import Plugins
from novate.errors import InvariantError
from novate.kernel.clearing.columns import I64
from novate.message import command
from tests.unit.clearing import COIN, MINUTE, START, ClearingHouse


def house_in_two_contracts() -> ClearingHouse:
    """A is long 100 of X, short 40 of Y; B is its other side and holds no Z."""
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)))
    house.list_contract("X")
    house.list_contract("Y", underlying=2)
    house.list_contract("Z")
    for name in ("A", "B"):
        house.open_client(name, deposit=100_000 * COIN)
    house.price(500, e8={1: 50 * 10**8})
    house.trade("A", "B", lots=100, ticks=500)
    house.trade("B", "A", lots=40, ticks=50, instrument=1)
    house.trade("A", "B", lots=5, ticks=500, instrument=2)
    house.trade("B", "A", lots=5, ticks=500, instrument=2)
    return house


def test_methods_are_listed_in_order_of_number_and_the_first_is_the_standard_one() -> None:
    numbers = [method.number for method in CATALOGUE]

    assert numbers == sorted(by_number(CATALOGUE))
    assert (numbers[0], CATALOGUE[0].name) == (STANDARD, "slices")


def test_what_may_be_closed_are_open_positions_with_a_price() -> None:
    house = house_in_two_contracts()
    a, b = house.number("A"), house.number("B")

    found = closable(house.state, np.array([b, a]))

    assert [column.tolist() for column in found] == [
        [b, b, a, a], [0, 1, 0, 1], [-100, 40, 100, -40],
    ]  # fmt: skip
    house.price(500, at_ns=START + 30 * MINUTE)  # nothing new of the other coin
    house.state.assets.is_stale[2] = True
    assert closable(house.state, np.array([a])).instrument.tolist() == [0]
    assert closable(house.state, np.array([], np.int64)).account.size == 0


@dataclass(frozen=True)
class Says:
    """Says what a test wants."""

    rows: Any = ()
    number: int = 2
    name: str = "says"

    def orders(self, x: DefaultState, accounts: I64) -> I64:
        return np.array(self.rows, np.int64).reshape(-1, 3)


@pytest.mark.parametrize(
    ("methods", "reason"),
    [
        ((Says(), Says(name="other")), "liquidation method 2 exists once"),
        ((Says(number=-1),), "liquidation method says: number -1"),
        ((Says(number=2**15),), "liquidation method says: number 32768"),
        ((Says(), Says(number=3)), "liquidation method says is named once"),
    ],
)
def test_a_catalogue_in_which_numbers_or_names_clash_is_a_fault(
    methods: tuple[LiquidationMethod, ...], reason: str
) -> None:
    with pytest.raises(InvariantError, match=reason):
        by_number(methods)


HELD = Closable(np.array([7, 7, 4]), np.array([0, 1, 0]), np.array([100, -40, 3]))


@pytest.mark.parametrize(
    "orders",
    [
        [],
        [(7, 0, -100), (7, 1, 40), (4, 0, -3)],
        [(4, 0, -1), (7, 1, 1)],
    ],
)
def test_orders_that_reduce_are_right(orders: list[tuple[int, int, int]]) -> None:
    require_reducing("m", HELD, np.array(orders, np.int64).reshape(-1, 3))


@pytest.mark.rule("11.27")
@pytest.mark.parametrize(
    ("orders", "reason"),
    [
        ([(7, 0, -101)], "reduces positions, and turns none round"),
        ([(7, 0, 1)], "reduces positions, and turns none round"),
        ([(7, 1, -1)], "reduces positions, and turns none round"),
        ([(7, 0, 0)], "reduces positions, and turns none round"),
        ([(7, 0, -1), (7, 0, -1)], "orders once in an account and instrument"),
        ([(7, 2, -1)], "closes positions that are there"),
        ([(8, 0, -1)], "closes positions that are there"),
        ([(4, 0, -1), (3, 1, 1)], "closes positions that are there"),
    ],
)
def test_an_order_that_does_not_reduce_is_a_fault(
    orders: list[tuple[int, int, int]], reason: str
) -> None:
    with pytest.raises(InvariantError, match=f"m {reason}"):
        require_reducing("m", HELD, np.array(orders, np.int64))


def test_orders_of_another_shape_are_a_fault() -> None:
    with pytest.raises(InvariantError, match="m says account, instrument and lots"):
        require_reducing("m", HELD, np.zeros((2, 4), np.int64))


@pytest.mark.rule("11.27")
def test_a_method_that_turns_a_position_round_stops_the_engine() -> None:
    plugins = Plugins(liquidation_methods=(*CATALOGUE, Says([(11, 0, -101)])))
    house = ClearingHouse(plugins=plugins)
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    a = house.number("A")
    house.state.liquidation_methods[2].rows[0] = (a, 0, -101)  # type: ignore[attr-defined]
    house.submit(command.SET_LIQUIDATION_METHOD.row(account=a, method=2))
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)

    with pytest.raises(InvariantError, match="says reduces positions, and turns none round"):
        house.price(468)
