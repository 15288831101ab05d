from __future__ import annotations

import math

import numpy as np
import pytest

from novate.kernel.pricing import realised
from novate.kernel.pricing.realised import (
    bar_terms,
    decayed_squares,
    rolling_means,
    rolling_variances,
)

BARS = np.array([[100.0, 110.0, 95.0, 105.0], [106.0, 108.0, 101.0, 102.0]])


def test_each_row_is_its_formula() -> None:
    out = np.empty((realised.TERMS, 2))
    bar_terms(BARS, out)
    u, d, c = (math.log(x / 106.0) for x in (108.0, 101.0, 102.0))

    assert out[:, 1] == pytest.approx(
        [
            math.log(102 / 105),
            (u - d) ** 2 / (4 * math.log(2)),
            0.5 * (u - d) ** 2 - (2 * math.log(2) - 1) * c**2,
            u * (u - c) + d * (d - c),
            math.log(106 / 105),
            c,
        ],
        rel=1e-12,
    )
    first_missing = [realised.CLOSE, realised.OVERNIGHT]
    assert np.flatnonzero(np.isnan(out[:, 0])).tolist() == first_missing


@pytest.mark.parametrize(
    "bar", [(1, 2, 1.5, 1.7), (1, 0.9, 0.5, 0.7), (0, 1, 0, 1), (1, math.inf, 1, 1)]
)
def test_a_bar_that_cannot_be_is_unknown_in_every_row(bar: tuple[float, ...]) -> None:
    out = np.zeros((realised.TERMS, 1))
    bar_terms(np.array([bar], np.float64), out)

    assert np.isnan(out).all()


def test_rolling_means_and_variances_are_those_of_numpy() -> None:
    terms = np.random.default_rng(2).standard_normal(20)
    mean, variance = np.empty(20), np.empty(20)
    rolling_means(terms, 5, mean)
    rolling_variances(terms, 5, variance)

    assert mean[12] == pytest.approx(terms[8:13].mean(), rel=1e-12)
    assert variance[12] == pytest.approx(terms[8:13].var(ddof=1), rel=1e-12)
    assert np.isnan(mean[:4]).all()
    assert np.isnan(variance[:4]).all()


def test_decayed_squares_pass_over_what_is_unknown() -> None:
    out = np.empty(4)
    decayed_squares(np.array([math.nan, 0.1, math.nan, 0.2]), 0.5, out)

    assert math.isnan(out[0])
    assert out[1:] == pytest.approx([0.01, 0.01, 0.025])
