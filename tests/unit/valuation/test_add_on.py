from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InvariantError
from novate.kernel.clearing.assess import SUM_MAX
from novate.market.state import MarketState
from novate.valuation.add_on import AddOn, add_margins, by_number, numbers_in
from novate.valuation.group_book import GroupBook, book_of, joined
from novate.valuation.margin_model import MarketChange
from novate.valuation.requirement import Component
from tests.tiny_add_on import ADD_ONS, PerLot
from tests.unit.clearing import ClearingHouse

NOTHING = np.zeros(0, np.int64)


class Asks(AddOn):
    """Asks every group for what it is told, and says nothing of what follows from it."""

    number = 5
    name = "asks"

    def __init__(self, *amounts: int) -> None:
        self.amounts = amounts

    def components(self, market: MarketState, group: int, book: GroupBook) -> tuple[Component, ...]:
        return tuple(Component(self.name, group, amount, amount // 2) for amount in self.amounts)


def house_of_two() -> ClearingHouse:
    house = ClearingHouse()
    house.list_contract("X")
    for name in ("A", "B"):
        house.open_client(name, deposit=10**10)
    house.price(100)
    house.trade("A", "B", lots=10, ticks=100)
    return house


def test_a_catalogue_is_found_by_number() -> None:
    assert [by_number(ADD_ONS)[number].name for number in range(2)] == ["concentration", "per lot"]


@pytest.mark.parametrize("number", [0, -1, 63])
def test_a_number_is_used_once_and_fits_into_the_bit_set(number: int) -> None:
    with pytest.raises(InvariantError):
        by_number([ADD_ONS[0], PerLot(number=number)])


def test_the_numbers_of_many_sets_are_told_once_in_order() -> None:
    assert numbers_in(0) == numbers_in(NOTHING) == []
    assert numbers_in(np.array([1 << 62 | 1, 2, 0])) == [0, 1, 62]


def test_what_an_add_on_need_not_say_follows_from_its_components() -> None:
    house = house_of_two()
    x, groups = house.state, np.array([house.number(name) for name in ("A", "B")])
    books = joined([book_of(x, int(group)) for group in groups])
    change = MarketChange(instruments=NOTHING, assets=NOTHING, surfaces=NOTHING, is_later=True)

    assert Asks(3, 8).margins(x, groups, books).tolist() == [[11, 5]] * 2
    assert Asks(SUM_MAX, 1).margins(x, groups, books).tolist() == [[SUM_MAX, SUM_MAX // 2]] * 2
    assert Asks().margins(x, groups[:0], joined([])).shape == (0, 2)
    assert Asks(1).affected(x, change, books).tolist() == [True, True]


@pytest.mark.rule("3.31")
def test_each_group_is_asked_for_its_own_add_ons_up_to_a_bound() -> None:
    house = house_of_two()
    x = house.state
    groups = np.array([house.number(name) for name in ("A", "B", "A")])
    books = joined([book_of(x, int(group)) for group in groups])
    out = np.array([[1, 1], [2, 2], [SUM_MAX - 1, 0]])
    add_ons = by_number([PerLot(units=7), Asks(100)])

    add_margins(x, add_ons, np.array([2, 0, 34]), groups, books, out)

    assert out.tolist() == [[71, 71], [2, 2], [SUM_MAX, 120]]


@pytest.mark.parametrize("amount", [-1, SUM_MAX + 1])
def test_an_add_on_whose_margin_cannot_be_added_up_stops(amount: int) -> None:
    house = house_of_two()
    group = np.array([house.number("A")])
    books = joined([book_of(house.state, int(group[0]))])

    class Wrong(Asks):
        def margins(self, *_: object) -> np.ndarray:
            return np.array([[amount, 0]])

    with pytest.raises(InvariantError, match="asks"):
        add_margins(house.state, {5: Wrong()}, np.array([32]), group, books, np.zeros((1, 2), int))
