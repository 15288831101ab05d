from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InvariantError
from novate.margin.standard import Standard
from novate.market.state import MarketState
from novate.valuation.group_book import GroupBook, book_of, joined
from novate.valuation.margin_model import (
    MarginModel,
    MarketChange,
    by_number,
    holding_moved,
    require_usable,
)
from novate.valuation.requirement import Requirement
from tests.tiny_model import MODELS, TwoMoves
from tests.unit.clearing import COIN, ClearingHouse

NOTHING = np.zeros(0, np.int64)


class Bare(MarginModel):
    """The standard requirement, and nothing said of what follows from it."""

    number = 3
    name = "bare"

    def requirement(self, market: MarketState, book: GroupBook) -> Requirement:
        return Standard().requirement(market, book)


def test_a_catalogue_is_found_by_number() -> None:
    assert [by_number(MODELS)[number].name for number in range(3)] == [
        "standard",
        "two moves",
        "echo",
    ]


@pytest.mark.parametrize("number", [0, -1, 2**15])
def test_a_number_is_used_once_and_fits_its_column(number: int) -> None:
    with pytest.raises(InvariantError):
        by_number([Standard(), TwoMoves(number=number)])


@pytest.mark.parametrize("margin", [-1, 2**61 + 1])
def test_a_model_whose_margin_cannot_be_added_up_stops(margin: int) -> None:
    with pytest.raises(InvariantError, match="two moves"):
        require_usable(TwoMoves(), np.array([[margin, 0]]))


def test_what_a_model_need_not_say_follows_from_its_requirement() -> None:
    house = ClearingHouse()
    house.list_contract("X")
    for name in ("A", "B"):
        house.open_client(name, deposit=10_000 * COIN)
    house.price(100)
    house.trade("A", "B", lots=10, ticks=100)
    x = house.state
    books = joined([book_of(x, house.number(name)) for name in ("A", "B", "CUSTODY")])
    change = MarketChange(instruments=NOTHING, assets=NOTHING, surfaces=NOTHING, is_later=True)

    assert Bare().margins(x, books).tolist() == [[100 * COIN, 50 * COIN]] * 2 + [[0, 0]]
    assert Bare().margins(x, joined([])).shape == (0, 2)
    assert Bare().affected(x, change, books).tolist() == [True] * 3
    assert change.is_none


def test_books_that_hold_what_moved_or_are_settled_in_it_are_told() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)))
    house.list_contract("X")
    house.list_contract("Y", form=2, settlement_asset=1, unit=10**8)
    for name in ("A", "B", "C"):
        house.open_client(name, deposit=10_000 * COIN)
        house.deposit(name, 10**8, asset=1)
    house.price(100)
    house.trade("A", "B", lots=1, ticks=100)
    house.trade("B", "C", lots=1, ticks=100, instrument=1)
    x = house.state
    books = joined([book_of(x, house.number(name)) for name in ("A", "B", "C")])

    def moved(instruments: list[int], assets: list[int]) -> list[bool]:
        numbers = (np.array(instruments, np.int64), np.array(assets, np.int64))
        change = MarketChange(
            instruments=numbers[0], assets=numbers[1], surfaces=NOTHING, is_later=True
        )
        return holding_moved(x, change, books).tolist()

    assert moved([], []) == [False, False, False]
    assert moved([0], []) == [True, True, False]
    assert moved([], [1]) == [False, True, True]
    assert moved([1], [2]) == [False, True, True]
