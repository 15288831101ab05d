from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.margin.methodology.parameters import Skew, VolatilityShock
from novate.margin.methodology.shock import shocked, skewed

TERMS = VolatilityShock(
    up=0.5, down=0.3, floor=0.4, short_power=0.3, long_power=0.13, days_min=1.0,
    is_short_at_30_days=True,
)  # fmt: skip
SKEW = Skew(
    linear_cap_base=0.15, linear_cap_slope=-0.05, absolute_cap_base=0.15,
    absolute_cap_slope=-0.05, k_star_min=0.01, width=4.0, v_base=0.6, v_slope=-0.1,
)  # fmt: skip


def years(days: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([days / 365.0])


@pytest.mark.parametrize(
    ("days", "factor"),
    [(30.0, 1.0), (7.5, 4**0.3), (120.0, 0.25**0.13), (0.5, 30**0.3), (0.0, 30**0.3)],
)
def test_shocks_grow_as_an_expiry_comes_nearer(days: float, factor: float) -> None:
    vol = np.array([0.8])

    assert shocked("up", vol, years(days), TERMS) == pytest.approx(0.8 * (1 + 0.5 * factor))
    down = max(0.8 * (1 - 0.3 * factor), 0.0)
    assert shocked("down", vol, years(days), TERMS) == pytest.approx(down)
    assert shocked("same", vol, years(days), TERMS) is vol


def test_a_low_volatility_is_raised_to_the_floor_by_a_shock_up_alone() -> None:
    low = np.array([0.1])

    assert shocked("up", low, years(30), TERMS) == 0.4
    assert shocked("down", low, years(30), TERMS) == pytest.approx(0.07)


@given(k=st.floats(-3, 3), days=st.floats(0.1, 700), vol=st.floats(0.01, 3))
def test_a_tilt_is_capped_and_an_absolute_one_is_even(k: float, days: float, vol: float) -> None:
    t = years(days)
    cap = 0.15 - 0.05 * math.sqrt(t[0])
    tilted, other = (
        skewed(is_absolute, np.array([vol]), np.array([k]), t, SKEW)[0] / vol - 1
        for is_absolute in (False, True)
    )
    mirrored = skewed(True, np.array([vol]), np.array([-k]), t, SKEW)[0] / vol - 1

    assert abs(tilted) <= cap + 1e-12
    assert other == pytest.approx(mirrored)
    assert other == pytest.approx(abs(tilted))
    assert tilted * k >= 0
