"""European digitals against Haug's rows, 40-digit arithmetic and, in coin, quadrature."""

from __future__ import annotations

import functools
import math

import mpmath as mp
import numpy as np
import pytest
from scipy import integrate

from novate.valuation.exotic import digital
from tests.golden.derivative import BY, derivative, scale
from tests.golden.exact_barrier import normal
from tests.golden.published import numbers, rows, side


def test_a_published_cash_or_nothing_price_is_met() -> None:
    [row] = [row for row in rows("digital") if row["kind"] == "cash_or_nothing_european"]
    S, K, T, vol, r, q, cash = numbers(row, "S", "K", "T", "vol", "r", "q", "cash")

    result = digital(side(row), F=S * math.exp((r - q) * T), K=K, T=T, vol=vol, rate=r, amount=cash)

    assert result.price == pytest.approx(float(row["price"]), abs=float(row["tolerance"]))


def test_a_published_gap_price_is_an_asset_digital_less_a_cash_digital() -> None:
    [row] = [row for row in rows("digital") if row["kind"] == "gap_european"]
    S, K, T, vol, r, q, strike = numbers(row, "S", "K", "T", "vol", "r", "q", "payoff_strike")
    market = {"F": S * math.exp((r - q) * T), "K": K, "T": T, "vol": vol, "rate": r}

    gap = digital(1, **market, pays_asset=True).price - digital(1, **market, amount=strike).price

    assert gap == pytest.approx(float(row["price"]), abs=float(row["tolerance"]))


def exact(c: int, is_asset: bool, is_coin: bool, *inputs: float) -> mp.mpf:
    """Price of a digital paying one, from F, K, T, vol and r, in 40 digits."""
    F, K, T, vol, r = map(mp.mpf, inputs)
    s = vol * mp.sqrt(T)
    d2 = mp.log(F / K) / s - s / 2
    price = F * normal(c * (d2 + s)) if is_asset else normal(c * d2)
    return price / F if is_coin else price * mp.exp(-r * T)


def sample(count: int) -> list[tuple[int, bool, bool, list[float]]]:
    rng = np.random.default_rng(4)
    return [
        (
            int(rng.choice([-1, 1])),
            bool(rng.integers(2)),
            bool(rng.integers(2)),
            [
                float(rng.uniform(50, 150)), 100.0, float(rng.uniform(0.003, 2)),
                float(rng.uniform(0.1, 2)), float(rng.uniform(-0.05, 0.1)),
            ],
        )
        for _ in range(count)
    ]  # fmt: skip


def test_prices_and_every_greek_agree_with_forty_digits() -> None:
    places = {"S": 0, "T": 2, "v": 3, "r": 4}
    for c, is_asset, is_coin, inputs in sample(60):
        F, K, T, vol, r = inputs
        result = digital(c, F=F, K=K, T=T, vol=vol, rate=r, pays_asset=is_asset, in_coin=is_coin)
        unit = (F if is_asset else 1.0) / (F if is_coin else 1.0)
        price = functools.partial(exact, c, is_asset, is_coin)

        with mp.workdps(40):
            assert abs(result.price - price(*inputs)) < 2e-15 * max(unit, 1.0)
        for name in BY:
            apart = abs(getattr(result, name) - derivative(price, inputs, places, name))
            assert apart < 1e-13 * scale(unit, F, T, vol, name), (name, c, inputs)


@pytest.mark.parametrize("is_asset", [False, True])
@pytest.mark.parametrize("c", [1, -1])
def test_a_digital_settled_in_coin_is_its_payoff_in_coin_averaged_in_the_coin_measure(
    c: int, is_asset: bool
) -> None:
    F, K, T, vol = 60_000.0, 65_000.0, 0.25, 0.7
    s = vol * math.sqrt(T)

    def weighted(z: float) -> float:
        final = F * math.exp(0.5 * s * s + s * z)  # the coin is the numeraire: ln S drifts up
        coins = 1.0 if is_asset else 1_000.0 / final
        return coins * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)

    edge = (math.log(K / F) - 0.5 * s * s) / s
    ends = (edge, 12.0) if c > 0 else (-12.0, edge)
    expected, _ = integrate.quad(weighted, *ends, epsabs=1e-14)

    result = digital(
        c, F=F, K=K, T=T, vol=vol, rate=0.05, pays_asset=is_asset, in_coin=True,
        amount=1.0 if is_asset else 1_000.0,
    )  # fmt: skip

    assert result.price == pytest.approx(expected, rel=1e-10)


def test_forty_digits_are_used() -> None:
    with mp.workdps(40):
        assert abs(exact(1, False, False, 100, 100, 1, 1, 0) - normal(mp.mpf(-1) / 2)) < 1e-38
