"""Funding rates of a period, and those at which funding accrues."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.market.funding import accruing_rates, funding_rate
from tests.unit.clearing import HOUR, MINUTE, START, ClearingHouse

ONE = 10**9


def funded() -> ClearingHouse:
    house = ClearingHouse()
    house.list_contract(cycle_ns=0, funding_ns=HOUR)
    return house


FUNDED = funded()


def rates_of(house: ClearingHouse, at_index: int) -> tuple[int, int]:
    """What longs and shorts of the first contract accrue, its price at the index in ticks."""
    longs, shorts = accruing_rates(house.state, np.zeros(1, np.int64), np.array([at_index]))
    return int(longs[0]), int(shorts[0])


@pytest.mark.rule("8.6")
@pytest.mark.parametrize(
    ("average", "interest", "damper", "cap", "rate"),
    [
        (0, 0, 0, ONE, 0),
        (500, 0, 0, ONE, 500),
        (500, 100, 1_000, ONE, 100),  # the damper is wide: interest alone
        (500, 100, 50, ONE, 450),
        (-500, 100, 50, ONE, -450),
        (500, 700, 50, ONE, 550),
        (500, 100, 50, 200, 200),
        (-500, 100, 50, 200, -200),
        (500, 100, 50, 0, 0),
    ],
)
def test_the_rate_is_premium_plus_damped_interest_inside_the_cap(
    average: int, interest: int, damper: int, cap: int, rate: int
) -> None:
    assert funding_rate(average, interest, damper, cap) == rate


@pytest.mark.rule("8.6")
@given(
    average=st.integers(-ONE, ONE),
    interest=st.integers(-ONE, ONE),
    damper=st.integers(0, ONE),
    cap=st.integers(0, ONE),
)
def test_the_rate_stays_within_the_cap_and_the_damper_of_the_premium(
    average: int, interest: int, damper: int, cap: int
) -> None:
    rate = funding_rate(average, interest, damper, cap)

    assert -cap <= rate <= cap
    free = funding_rate(average, interest, damper, 3 * ONE)
    assert abs(free - average) <= damper
    assert min(average, interest) <= free <= max(average, interest)
    assert rate == min(max(free, -cap), cap)


@pytest.mark.rule("7.93")
def test_funding_accrues_by_the_premium_that_asks_most_of_each_side() -> None:
    # Half an hour at 104 and half an hour at 97, with a mark that follows: longs pay by the first,
    # by the average or by the mark, shorts by the last premium.
    house = ClearingHouse()
    house.list_contract(
        cycle_ns=0, funding_ns=8 * HOUR, funding_cap_e9=35 * 10**6, basis_clamp_ppm=50_000
    )
    house.price(100, last={0: 104})
    assert rates_of(house, 100) == (35 * 10**6, 0)
    house.price(100, at_ns=START + 30 * MINUTE, last={0: 97})
    assert rates_of(house, 100) == (35 * 10**6, 30 * 10**6)
    house.price(100, at_ns=START + 60 * MINUTE, last={0: 97})
    assert int(house.state.marks.mark[0]) == 97
    longs, shorts = rates_of(house, 100)
    assert (longs, shorts) == (pytest.approx(5 * 10**6, rel=1e-4), 30 * 10**6)


@pytest.mark.rule("7.93")
def test_the_mark_has_a_premium_of_its_own() -> None:
    house = ClearingHouse()
    house.list_contract(cycle_ns=0, funding_ns=HOUR, funding_cap_e9=ONE, basis_clamp_ppm=30_000)
    house.price(100, last={0: 103})
    house.state.marks.premium_e9[0] = 0
    assert rates_of(house, 100) == (30 * 10**6, 0)
    assert rates_of(house, 104) == (0, 9_615_385)
    assert rates_of(house, 1) == (ONE, 0)


@pytest.mark.rule("7.93")
@given(
    mark=st.integers(1, 10**17),
    at_index=st.integers(1, 10**17),
    premium=st.integers(-ONE, ONE),
    total=st.integers(-(10**15), 10**15),
    time=st.integers(0, 10**6),
    interest=st.integers(-ONE, ONE),
    damper=st.integers(0, ONE),
    cap=st.integers(0, ONE),
)
def test_rates_of_any_price_are_those_of_numbers_of_any_size(
    mark: int, at_index: int, premium: int, total: int, time: int, interest: int, damper: int,
    cap: int,
) -> None:  # fmt: skip
    house = FUNDED
    marks, c = house.state.marks, house.state.instruments
    marks.mark[0], marks.premium_e9[0], marks.premium_sum[0] = mark, premium, total
    marks.premium_ms[0], c.interest_e9[0] = time, interest
    c.funding_damper_e9[0], c.funding_cap_e9[0] = damper, cap
    here = max(min((mark - at_index) * ONE // at_index, ONE), -ONE)
    premiums = [here, premium, *([total // time] if time else [])]
    rates = [funding_rate(value, interest, damper, cap) for value in premiums]
    assert rates_of(house, at_index) == (max(0, *rates), max(0, *(-rate for rate in rates)))
