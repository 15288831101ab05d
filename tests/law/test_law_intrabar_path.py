from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from novate.simulation.path import PathOrder, intrabar_path

PRICE = st.integers(1, 10**14)
BAR = st.tuples(PRICE, PRICE, PRICE, PRICE)


@given(BAR, st.sampled_from(PathOrder), st.integers(4, 90))
def test_the_path_stays_in_the_bar_and_hits_open_extremes_and_close(
    prices: tuple[int, int, int, int], order: PathOrder, points: int
) -> None:
    opening, close, *_ = prices
    high, low = max(prices), min(prices)
    path = intrabar_path([opening], [high], [low], [close], order=order, points=points)[0]
    assert path[0] == opening
    assert path[-1] == close
    assert path.max() == high
    assert path.min() == low


@given(BAR, st.sampled_from(PathOrder), st.integers(4, 90))
def test_the_path_turns_at_most_twice(
    prices: tuple[int, int, int, int], order: PathOrder, points: int
) -> None:
    opening, close, *_ = prices
    path = intrabar_path(
        [opening], [max(prices)], [min(prices)], [close], order=order, points=points
    )[0]
    direction = np.sign(np.diff(path))
    direction = direction[direction != 0]
    assert np.count_nonzero(np.diff(direction)) <= 2


@given(BAR, st.integers(4, 60))
def test_the_declared_order_is_kept(prices: tuple[int, int, int, int], points: int) -> None:
    opening, close, *_ = prices
    high, low = max(prices), min(prices)
    if high == low:
        high += 1
    bar = ([opening], [high], [low], [close])
    falling = intrabar_path(*bar, order=PathOrder.HIGH_FIRST, points=points)[0]
    rising = intrabar_path(*bar, order=PathOrder.LOW_FIRST, points=points)[0]
    inner = slice(1, points - 1)
    assert np.argmax(falling[inner]) < points - 2 - np.argmin(falling[inner][::-1])
    assert np.argmin(rising[inner]) < points - 2 - np.argmax(rising[inner][::-1])
