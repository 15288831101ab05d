"""The public pricing functions: shapes, statuses, forwards, time."""

from __future__ import annotations

import doctest
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import novate
from novate import pricing
from novate.kernel.codes import PricingStatus

OPTION = {"F": 60_000.0, "K": 65_000.0, "T": 0.1, "vol": 0.6}


def test_the_module_is_reached_from_the_package_and_shows_what_it_says() -> None:
    assert novate.pricing is pricing
    assert doctest.testmod(pricing).failed == 0


def test_public_names_exist_and_are_documented() -> None:
    for name in pricing.__all__:
        assert getattr(pricing, name).__doc__


@pytest.mark.parametrize("function", [pricing.black76, pricing.inverse])
def test_a_scalar_option_has_a_scalar_price(function: object) -> None:
    priced = function(1, **OPTION)  # type: ignore[operator]

    assert isinstance(priced.price, np.float64)
    assert isinstance(priced.status, np.int8)
    assert priced.status == PricingStatus.OK
    assert priced.price > 0.0


@pytest.mark.parametrize(
    "function",
    [pricing.black76, pricing.greeks, pricing.inverse, pricing.inverse_greeks],
    ids=lambda function: function.__name__,
)
def test_every_field_has_the_common_shape_and_each_element_is_that_of_its_own(
    function: object,
) -> None:
    strikes, vols = np.array([50e3, 60e3, 70e3]), np.array([[0.4], [-0.8]])
    whole = function([1, -1, 1], 60e3, strikes, 0.1, vols)  # type: ignore[operator]

    for field in whole:
        assert field.shape == (2, 3)
    assert whole.status.tolist() == [[0, 0, 0], [6, 6, 6]]
    one = function(-1, 60e3, 60e3, 0.1, 0.4)  # type: ignore[operator]
    assert [field[0, 1] for field in whole] == list(one)


def test_fields_carry_the_rows_of_the_kernels_in_their_order() -> None:
    g, coin = pricing.greeks(1, **OPTION, rate=0.05), pricing.inverse_greeks(1, **OPTION)
    h = 1e-4

    def slope(name: str, place: str) -> float:
        up, down = (dict(OPTION) for _ in range(2))
        up[place] *= 1 + h
        down[place] *= 1 - h
        pair = [getattr(pricing.greeks(1, **at, rate=0.05), name) for at in (up, down)]
        return float(pair[0] - pair[1]) / (2 * h * OPTION[place])

    assert g.delta == pytest.approx(slope("price", "F"), rel=1e-5)
    assert g.gamma == pytest.approx(slope("delta", "F"), rel=1e-5)
    assert g.vega == pytest.approx(slope("price", "vol"), rel=1e-5)
    assert g.theta == pytest.approx(-slope("price", "T"), rel=1e-5)
    assert g.vanna == pytest.approx(slope("delta", "vol"), rel=1e-5)
    assert g.volga == pytest.approx(slope("vega", "vol"), rel=1e-5)
    assert g.charm == pytest.approx(-slope("delta", "T"), rel=1e-5)
    assert g.speed == pytest.approx(slope("gamma", "F"), rel=1e-5)
    assert g.colour == pytest.approx(-slope("gamma", "T"), rel=1e-5)
    assert g.zomma == pytest.approx(slope("gamma", "vol"), rel=1e-5)
    assert g.rho == pytest.approx(-OPTION["T"] * g.price, rel=1e-15)
    assert coin.net_delta == pytest.approx(coin.delta * OPTION["F"], rel=1e-15)
    assert len(g) == len(coin) == 13


def test_a_rate_discounts_and_is_zero_where_none_is_given() -> None:
    bare = pricing.black76(1, **OPTION).price

    assert pricing.black76(1, **OPTION, rate=0.0).price == bare
    discounted = pricing.black76(1, **OPTION, rate=0.08).price
    assert discounted == pytest.approx(bare * math.exp(-0.08 * 0.1), rel=1e-15)


