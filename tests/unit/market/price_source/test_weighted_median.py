from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.market.price_source import CATALOGUE, FIRST_METHOD, TRIMMED_MEDIAN
from novate.market.price_source.trimmed_median import TrimmedMedian
from novate.market.price_source.weighted_median import (
    WeightedMedian,
    combine,
    is_far,
    reports_of,
    weighted_median,
)
from novate.market.state import MarketState
from novate.message.parameter import Parameter
from tests.unit.clearing import MINUTE, START, ClearingHouse

WIDE = 10**12
"""A distance in which nobody disagrees."""


@pytest.mark.rule("5.23")
def test_an_asset_that_names_no_method_has_the_weighted_median() -> None:
    assert CATALOGUE[FIRST_METHOD] == WeightedMedian()
    assert CATALOGUE[TRIMMED_MEDIAN] == TrimmedMedian()
    assert MarketState().index_methods == CATALOGUE
    assert ClearingHouse().state.assets.used("index_method").tolist() == [FIRST_METHOD] * 2


@pytest.mark.rule("5.4")
def test_only_sources_that_reported_lately_count() -> None:
    state = MarketState()
    state.now_ns = START
    state.parameters[Parameter.INDEX_STALENESS_NS] = MINUTE
    for price, age_ns in ((100, 0), (102, MINUTE), (900, MINUTE + 1)):
        source = state.sources.append()
        state.sources.asset[source] = 1
        state.sources.weight[source] = 1
        state.sources.price_e8[source] = price
        state.sources.observed_ns[source] = START - age_ns

    assert reports_of(state, 1) == ([100, 102], [1, 1], 30_000, 2)
    assert WeightedMedian().index(state, 1) == (101, 2, 0)
    assert WeightedMedian().index(state, 2) == (0, 0, 0)


@pytest.mark.rule("5.6", "5.60")
@pytest.mark.parametrize(
    ("prices", "weights", "median"),
    [
        ([5], [1], 5),
        ([10, 20], [1, 1], 15),
        ([10, 21], [1, 1], 15),  # the mean of two is rounded down
        ([10, 20], [2, 1], 15),  # of two sources none outweighs the other
        ([10, 20], [1, 2], 15),
        ([30, 10, 20], [1, 1, 1], 20),
        ([30, 10, 20], [5, 1, 1], 25),  # five count as the other two together
        ([30, 10, 20], [2, 2, 1], 20),
        ([10, 20, 30], [1, 1, 2], 25),
        ([10, 20, 30, 40], [1, 1, 1, 1], 25),
        ([20, 20, 20, 10], [1, 1, 1, 1], 20),
    ],
)
def test_the_median_stands_where_half_of_the_weight_is_reached(
    prices: list[int], weights: list[int], median: int
) -> None:
    assert weighted_median(prices, weights, WIDE) == median


@pytest.mark.rule("5.6")
@given(
    feeds=st.lists(
        st.tuples(st.integers(1, 10**17), st.integers(1, 10**6)), min_size=1, max_size=9
    ),
    seed=st.randoms(use_true_random=False),
)
def test_the_median_lies_among_the_prices_and_knows_no_order(
    feeds: list[tuple[int, int]], seed: Any
) -> None:
    shuffled = list(feeds)
    seed.shuffle(shuffled)
    wide = 10**24  # of one unit: more than the highest price is away

    median = weighted_median([p for p, _ in feeds], [w for _, w in feeds], wide)

    assert min(p for p, _ in feeds) <= median <= max(p for p, _ in feeds)
    assert weighted_median([p for p, _ in shuffled], [w for _, w in shuffled], wide) == median


@pytest.mark.rule("5.61")
def test_two_sources_that_disagree_make_no_index_and_not_their_mean() -> None:
    assert combine([100_000, 103_000], [1, 1], 30_000, 1) == (101_500, 2, 0)
    assert combine([100_000, 103_001], [1, 1], 30_000, 1) == (0, 2, 0)
    # Nor does one with more weight win: it would be alone.
    assert combine([100_000, 200_000], [1, 9], 30_000, 1) == (0, 2, 0)
    assert combine([200_000, 100_000], [1, 9], 30_000, 1) == (0, 2, 0)


@pytest.mark.rule("5.61")
def test_half_of_the_weight_against_half_makes_no_index_if_they_disagree() -> None:
    assert combine([100, 100, 200, 200], [1, 1, 1, 1], 30_000, 1) == (0, 4, 0)
    assert combine([100, 100, 200], [1, 1, 2], 30_000, 1) == (0, 3, 0)
    assert combine([100, 101, 102, 200], [1, 1, 1, 1], 30_000, 1) == (101, 4, 1)


@pytest.mark.rule("5.7")
def test_the_median_counts_all_and_tells_who_is_far_from_it() -> None:
    # 100, 100, 104 and a lie: the two middle prices are 100 and 104, and their mean is 102.
    assert combine([100, 100, 104, 900], [1, 1, 1, 1], 50_000, 1) == (102, 4, 1)
    assert is_far(106, 100, 50_000)
    assert not is_far(95, 100, 50_000)


@pytest.mark.rule("5.5")
def test_with_too_few_sources_there_is_no_index() -> None:
    assert combine([], [], 30_000, 1) == (0, 0, 0)
    assert combine([100, 100], [1, 1], 30_000, 3) == (0, 2, 0)
