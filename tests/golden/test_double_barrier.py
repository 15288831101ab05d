"""Two barriers against Haug's table, a sum of images in 40 digits, and QuantLib."""

from __future__ import annotations

import functools
import math

import mpmath as mp
import numpy as np
import pytest
import QuantLib

from novate.valuation.exotic import double_barrier
from tests.golden.derivative import BY, derivative, scale
from tests.golden.exact_barrier import normal
from tests.golden.published import numbers, rows, side


@pytest.mark.parametrize("row", rows("double_barrier"), ids=lambda row: " ".join(row.values()))
def test_a_published_double_barrier_price_is_met(row: dict[str, str]) -> None:
    S, K, L, U, T, vol, r, q = numbers(row, "S", "K", "L", "U", "T", "vol", "r", "q")

    result = double_barrier(
        side(row), is_in=row["kind"] == "double_in", S=S, K=K, lower=L, upper=U, T=T, vol=vol,
        rate=r, yield_=q,
    )  # fmt: skip

    assert result.status == 0
    assert result.price == pytest.approx(float(row["price"]), abs=float(row["tolerance"]))


def exact(c: int, *inputs: float) -> mp.mpf:
    """Price of a knock-out by images, weights and tails multiplied as they stand."""
    S, K, L, U, T, vol, r, q = map(mp.mpf, inputs)
    s, b, a, k = vol * mp.sqrt(T), mp.log(U / S), mp.log(S / L), mp.log(K / S)
    low, high = (max(k, -a), b) if c > 0 else (-a, min(k, b))
    if low >= high:
        return mp.mpf(0)

    def survival(M: mp.mpf) -> mp.mpf:
        total = mp.mpf(0)
        most = 3 + int(9 * s / (a + b))  # terms beyond are below 1e-60
        for n in range(-most, most + 1):
            for sign, at in ((1, 2 * n * (a + b)), (-1, 2 * b - 2 * n * (a + b))):
                inside = normal((high - at - M) / s) - normal((low - at - M) / s)
                total += sign * mp.exp(M * at / s**2) * inside
        return total

    M = (r - q) * T - s * s / 2
    asset, cash = S * mp.exp(-q * T), K * mp.exp(-r * T)
    return c * (asset * survival(M + s * s) - cash * survival(M))


def sample(count: int, seed: int) -> list[tuple[int, list[float]]]:
    """Contracts whose total volatility is 1/10 of the width to twice the width."""
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        S, width = 100.0, math.exp(rng.uniform(math.log(0.05), math.log(1.5)))
        L = S * math.exp(-width * rng.uniform(0.05, 0.95))
        U, T = L * math.exp(width), rng.uniform(0.01, 1.5)
        vol = width * math.exp(rng.uniform(math.log(0.1), math.log(2.0))) / math.sqrt(T)
        K = L * math.exp(width * rng.uniform(-0.2, 1.2))
        r, q = rng.uniform(0.0, 0.1), rng.uniform(-0.05, 0.1)
        drawn.append((int(rng.choice([-1, 1])), [S, K, L, U, T, vol, r, q]))
    return drawn


def test_prices_agree_with_forty_digits() -> None:
    for c, inputs in sample(50, seed=5):
        S, K, L, U, T, vol, r, q = inputs
        result = double_barrier(
            c, is_in=False, S=S, K=K, lower=L, upper=U, T=T, vol=vol, rate=r, yield_=q
        )
        with mp.workdps(40):
            expected = exact(c, *inputs)

        assert abs(mp.mpf(float(result.price)) - expected) < 1e-14 * max(S, K), inputs


def test_every_greek_is_the_derivative_in_forty_digits() -> None:
    places = {"S": 0, "T": 4, "v": 5, "r": 6}
    for c, inputs in sample(3, seed=8):
        S, K, L, U, T, vol, r, q = inputs
        result = double_barrier(
            c, is_in=False, S=S, K=K, lower=L, upper=U, T=T, vol=vol, rate=r, yield_=q
        )
        for name in BY:
            apart = abs(
                getattr(result, name)
                - derivative(functools.partial(exact, c), inputs, places, name)
            )
            assert apart < 1e-13 * scale(S, S, T, vol, name), (name, c, inputs)


def test_prices_agree_with_quantlib() -> None:
    today = QuantLib.Date(1, 1, 2026)
    QuantLib.Settings.instance().evaluationDate = today
    count = QuantLib.Actual365Fixed()
    # With the strike outside the barriers QuantLib does not cut the payoff at them, and at a few
    # percent of volatility its powers overflow: it is an oracle of the middle only.
    inside = [
        (c, inputs)
        for c, inputs in sample(200, seed=6)
        if inputs[2] < inputs[1] < inputs[3] and inputs[5] > 0.1
    ]
    assert len(inside) > 80
    for c, inputs in inside:
        S, K, L, U, T, vol, r, q = inputs
        days = max(1, round(T * 365))
        process = QuantLib.BlackScholesMertonProcess(
            QuantLib.QuoteHandle(QuantLib.SimpleQuote(S)),
            QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, q, count)),
            QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, r, count)),
            QuantLib.BlackVolTermStructureHandle(
                QuantLib.BlackConstantVol(today, QuantLib.NullCalendar(), vol, count)
            ),
        )
        option = QuantLib.DoubleBarrierOption(
            QuantLib.DoubleBarrier.KnockOut, L, U, 0.0,
            QuantLib.PlainVanillaPayoff(QuantLib.Option.Call if c > 0 else QuantLib.Option.Put, K),
            QuantLib.EuropeanExercise(today + days),
        )  # fmt: skip
        option.setPricingEngine(QuantLib.AnalyticDoubleBarrierEngine(process, 12))

        result = double_barrier(
            c, is_in=False, S=S, K=K, lower=L, upper=U, T=days / 365, vol=vol, rate=r, yield_=q
        )

        assert result.price == pytest.approx(option.NPV(), abs=1e-8 * S), inputs
