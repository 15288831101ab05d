"""What no price of a European option may break, whatever the numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate import pricing

FORWARD = st.floats(1e-8, 1e8)
MONEYNESS = st.floats(-4.0, 4.0)
TIME = st.one_of(st.just(0.0), st.floats(1e-7, 30.0))
VOLATILITY = st.one_of(st.just(0.0), st.floats(1e-4, 8.0))
RATE = st.floats(-0.5, 0.5)
SIDE = st.sampled_from([1, -1])
EPSILON = 2.0**-52


@given(FORWARD, MONEYNESS, TIME, VOLATILITY, RATE)
def test_call_less_put_is_the_discounted_forward_less_strike(
    F: float, x: float, T: float, vol: float, rate: float
) -> None:
    K = F * math.exp(x)
    call, put = pricing.black76([1, -1], F, K, T, vol, rate).price
    D = math.exp(-rate * T)

    assert abs(call - put - D * (F - K)) <= 4 * EPSILON * D * (F + K)


@given(FORWARD, MONEYNESS, TIME, VOLATILITY)
def test_coin_call_less_coin_put_is_one_less_strike_over_forward(
    F: float, x: float, T: float, vol: float
) -> None:
    K = F * math.exp(x)
    call, put = pricing.inverse([1, -1], F, K, T, vol).price

    assert abs(call - put - (1 - K / F)) <= 4 * EPSILON * (1 + K / F)


@given(FORWARD, MONEYNESS, TIME, VOLATILITY, RATE)
def test_greeks_of_a_call_and_a_put_differ_as_parity_says(
    F: float, x: float, T: float, vol: float, rate: float
) -> None:
    K = F * math.exp(x)
    g = pricing.greeks([1, -1], F, K, T, vol, rate)
    D = math.exp(-rate * T)

    assert g.delta[0] - g.delta[1] == pytest.approx(D, rel=1e-14)
    assert g.charm[0] - g.charm[1] == pytest.approx(
        rate * D, rel=1e-12, abs=1e-13 * D + 1e-12 * abs(g.charm[0])
    )
    for name in ("gamma", "vega", "vanna", "volga", "speed", "colour", "zomma"):
        first, second = getattr(g, name)
        assert first == second, name


@given(SIDE, FORWARD, MONEYNESS, TIME, VOLATILITY, RATE, st.integers(-40, 40))
def test_a_price_is_homogeneous_in_forward_and_strike_to_the_bit_in_powers_of_two(
    cp: int, F: float, x: float, T: float, vol: float, rate: float, n: int
) -> None:
    K = F * math.exp(x)
    once = pricing.black76(cp, F, K, T, vol, rate).price
    scaled = pricing.black76(cp, F * 2.0**n, K * 2.0**n, T, vol, rate).price

    assert scaled == once * 2.0**n


@given(SIDE, FORWARD, MONEYNESS, TIME, VOLATILITY, RATE, st.floats(1e-3, 1e3))
def test_a_price_is_homogeneous_of_degree_one(
    cp: int, F: float, x: float, T: float, vol: float, rate: float, scale: float
) -> None:
    K = F * math.exp(x)
    once = pricing.black76(cp, F, K, T, vol, rate).price
    scaled = pricing.black76(cp, F * scale, K * scale, T, vol, rate).price

    assert abs(scaled - once * scale) <= 8 * EPSILON * scale * math.exp(-rate * T) * (F + K)


@given(FORWARD, MONEYNESS, TIME, VOLATILITY, RATE)
def test_euler_the_price_is_forward_times_delta_and_strike_times_strike_delta(
    F: float, x: float, T: float, vol: float, rate: float
) -> None:
    # V = F dV/dF + K dV/dK, and dV/dK follows from the coin's net delta: -D c N(c d2).
    K = F * math.exp(x)
    g = pricing.greeks([1, -1], F, K, T, vol, rate)
    net = pricing.inverse_greeks([1, -1], F, K, T, vol).net_delta
    D = math.exp(-rate * T)

    assert g.price == pytest.approx(F * (g.delta - D * net), abs=2e-14 * D * (F + K))


@given(SIDE, FORWARD, MONEYNESS, TIME, VOLATILITY, RATE)
def test_a_price_lies_between_intrinsic_value_and_forward_or_strike(
    cp: int, F: float, x: float, T: float, vol: float, rate: float
) -> None:
    K = F * math.exp(x)
    price = pricing.black76(cp, F, K, T, vol, rate).price
    zero = pricing.black76(cp, F, K, T, 0.0, rate).price
    most = pricing.black76(cp, F, K, T, 1e6, rate).price if T > 0 else zero

    assert price >= zero
    assert price <= most * (1 + 4 * EPSILON)
    assert zero == pytest.approx(math.exp(-rate * T) * max(cp * (F - K), 0.0), rel=1e-14)


@given(FORWARD, TIME, VOLATILITY, RATE, st.lists(MONEYNESS, min_size=3, max_size=30, unique=True))
def test_prices_are_monotone_and_convex_in_the_strike(
    F: float, T: float, vol: float, rate: float, xs: list[float]
) -> None:
    K = F * np.exp(np.sort(xs))
    D = math.exp(-rate * T)
    noise = 8 * EPSILON * D * (F + K)
    for cp in (1, -1):
        price = pricing.black76(cp, F, K, T, vol, rate).price
        rise = np.diff(price) * -cp
        assert (rise >= -noise[1:]).all()
        assert (rise <= D * np.diff(K) + 2 * noise[1:]).all()
        # The middle price is at most the chord's.
        weight = (K[2:] - K[1:-1]) / np.maximum(K[2:] - K[:-2], 1e-300)
        chord = weight * price[:-2] + (1 - weight) * price[2:]
        assert (price[1:-1] <= chord + 2 * noise[2:]).all()


@given(SIDE, FORWARD, MONEYNESS, st.floats(1e-6, 30.0), st.lists(VOLATILITY, min_size=2))
def test_a_price_rises_with_volatility(
    cp: int, F: float, x: float, T: float, vols: list[float]
) -> None:
    K = F * math.exp(x)
    price = pricing.black76(cp, F, K, T, np.sort(vols), 0.0).price

    assert (np.diff(price) >= -8 * EPSILON * (F + K)).all()


@given(SIDE, FORWARD, MONEYNESS, VOLATILITY, st.lists(TIME, min_size=2))
def test_without_a_rate_a_price_rises_with_time(
    cp: int, F: float, x: float, vol: float, times: list[float]
) -> None:
    K = F * math.exp(x)
    price = pricing.black76(cp, F, K, np.sort(times), vol, 0.0).price

    assert (np.diff(price) >= -8 * EPSILON * (F + K)).all()


@given(SIDE, FORWARD, MONEYNESS, st.floats(1e-3, 10.0), st.floats(0.01, 3.0))
def test_time_and_variance_are_one_thing_without_a_rate(
    cp: int, F: float, x: float, T: float, vol: float
) -> None:
    # Black's equation: theta = -1/2 sigma^2 F^2 gamma; and vega = sigma T F^2 gamma.
    g = pricing.greeks(cp, F, F * math.exp(x), T, vol)

    assert g.theta == pytest.approx(-0.5 * vol**2 * F**2 * g.gamma, rel=1e-14, abs=1e-300)
    assert g.vega == pytest.approx(vol * T * F**2 * g.gamma, rel=1e-14, abs=1e-300)


@given(SIDE, FORWARD, MONEYNESS, st.floats(1e-3, 10.0), st.floats(0.01, 3.0), RATE)
def test_the_pricing_equation_holds_with_a_rate(
    cp: int, F: float, x: float, T: float, vol: float, rate: float
) -> None:
    # dV/dt + 1/2 sigma^2 F^2 gamma = r V, where theta is dV/dt.
    g = pricing.greeks(cp, F, F * math.exp(x), T, vol, rate)
    drift = g.theta + 0.5 * vol**2 * F**2 * g.gamma

    assert drift == pytest.approx(
        rate * g.price, abs=1e-14 * (abs(g.theta) + abs(rate * g.price)) + 1e-300
    )


@given(FORWARD, MONEYNESS, st.floats(1e-3, 10.0), st.floats(0.01, 3.0))
def test_a_call_on_the_coin_is_a_put_on_money_seen_from_the_coin(
    F: float, x: float, T: float, vol: float
) -> None:
    # Seen in coin, one unit of quote currency is worth 1/F: K puts on it, struck at 1/K.
    K = F * math.exp(x)
    coin = pricing.inverse(1, F, K, T, vol).price
    mirrored = K * pricing.black76(-1, 1 / F, 1 / K, T, vol).price

    assert coin == pytest.approx(mirrored, abs=8 * EPSILON * (1 + K / F))


def test_no_price_is_negative_or_below_intrinsic_where_only_rounding_is_left() -> None:
    # Total volatilities near the last bit of F/K: a plain difference of two products goes negative.
    draw = np.random.Generator(np.random.PCG64(17))
    F = draw.uniform(50, 150, 20_000)
    vol = 10.0 ** draw.uniform(-17, -8, F.size)
    K = F * np.exp(draw.uniform(-8, 8, F.size) * vol)
    for cp in (1, -1):
        price = pricing.black76(cp, F, K, 1.0, vol).price
        intrinsic = np.maximum(cp * (F - K), 0.0)

        assert (price >= intrinsic).all()
        assert (price - intrinsic <= F * vol + 4 * EPSILON * (F + K)).all()
