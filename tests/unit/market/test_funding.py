"""Funding rates of a period, and those at which funding accrues."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.market.funding import accruing_rates, funding_rate
from tests.unit.clearing import HOUR, MINUTE, START, ClearingHouse

ONE = 10**9


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
    assert accruing_rates(house.state, 0, 100) == (35 * 10**6, 0)
    house.price(100, at_ns=START + 30 * MINUTE, last={0: 97})
    assert accruing_rates(house.state, 0, 100) == (35 * 10**6, 30 * 10**6)
    house.price(100, at_ns=START + 60 * MINUTE, last={0: 97})
    assert int(house.state.marks.mark[0]) == 97
    longs, shorts = accruing_rates(house.state, 0, 100)
    assert (longs, shorts) == (pytest.approx(5 * 10**6, rel=1e-4), 30 * 10**6)


@pytest.mark.rule("7.93")
def test_the_mark_has_a_premium_of_its_own() -> None:
    house = ClearingHouse()
    house.list_contract(cycle_ns=0, funding_ns=HOUR, funding_cap_e9=ONE, basis_clamp_ppm=30_000)
    house.price(100, last={0: 103})
    house.state.marks.premium_e9[0] = 0
    assert accruing_rates(house.state, 0, 100) == (30 * 10**6, 0)
    assert accruing_rates(house.state, 0, 104) == (0, 9_615_385)
    assert accruing_rates(house.state, 0, 1) == (ONE, 0)
