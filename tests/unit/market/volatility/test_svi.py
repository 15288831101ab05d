from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.errors import InputError
from novate.market.volatility.slice_data import SliceData
from novate.market.volatility.svi import (
    JumpWings,
    RawSvi,
    blend,
    check_butterfly,
    check_points,
    densities,
    fit_slice,
    from_jump_wings,
    nearest_ssvi,
    quote_cost,
    repair_butterfly,
    ssvi_slice,
    to_jump_wings,
)

VOGT = RawSvi(-0.041, 0.1331, 0.306, 0.3586, 0.4153)
"""Axel Vogt's slice (Gatheral and Jacquier 2014, example 5.1): it has butterfly arbitrage."""

SOUND = ssvi_slice(0.04, -0.4, 3.0)


def smile(raw: RawSvi, years: float = 0.25, half: float = 0.004) -> SliceData:
    k = np.linspace(-0.5, 0.4, 25)
    vol = np.sqrt(raw.variance(k) / years)
    return SliceData(k=k, vol=vol, half=np.full(25, half), years=years)


def test_a_slice_is_recovered_from_its_own_volatilities() -> None:
    truth = RawSvi(0.01, 0.09, -0.35, 0.03, 0.18)

    found = fit_slice(smile(truth, half=0.0005))

    k = np.linspace(-0.5, 0.4, 50)
    assert np.sqrt(found.variance(k) / 0.25) == pytest.approx(
        np.sqrt(truth.variance(k) / 0.25), abs=2e-4
    )


def test_a_quote_wrong_by_fifty_half_spreads_moves_the_smile_by_little_more_than_one() -> None:
    data = smile(SOUND)
    data.vol[12] += 0.2

    found = fit_slice(data)

    error = np.sqrt(found.variance(data.k) / data.years) - np.sqrt(SOUND.variance(data.k) / 0.25)
    assert np.abs(np.delete(error, 12)).max() < 0.006


@given(
    st.floats(0.02, 0.5),
    st.floats(-0.9, 0.9),
    st.floats(-0.3, 0.3),
    st.floats(0.05, 0.8),
    st.floats(0.02, 2.0),
)
def test_jump_wings_and_raw_parameters_convert_both_ways(
    b: float, rho: float, m: float, sigma: float, years: float
) -> None:
    raw = RawSvi(0.02, b, rho, m, sigma)
    share = 1.0 - rho * m / math.hypot(m, sigma)
    share -= math.sqrt(1 - rho * rho) * sigma / math.hypot(m, sigma)
    if share < 1e-3:
        return  # the money is at the least variance: v and v_min do not tell m from sigma

    back = from_jump_wings(to_jump_wings(raw, years), years)

    assert back.array == pytest.approx(raw.array, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    "wings",
    [
        JumpWings(0.04, 0.0, -0.5, 0.4, 0.03),
        JumpWings(0.04, -2.0, 0.5, 0.5, 0.03),
        JumpWings(0.04, 0.1, 0.5, 0.5, 0.05),
    ],
)
def test_jump_wings_that_no_slice_has_are_refused(wings: JumpWings) -> None:
    with pytest.raises(InputError, match="allowed"):
        from_jump_wings(wings, 0.5)


def test_jump_wings_need_a_positive_variance_at_the_money() -> None:
    with pytest.raises(InputError, match="both positive"):
        to_jump_wings(RawSvi(-1.0, 0.1, 0.0, 0.0, 0.1), 1.0)


def test_a_sound_slice_passes_and_is_left_alone() -> None:
    assert check_butterfly(SOUND).holds
    assert repair_butterfly(SOUND, 1.0) is SOUND


def test_a_wing_beyond_lees_bound_is_arbitrage_even_where_the_grid_is_fine() -> None:
    steep = RawSvi(4.0, 1.5, 0.5, 0.0, 1.0)

    assert not check_butterfly(steep).holds
    assert check_butterfly(steep).slope == 1.5 * 1.5


def test_variance_that_is_not_positive_is_arbitrage() -> None:
    assert check_butterfly(RawSvi(-0.1, 0.1, 0.0, 0.0, 0.1)).least == -math.inf


def test_the_density_is_the_second_derivative_of_call_prices() -> None:
    """g n(d2)/sqrt(w) is the density of ln(S/F): compare with finite differences of Black."""
    k, h = 0.13, 1e-4

    def call(strike: float) -> float:
        w = float(SOUND.variance(np.array([math.log(strike)]))[0])
        d1 = -math.log(strike) / math.sqrt(w) + 0.5 * math.sqrt(w)
        d2 = d1 - math.sqrt(w)
        return 0.5 * (math.erfc(-d1 / math.sqrt(2.0)) - strike * math.erfc(-d2 / math.sqrt(2.0)))

    strike = math.exp(k)
    second = (call(strike + h) - 2.0 * call(strike) + call(strike - h)) / (h * h)
    w = float(SOUND.variance(np.array([k]))[0])
    d2 = -k / math.sqrt(w) - 0.5 * math.sqrt(w)
    density = math.exp(-0.5 * d2 * d2) / math.sqrt(2.0 * math.pi * w)

    g = float(densities(SOUND, np.array([k]))[0])
    assert second * strike == pytest.approx(g * density, rel=1e-4)


def test_the_grid_reaches_far_into_both_wings_and_is_fine_at_the_vertex() -> None:
    points = check_points(RawSvi(0.01, 0.1, 0.0, 0.3, 0.01))

    assert points[0] < -39.0
    assert points[-1] > 39.0
    near = points[np.abs(points - 0.3) < 0.02]
    assert np.diff(near).max() < 0.001


@given(
    st.floats(-0.05, 0.1), st.floats(0.01, 0.9), st.floats(-0.98, 0.98), st.floats(-0.5, 0.5),
    st.floats(0.01, 0.8),
)  # fmt: skip
def test_the_safe_end_of_a_repair_never_has_arbitrage(
    a: float, b: float, rho: float, m: float, sigma: float
) -> None:
    raw = RawSvi(a, b, rho, m, sigma)

    assert check_butterfly(nearest_ssvi(raw)).holds
    assert check_butterfly(blend(raw, nearest_ssvi(raw))).holds


def test_a_repair_needs_some_variance_to_start_from() -> None:
    with pytest.raises(InputError, match="near the money"):
        repair_butterfly(RawSvi(-5.0, 0.1, 0.0, 0.0, 0.1), 1.0)


def test_the_cost_of_quotes_is_zero_on_them_and_infinite_without_variance() -> None:
    data = smile(SOUND)

    assert quote_cost(data, SOUND) == pytest.approx(0.0, abs=1e-20)
    assert quote_cost(data, RawSvi(-1.0, 0.1, 0.0, 0.0, 0.1)) == math.inf


def test_a_slice_has_the_derivatives_of_its_variance() -> None:
    raw, h = RawSvi(0.01, 0.1, -0.3, 0.05, 0.2), 1e-4
    k = np.array([-0.5, 0.0, 0.5])

    variance, first, second = raw.derivatives(k)

    up, down = raw.variance(k + h), raw.variance(k - h)
    assert np.array_equal(variance, raw.variance(k))
    assert first == pytest.approx((up - down) / (2 * h), rel=1e-6)
    assert second == pytest.approx((up - 2 * variance + down) / (h * h), rel=1e-5)
    assert raw.skew == first[1]
