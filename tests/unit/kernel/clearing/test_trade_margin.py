"""A side is told of the first thing that it lacks."""

from __future__ import annotations

import pytest

from novate.kernel.clearing.trade_code import INSOLVENT_AT_INDEX, INSUFFICIENT_MARGIN
from tests.unit.margin.test_index_solvency import house_at, trade


@pytest.mark.parametrize(
    ("has", "code"),
    [(189, INSUFFICIENT_MARGIN), (190, INSOLVENT_AT_INDEX), (499, INSOLVENT_AT_INDEX)],
)
def test_margin_at_the_mark_is_asked_first_then_a_return_to_the_index(has: int, code: int) -> None:
    # A short of 100 lots at 95 asks for 190, and loses 500 by the return to 100.
    house = house_at(95, margined={"A": has})
    assert trade(house, "R", "A", ticks=95) == [code]
