"""The kernel's largest loss is what rational arithmetic makes of the same legs and prices."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.clearing.largest_loss import worst_of

E8 = 10**8
MOST = 5 * 10**11  # with the widest tick, as far as the kernel may be asked
LEGS = st.lists(
    st.tuples(
        st.sampled_from((1, -1)),
        st.integers(1, MOST),
        st.sampled_from((10**4, 3 * 10**6)),
        st.sampled_from((5, 10**8)),
        st.integers(-(10**6), 10**6),
    ),
    min_size=1,
    max_size=5,
)
PRICES = st.lists(st.integers(1, MOST), min_size=1, max_size=5)


def paid(leg: tuple[int, ...], price: int, *, is_coin: bool) -> int:
    """Ticks of a lot, rounded half up."""
    side, strike, tick, most, _ = leg
    inside = Fraction(max(side * (price - strike), 0), tick)
    exact = inside * E8 / price if is_coin else inside
    return min(math.floor(exact + Fraction(1, 2)), most)


@pytest.mark.parametrize("is_coin", [False, True])
@given(legs=LEGS, prices=PRICES, rounding=st.integers(0, 10**6))
def test_it_is_the_largest_of_the_losses_and_not_negative(
    legs: list[tuple[int, ...]], prices: list[int], rounding: int, is_coin: bool
) -> None:
    worth = [price / 10**10 for price in prices] if is_coin else []
    worst = 0
    for k, price in enumerate(prices):
        loss = rounding - sum(leg[4] * paid(leg, price, is_coin=is_coin) for leg in legs)
        if is_coin and loss > 0:
            loss = math.ceil(loss * worth[k])
        worst = max(worst, loss)

    found = worst_of(np.array(legs), np.array(prices), np.array(worth, np.float64), rounding)

    assert found == worst


def test_a_loss_in_coin_is_worth_2_60_units_at_most() -> None:
    legs = np.array([(1, 1, 1, 10**8, -(10**9))])

    assert worst_of(legs, np.array([E8]), np.array([1e9]), 0) == 2**60
