from __future__ import annotations

import math

import numpy as np
import pytest

from novate.kernel.pricing.ssvi_fit import errors, fit_ssvi, hold_inside, linearise, ssvi_phis

YEARS = np.array([0.05, 0.3])
TRUTH = np.array([-0.3, 0.8, 0.4, 0.02, 0.11])


def naive(k: float, q: np.ndarray, j: int) -> float:
    rho, eta, gamma, theta = q[0], q[1], q[2], q[3 + j]
    phi = eta / (theta**gamma * (1.0 + theta) ** (1.0 - gamma))
    return 0.5 * theta * (1 + rho * phi * k + math.hypot(phi * k + rho, math.sqrt(1 - rho**2)))


def problem() -> tuple[np.ndarray, ...]:
    k = np.tile(np.linspace(-0.4, 0.4, 9), 2)
    expiry = np.repeat([0, 1], 9)
    vol = np.array(
        [
            math.sqrt(naive(x, TRUTH, j) / YEARS[j])
            for x, j in zip(k.tolist(), expiry.tolist(), strict=True)
        ]
    )
    return k, vol, np.full(18, 0.004), expiry, YEARS


def test_the_shape_is_a_power_of_the_variance() -> None:
    out = np.empty(2)
    ssvi_phis(TRUTH[3:], 0.8, 0.4, out)

    assert out == pytest.approx([0.8 / (x**0.4 * (1 + x) ** 0.6) for x in TRUTH[3:]], rel=1e-13)


def test_errors_are_distances_in_half_spreads() -> None:
    out = np.empty(18)
    k, vol, half, expiry, years = problem()

    assert errors(k, vol, half, expiry, years, TRUTH, out) == pytest.approx(0.0, abs=1e-18)
    errors(k, vol - 0.004, half, expiry, years, TRUTH, out)
    assert out == pytest.approx([1.0] * 18, rel=1e-9)


def test_the_gradient_is_half_the_slope_of_the_cost() -> None:
    q = TRUTH * 1.1
    base, spare = np.empty(18), np.empty(18)
    arguments = problem()
    errors(*arguments, q, base)
    normal, gradient = np.zeros((5, 5)), np.zeros(5)
    linearise(*arguments, q, base, normal, gradient)

    for i in range(5):
        h = 1e-6 * abs(q[i])
        up, down = q.copy(), q.copy()
        up[i] += h
        down[i] -= h
        slope = (errors(*arguments, up, spare) - errors(*arguments, down, spare)) / (2 * h)
        assert 2.0 * gradient[i] == pytest.approx(slope, rel=1e-3)


def test_the_fit_returns_to_the_truth() -> None:
    q = np.array([0.2, 0.4, 0.2, 0.03, 0.08])

    cost = fit_ssvi(*problem(), 200, q)

    assert cost < 1e-6
    assert q == pytest.approx(TRUTH, rel=1e-3)


def test_parameters_are_held_inside_what_theory_allows() -> None:
    q = np.array([-2.0, 5.0, 0.9, -1.0])
    hold_inside(q)

    assert q[1] * (1 + abs(q[0])) <= 2.0
    assert 0.0 < q[2] <= 0.5
    assert q[3] > 0.0
