from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.pricing.svi_fit import BAND, HARD, LEAN, MARGIN, PULL, RISE
from novate.market.volatility.slice_data import (
    HALF_MIN,
    INSIDE,
    REACH,
    SliceData,
    bounds,
    fit_terms,
    kernel_arrays,
    open_corridor,
)

DATA = SliceData(
    k=np.array([-0.2, 0.01, 0.3]),
    vol=np.array([0.6, 0.5, 0.55]),
    half=np.array([0.01, 1e-6, 0.02]),
    years=0.25,
)


def test_the_scale_is_the_deviation_of_the_quote_nearest_to_the_money() -> None:
    assert DATA.scale == pytest.approx(0.5 * 0.25**0.5)


def test_terms_stand_where_the_kernel_reads_them() -> None:
    terms = fit_terms(7.0, 1e-3, INSIDE)

    assert terms[[HARD, RISE, BAND, PULL, LEAN]].tolist() == [
        7.0, 1e-3, INSIDE.band, INSIDE.pull, INSIDE.lean,
    ]  # fmt: skip
    assert terms[MARGIN] > 0.0


def test_an_open_corridor_bounds_nothing_and_reaches_far_out() -> None:
    corridor = open_corridor(DATA.scale)

    assert corridor.floor.max() == 0.0
    assert np.isinf(corridor.ceiling).all()
    assert corridor.grid[[0, -1]] == pytest.approx([-REACH, REACH])


def test_parameters_may_reach_beyond_the_quotes_but_not_without_end() -> None:
    lower, upper = bounds(DATA)

    assert (lower < upper).all()
    assert lower[3] < DATA.k.min()
    assert upper[3] > DATA.k.max()


def test_quotes_without_weights_count_alike_and_none_is_narrower_than_the_least() -> None:
    corridor = open_corridor(DATA.scale)
    quotes, starts, years, grid, limits = kernel_arrays(
        [DATA, DATA], [corridor, corridor], [np.ones(len(corridor.grid))] * 2
    )

    assert quotes.shape == (4, 6)
    assert quotes[2].min() == HALF_MIN
    assert quotes[3].tolist() == [1.0] * 6
    assert (starts.tolist(), years.tolist()) == ([0, 3, 6], [0.25, 0.25])
    assert grid.shape == (2, limits.shape[2])
