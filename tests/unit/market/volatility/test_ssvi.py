from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.market.volatility.calendar import check_calendar
from novate.market.volatility.ssvi import Ssvi, check_ssvi, fit_global, fit_theta, rising
from novate.market.volatility.svi import check_butterfly

YEARS = np.array([0.02, 0.1, 0.4, 1.0])
TRUTH = Ssvi(rho=-0.35, eta=1.1, gamma=0.42, years=YEARS, theta=0.3 * YEARS)


def quotes(surface: Ssvi) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    k, vol, expiry = [], [], []
    for j, (years, theta) in enumerate(zip(surface.years, surface.theta, strict=True)):
        points = np.linspace(-2.0, 2.0, 15) * math.sqrt(theta)
        k.append(points)
        vol.append(np.sqrt(surface.slice(float(theta)).variance(points) / years))
        expiry.append(np.full(15, j))
    return np.concatenate(k), np.concatenate(vol), np.full(60, 0.002), np.concatenate(expiry)


def test_a_surface_is_recovered_from_its_own_quotes() -> None:
    found = fit_global(*quotes(TRUTH), YEARS)

    assert [found.rho, found.eta, found.gamma] == pytest.approx([-0.35, 1.1, 0.42], rel=1e-4)
    assert found.theta == pytest.approx(TRUTH.theta, rel=1e-5)
    assert check_ssvi(found).holds


def test_a_slice_has_the_variance_theta_at_the_money() -> None:
    for theta in TRUTH.theta.tolist():
        assert TRUTH.slice(theta).at_the_money == pytest.approx(theta, rel=1e-14)


@given(st.floats(-0.94, 0.94), st.floats(0.05, 1.0), st.floats(0.03, 0.5), st.floats(0.001, 2.0))
def test_inside_the_bounds_there_is_neither_butterfly_nor_calendar_arbitrage(
    rho: float, share: float, gamma: float, theta: float
) -> None:
    eta = share * 1.999 / (1.0 + abs(rho))
    theta_pair = np.array([theta, 1.3 * theta])
    surface = Ssvi(rho=rho, eta=eta, gamma=gamma, years=np.array([1.0, 2.0]), theta=theta_pair)
    early, late = (surface.slice(value) for value in theta_pair.tolist())

    assert check_ssvi(surface).holds
    assert check_butterfly(early).least >= -1e-12
    gap = check_calendar(early, late)
    assert gap.least >= -1e-12
    assert gap.slope >= -1e-12


def test_a_surface_outside_the_bounds_is_told() -> None:
    wide = Ssvi(rho=-0.5, eta=1.5, gamma=0.4, years=YEARS, theta=TRUTH.theta)
    falling = Ssvi(rho=-0.5, eta=1.0, gamma=0.4, years=YEARS, theta=TRUTH.theta[::-1].copy())

    assert not check_ssvi(wide).holds
    assert not check_ssvi(falling).holds


def test_variances_that_fall_are_raised_to_the_earlier_one() -> None:
    assert rising(np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx([1.0, 3.0, 3.0, 4.0], rel=1e-5)
    assert (np.diff(rising(np.array([1.0, 1.0, 1.0]))) > 0.0).all()


def test_the_level_of_one_expiry_comes_from_a_single_quote() -> None:
    k = np.array([0.1])
    vol = np.sqrt(TRUTH.slice(0.2).variance(k) / 0.4)

    assert fit_theta(TRUTH, k, vol, np.array([0.01]), 0.4) == pytest.approx(0.2, rel=1e-6)


def test_theta_is_linear_between_times_and_proportional_outside() -> None:
    assert TRUTH.theta_at(0.01) == pytest.approx(0.003)
    assert TRUTH.theta_at(0.25) == pytest.approx(0.075)
    assert TRUTH.theta_at(2.0) == pytest.approx(0.6)
