"""Formulas of one short option, and the largest loss of an expiry against a fine grid of prices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.margin.methodology.option_rule import OptionTerms, unpaired_calls, worst_payoff
from novate.margin.methodology.portfolio import Contract, Position

leg = st.tuples(st.integers(-3, 3), st.integers(1, 9), st.booleans())


def held(quantity: int, strike: int, is_call: bool) -> Position:
    contract = Contract(
        symbol=f"{strike}{is_call}",
        kind="option",
        underlying="ETH",
        settlement="USDC",
        expiry_ns=1,
        strike=float(strike),
        is_call=is_call,
    )
    return Position(contract=contract, quantity=float(quantity))


@given(st.lists(leg, max_size=5))
def test_the_largest_loss_is_the_worst_of_all_prices_up_to_the_highest_strike(
    legs: list[tuple[int, int, bool]],
) -> None:
    def payoff(price: float) -> float:
        return sum(q * max(price - k if c else k - price, 0.0) for q, k, c in legs)

    top = max((k for _, k, _ in legs), default=0)
    grid = [payoff(step / 10) for step in range(10 * top + 1)]
    found = worst_payoff([held(*one) for one in legs])
    assert found == pytest.approx(min(0.0, *grid, 0.0), abs=1e-9)


def test_calls_beyond_those_held_are_unpaired() -> None:
    assert unpaired_calls([held(-3, 5, True), held(1, 7, True), held(-9, 5, False)]) == 2.0
    assert unpaired_calls([held(3, 5, True)]) == 0.0


@given(st.floats(1.0, 1e5), st.floats(1.0, 1e5), st.floats(0.0, 1e5), st.booleans())
def test_initial_margin_is_not_below_maintenance(
    index: float, strike: float, mark: float, is_call: bool
) -> None:
    terms = OptionTerms(
        initial=0.15,
        initial_floor=0.1,
        maintenance=0.075,
        call_value=0.03,
        put_value=0.075,
        close_out=0.002,
    )
    initial, maintenance = terms.short(
        is_call=is_call, reference=index, strike=strike, mark=mark, entry=0.0
    )
    assert initial >= maintenance >= mark
