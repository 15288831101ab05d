from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.market.price_source.trimmed_median import TrimmedMedian, trim
from novate.message import command
from tests.unit.clearing import E8, ClearingHouse


@pytest.mark.rule("5.7")
@given(
    honest=st.lists(st.integers(10**6, 2 * 10**6), min_size=2, max_size=6),
    wrong=st.integers(1, 10**17),
)
def test_one_source_of_many_cannot_move_the_index_out_of_the_honest_range(
    honest: list[int], wrong: int
) -> None:
    found, _, _ = trim([*honest, wrong], [1] * (len(honest) + 1), 1_000_000, 1)

    assert found == 0 or min(honest) <= found <= max(honest)


@pytest.mark.rule("5.7")
def test_an_outlier_is_left_out_at_more_than_the_limit() -> None:
    prices = [100_000, 100_000, 103_000]

    assert trim(prices, [1, 1, 1], 30_000, 1) == (100_000, 3, 0)
    assert trim([*prices[:2], 103_001], [1, 1, 1], 30_000, 1) == (100_000, 2, 1)


@pytest.mark.rule("5.7", "5.61")
def test_of_two_sources_nobody_is_the_outlier() -> None:
    assert trim([100, 102], [1, 1], 30_000, 1) == (101, 2, 0)
    assert trim([100, 200], [1, 1], 30_000, 1) == (0, 2, 0)


@pytest.mark.rule("5.60", "5.61")
def test_what_is_left_is_asked_anew_who_outweighs_and_who_disagrees() -> None:
    prices = [960, 1_000, 1_029, 1_500]
    # All: weights 1, 2, 1, 1 of 5, the median is 1,000; 960 and 1,500 are far from it.  Of 1,000
    # with weight 2 and 1,029 with weight 1 none outweighs the other: the mean, rounded down.
    assert trim(prices, [1, 2, 1, 1], 30_000, 1) == (1_014, 2, 2)


@pytest.mark.rule("5.7")
def test_too_few_that_are_left_make_no_index() -> None:
    assert trim([100, 100, 200], [1, 1, 1], 30_000, 3) == (0, 2, 1)
    assert trim([100, 100], [1, 1], 30_000, 3) == (0, 2, 0)


@pytest.mark.rule("5.7", "5.23")
def test_an_asset_may_name_the_trimmed_median() -> None:
    house = ClearingHouse()
    house.submit(
        *(command.DECLARE_SOURCE.row(symbol=s, asset=1, weight=1) for s in ("b", "c", "d")),
        command.SET_INDEX_METHOD.row(asset=1, method=0),
    )

    house.price(100, e8={1: 101 * E8, 2: 102 * E8, 3: 150 * E8})

    # The median of all is (101 + 102) / 2; without 150 it is 101.
    [index] = house.events("IndexUpdated", last=True)
    assert (index["price_e8"], index["sources"], index["outliers"]) == (101 * E8, 3, 1)
    assert TrimmedMedian().name == "trimmed-median"
