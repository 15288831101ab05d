from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.path import PathOrder, corner_points, intrabar_path, offset_ns


def test_four_points_are_the_four_corners_of_the_bar() -> None:
    high_first = intrabar_path([10], [14], [7], [12], order=PathOrder.HIGH_FIRST, points=4)
    low_first = intrabar_path([10], [14], [7], [12], order=PathOrder.LOW_FIRST, points=4)
    assert high_first.tolist() == [[10, 14, 7, 12]]
    assert low_first.tolist() == [[10, 7, 14, 12]]


def test_points_between_corners_lie_on_straight_lines() -> None:
    path = intrabar_path([100], [160], [40], [100], order=PathOrder.HIGH_FIRST, points=10)
    assert path.tolist() == [[100, 120, 140, 160, 120, 80, 40, 60, 80, 100]]


def test_bars_of_any_shape_are_done_at_once() -> None:
    opening = np.full((3, 2), 10)
    path = intrabar_path(opening, opening + 2, opening - 2, opening + 1,
                         order=PathOrder.LOW_FIRST, points=7)  # fmt: skip
    assert path.shape == (3, 2, 7)
    assert path.dtype == np.int64


def test_sub_steps_are_evenly_spaced_and_end_before_the_next_bar() -> None:
    assert offset_ns(4, 60).tolist() == [0, 15, 30, 45]
    assert offset_ns(4, 10).tolist() == [0, 2, 5, 7]


def test_corners_are_spread_over_the_bar() -> None:
    assert corner_points(6) == (0, 1, 3, 5)


@pytest.mark.parametrize(
    ("bar", "points", "message"),
    [
        (([10], [14], [7], [12]), 3, "points 3"),
        (([10, 10], [14, 9], [7, 7], [12, 8]), 4, "bar 1 has"),
        (([10], [14], [0], [12]), 4, "bar 0 has"),
        (([10.5], [14], [7], [12]), 4, "open prices have type float64"),
        (([10, 10], [14], [7], [12]), 4, "one common shape"),
    ],
)
def test_a_bar_that_contradicts_itself_is_refused(
    bar: tuple[list[int], ...], points: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        intrabar_path(*bar, order=PathOrder.HIGH_FIRST, points=points)


def test_more_points_than_nanoseconds_are_refused() -> None:
    with pytest.raises(InputError, match="do not fit"):
        offset_ns(5, 4)
