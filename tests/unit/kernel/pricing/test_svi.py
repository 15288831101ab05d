from __future__ import annotations

import math

import numpy as np
import pytest

from novate.kernel.codes import PricingStatus
from novate.kernel.pricing.svi import (
    least_density,
    log_ratios,
    surface_volatilities,
    svi_curvature,
    svi_densities,
    svi_derivatives,
    svi_row_variances,
    svi_slope,
    svi_variance,
    svi_variances,
    wing_grid,
)

P = np.array([0.01, 0.1, -0.3, 0.05, 0.2])


def w(k: float) -> float:
    a, b, rho, m, sigma = P.tolist()
    return a + b * (rho * (k - m) + math.hypot(k - m, sigma))


@pytest.mark.rule("9.5")
def test_variances_are_the_formula() -> None:
    k, out = np.linspace(-2, 2, 11), np.empty(11)
    svi_variances(k, P, out)

    assert out == pytest.approx([w(x) for x in k.tolist()], rel=1e-14)


def test_variances_of_several_slices_are_those_of_each() -> None:
    k, out = np.array([-0.4, 0.0, 0.7]), np.empty(3)
    slices = np.stack([P, 2.0 * P, P[[1, 0, 2, 3, 4]]])

    svi_row_variances(k, slices, out)

    assert out.tolist() == [svi_variance(x, *p) for x, p in zip(k, slices, strict=True)]


def test_derivatives_are_finite_differences_of_the_variance() -> None:
    k, out, h = np.linspace(-1.5, 1.5, 7), np.empty((3, 7)), 1e-4

    svi_derivatives(k, P, out)

    for x, (variance, first, second) in zip(k.tolist(), out.T.tolist(), strict=True):
        assert variance == svi_variance(x, *P)
        assert first == pytest.approx((w(x + h) - w(x - h)) / (2 * h), rel=1e-6)
        assert second == pytest.approx((w(x + h) - 2 * w(x) + w(x - h)) / (h * h), rel=1e-5)


def test_a_slice_with_a_kink_has_no_density_there() -> None:
    out = np.empty(2)

    svi_densities(np.array([0.05, 0.3]), np.array([0.01, 0.1, -0.3, 0.05, 0.0]), out)

    assert svi_slope(0.05, 0.1, -0.3, 0.05, 0.0) == 0.1 * -0.3
    assert svi_curvature(0.05, 0.1, 0.05, 0.0) == math.inf
    assert out[0] == -math.inf
    assert math.isfinite(out[1])


@pytest.mark.rule("9.34")
def test_densities_are_the_formula_with_finite_differences() -> None:
    k, out, h = np.linspace(-1.5, 1.5, 7), np.empty(7), 1e-4
    svi_densities(k, P, out)
    for x, g in zip(k.tolist(), out.tolist(), strict=True):
        first = (w(x + h) - w(x - h)) / (2 * h)
        second = (w(x + h) - 2 * w(x) + w(x - h)) / (h * h)
        expected = (1 - x * first / (2 * w(x))) ** 2
        expected += -(first**2) / 4 * (1 / w(x) + 0.25) + second / 2
        assert g == pytest.approx(expected, rel=1e-5)


def test_the_least_density_is_the_least_of_all_points() -> None:
    k, out = np.linspace(-2.0, 2.0, 401), np.empty(401)
    svi_densities(k, P, out)

    assert least_density(np.linspace(-2.0, 2.0, 401), *P) == pytest.approx(out.min(), rel=1e-12)


def test_a_grid_is_symmetric_reaches_its_ends_and_hits_its_centre() -> None:
    out = np.empty(101)
    wing_grid(0.5, 0.01, 20.0, out)

    assert out[[0, 50, 100]] == pytest.approx([-19.5, 0.5, 20.5], rel=1e-12)
    assert out[51:] - 0.5 == pytest.approx(0.5 - out[49::-1], rel=1e-12)
    assert (np.diff(out) > 0).all()


def test_ratios_of_positive_numbers_have_their_logarithm() -> None:
    out = np.empty(2)
    log_ratios(np.array([2.0, 3.0]), np.array([1.0, 7.0]), out)

    assert out == pytest.approx([math.log(2), math.log(3 / 7)], rel=1e-15)


def test_a_surface_of_one_expiry_is_flat_in_time() -> None:
    vol, status = np.empty(3), np.empty(3, np.int8)
    strikes, years = np.array([100.0, 100.0, -1.0]), np.array([0.0, 2.0, 1.0])

    surface_volatilities(
        strikes, years, np.array([0.5]), np.array([math.log(100.0)]), np.zeros(2),
        P.reshape(1, 5), vol, status,
    )  # fmt: skip

    assert vol[:2] == pytest.approx([math.sqrt(w(0.0) / 0.5)] * 2, rel=1e-12)
    assert status.tolist() == [0, 0, PricingStatus.STRIKE_NOT_POSITIVE]


def test_before_the_first_and_after_the_last_expiry_the_forward_drifts_as_it_does_there() -> None:
    vol, status = np.empty(2), np.empty(2, np.int8)
    times, forwards = np.array([0.5, 1.0]), np.array([100.0, 110.0])
    drift, later = np.array([0.1, -0.4]), P * np.array([2.0, 2.0, 1.0, 1.0, 1.0])
    strikes = np.array([100.0 * math.exp(0.1 * -0.25), 110.0 * math.exp(-0.4 * 0.75)])

    surface_volatilities(
        strikes, np.array([0.25, 1.75]), times, np.log(forwards), drift,
        np.stack([P, later]), vol, status,
    )  # fmt: skip

    # Both strikes are at the forward of their time.
    assert vol == pytest.approx([math.sqrt(w(0.0) / 0.5), math.sqrt(2.0 * w(0.0))], rel=1e-12)
