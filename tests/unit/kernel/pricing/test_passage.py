"""First-passage probabilities: what they add up to, and their limits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.pricing import passage
from novate.kernel.pricing.passage import (
    at_hit,
    between,
    hit_over,
    region_in,
    region_out,
    tail_over,
)

drifts = st.floats(-3.0, 3.0)
volatilities = st.floats(0.01, 2.0)
distances = st.floats(0.001, 3.0)
levels = st.floats(-4.0, 4.0)
sides = st.sampled_from([1.0, -1.0])


@given(k=levels, h=distances, M=drifts, s=volatilities, w=sides)
def test_touched_and_not_touched_make_the_whole_region(
    k: float, h: float, M: float, s: float, w: float
) -> None:
    whole = tail_over(w * k, w * M, s)

    both = region_in(w, k, h, M, s, 1.0) + region_out(w, k, h, M, s, 1.0)

    assert both == pytest.approx(whole, abs=1e-14)


@given(k=levels, h=distances, M=drifts, s=volatilities, w=sides)
def test_a_touched_region_is_a_probability(
    k: float, h: float, M: float, s: float, w: float
) -> None:
    assert -1e-16 <= region_in(w, k, h, M, s, 1.0) <= 1.0 + 1e-15
    assert -1e-15 <= region_out(w, k, h, M, s, 1.0) <= 1.0 + 1e-15


@given(h=distances, M=drifts, s=volatilities)
def test_without_a_rate_the_touch_is_worth_the_chance_of_a_touch(
    h: float, M: float, s: float
) -> None:
    chance = region_in(1.0, -1e4, h, M, s, 1.0)

    assert at_hit(h, M, s, 0.0) == pytest.approx(chance, abs=1e-14)


@given(h=distances, M=drifts, s=volatilities, rate=st.floats(0.0, 1.0))
def test_a_rate_makes_a_touch_worth_less_but_more_than_at_expiry(
    h: float, M: float, s: float, rate: float
) -> None:
    chance = at_hit(h, M, s, 0.0)

    assert at_hit(h, M, s, rate) <= chance + 1e-15
    assert at_hit(h, M, s, rate) >= chance * math.exp(-rate) - 1e-15


@given(a=levels, b=levels, M=drifts, s=volatilities)
def test_an_interval_is_a_difference_of_tails(a: float, b: float, M: float, s: float) -> None:
    low, high = min(a, b), max(a, b)

    inside = between(low, high, M, s)

    assert inside == pytest.approx(tail_over(low, M, s) - tail_over(high, M, s), abs=1e-15)


def test_a_drift_a_thousand_times_the_volatility_overflows_nothing() -> None:
    s = 1e-9
    assert region_in(1.0, -0.05, 0.1, 0.2, s, 1.0) == 0.0
    assert region_in(1.0, -0.5, 0.1, -0.2, s, 1.0) == pytest.approx(1.0)
    # The path of drift -0.2 reaches -0.1 at half time.
    assert at_hit(0.1, -0.2, s, 0.06) == pytest.approx(math.exp(-0.03), rel=1e-12)
    assert at_hit(0.1, 0.2, s, 0.06) == 0.0


def test_at_the_barrier_every_path_has_touched() -> None:
    assert hit_over(0.3, 0.0, 0.1, 0.5) == pytest.approx(tail_over(0.3, 0.1, 0.5), abs=1e-16)
    assert at_hit(0.0, 0.1, 0.5, 0.05) == pytest.approx(1.0, abs=1e-15)


def test_ratios_beyond_their_range_are_held() -> None:
    assert passage.log_ratio(1e300, 1e-300) == pytest.approx(math.log(1e290))
    assert passage.log_ratio(1e-300, 1e300) == pytest.approx(-math.log(1e290))
