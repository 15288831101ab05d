from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.market.price_source import CATALOGUE
from novate.market.price_source.weighted_median import WeightedMedian, combine, weighted_median
from novate.market.state import MarketState
from novate.message.parameter import Parameter
from tests.unit.clearing import MINUTE, START


def test_an_asset_that_names_no_method_has_the_weighted_median() -> None:
    assert CATALOGUE[0] == WeightedMedian()
    assert MarketState().index_methods == CATALOGUE


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

    assert WeightedMedian().index(state, 1) == (101, 2, 0)
    assert WeightedMedian().index(state, 2) == (0, 0, 0)


@pytest.mark.rule("5.6")
@pytest.mark.parametrize(
    ("prices", "weights", "median"),
    [
        ([5], [1], 5),
        ([10, 20], [1, 1], 15),
        ([10, 21], [1, 1], 15),  # the mean of two is rounded down
        ([10, 20], [2, 1], 10),
        ([10, 20], [1, 2], 20),
        ([30, 10, 20], [1, 1, 1], 20),
        ([30, 10, 20], [5, 1, 1], 30),
        ([10, 20, 30], [1, 1, 2], 25),
        ([10, 20, 30, 40], [1, 1, 1, 1], 25),
        ([20, 20, 20, 10], [1, 1, 1, 1], 20),
    ],
)
def test_the_median_stands_where_half_of_the_weight_is_reached(
    prices: list[int], weights: list[int], median: int
) -> None:
    assert weighted_median(prices, weights) == median


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

    median = weighted_median([p for p, _ in feeds], [w for _, w in feeds])

    assert min(p for p, _ in feeds) <= median <= max(p for p, _ in feeds)
    assert weighted_median([p for p, _ in shuffled], [w for _, w in shuffled]) == median


@pytest.mark.rule("5.6", "5.7")
@given(
    honest=st.lists(st.integers(10**6, 2 * 10**6), min_size=2, max_size=6),
    wrong=st.integers(1, 10**17),
)
def test_one_source_of_many_cannot_move_the_index_out_of_the_honest_range(
    honest: list[int], wrong: int
) -> None:
    found, _, _ = combine([*honest, wrong], [1] * (len(honest) + 1), 1_000_000, 1)

    assert min(honest) <= found <= max(honest)


@pytest.mark.rule("5.7")
def test_an_outlier_is_left_out_at_more_than_the_limit() -> None:
    prices = [100_000, 100_000, 103_000]

    assert combine(prices, [1, 1, 1], 30_000, 1) == (100_000, 3, 0)
    assert combine([*prices[:2], 103_001], [1, 1, 1], 30_000, 1) == (100_000, 2, 1)


@pytest.mark.rule("5.7")
def test_of_two_sources_nobody_is_the_outlier() -> None:
    assert combine([100, 200], [1, 1], 30_000, 1) == (150, 2, 0)


@pytest.mark.rule("5.5", "5.7")
def test_with_too_few_sources_there_is_no_index() -> None:
    assert combine([], [], 30_000, 1) == (0, 0, 0)
    assert combine([100, 100], [1, 1], 30_000, 3) == (0, 2, 0)
    assert combine([100, 100, 200], [1, 1, 1], 30_000, 3) == (0, 2, 1)
