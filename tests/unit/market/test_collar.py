from __future__ import annotations

import numpy as np
import pytest

from novate.market.collar import house_limit, width_of, worst_price


@pytest.mark.rule("11.50")
def test_a_collar_is_a_share_of_the_price_rounded_down_and_at_least_one() -> None:
    prices = np.array([9, 100, 10**17, 10**17 - 1])

    assert width_of(prices, 100_000).tolist() == [1, 10, 10**16, 10**16 - 1]
    assert width_of(prices, np.array([0, 10**6, 10**6, 1])).tolist() == [
        1, 100, 10**17, 10**11 - 1,
    ]  # fmt: skip


@pytest.mark.rule("11.50")
def test_a_sale_is_bounded_from_below_and_a_purchase_from_above() -> None:
    price, is_sale = np.array([500, 500]), np.array([True, False])
    tenth, all_of_it = np.array([50, 50]), np.array([500, 500])

    assert worst_price(price, tenth, 100_000, is_sale, 10**6).tolist() == [450, 550]
    assert worst_price(price, tenth, 100_000, is_sale, 540).tolist() == [450, 540]
    assert worst_price(price, all_of_it, 10**6, is_sale, 10**6).tolist() == [1, 1_000]
    assert worst_price(price, tenth, 0, is_sale, 10**6).tolist() == [1, 10**6]


@pytest.mark.rule("11.50")
def test_half_a_width_around_the_index_is_always_within_the_limit() -> None:
    price = np.array([1_000, 1_000, 1_000, 1_000, 1_000])
    there, width = np.array([950, 949, 800, 40, 1_200]), np.full(5, 100)

    sales = house_limit(price, there, width, 100_000, np.full(5, True), 10**6)
    purchases = house_limit(price, 2_000 - there, width, 100_000, np.full(5, False), 10**6)

    assert sales.tolist() == [900, 899, 750, 1, 900]
    assert purchases.tolist() == [1_100, 1_101, 1_250, 2_010, 1_100]
    for is_sale, edge in ((True, 1), (False, 1_900)):
        side = np.full(5, is_sale)
        assert house_limit(price, 2_000 - there, width, 0, side, 1_900).tolist() == [edge] * 5


@pytest.mark.rule("11.50")
@pytest.mark.parametrize("collar_ppm", [100_000, 99_999, 30_000, 1])
def test_a_mark_within_half_its_width_of_the_index_alone_makes_the_limit(collar_ppm: int) -> None:
    price = np.arange(1, 3_000)
    width = width_of(price, collar_ppm)
    for is_sale, sign in ((True, -1), (False, 1)):
        side = np.full(price.size, is_sale)
        alone = worst_price(price, width, collar_ppm, side, 10**6)
        there = np.maximum(price + sign * -(-width // 2), 1)
        assert (house_limit(price, there, width, collar_ppm, side, 10**6) == alone).all()
        beyond = house_limit(price, there + sign, width, collar_ppm, side, 10**6)
        assert ((beyond - alone)[price > 2 * width] == sign).all()