def test_a_coin_settled_option_takes_every_refusal_of_its_inputs() -> None:
    coin = pricing.inverse_greeks(1, [-1.0, 1.0, 1.0], [1.0, 0.0, 1.0], 1.0, [1.0, 1.0, np.nan])

    assert coin.status.tolist() == [
        PricingStatus.FORWARD_NOT_POSITIVE,
        PricingStatus.STRIKE_NOT_POSITIVE,
        PricingStatus.NOT_FINITE,
    ]
    assert np.isnan(np.array(coin[:-1])).all()


def test_a_batch_that_is_split_over_threads_has_the_same_bits() -> None:
    strikes = np.linspace(1e3, 2e5, 20_001)
    whole = pricing.greeks(-1, 60e3, strikes, 0.3, 0.7, 0.02)
    with ThreadPoolExecutor(2) as pool:
        parts = list(
            pool.map(
                lambda part: pricing.greeks(-1, 60e3, part, 0.3, 0.7, 0.02),
                np.array_split(strikes, 7),
            )
        )

    for field, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        assert (field == np.concatenate(pieces)).all()


def test_a_forward_carries_the_spot_by_rate_less_yield() -> None:
    got = pricing.forward(100.0, [0.05, 0.0, 0.05], [0.0, 0.05, 0.05], [2.0, 2.0, 0.0])

    assert got.forward == pytest.approx(
        [100 * math.exp(0.1), 100 * math.exp(-0.1), 100.0], rel=1e-15
    )
    assert got.status.tolist() == [0, 0, 0]


def test_a_forward_that_cannot_be_says_why() -> None:
    got = pricing.forward(
        [0.0, 1.0, 1.0, np.inf], 0.0, [0.0, 0.0, -800.0, 0.0], [1.0, -1.0, 1.0, 1]
    )

    assert got.status.tolist() == [
        PricingStatus.FORWARD_NOT_POSITIVE,
        PricingStatus.TIME_NEGATIVE,
        PricingStatus.PARAMETER_OUT_OF_RANGE,
        PricingStatus.NOT_FINITE,
    ]
    assert np.isnan(got.forward).all()


def test_a_year_has_365_days_and_the_difference_of_instants_is_exact() -> None:
    day = 86_400 * 10**9
    start = 1_780_000_000_000_000_001

    assert pricing.year_fraction(start, start + 365 * day) == 1.0
    assert pricing.year_fraction(start, start + 1) == 1 / (365 * day)
    assert pricing.year_fraction([start, start], [start - day, start]).tolist() == [-1 / 365, 0.0]


def test_greeks_without_a_limit_say_so_and_a_price_has_none_to_lose() -> None:
    for function in (pricing.greeks, pricing.inverse_greeks):
        found = function(1, [100.0, 100.0, 101.0], 100.0, [0.0, 1.0, 0.0], 0.5)
        assert found.status.tolist() == [PricingStatus.AT_KINK, 0, 0]
    assert pricing.black76(1, 100.0, 100.0, 0.0, 0.5).status == PricingStatus.OK
    assert pricing.inverse(1, 100.0, 100.0, 0.0, 0.5).status == PricingStatus.OK


def test_a_price_that_no_number_holds_is_refused() -> None:
    out = PricingStatus.PARAMETER_OUT_OF_RANGE
    for price, status in (
        pricing.black76(1, 1e10, 1.0, 1.0, 0.5, -700.0),
        pricing.forward(1e300, 100.0, 0.0, 1.0),
        pricing.inverse(-1, 1e-200, 1e200, 1.0, 0.5),
    ):
        assert (np.isnan(price), status) == (True, out)
    rows = pricing.greeks([1, 1], [1e10, 100.0], [1.0, 100.0], 1.0, 0.5, [-700.0, 0.0])
    assert rows.status.tolist() == [out, 0]
    assert all(np.isnan(row[0]) and np.isfinite(row[1]) for row in rows[:-1])
