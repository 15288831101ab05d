"""What must hold whatever the instrument: parity, homogeneity, monotonicity, limits, simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.instrument import CATALOGUE, Instrument, Market
from novate.instrument.barrier import Barrier
from novate.instrument.digital import Digital, Touch, TouchForm
from novate.instrument.double_barrier import DoubleBarrier
from novate.instrument.european import European
from novate.instrument.fair_value import FairFuture, FairPerpetual
from novate.kernel.codes import BarrierPayoff, BarrierState, Monitoring

MONITORING = st.sampled_from(
    [(Monitoring.CONTINUOUS, 0.0), (Monitoring.SCHEDULE, 1 / 365), (Monitoring.AT_EXPIRY, 0.0)]
)
SIDES = st.sampled_from([1, -1])


@st.composite
def markets(draw: st.DrawFn) -> Market:
    return Market(
        spot=100.0,
        years=draw(st.floats(1 / 365, 2.0)),
        vol=draw(st.floats(0.05, 2.0)),
        rate=draw(st.floats(0.0, 0.15)),
        yield_=draw(st.floats(-0.05, 0.15)),
    )


@st.composite
def barrier_terms(draw: st.DrawFn) -> dict[str, Any]:
    """Terms of a barrier whose spot of 100 is on the alive side."""
    direction = draw(SIDES)
    monitoring, interval = draw(MONITORING)
    return {
        "side": draw(SIDES),
        "direction": direction,
        "strike": draw(st.floats(40.0, 250.0)),
        "barrier": 100.0 * math.exp(direction * draw(st.floats(0.001, 1.0))),
        "monitoring": monitoring,
        "interval": interval,
    }


def instruments(scale: float) -> dict[str, Instrument]:
    """One instrument of each kind of the catalogue, its prices multiplied by ``scale``."""
    kinds: list[Instrument] = [
        European(side=[1, -1], strike=95 * scale),
        Digital(side=[1, -1], strike=95 * scale, pays_asset=True),
        Touch(direction=[1, -1], barrier=np.array([130, 80]) * scale, pays_asset=True),
        Barrier(
            side=[1, -1], direction=[1, -1], is_in=[False, True], strike=95 * scale,
            barrier=np.array([140, 80]) * scale, rebate=2 * scale, monitoring=Monitoring.CONTINUOUS,
        ),
        DoubleBarrier(
            side=[1, -1], is_in=[False, True], strike=95 * scale, lower=70 * scale,
            upper=150 * scale,
        ),
        FairFuture(),
        FairPerpetual(form="linear", funding=0.5, interest=0.01),
    ]  # fmt: skip
    return {kind.name: kind for kind in kinds}


def moved(market: Market, **changes: float) -> Market:
    fields = {name: getattr(market, name) for name in ("spot", "years", "vol", "rate", "yield_")}
    return Market(**{**fields, **changes})


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.name)
@given(market=markets(), scale=st.floats(1e-3, 1e3))
def test_prices_scale_with_the_currency(
    kind: type[Instrument], market: Market, scale: float
) -> None:
    here = instruments(1.0)[kind.name].value(market)
    there = instruments(scale)[kind.name].value(moved(market, spot=100.0 * scale))

    assert there.status.tolist() == here.status.tolist()
    assert there.price == pytest.approx(here.price * scale, rel=1e-9, abs=1e-11 * scale)
    assert there.delta == pytest.approx(here.delta, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.name)
@given(market=markets())
def test_greeks_are_the_derivatives_of_the_price(kind: type[Instrument], market: Market) -> None:
    instrument = instruments(1.0)[kind.name]
    result = instrument.value(market)
    s = float(market.vol) * math.sqrt(float(market.years))  # type: ignore[arg-type]
    h = 1e-3 * min(s, 1.0)

    def slope(name: str, value: float, step: float) -> Any:
        up, down = (instrument.value(moved(market, **{name: value + d})) for d in (step, -step))
        return (up.price - down.price) / (2 * step)

    assert result.delta == pytest.approx(slope("spot", 100.0, 100 * h), abs=1e-4 / s)
    vol, years = float(market.vol), float(market.years)  # type: ignore[arg-type]
    assert result.vega == pytest.approx(slope("vol", vol, vol * 1e-3), abs=1e-3 / vol)
    assert result.theta == pytest.approx(-slope("years", years, years * 1e-4), abs=1e-3 / years)


@given(terms=barrier_terms(), market=markets())
def test_in_and_out_make_the_vanilla(terms: dict[str, Any], market: Market) -> None:
    both = Barrier(is_in=[True, False], **terms).value(market)
    vanilla = European(side=terms["side"], strike=terms["strike"]).value(market)

    assert both.price.sum() == pytest.approx(vanilla.price, abs=1e-10)


@given(terms=barrier_terms(), market=markets())
def test_in_and_out_in_coin_make_the_vanilla_in_coin(terms: dict[str, Any], market: Market) -> None:
    both = Barrier(is_in=[True, False], in_coin=True, **terms).value(market)
    vanilla = European(side=terms["side"], strike=terms["strike"], in_coin=True).value(market)

    assert both.price.sum() == pytest.approx(vanilla.price, abs=1e-12)


@given(terms=barrier_terms(), market=markets())
def test_a_call_is_an_asset_digital_less_a_cash_digital_behind_the_same_barrier(
    terms: dict[str, Any], market: Market
) -> None:
    call = Barrier(is_in=[True, False], **terms).value(market)
    asset = Barrier(is_in=[True, False], payoff=BarrierPayoff.ASSET, **terms).value(market)
    cash = Barrier(
        is_in=[True, False], payoff=BarrierPayoff.CASH, amount=terms["strike"], **terms
    ).value(market)

    parts = terms["side"] * (asset.price - cash.price)
    assert call.price == pytest.approx(parts, abs=1e-10)


@given(market=markets(), strike=st.floats(40.0, 250.0), in_coin=st.booleans())
def test_a_digital_call_and_put_pay_the_amount(
    market: Market, strike: float, in_coin: bool
) -> None:
    both = Digital(side=[1, -1], strike=strike, amount=3.0, in_coin=in_coin).value(market)
    sure = Digital(side=1, strike=1e-9, amount=3.0, in_coin=in_coin).value(market)

    assert both.price.sum() == pytest.approx(sure.price, rel=1e-13)


@given(market=markets(), strike=st.floats(60.0, 160.0), side=SIDES)
def test_a_digital_is_the_limit_of_a_call_spread(market: Market, strike: float, side: int) -> None:
    digital = Digital(side=side, strike=strike).value(market)
    width = 1e-5 * strike  # the error is of its square over that of the deviation of the price
    low, high = European(
        side=side, strike=[strike - width / 2, strike + width / 2]
    ).value(market).price  # fmt: skip

    assert digital.price == pytest.approx(side * (low - high) / width, abs=1e-5)


@given(terms=barrier_terms(), market=markets(), further=st.floats(0.001, 0.5))
def test_a_barrier_further_away_is_touched_less(
    terms: dict[str, Any], market: Market, further: float
) -> None:
    moved_out = terms["barrier"] * math.exp(terms["direction"] * further)
    near = Barrier(is_in=[True, False], **terms).value(market).price
    far = Barrier(is_in=[True, False], **{**terms, "barrier": moved_out}).value(market).price

    assert far[0] <= near[0] + 1e-10
    assert far[1] >= near[1] - 1e-10


@given(market=markets(), direction=SIDES, distance=st.floats(0.01, 1.0), more=st.floats(0.01, 1.0))
def test_without_drift_of_the_logarithm_more_volatility_touches_more(
    market: Market, direction: int, distance: float, more: float
) -> None:
    def chance(vol: float) -> float:
        # A drift of vol^2/2 keeps the logarithm driftless; the touch pays at expiry, undiscounted.
        level = Market(spot=100.0, years=market.years, vol=vol, rate=0.0, yield_=-0.5 * vol * vol)
        barrier = 100.0 * math.exp(direction * distance)
        touch = Touch(direction=direction, barrier=barrier, form=TouchForm.AT_EXPIRY)
        return float(touch.value(level).price)

    vol = float(market.vol)  # type: ignore[arg-type]
    assert chance(vol + more) >= chance(vol) - 1e-14


@given(market=markets(), barrier=st.floats(100.1, 200.0), below=st.floats(0.3, 1.0))
def test_an_up_and_in_call_struck_at_or_above_its_barrier_is_the_vanilla(
    market: Market, barrier: float, below: float
) -> None:
    # To end above the strike the price must pass the barrier.
    strike = barrier / below
    call = Barrier(
        side=1, direction=1, is_in=True, strike=strike, barrier=barrier,
        monitoring=Monitoring.CONTINUOUS,
    ).value(market)  # fmt: skip

    assert call.price == pytest.approx(
        European(side=1, strike=strike).value(market).price, rel=1e-12, abs=1e-13
    )


@given(terms=barrier_terms(), market=markets(), spot=st.floats(50.0, 200.0))
def test_knocked_in_it_is_the_vanilla_wherever_the_price_is(
    terms: dict[str, Any], market: Market, spot: float
) -> None:
    watched = {**terms, "monitoring": Monitoring.CONTINUOUS, "interval": 0.0}
    here = moved(market, spot=spot)
    knocked = Barrier(is_in=True, state=BarrierState.KNOCKED, **watched).value(here)
    vanilla = European(side=terms["side"], strike=terms["strike"]).value(here)

    assert knocked.price == pytest.approx(vanilla.price, abs=1e-11)
    assert knocked.delta == pytest.approx(vanilla.delta, abs=1e-5)


@given(terms=barrier_terms(), market=markets())
def test_watching_more_often_touches_more(terms: dict[str, Any], market: Market) -> None:
    def in_price(monitoring: Monitoring, interval: float) -> float:
        watched = {**terms, "monitoring": monitoring, "interval": interval}
        return float(Barrier(is_in=True, **watched).value(market).price)

    always = in_price(Monitoring.CONTINUOUS, 0.0)
    daily = in_price(Monitoring.SCHEDULE, 1 / 365)
    weekly = in_price(Monitoring.SCHEDULE, 7 / 365)

    assert always >= daily - 1e-10
    assert daily >= weekly - 1e-10
    assert always >= in_price(Monitoring.AT_EXPIRY, 0.0) - 1e-10


@given(
    market=markets(), strike=st.floats(70.0, 140.0), lower=st.floats(40.0, 99.0),
    upper=st.floats(101.0, 250.0), side=SIDES,
)  # fmt: skip
def test_two_barriers_touch_more_than_either_and_in_and_out_make_the_vanilla(
    market: Market, strike: float, lower: float, upper: float, side: int
) -> None:
    both = DoubleBarrier(
        side=side, is_in=[True, False], strike=strike, lower=lower, upper=upper
    ).value(market)
    single = Barrier(
        side=side, direction=[-1, 1], is_in=False, strike=strike, barrier=[lower, upper],
        monitoring=Monitoring.CONTINUOUS,
    ).value(market)  # fmt: skip
    vanilla = European(side=side, strike=strike).value(market)

    assert both.price.sum() == pytest.approx(vanilla.price, abs=1e-10)
    assert -1e-10 <= both.price[1] <= single.price.min() + 1e-10


@pytest.mark.parametrize("in_coin", [False, True])
@pytest.mark.parametrize("is_in", [True, False])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_scheduled_barrier_agrees_with_simulated_paths(
    direction: int, is_in: bool, in_coin: bool
) -> None:
    """Paths observed at the schedule alone: no bridge between observations, antithetic Philox.

    Broadie, Glasserman and Kou leave an error of o(1/sqrt(m)); a tenth of the whole shift from the
    continuous price, which is O(1/sqrt(m)), bounds it here.  Together with 4 standard errors.
    """
    S, K, H, T, vol, r, q, m, paths = 100.0, 100.0, 100.0, 0.5, 0.6, 0.05, 0.01, 50, 60_000
    H *= math.exp(0.25 * direction)
    rebate = 0.02 if in_coin else 2.0
    # Settled in coin a coin is not discounted: its rate is the carry, its yield zero.
    rate, yield_ = (r - q, 0.0) if in_coin else (r, q)
    rng = np.random.Generator(np.random.Philox(20_261_125))
    half = rng.standard_normal((paths // 2, m))
    steps = np.concatenate([half, -half]) * vol * math.sqrt(T / m)
    log_path = np.cumsum(steps + (rate - yield_ - 0.5 * vol * vol) * T / m, axis=1)
    path = S * np.exp(log_path)
    beyond = direction * (path - H) >= 0.0
    is_touched = beyond.any(axis=1)
    final = path[:, -1]
    paid = np.maximum(final - K, 0.0) * math.exp(-rate * T)
    at_touch = path[np.arange(paths), beyond.argmax(axis=1)]
    when = (beyond.argmax(axis=1) + 1) * T / m
    if is_in:
        late = rebate * math.exp(-rate * T) * (final if in_coin else 1.0)
        value = np.where(is_touched, paid, late)
    else:
        due = rebate * np.exp(-rate * when) * (at_touch if in_coin else 1.0)
        value = np.where(is_touched, due, paid)
    value = value / S if in_coin else value
    pairs = 0.5 * (value[: paths // 2] + value[paths // 2 :])
    error = pairs.std(ddof=1) / math.sqrt(pairs.size)

    def price(monitoring: Monitoring, interval: float) -> float:
        terms = Barrier(
            side=1, direction=direction, is_in=is_in, strike=K, barrier=H, rebate=rebate,
            in_coin=in_coin, monitoring=monitoring, interval=interval,
        )  # fmt: skip
        return float(terms.value(Market(spot=S, years=T, vol=vol, rate=r, yield_=q)).price)

    mine, continuous = price(Monitoring.SCHEDULE, T / m), price(Monitoring.CONTINUOUS, 0.0)
    assert abs(mine - pairs.mean()) < 4.0 * error + 0.1 * abs(mine - continuous)
