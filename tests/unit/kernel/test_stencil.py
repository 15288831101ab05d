"""Difference stencil: exact on polynomials of the fourth degree, one axis at a time."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel import stencil


def test_each_point_moves_one_input() -> None:
    moves = [
        [stencil.moved(point, axis, 0.0, 1.0) for axis in range(1, 5)]
        for point in range(stencil.POINTS)
    ]

    expected = [[0.0] * 4] + [
        [step if at == axis else 0.0 for at in range(4)]
        for axis in range(4)
        for step in (-2.0, -1.0, 1.0, 2.0)
    ]
    assert moves == expected


def test_greeks_of_a_polynomial_are_exact() -> None:
    spot, vol, years, rate = 100.0, 0.5, 0.25, 0.03

    def value(s: float, v: float, t: float, r: float) -> float:
        return 1.0 + (s / 100) ** 4 + v**3 + 2.0 * t**2 + 5.0 * r

    h, h_vol, h_time = stencil.steps_of(spot, vol, years)
    moved = stencil.moved
    f = np.array([
        value(
            moved(point, 1, spot, h), moved(point, 2, vol, h_vol), moved(point, 3, years, h_time),
            moved(point, 4, rate, stencil.RATE_STEP),
        )
        for point in range(stencil.POINTS)
    ])  # fmt: skip
    out = np.empty((stencil.GREEKS, 1))
    stencil.fill_greeks(f, h, h_vol, h_time, out, 0)

    expected = [value(spot, vol, years, rate), 0.04, 12e-4, 0.75, -1.0, 5.0]
    assert out[:, 0].tolist() == pytest.approx(expected, rel=1e-8)


def test_without_volatility_and_time_there_is_no_vega_and_no_theta() -> None:
    out = np.empty((stencil.GREEKS, 1))
    stencil.fill_greeks(np.ones(stencil.POINTS), 1e-4, 0.0, 0.0, out, 0)

    assert out[:, 0].tolist() == pytest.approx([1.0, 0.0, 0.0, 0.0, 0.0, 0.0], abs=1e-6)
