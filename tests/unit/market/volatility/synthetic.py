"""Chains whose surface is known: an SSVI of our own making, priced with the library's erfc."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from novate.market.volatility.chain import STRIKE_SCALE, YEAR_NS, Chain, PriceUnit
from novate.units import parse_instant

NOW = parse_instant("2026-03-02T09:00:00Z")
SPOT = 50_000.0
DAYS = (2, 9, 30, 90, 200)
CARRY = 0.05
RHO, ETA, GAMMA = -0.3, 0.9, 0.45
LEVEL = 0.36  # variance per year at the money


def black(side: int, forward: float, strike: float, years: float, vol: float) -> float:
    """Undiscounted Black-76, straight from the book."""
    s = vol * math.sqrt(years)
    d1 = math.log(forward / strike) / s + 0.5 * s
    normal = [0.5 * math.erfc(-side * d / math.sqrt(2.0)) for d in (d1, d1 - s)]
    return side * (forward * normal[0] - strike * normal[1])


def true_variance(k: float, years: float) -> float:
    """Total variance of the surface that the chain is made from."""
    theta = LEVEL * years
    phi = ETA / (theta**GAMMA * (1.0 + theta) ** (1.0 - GAMMA))
    return 0.5 * theta * (1.0 + RHO * phi * k + math.hypot(phi * k + RHO, math.sqrt(1 - RHO**2)))


def forward_of(days: float) -> float:
    return SPOT * math.exp(CARRY * days / 365.0)


def chain(
    days: tuple[float, ...] = DAYS,
    strikes: int = 21,
    spread: float = 0.01,
    unit: PriceUnit = PriceUnit.COIN,
    scale: float = 1.0,
) -> Chain:
    """A chain quoted ``spread`` in volatility on either side of the truth, calls and puts.

    ``scale`` multiplies spot, forwards and strikes: the same options in another currency.
    """
    rows: dict[str, list[float]] = {name: [] for name in ("bid", "ask", "mark", "forward")}
    exact: dict[str, list[int]] = {name: [] for name in ("expiry_ns", "strike_e8", "side")}
    for day in days:
        years = day / 365.0
        forward = forward_of(day)
        deviation = math.sqrt(LEVEL * years)
        for step in np.linspace(-2.2, 2.2, strikes):
            strike_e8 = int(round(forward * math.exp(step * deviation), -1) * STRIKE_SCALE)
            strike = strike_e8 / STRIKE_SCALE
            vol = math.sqrt(true_variance(math.log(strike / forward), years) / years)
            for side in (1, -1):
                per = scale if unit is PriceUnit.QUOTE else 1.0 / forward
                bid, mark, ask = (
                    black(side, forward, strike, years, vol + move) * per
                    for move in (-spread, 0.0, spread)
                )
                for name, value in (("bid", bid), ("ask", ask), ("mark", mark)):
                    rows[name].append(value)
                rows["forward"].append(forward * scale)
                exact["expiry_ns"].append(NOW + round(day * YEAR_NS / 365))
                exact["strike_e8"].append(round(strike_e8 * scale))
                exact["side"].append(side)
    count = len(rows["bid"])
    return Chain(
        underlying="BTC",
        unit=unit,
        instant_ns=NOW,
        spot=SPOT * scale,
        expiry_ns=np.array(exact["expiry_ns"], np.int64),
        strike_e8=np.array(exact["strike_e8"], np.int64),
        side=np.array(exact["side"], np.int8),
        bid=np.array(rows["bid"]),
        ask=np.array(rows["ask"]),
        bid_size=np.full(count, np.nan),
        ask_size=np.full(count, np.nan),
        open_interest=np.full(count, 10.0),
        mark=np.array(rows["mark"]),
        forward=np.array(rows["forward"]),
        observed_ns=np.full(count, NOW, np.int64),
    )


def changed(source: Chain, row: int | slice, **values: float) -> Chain:
    """The same chain with columns of some rows replaced."""
    columns = {}
    for name, value in values.items():
        column = getattr(source, name).copy()
        column[row] = value
        columns[name] = column
    return replace(source, **columns)


def taken(source: Chain, rows: object) -> Chain:
    """Some rows of a chain."""
    names = (
        "expiry_ns strike_e8 side bid ask bid_size ask_size open_interest mark forward observed_ns"
    )
    return replace(source, **{name: getattr(source, name)[rows] for name in names.split()})
