from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from novate.engine.plugin import Plugins
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.kernel.clearing.columns import I64
from novate.market.state import MarketState
from novate.message import command
from novate.message.parameter import Parameter, Scope, set_parameter
from novate.valuation import MarginCache
from novate.valuation.group_book import GroupBooks
from novate.valuation.margin_model import MarketChange
from tests.tiny_add_on import ADD_ONS, PerLot
from tests.tiny_model import MODELS, TwoMoves
from tests.unit.clearing import COIN, E8, ClearingHouse

NAMES = [str(k) for k in range(6)]


class Sized(PerLot):
    """An amount for each lot; remembers how many groups it was asked about."""

    __slots__ = ()
    asked: ClassVar[list[int]] = []

    def margins(self, market: MarketState, groups: I64, books: GroupBooks) -> I64:
        self.asked.append(len(books))
        return PerLot.margins(self, market, groups, books)


class Watched(TwoMoves):
    """Two moves that remember how many groups they were asked about, and every change."""

    __slots__ = ()
    asked: ClassVar[list[int]] = []
    changes: ClassVar[list[MarketChange]] = []

    def margins(self, market: MarketState, books: GroupBooks) -> np.ndarray:
        self.asked.append(len(books))
        return TwoMoves.margins(self, market, books)

    def affected(self, market: MarketState, change: MarketChange, books: GroupBooks) -> np.ndarray:
        self.changes.append(change)
        return TwoMoves.affected(self, market, change, books)


@pytest.fixture
def house() -> ClearingHouse:
    """Six accounts that trade four contracts; the odd ones have the watched model."""
    built = ClearingHouse(
        assets=(("BTC", 8, 1_000), ("ETH", 8, 0)),
        plugins=Plugins(margin_models=(MODELS[0], Watched()), add_ons=(ADD_ONS[0], Sized())),
    )
    for k in range(4):
        built.list_contract(f"c{k}", underlying=1 + k // 2)
    for name in NAMES:
        built.open_client(name, deposit=10**6 * COIN)
    built.price(None, e8={0: 100 * E8, 1: 50 * E8})
    for k, name in enumerate(NAMES):
        ticks = int(built.state.marks.mark[k % 4])
        built.trade(name, NAMES[k - 1], lots=3 + k, ticks=ticks, instrument=k % 4)
    for name in NAMES[1::2]:
        built.set_model(name, 1)
    Watched.asked.clear()
    Watched.changes.clear()
    return built


def assert_exact(house: ClearingHouse, cache: MarginCache) -> None:
    found = cache.numbers().copy()
    assert np.array_equal(found, house.state.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]])
    for name in NAMES:
        numbers = house.state.assess(house.number(name))
        expected = (numbers.equity, numbers.initial, numbers.maintenance)
        assert tuple(found[house.number(name)]) == expected


def test_the_cache_holds_what_the_models_ask(house: ClearingHouse) -> None:
    cache = MarginCache(house.state)

    assert_exact(house, cache)
    for price in (101, 99, 300, 2):
        house.price(price)
        assert_exact(house, cache)


def test_a_mark_that_moves_alone_asks_its_holders_alone(house: ClearingHouse) -> None:
    cache = MarginCache(house.state)
    cache.numbers()
    Watched.asked.clear()

    house.state.marks.mark[1] = 120

    assert_exact(house, cache)
    assert Watched.asked[0] == 2  # of three groups two have a row in it
    assert Watched.changes[-1].instruments.tolist() == [1]
    Watched.asked.clear()
    cache.numbers()
    assert Watched.asked == []


def test_a_touched_group_is_asked_again_and_so_are_orders(house: ClearingHouse) -> None:
    cache = MarginCache(house.state)
    cache.numbers()
    order = {"account": house.number("1"), "instrument": 0, "limit_ticks": 110}
    house.submit(command.RESERVE_MARGIN.row(**order, lots=20))
    cache.touch(house.number("1"))

    assert_exact(house, cache)


