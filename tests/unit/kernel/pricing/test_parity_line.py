from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.pricing.parity_line import (
    INTERCEPT,
    INTERCEPT_ERROR,
    SCALE,
    SLOPE,
    SLOPE_ERROR,
    parity_line,
)


def line(x: np.ndarray, y: np.ndarray, half: np.ndarray, least: float = 0.0) -> np.ndarray:
    out = np.empty(5)
    parity_line(x, y, half, least, np.empty(len(x)), out)
    return out


def naive(x: np.ndarray, y: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Huber's line by the library's least squares, over and over."""
    weight = np.ones(len(x))
    for _ in range(500):
        root = np.sqrt(weight) / half
        design = np.stack([np.ones(len(x)), x], axis=1) * root[:, None]
        found, *_ = np.linalg.lstsq(design, y * root)
        residual = np.abs(y - found[0] - found[1] * x) / half
        scale = np.sqrt(np.sum(weight * residual**2) / (len(x) - 2))
        covariance = np.linalg.inv(design.T @ design)
        weight = 1.0 / np.maximum(residual, 1.0)
    return np.array([*found, *(scale * np.sqrt(np.diag(covariance))), scale])


@pytest.mark.parametrize("seed", range(5))
def test_the_line_is_that_of_a_naive_twin_with_a_library(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, half = rng.uniform(0.5, 1.8, 25), rng.uniform(0.001, 0.01, 25)
    y = 0.97 - 0.95 * x + half * rng.standard_normal(25)
    y[:3] += 0.2

    assert line(x, y, half) == pytest.approx(naive(x, y, half), rel=1e-6)


def test_points_on_a_line_give_it_back_without_error() -> None:
    x = np.linspace(0.5, 1.5, 7)
    out = line(x, 0.98 - 0.98 * x, np.full(7, 0.01))

    assert out[[INTERCEPT, SLOPE]] == pytest.approx([0.98, -0.98], rel=1e-12)
    assert out[[INTERCEPT_ERROR, SLOPE_ERROR, SCALE]] == pytest.approx([0.0] * 3, abs=1e-12)


def test_errors_are_stated_with_the_least_scale_at_least() -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0])
    out = line(x, 2.0 * x, np.full(4, 0.1), least=0.5)

    assert out[SLOPE_ERROR] == pytest.approx(0.5 * 0.1 / np.sqrt(np.sum((x - 1.5) ** 2)))


@pytest.mark.parametrize("x", [[1.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
def test_no_line_is_found_where_there_is_none(x: list[float]) -> None:
    places = np.array(x)

    assert np.isnan(line(places, places, np.ones(len(x)))).all()
