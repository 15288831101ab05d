"""Single barriers against the published rows, 40-digit arithmetic and QuantLib."""

from __future__ import annotations

import functools
import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import QuantLib

from novate.valuation.exotic import (
    BarrierPayoff,
    BarrierState,
    Monitoring,
    TouchForm,
    barrier,
    touch,
)
from tests.golden import exact_barrier
from tests.golden.derivative import BY, derivative, scale
from tests.golden.published import numbers, rows, side

CONTINUOUS = Monitoring.CONTINUOUS
DIRECTION = {"up": 1, "down": -1}
PLACES = {"S": 0, "T": 4, "v": 5, "r": 6}


def sample(count: int, seed: int) -> list[tuple[tuple[str, str, str], list[float]]]:
    """Contracts with the spot on the alive side, a day to two years, volatility 5% to 300%."""
    rng = np.random.default_rng(seed)
    drawn = []
    for at in range(count):
        kind = exact_barrier.KINDS[at % 8]
        T, vol = rng.uniform(1 / 365, 2.0), math.exp(rng.uniform(math.log(0.05), math.log(3.0)))
        S, away = 100.0, math.exp(vol * math.sqrt(T) * rng.uniform(0.05, 2.0))
        H = S * away if kind[1] == "up" else S / away
        K = S * math.exp(vol * math.sqrt(T) * rng.uniform(-1.5, 1.5))
        R, r, q = rng.uniform(0.0, 5.0), rng.uniform(0.0, 0.15), rng.uniform(-0.05, 0.15)
        drawn.append((kind, [S, K, H, R, T, vol, r, q]))
    return drawn


def of(kind: tuple[str, str, str], inputs: list[float]) -> dict[str, Any]:
    """Arguments of `barrier` for one drawn contract."""
    S, K, H, R, T, vol, r, q = inputs
    return {
        "direction": DIRECTION[kind[1]], "is_in": kind[2] == "in", "S": S, "K": K, "H": H, "T": T,
        "vol": vol, "rate": r, "yield_": q, "rebate": R, "monitoring": CONTINUOUS,
    }  # fmt: skip


def together(drawn: list[tuple[tuple[str, str, str], list[float]]]) -> Any:
    """One call for all of them."""
    terms = [of(kind, inputs) for kind, inputs in drawn]
    columns = {name: [term[name] for term in terms] for name in terms[0]}
    return barrier([1 if kind[0] == "call" else -1 for kind, _ in drawn], **columns)


@pytest.mark.parametrize("row", rows("barrier"), ids=lambda row: " ".join(row.values()))
def test_a_published_barrier_price_is_met(row: dict[str, str]) -> None:
    direction, kind = row["kind"].split("_")
    S, K, H, R, T, vol, r, q = numbers(row, "S", "K", "H", "rebate", "T", "vol", "r", "q")

    result = barrier(
        side(row), direction=DIRECTION[direction], is_in=kind == "in", S=S, K=K, H=H, T=T, vol=vol,
        rate=r, yield_=q, rebate=R, monitoring=CONTINUOUS,
    )  # fmt: skip

    assert result.status == 0
    assert np.isfinite(result.delta)
    assert result.price == pytest.approx(float(row["price"]), abs=float(row["tolerance"]))


@pytest.mark.parametrize("row", rows("binary_barrier"), ids=lambda row: " ".join(row.values()))
def test_a_published_binary_barrier_price_is_met(row: dict[str, str]) -> None:
    direction, kind = row["barrier"].split("_")
    S, K, H, T, vol, r, q = numbers(row, "S", "K", "H", "T", "vol", "r", "q")
    is_cash = row["kind"].startswith("cash")
    is_beyond = DIRECTION[direction] * (H - S) < 0.0

    result = barrier(
        side(row), direction=DIRECTION[direction], is_in=kind == "in", S=S, K=K, H=H, T=T, vol=vol,
        rate=r, yield_=q, monitoring=CONTINUOUS,
        payoff=BarrierPayoff.CASH if is_cash else BarrierPayoff.ASSET,
        amount=float(row["cash"] or 1.0),
        state=BarrierState.TOUCHED if is_beyond else BarrierState.ALIVE,
    )  # fmt: skip

    assert result.price == pytest.approx(float(row["price"]), abs=float(row["tolerance"]))


def test_prices_agree_with_the_textbook_terms_in_forty_digits() -> None:
    drawn = sample(320, seed=1)
    prices = together(drawn).price

    errors = [
        abs(mp.mpf(float(price)) - exact_barrier.price(kind, *inputs)) / max(inputs[:2])
        for price, (kind, inputs) in zip(prices, drawn, strict=True)
    ]

    assert max(errors) < 1e-15


def test_every_greek_is_the_derivative_in_forty_digits() -> None:
    drawn = sample(32, seed=2)
    result = together(drawn)

    for at, (kind, inputs) in enumerate(drawn):
        S, T, vol = inputs[0], inputs[4], inputs[5]
        for name in BY:
            exact = derivative(functools.partial(exact_barrier.value, kind), inputs, PLACES, name)
            apart = abs(getattr(result, name)[at] - exact)
            assert apart < 1e-13 * scale(S, S, T, vol, name), (name, kind, inputs)


