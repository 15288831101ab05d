from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from novate.errors import InputError
from novate.margin.methodology.portfolio import Contract, Position
from novate.margin.methodology.what_if import liquidation_price, moved, traded
from tests.unit.margin.methodology.book import CALL, book, grid, market

ASSESSMENTS_MAX = 50


def test_a_long_is_liquidated_where_equity_meets_maintenance_margin() -> None:
    # 50 + 2 (s - 100) = 0.8 x 0.2 x 2 s  =>  s = 150 / 1.68
    found = liquidation_price(grid(), book(cash=50.0, P=2.0), market(), "BTC")

    assert found.below == pytest.approx(150 / 1.68, rel=1e-8)
    assert found.above is None
    assert found.assessments <= ASSESSMENTS_MAX


def test_what_cannot_fail_has_no_liquidation_price() -> None:
    found = liquidation_price(grid(), book(cash=1_000.0, P=1.0), market(), "BTC")

    assert (found.below, found.above) == (None, None)


def test_what_has_failed_is_liquidated_at_the_present_price() -> None:
    found = liquidation_price(grid(), book(cash=1.0, P=1.0), market(), "BTC")

    assert (found.below, found.above, found.assessments) == (100.0, 100.0, 1)


@given(p=st.floats(-20, 20), c=st.floats(-20, 20), q=st.floats(-20, 20), cash=st.floats(1, 5_000))
def test_an_account_is_sound_before_its_liquidation_price_and_not_at_it(
    p: float, c: float, q: float, cash: float
) -> None:
    portfolio = book(cash=cash, P=round(p, 2), C=round(c, 2), Q=round(q, 2))

    def excess(price: float) -> float:
        there = moved(portfolio, market(), "BTC", price / 100.0 - 1.0)
        return grid().outcome(*there).maintenance_excess

    assume(excess(100.0) > 0)
    found = liquidation_price(grid(), portfolio, market(), "BTC")

    assert found.assessments <= ASSESSMENTS_MAX
    for side, towards in ((found.below, 1.0), (found.above, -1.0)):
        if side is not None:
            assert excess(side * (1 - towards * 1e-6)) < 0
            assert excess(side * (1 + towards * 1e-6)) > 0


def test_a_move_changes_no_face_value_of_an_inverse_contract() -> None:
    inverse = Contract(symbol="I", kind="perpetual", underlying="BTC", settlement="BTC")
    held = replace(book(), positions=(Position(contract=inverse, quantity=3.0),))
    at = replace(market(), mark={"I": 100.0})

    portfolio, snapshot = moved(held, at, "BTC", 0.25)

    [position] = portfolio.positions
    assert position.quantity * snapshot.mark["I"] == pytest.approx(3.0 * 100.0)
    assert position.unrealised == pytest.approx(300.0 * (1 / 100 - 1 / 125))


@given(quantity=st.floats(-10, 10))
def test_a_trade_at_the_mark_changes_no_equity(quantity: float) -> None:
    before = book(cash=500.0, P=1.0, C=-2.0)
    after = traded(before, market(), CALL, round(quantity, 3))

    equity = [grid().outcome(one, market()).equity for one in (before, after)]
    assert equity[0] == pytest.approx(equity[1])


def test_a_position_that_a_trade_closes_is_gone() -> None:
    assert traded(book(C=-2.0), market(), CALL, 2.0).positions == ()


def test_an_underlying_without_an_index_is_refused() -> None:
    with pytest.raises(InputError, match="underlying 'ETH'"):
        liquidation_price(grid(), book(P=1.0), market(), "ETH")
