from __future__ import annotations

import numpy as np
import pytest

from novate.market.collar import width_of, worst_price


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