@pytest.mark.parametrize("drift", [0.0, 0.5, -0.5])
def test_greeks_of_a_rebate_hold_where_its_root_vanishes(drift: float) -> None:
    # Without a rate the root is the drift of the logarithm: zero where r - q = vol^2 / 2.
    kind, vol = ("call", "down", "out"), 0.4
    inputs = [100.0, 100.0, 90.0, 2.0, 0.5, vol, 0.0, -(0.5 + drift) * vol * vol]
    result = together([(kind, inputs)])

    for name in BY:
        # Beside it: at the very point mpmath divides by zero.
        near = [*inputs[:6], 1e-25, inputs[7]]
        exact = derivative(functools.partial(exact_barrier.value, kind), near, PLACES, name)
        apart = abs(getattr(result, name)[0] - exact)
        assert apart < 1e-7 * scale(100.0, 100.0, 0.5, vol, name), name


def scheduled(kind: tuple[str, str, str], *inputs: mp.mpf) -> mp.mpf:
    """Price of a barrier watched daily: moved away from the spot by what volatility says."""
    S, K, H, R, T, vol, r, q = map(mp.mpf, inputs)
    away = mp.mpf(0.5825971579390106) * vol * mp.sqrt(mp.mpf(1 / 365))
    edge = H * mp.exp(DIRECTION[kind[1]] * away)
    return exact_barrier.value(kind, S, K, edge, R, T, vol, r, q)


def in_coin(kind: tuple[str, str, str], *inputs: mp.mpf) -> mp.mpf:
    """Price in coin of an option without a rebate: not discounted, with the carry as its rate."""
    S, K, H, _, T, vol, r, q = map(mp.mpf, inputs)
    return exact_barrier.value(kind, S, K, H, 0, T, vol, r - q, 0) / S


@pytest.mark.parametrize("way", ["scheduled", "in coin"])
def test_greeks_of_other_ways_to_watch_and_to_settle_are_derivatives_too(way: str) -> None:
    is_coin = way == "in coin"
    for kind, inputs in sample(16, seed=9):
        terms = of(kind, inputs)
        if is_coin:
            terms |= {"in_coin": True, "rebate": 0.0}
        else:
            terms |= {"monitoring": Monitoring.SCHEDULE, "interval": 1 / 365}
        result = barrier(1 if kind[0] == "call" else -1, **terms)
        price = functools.partial(in_coin if is_coin else scheduled, kind)
        S, T, vol = inputs[0], inputs[4], inputs[5]
        for name in BY:
            apart = abs(getattr(result, name) - derivative(price, inputs, PLACES, name))
            unit = 1.0 if is_coin else S
            assert apart < 1e-12 * scale(unit, S, T, vol, name), (name, kind, inputs)


def test_prices_agree_with_quantlib() -> None:
    drawn = sample(240, seed=3)
    today = QuantLib.Date(1, 1, 2026)
    QuantLib.Settings.instance().evaluationDate = today
    count = QuantLib.Actual365Fixed()
    names = {
        ("down", "in"): QuantLib.Barrier.DownIn, ("down", "out"): QuantLib.Barrier.DownOut,
        ("up", "in"): QuantLib.Barrier.UpIn, ("up", "out"): QuantLib.Barrier.UpOut,
    }  # fmt: skip

    for kind, inputs in drawn:
        S, K, H, R, T, vol, r, q = inputs
        days = max(1, round(T * 365))
        whole = [S, K, H, R, days / 365, vol, r, q]
        process = QuantLib.BlackScholesMertonProcess(
            QuantLib.QuoteHandle(QuantLib.SimpleQuote(S)),
            QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, q, count)),
            QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, r, count)),
            QuantLib.BlackVolTermStructureHandle(
                QuantLib.BlackConstantVol(today, QuantLib.NullCalendar(), vol, count)
            ),
        )
        option = QuantLib.BarrierOption(
            names[kind[1:]], H, R,
            QuantLib.PlainVanillaPayoff(
                QuantLib.Option.Call if kind[0] == "call" else QuantLib.Option.Put, K
            ),
            QuantLib.EuropeanExercise(today + days),
        )  # fmt: skip
        option.setPricingEngine(QuantLib.AnalyticBarrierEngine(process))

        # QuantLib counts whole days and multiplies powers in float64: 1e-9 of the spot is noise.
        [price] = together([(kind, whole)]).price
        assert price == pytest.approx(option.NPV(), abs=1e-9 * S), (kind, whole)


@pytest.mark.parametrize("row", rows("digital")[2:], ids=lambda row: " ".join(row.values()))
def test_a_published_touch_price_is_met(row: dict[str, str]) -> None:
    S, H, T, vol, r, q = numbers(row, "S", "K", "T", "vol", "r", "q")
    asset, _, when = row["kind"].partition("_at_")
    form = {
        "hit": TouchForm.AT_HIT, "expiry": TouchForm.AT_EXPIRY,
        "expiry_no_touch": TouchForm.NO_TOUCH,
    }[when]  # fmt: skip
    is_beyond = side(row) * (H - S) < 0.0

    result = touch(
        side(row), S=S, H=H, T=T, vol=vol, rate=r, yield_=q, form=form, pays_asset=asset == "asset",
        amount=float(row["cash"] or 1.0),
        state=BarrierState.TOUCHED if is_beyond else BarrierState.ALIVE,
    )  # fmt: skip

    assert result.price == pytest.approx(float(row["price"]), abs=float(row["tolerance"]))