def test_a_group_that_gets_or_loses_its_model_is_followed(house: ClearingHouse) -> None:
    cache = MarginCache(house.state)
    cache.numbers()

    for name, model in (("0", 1), ("1", 0), ("0", 0), ("3", 0), ("5", 0), ("2", 1)):
        house.set_model(name, model)
        cache.touch(house.number(name))
        assert_exact(house, cache)


def test_models_are_told_of_indices_haircuts_smiles_and_time(house: ClearingHouse) -> None:
    cache = MarginCache(house.state)
    cache.numbers()

    house.price(None, e8={1: 51 * E8})
    cache.numbers()
    assert Watched.changes[-1].assets.tolist() == [2]
    assert Watched.changes[-1].is_later
    house.submit(command.SET_HAIRCUT.row(asset=1, haircut_bps=2_000))
    cache.numbers()
    assert Watched.changes[-1].assets.tolist() == [1]
    house.smile(0.5)
    cache.numbers()
    assert Watched.changes[-1].surfaces.tolist() == [0]
    assert not Watched.changes[-1].is_later


@pytest.mark.rule("3.31")
def test_add_ons_are_asked_where_they_or_the_model_are_affected(house: ClearingHouse) -> None:
    cache = MarginCache(house.state)
    for name in ("0", "1", "2"):
        house.set_add_on(name, 1)
    cache.touch_all()
    assert_exact(house, cache)
    Sized.asked.clear()

    house.state.marks.mark[1] = 120  # held by "0" and "1", of which the first has no model
    cache.numbers()
    assert Sized.asked == [2]
    house.state.marks.mark[3] = 60  # held by "2" and "3"
    cache.numbers()
    assert Sized.asked == [2, 1]
    assert_exact(house, cache)


@pytest.mark.rule("3.31")
def test_a_group_that_gets_or_loses_an_add_on_is_followed(house: ClearingHouse) -> None:
    cache = MarginCache(house.state)
    house.submit(set_parameter(Parameter.CONCENTRATION_PPM, 70_000))
    cache.numbers()

    for name, number, is_on in (("0", 0, True), ("1", 1, True), ("0", 0, False), ("1", 0, True)):
        house.set_add_on(name, number, is_on=is_on)
        cache.touch(house.number(name))
        assert_exact(house, cache)


@pytest.mark.parametrize(("scope", "subject"), [(Scope.HOUSE, 0), (Scope.INSTRUMENT, 1)])
def test_a_parameter_that_is_set_asks_every_group(
    house: ClearingHouse, scope: Scope, subject: int
) -> None:
    cache = MarginCache(house.state)
    cache.numbers()
    Watched.asked.clear()

    house.submit(set_parameter(Parameter.SLICE_FLOOR, 12_345, scope, subject))
    cache.numbers()

    assert Watched.asked == [3]


@pytest.mark.parametrize("seed", range(4))
def test_the_cache_is_exact_after_any_mixture_of_changes(house: ClearingHouse, seed: int) -> None:
    dice = np.random.default_rng(seed)
    cache = MarginCache(house.state)
    for _ in range(40):
        kind, name = dice.integers(7), NAMES[dice.integers(6)]
        if kind == 0:
            house.state.marks.mark[dice.integers(4)] = dice.integers(1, 200)
        elif kind == 1:
            house.price(int(dice.integers(20, 200)))
            cache.touch_all()
        elif kind == 2:
            house.deposit(name, int(dice.integers(1, 1_000)))
            cache.touch(house.number(name), house.number("CUSTODY"))
        elif kind == 3:
            house.set_model(name, int(dice.integers(2)), allow_refusals=True)
            cache.touch(house.number(name))
        elif kind == 4:
            number, is_on = int(dice.integers(2)), bool(dice.integers(2))
            house.set_add_on(name, number, is_on=is_on, allow_refusals=True)
            cache.touch(house.number(name))
        elif kind == 5:
            floor = int(dice.integers(0, 1_000)) * COIN
            house.submit(set_parameter(Parameter.CONCENTRATION_FLOOR, floor))
            house.submit(set_parameter(Parameter.CONCENTRATION_PPM, int(dice.integers(10**5))))
        if dice.integers(3):
            assert_exact(house, cache)
