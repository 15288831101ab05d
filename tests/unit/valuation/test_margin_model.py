from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InvariantError
from novate.margin.standard import Standard
from novate.valuation.group_book import book_of, joined
from novate.valuation.margin_model import MarketChange, by_number, require_usable
from tests.tiny_model import MODELS, Echo, TwoMoves
from tests.unit.clearing import COIN, ClearingHouse

NOTHING = np.zeros(0, np.int64)


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

    assert Echo().margins(x, books).tolist() == [[100 * COIN, 50 * COIN]] * 2 + [[0, 0]]
    assert Echo().margins(x, joined([])).shape == (0, 2)
    assert Echo().affected(x, change, books).tolist() == [True] * 3
    assert change.is_none
