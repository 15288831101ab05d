"""Greeks beyond the vanilla: parity, limits, and each the slope of the one below it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.instrument import Instrument, Market, Valuation
from novate.instrument.barrier import Barrier
from novate.instrument.digital import Digital, Touch, TouchForm
from novate.instrument.double_barrier import DoubleBarrier
from novate.instrument.european import European
from novate.kernel.codes import BarrierPayoff, Monitoring

GREEKS = Valuation._fields[:12]
SLOPES = {
    "delta": ("price", "spot", 1), "gamma": ("delta", "spot", 1), "vega": ("price", "vol", 1),
    "theta": ("price", "years", -1), "rho": ("price", "rate", 1), "vanna": ("delta", "vol", 1),
    "volga": ("vega", "vol", 1), "charm": ("delta", "years", -1), "speed": ("gamma", "spot", 1),
    "colour": ("gamma", "years", -1), "zomma": ("gamma", "vol", 1),
}  # fmt: skip
"""Greek: what it is the slope of, along what, with which sign."""

MONITORING = st.sampled_from(
    [(Monitoring.CONTINUOUS, 0.0), (Monitoring.SCHEDULE, 1 / 365), (Monitoring.AT_EXPIRY, 0.0)]
)


@st.composite
def markets(draw: st.DrawFn, *, held: bool = False) -> Market:
    return Market(
        spot=100.0,
        years=draw(st.floats(7 / 365, 2.0)),
        vol=draw(st.floats(0.1, 1.5)),
        rate=draw(st.floats(0.0, 0.15)),
        yield_=draw(st.floats(-0.05, 0.15)),
        is_forward_held=held,
    )


@st.composite
def exotics(draw: st.DrawFn) -> Instrument:
    """Any instrument of which the spot of 100 has touched nothing."""
    direction = draw(st.sampled_from([1, -1]))
    monitoring, interval = draw(MONITORING)
    strike = draw(st.floats(60.0, 160.0))
    side, in_coin = draw(st.sampled_from([1, -1])), draw(st.booleans())
    level = 100.0 * math.exp(direction * draw(st.floats(0.02, 0.8)))
    watched: dict[str, Any] = {"monitoring": monitoring, "interval": interval}
    kind = draw(st.sampled_from(["digital", "touch", "barrier", "double", "european"]))
    if kind == "european":
        return European(side=side, strike=strike, in_coin=in_coin)
    if kind == "digital":
        return Digital(
            side=side, strike=strike, pays_asset=draw(st.booleans()), in_coin=in_coin, amount=2.0
        )
    if kind == "touch":
        return Touch(
            direction=direction, barrier=level, form=draw(st.sampled_from(list(TouchForm))),
            pays_asset=draw(st.booleans()), **watched,
        )  # fmt: skip
    if kind == "barrier":
        return Barrier(
            side=side, direction=direction, is_in=draw(st.booleans()), strike=strike, barrier=level,
            rebate=draw(st.sampled_from([0.0, 2.0])), in_coin=in_coin,
            payoff=draw(st.sampled_from(list(BarrierPayoff))), **watched,
        )  # fmt: skip
    return DoubleBarrier(
        side=side, is_in=draw(st.booleans()), strike=strike, lower=draw(st.floats(50.0, 97.0)),
        upper=draw(st.floats(103.0, 200.0)), in_coin=in_coin,
    )  # fmt: skip


def moved(market: Market, axis: str, step: float) -> Market:
    """Move one input; with the forward held the yield makes up for time and rate."""
    fields = {name: getattr(market, name) for name in Market.__dataclass_fields__}
    carry = (market.rate - market.yield_) * market.years
    fields[axis] += step
    if market.is_forward_held:
        fields["yield_"] = fields["rate"] - carry / fields["years"]
    return Market(**fields)


@pytest.mark.parametrize("held", [False, True], ids=["yield held", "forward held"])
@given(data=st.data(), instrument=exotics())
def test_each_greek_is_the_slope_of_the_one_below_it(
    held: bool, data: st.DataObject, instrument: Instrument
) -> None:
    market = data.draw(markets(held=held))
    here = instrument.value(market)
    if here.status != 0:  # a rebate that a rate so far below the drift has no price for
        assert math.isnan(here.price)
        return
    S, T, vol = 100.0, float(market.years), float(market.vol)  # type: ignore[arg-type]
    s = vol * math.sqrt(T)
    steps = {"spot": 1e-3 * S * min(s, 0.2), "years": 1e-3 * T, "vol": 1e-3 * vol, "rate": 1e-4}
    size = sizes(market, 4.0 * max(S, float(here.price)))
    for name, (below, axis, sign) in SLOPES.items():
        h = steps[axis]
        values = [getattr(instrument.value(moved(market, axis, n * h)), below) for n in (1, -1)]
        slope = sign * (values[0] - values[1]) / (2.0 * h)
        assert getattr(here, name) == pytest.approx(slope, abs=2e-5 * size[name], rel=1e-4), name


def sizes(market: Market, unit: float) -> dict[str, float]:
    """Scale of each Greek near strike and barrier, for a price of size ``unit``."""
    T, vol = float(market.years), float(market.vol)  # type: ignore[arg-type]
    s = vol * math.sqrt(T)
    per = {"spot": 0.01 / s, "years": 1.0 / T, "vol": 1.0 / vol, "rate": max(T, 1.0)}
    size = {"price": unit}
    for name, (below, axis, _) in SLOPES.items():
        size[name] = size[below] * per[axis] * (1.0 + s)
    return size


@given(
    market=markets(), side=st.sampled_from([1, -1]), direction=st.sampled_from([1, -1]),
    strike=st.floats(60.0, 160.0), away=st.floats(0.01, 0.8), watched=MONITORING,
    in_coin=st.booleans(),
)  # fmt: skip
def test_greeks_of_in_and_out_add_up_to_those_of_the_vanilla(
    market: Market, side: int, direction: int, strike: float, away: float,
    watched: tuple[Monitoring, float], in_coin: bool,
) -> None:  # fmt: skip
    both = Barrier(
        side=side, direction=direction, is_in=[True, False], strike=strike, in_coin=in_coin,
        barrier=100.0 * math.exp(direction * away), monitoring=watched[0], interval=watched[1],
    ).value(market)  # fmt: skip
    double = DoubleBarrier(
        side=side, is_in=[True, False], strike=strike, lower=100 * math.exp(-away),
        upper=100 * math.exp(away), in_coin=in_coin,
    ).value(market)  # fmt: skip
    vanilla = European(side=side, strike=strike, in_coin=in_coin).value(market)
    size = sizes(market, 1.0 if in_coin else 100.0)
    for name in GREEKS:
        expected = getattr(vanilla, name)
        for pair in (getattr(both, name), getattr(double, name)):
            # Two large parts may cancel: the error is that of the parts.
            most = 1e-11 * max(np.abs(pair).max(), abs(expected)) + 1e-14 * size[name]
            assert pair.sum() == pytest.approx(expected, abs=most), name


@given(
    market=markets(), strike=st.floats(60.0, 160.0), side=st.sampled_from([1, -1]),
    in_coin=st.booleans(),
)  # fmt: skip
def test_every_greek_of_a_digital_is_the_limit_of_that_of_a_call_spread(
    market: Market, strike: float, side: int, in_coin: bool
) -> None:
    digital = Digital(side=side, strike=strike, in_coin=in_coin).value(market)
    s = float(market.vol) * math.sqrt(float(market.years))  # type: ignore[arg-type]
    width = 1e-3 * strike * min(s, 0.2)
    pair = European(
        side=side, strike=[strike - width / 2, strike + width / 2], in_coin=in_coin
    ).value(market)  # fmt: skip
    size = sizes(market, 0.01 if in_coin else 1.0)
    for name in GREEKS:
        low, high = getattr(pair, name)
        spread = side * (low - high) / width
        assert getattr(digital, name) == pytest.approx(spread, abs=1e-5 * size[name]), name


@given(market=markets(), strike=st.floats(60.0, 160.0), side=st.sampled_from([1, -1]))
def test_with_its_barrier_out_of_reach_an_out_option_has_the_greeks_of_the_vanilla(
    market: Market, strike: float, side: int
) -> None:
    far = {"side": side, "is_in": False, "strike": strike}
    single = Barrier(direction=-1, barrier=1e-12, monitoring=Monitoring.CONTINUOUS, **far)
    double = DoubleBarrier(lower=1e-12, upper=1e15, **far)
    vanilla = European(side=side, strike=strike).value(market)
    for instrument in (single, double):
        found = instrument.value(market)
        for name in GREEKS:
            expected = getattr(vanilla, name)
            assert getattr(found, name) == pytest.approx(expected, rel=1e-8, abs=1e-10), name
