"""Sums and differences of Mills ratios against 60-digit arithmetic."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from novate.kernel.clearing.columns import F64
from novate.kernel.jit import kernel
from novate.kernel.pricing.mills_pair import (
    SHIFT,
    mills_parts,
    mills_slope,
    mills_sum,
    rough_slope,
    rough_sum,
)


@kernel
def _fill(y, z, out):  # type: ignore[no-untyped-def]
    for k in range(y.size):
        p, q = mills_parts(y[k])
        joint, total = mills_sum(y[k], z[k])
        out[0, k] = p / q
        out[1, k] = total / joint
        out[2, k] = mills_slope(y[k], z[k]) / joint
        joint, total = rough_sum(y[k], z[k])
        out[3, k] = total / joint
        out[4, k] = rough_slope(y[k], z[k]) / joint


def mills(a: mpmath.mpf) -> mpmath.mpf:
    return mpmath.sqrt(mpmath.pi / 2) * mpmath.exp(a * a / 2) * mpmath.erfc(a / mpmath.sqrt(2))


@pytest.fixture(scope="module")
def errors() -> F64:
    """Largest relative errors: one ratio, sum, difference, rough sum, rough difference."""
    rng = np.random.default_rng(3)
    a = np.concatenate((rng.uniform(-0.7, 2, 400), rng.uniform(0, 38, 400)))
    y = a + SHIFT
    z = y + 10.0 ** rng.uniform(-8, 1.3, a.size)
    out = np.empty((5, a.size))
    _fill(y, z, out)
    worst = np.zeros(5)
    with mpmath.workdps(60):
        for k in range(a.size):
            first, second = mpmath.mpf(y[k]), mpmath.mpf(z[k])
            m_a, m_b = mills(first - mpmath.mpf(SHIFT)), mills(second - mpmath.mpf(SHIFT))
            slope = (m_a - m_b) / (second - first)
            exact = (m_a, m_a + m_b, slope, m_a + m_b, slope)
            for at in range(5):
                worst[at] = max(worst[at], abs(out[at, k] / exact[at] - 1))
    return worst


def test_a_ratio_and_a_sum_are_accurate_to_a_few_roundings(errors: F64) -> None:
    assert errors[:2].max() < 1.2e-15


def test_a_difference_is_as_accurate_where_all_digits_but_the_last_cancel(errors: F64) -> None:
    assert errors[2] < 1.8e-15


def test_the_rough_pair_is_good_for_a_first_step(errors: F64) -> None:
    assert errors[3] < 5e-7
    assert errors[4] < 5e-6
