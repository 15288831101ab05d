from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

from novate.kernel.pricing.svi_fit import fit_svi, linear_start, refine_slices, total_cost

TRUTH = np.array([0.01, 0.09, -0.35, 0.03, 0.18])
LOWER = np.array([-1.0, 0.0, -0.995, -2.0, 0.005])
UPPER = np.array([1.0, 2.0, 0.995, 2.0, 5.0])


def terms(margin: float = 0.0, rise: float = 0.0, hard: float = 100.0) -> np.ndarray:
    """Least g, least rise, weight of hinges, band, pull and lean."""
    return np.array([margin, rise, hard, 0.6, 0.2, 0.5])


def variance(k: np.ndarray, p: np.ndarray) -> np.ndarray:
    return p[0] + p[1] * (p[2] * (k - p[3]) + np.sqrt((k - p[3]) ** 2 + p[4] ** 2))


def problem(slices: list[np.ndarray], years: list[float], noise: float = 0.0) -> tuple:
    """Quotes, starts, years, grid and bounds of slices quoted on their own volatilities."""
    rng = np.random.default_rng(1)
    k = np.linspace(-0.6, 0.5, 23)
    vol = [np.sqrt(variance(k, p) / t) for p, t in zip(slices, years, strict=True)]
    quotes = np.stack(
        [
            np.tile(k, len(slices)),
            np.concatenate(vol) + noise * rng.standard_normal(23 * len(slices)),
            np.full(23 * len(slices), 0.003),
            np.ones(23 * len(slices)),
        ]
    )
    grid = np.tile(np.linspace(-3, 3, 61), (len(slices), 1))
    none = np.zeros_like(grid)
    bounds = np.stack([none, none + np.inf, none + 0.05])
    return quotes, 23 * np.arange(len(slices) + 1), np.array(years), grid, bounds


def cost(arguments: tuple, p: np.ndarray, margin: float, hard: float) -> tuple:
    n = len(p)
    normal, gradient = np.zeros((n, n)), np.zeros(n)
    value = total_cost(*arguments, terms(margin, 0.01, hard), p, normal, gradient)
    return value, normal, gradient


def test_the_gradient_is_half_the_slope_of_the_cost_hinges_included() -> None:
    """Both slices break g >= 0.6, their order, a floor and a ceiling: every row is at work."""
    arguments = problem([TRUTH, 0.9 * TRUTH], [0.25, 0.3])
    arguments[4][0] = 0.12
    arguments[4][1, 0, :20] = 0.05
    p = np.concatenate([TRUTH, 0.9 * TRUTH]) * 1.05
    p[6] = 1.6  # beyond the bound on slopes
    _, _, gradient = cost(arguments, p, 0.6, 3.0)

    for i in range(10):
        h = 1e-6 * max(abs(p[i]), 0.1)
        up, down = p.copy(), p.copy()
        up[i] += h
        down[i] -= h
        slope = (cost(arguments, up, 0.6, 3.0)[0] - cost(arguments, down, 0.6, 3.0)[0]) / (2 * h)
        assert 2.0 * gradient[i] == pytest.approx(slope, rel=2e-4, abs=1e-3)


def test_a_start_is_exact_when_its_vertex_and_width_are() -> None:
    arguments = problem([TRUTH], [0.25])
    p = np.empty(5)

    error = linear_start(*arguments[0][:3], 0.25, 0.03, 0.18, p)

    assert p == pytest.approx(TRUTH, rel=1e-5)
    assert error < 1e-6


def test_the_fit_finds_parameters_from_afar() -> None:
    arguments = problem([TRUTH], [0.25])
    p = np.empty(5)

    found = fit_svi(
        *arguments, terms(), np.array([0.0, 0.2]), np.array([0.1, 0.5]), LOWER, UPPER, 200, p
    )

    assert found < 0.05
    assert np.sqrt(variance(np.zeros(1), p)) == pytest.approx(
        math.sqrt(variance(0, TRUTH)), rel=1e-3
    )


def test_the_fit_is_no_worse_than_the_best_of_an_oracle_library() -> None:
    """SciPy minimises the same cost, given as residuals, from the truth on."""
    arguments = problem([TRUTH], [0.25], noise=0.003)
    p = np.empty(5)
    ours = fit_svi(
        *arguments, terms(), np.array([0.0, 0.2]), np.array([0.1, 0.5]), LOWER, UPPER, 500, p
    )

    theirs = optimize.minimize(
        lambda x: cost(arguments, x, 0.0, 100.0)[0], TRUTH, method="Nelder-Mead",
        options={"maxiter": 4000, "xatol": 1e-10, "fatol": 1e-10},
    )  # fmt: skip

    assert ours <= theirs.fun * (1.0 + 1e-3)


def test_a_quote_of_twice_the_weight_counts_as_two() -> None:
    arguments = problem([TRUTH], [0.25], noise=0.003)
    p = TRUTH * 1.05
    twice = tuple(np.concatenate([part, part[:, 3:4]], axis=1) for part in arguments[:1])
    heavy = arguments[0].copy()
    heavy[3, 3] = 2.0

    starts = np.array([0, 24])
    value, normal, gradient = cost((*twice, starts, *arguments[2:]), p, 0.0, 100.0)
    found = cost((heavy, *arguments[1:]), p, 0.0, 100.0)

    assert found[0] == pytest.approx(value, rel=1e-12)
    assert found[2] == pytest.approx(gradient, rel=1e-9)
    assert np.tril(found[1]) == pytest.approx(np.tril(normal), rel=1e-9)


def test_slices_that_cross_are_moved_apart_together() -> None:
    early, late = TRUTH, TRUTH * np.array([0.5, 0.8, 1.0, 1.0, 1.0])
    arguments = problem([early, late], [0.25, 0.3])
    p = np.concatenate([early, late])

    for hard in (1e2, 1e4, 1e6):
        refine_slices(
            *arguments, terms(rise=1e-3, hard=hard), np.tile(LOWER, 2), np.tile(UPPER, 2), 200, p
        )

    k = np.linspace(-3, 3, 61)
    assert (variance(k, p[5:]) >= variance(k, p[:5]) * (1.0 - 1e-3)).all()
    assert p[6] * (1 - p[7]) >= p[1] * (1 - p[2])


def test_a_start_without_positive_variance_costs_everything() -> None:
    arguments = problem([TRUTH], [0.25])
    p = np.array([-0.9, 0.1, 0.0, 0.0, 0.1])

    assert refine_slices(*arguments, terms(), LOWER, UPPER, 10, p) == math.inf
