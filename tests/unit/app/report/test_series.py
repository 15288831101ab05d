from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from novate.app.report.series import (
    POINTS_MAX,
    fill_forward,
    keep_extremes,
    keep_largest,
    largest_fall,
    pivot,
    size_distribution,
)
from novate.errors import InvariantError

VALUES = arrays(
    np.float64,
    st.integers(60, 400),
    elements=st.floats(-1e6, 1e6, allow_nan=False) | st.just(float("nan")),
)


@given(VALUES, st.integers(4, 60), st.data())
def test_sampling_keeps_the_extremes_the_ends_and_the_limit(
    values: np.ndarray, limit: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(values)))
    focus = data.draw(st.none() | st.tuples(st.just(start), st.integers(start, len(values))))
    rows = keep_extremes([values], limit, focus)

    assert len(rows) <= limit
    assert rows[0] == 0
    assert rows[-1] == len(values) - 1
    assert (np.diff(rows) > 0).all()
    if not np.isnan(values).all():
        assert np.nanmin(values[rows]) == np.nanmin(values)
        assert np.nanmax(values[rows]) == np.nanmax(values)


def test_every_column_keeps_its_own_extremes() -> None:
    rng = np.random.Generator(np.random.Philox(3))
    columns = [rng.normal(size=50_000) for _ in range(3)]
    rows = keep_extremes(columns)

    assert len(rows) <= POINTS_MAX
    for column in columns:
        assert column[rows].min() == column.min()
        assert column[rows].max() == column.max()


def test_a_focus_gets_most_of_the_points() -> None:
    values = np.random.Generator(np.random.Philox(3)).normal(size=10_000)
    rows = keep_extremes([values], 1000, (9000, 9800))

    assert ((rows >= 9000) & (rows < 9800)).sum() > 500


def test_what_fits_is_kept_whole() -> None:
    assert keep_extremes([np.arange(5.0)], 100).tolist() == [0, 1, 2, 3, 4]


def test_columns_of_two_lengths_stop() -> None:
    with pytest.raises(InvariantError, match="one length"):
        keep_extremes([np.zeros(3), np.zeros(4)])


def test_the_largest_points_are_kept_in_their_order() -> None:
    assert keep_largest(np.array([3.0, np.nan, 9.0, 1.0, 7.0]), 2).tolist() == [2, 4]
    assert keep_largest(np.array([3.0, 9.0]), 5).tolist() == [0, 1]


def test_a_pivot_carries_the_last_value_forward() -> None:
    instants = np.array([10, 20, 10, 30], dtype=np.int64)
    common, columns = pivot(instants, ["a", "a", "b", "b"], np.array([1.0, 2.0, 5.0, 6.0]))

    assert common.tolist() == [10, 20, 30]
    assert columns["a"].tolist() == [1.0, 2.0, 2.0]
    assert columns["b"].tolist() == [5.0, 5.0, 6.0]


def test_before_the_first_value_there_is_none() -> None:
    filled = fill_forward(np.array([np.nan, 4.0, np.nan]))

    assert np.isnan(filled[0])
    assert filled[1:].tolist() == [4.0, 4.0]
    assert len(fill_forward(np.array([]))) == 0


@given(arrays(np.float64, st.integers(1, 200), elements=st.floats(1e-3, 1e9)))
def test_every_positive_account_is_in_one_size_bin(equity: np.ndarray) -> None:
    bins = size_distribution(equity)

    assert sum(row.accounts for row in bins) == len(equity)
    assert sum(row.equity_share for row in bins) == pytest.approx(1.0)


def test_accounts_without_equity_have_no_size() -> None:
    assert size_distribution(np.array([0.0, -5.0, np.nan])) == []


def test_the_largest_fall_is_from_an_earlier_high() -> None:
    assert largest_fall(np.array([5.0, 10.0, 8.0, np.nan, 4.0, 9.0, 30.0])) == (1, 4)
    assert largest_fall(np.array([1.0, 2.0])) == (0, 0)
    assert largest_fall(np.array([np.nan])) == (0, 0)
