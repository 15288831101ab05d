"""The public inversion: shapes, scalars, rates, coin prices, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.codes import PricingStatus
from novate.valuation.implied import implied_volatility, implied_volatility_inverse


def test_scalars_give_scalars_that_tell_volatility_and_status() -> None:
    vol, status = implied_volatility(price=11.923538, F=100.0, K=100.0, T=0.25, cp=1)

    assert isinstance(vol, np.float64)
    assert isinstance(status, np.int8)
    assert vol == pytest.approx(0.6, abs=1e-7)
    assert status == PricingStatus.OK


def test_inputs_broadcast_and_results_have_the_common_shape() -> None:
    price = np.array([[12.0], [13.0], [30.0]])
    vol, status = implied_volatility(price, 100, [95.0, 100.0, 105.0, 110.0], 0.5, 1)

    assert vol.shape == status.shape == (3, 4)
    assert vol.dtype == np.float64
    assert status.dtype == np.int8
    assert (np.diff(vol, axis=0) > 0).all()
    assert (np.diff(vol, axis=1) > 0).all()


def test_a_strided_input_and_an_empty_one_are_as_good_as_any() -> None:
    price = np.linspace(10, 30, 20)
    every_other = implied_volatility(price[::2], 100, 100, 1, -1).vol

    assert every_other.tolist() == implied_volatility(price, 100, 100, 1, -1).vol[::2].tolist()
    assert implied_volatility([], 100, 100, 1, 1).vol.shape == (0,)


def test_a_discounted_price_with_its_rate_is_the_price_at_expiry_without_one() -> None:
    at_expiry = implied_volatility(14.0, 100, 105, 1.7, 1).vol
    discounted = implied_volatility(14.0 * np.exp(-0.1 * 1.7), 100, 105, 1.7, 1, rate=0.1).vol

    assert discounted == pytest.approx(at_expiry, rel=1e-14)


def test_a_coin_price_is_the_quote_price_over_the_forward() -> None:
    F, K = 88_535.0, np.array([70_000.0, 88_535.0, 120_000.0])
    in_quote = np.array([22_000.0, 9_000.0, 1_800.0])
    coin = implied_volatility_inverse(in_quote / F, F, K, 0.2, 1)

    assert coin.vol == pytest.approx(implied_volatility(in_quote, F, K, 0.2, 1).vol, rel=1e-13)
    assert implied_volatility_inverse(1.0, F, F, 0.2, 1).status == (
        PricingStatus.PRICE_ABOVE_MAXIMUM
    )


def test_each_row_has_a_status_of_its_own() -> None:
    vol, status = implied_volatility(
        price=[10.0, 9.0, 10.0, 100.0, np.nan, 12.0], F=[110.0] * 5 + [-1.0], K=100, T=1, cp=[1] * 6
    )

    assert [PricingStatus(code).name for code in status] == [
        "OK", "PRICE_BELOW_INTRINSIC", "OK", "OK", "NOT_FINITE", "FORWARD_NOT_POSITIVE",
    ]  # fmt: skip
    assert vol[0] == vol[2] == 0.0
    assert np.isnan(vol[[1, 4, 5]]).all()


def test_what_is_not_a_number_or_does_not_fit_raises() -> None:
    with pytest.raises(ValueError, match="could not convert"):
        implied_volatility("ten", 100, 100, 1, 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="mismatch"):
        implied_volatility([1.0, 2.0], [1.0, 2.0, 3.0], 100, 1, 1)


def test_a_rate_beyond_all_use_is_named_and_a_forward_of_1e308_is_none() -> None:
    found = implied_volatility([10.0] * 3, 100.0, 100.0, 1.0, 1, [-1e3, np.inf, -np.inf])
    wide = implied_volatility(1e307, 1e308, 1e308, 1.0, 1)

    assert found.status.tolist() == [
        PricingStatus.PARAMETER_OUT_OF_RANGE,
        PricingStatus.NOT_FINITE,
        PricingStatus.NOT_FINITE,
    ]
    assert wide.vol == pytest.approx(implied_volatility(10.0, 100.0, 100.0, 1.0, 1).vol, rel=1e-12)
