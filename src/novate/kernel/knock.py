"""Options with one barrier, undiscounted, for marks: the reflection principle on a lognormal index.

With v the total variance to expiry and C = ln(F/S), a path from S that ends alive but touched the
barrier H on its way weighs as much as one from H^2/S: (H/S)^(2C/v - 1) times it under the measure
of cash, (H/S)^(2C/v + 1) under that of the underlying (Reiner and Rubinstein 1991; Haug 1998,
2.10.1).  What is alive is then what ends inside the region less its image.

A schedule moves the barrier away by exp(0.5826 vol sqrt(interval)) (Broadie, Glasserman and Kou
1997); at expiry only, there is no image.  A rebate is worth its probability: of a touch for an
*out* option, which pays it then, of none for an *in* option, which pays it at expiry.
"""

from __future__ import annotations

import math

from novate.kernel.black import sides
from novate.kernel.codes import Monitoring
from novate.kernel.jit import inlined
from novate.kernel.special import exp, log

_SCHEDULE = int(Monitoring.SCHEDULE)
_AT_EXPIRY = int(Monitoring.AT_EXPIRY)

BETA = 0.5825971579390106
"""-zeta(1/2) / sqrt(2 pi): mean overshoot of a random walk, in standard deviations of a step."""

POWER_MAX = 600.0
"""Largest exponent of an image: beyond it the clamp between nothing and everything decides."""


@inlined
def ends_between(forward, low, high, left, vol):  # type: ignore[no-untyped-def]
    """Probabilities of ``low`` < index at expiry < ``high``, of the underlying and of cash.

    A bound that is not positive is none.
    """
    asset, cash = 1.0, 1.0
    if low > 0.0:
        _, _, _, _, _, asset, cash = sides(1.0, forward, low, left, vol)
    if high > 0.0:
        _, _, _, _, _, above_asset, above_cash = sides(1.0, forward, high, left, vol)
        asset -= above_asset
        cash -= above_cash
    return max(asset, 0.0), max(cash, 0.0)


@inlined
def alive_between(spot, forward, barrier, low, high, left, vol, has_image):  # type: ignore[no-untyped-def]
    """As `ends_between`, and the barrier never touched."""
    asset, cash = ends_between(forward, low, high, left, vol)
    variance = vol * vol * left
    if has_image and variance > 0.0:
        distance = log(barrier / spot)
        power = 2.0 * log(forward / spot) / variance
        there = forward * (barrier / spot) * (barrier / spot)
        asset_image, cash_image = ends_between(there, low, high, left, vol)
        asset_image *= exp(min((power + 1.0) * distance, POWER_MAX))
        cash_image *= exp(min((power - 1.0) * distance, POWER_MAX))
        asset = max(asset - asset_image, 0.0)
        cash = max(cash - cash_image, 0.0)
    return asset, cash


@inlined
def region_of(side, up, strike, barrier):  # type: ignore[no-untyped-def]
    """Bounds between which an option pays and the barrier is not passed; equal when nowhere."""
    if side > 0.0:
        if up:
            return strike, max(strike, barrier)
        return max(strike, barrier), 0.0
    if up:
        return 0.0, min(strike, barrier)
    return min(barrier, strike), strike


@inlined
def payoff_worth(side, strike, payout, is_coin, forward, asset, cash):  # type: ignore[no-untyped-def]
    """Worth of a payoff in its settlement asset from the probabilities of where it pays."""
    if payout > 0.0:
        return payout * (asset if is_coin else cash)
    quote = max(side * (forward * asset - strike * cash), 0.0)
    return quote / forward if is_coin else quote


@inlined
def knock_worth(  # type: ignore[no-untyped-def]
    side, strike, payout, is_coin, up, is_in, barrier, monitoring, interval, rebate,
    spot, forward, left, vol, plain,
):  # fmt: skip
    """Value while the barrier counts as not touched; ``plain`` is that without a barrier.

    ``interval`` in years.  Beyond a barrier that is watched, the option is worth what a touch makes
    of it.
    """
    edge = barrier
    if monitoring == _SCHEDULE:
        away = BETA * vol * math.sqrt(interval)
        edge = barrier * exp(away if up else -away)
    has_image = monitoring != _AT_EXPIRY
    if has_image and (spot >= edge if up else spot <= edge):
        return plain if is_in else rebate
    low, high = region_of(side, up, strike, edge)
    asset, cash = alive_between(spot, forward, edge, low, high, left, vol, has_image)
    out = min(payoff_worth(side, strike, payout, is_coin, forward, asset, cash), plain)
    below, above = (0.0, edge) if up else (edge, 0.0)
    asset, cash = alive_between(spot, forward, edge, below, above, left, vol, has_image)
    never = min(asset if is_coin else cash, 1.0)
    if is_in:
        return plain - out + rebate * never
    return out + rebate * (1.0 - never)
