"""European digital options on a forward: cash or nothing, asset or nothing, quote or coin settled.

With d1 and d2 of Black-76, c = +1 (pays above the strike) or -1 (below), D the discount factor:

=====================  ==================  ===============================
payoff                 settled in quote    settled in coin, no discounting
=====================  ==================  ===============================
1 of quote currency    D N(c d2)           N(c d2) / F
1 of the underlying    D F N(c d1)         N(c d1)
=====================  ==================  ===============================

The coin price is the quote price without discounting over the forward, as with coin-settled calls:
both are expectations under the measure whose numeraire is the coin.  (Haug 1998, 2.11.2.)

Greeks are plain derivatives with the forward and the rate held: delta dV/dF, gamma d2V/dF2, vega
per 1.00 of volatility, theta -dV/dT per year, rho per 1.00 of rate (0 for coin).  Zero time or
volatility is a limit: the payoff at the forward, half of it exactly at the strike, where the Greeks
are of no use.  An element that cannot be priced is NaN, `digital_status` says why.

Accuracy against 40-digit arithmetic: 8e-16 of the amount paid, Greeks 1e-12
of their scale (`tests/golden/test_digital.py`).
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.codes import PricingStatus
from novate.kernel.jit import inlined, kernel
from novate.kernel.passage import MILLS_END, TOTAL_MIN, log_ratio, ratio_mills
from novate.kernel.special import exp, normal_pdf

NOT_FINITE = int(PricingStatus.NOT_FINITE)
SIDE_UNKNOWN = int(PricingStatus.SIDE_UNKNOWN)
FORWARD_NOT_POSITIVE = int(PricingStatus.FORWARD_NOT_POSITIVE)
STRIKE_NOT_POSITIVE = int(PricingStatus.STRIKE_NOT_POSITIVE)
TIME_NEGATIVE = int(PricingStatus.TIME_NEGATIVE)
VOLATILITY_NEGATIVE = int(PricingStatus.VOLATILITY_NEGATIVE)
OUT_OF_RANGE = int(PricingStatus.PARAMETER_OUT_OF_RANGE)

SIDE, PAYS_ASSET, IN_COIN, AMOUNT, F, K, T, VOL, R = range(9)
"""Rows of the inputs: c, 1.0 for an asset payoff, 1.0 for coin settlement, then as in Black-76."""
INPUTS = 9

PRICE, DELTA, GAMMA, VEGA, THETA, RHO = range(6)
"""Rows of what `digital_greeks` fills."""
GREEKS = 6


@inlined
def status_of(at, k):  # type: ignore[no-untyped-def]
    """Return the `PricingStatus` of column ``k`` of the inputs."""
    total = 0.0
    for row in range(INPUTS):
        total += at[row, k]
    if total - total != 0.0:
        return NOT_FINITE
    if at[SIDE, k] * at[SIDE, k] != 1.0:
        return SIDE_UNKNOWN
    if at[F, k] <= 0.0:
        return FORWARD_NOT_POSITIVE
    if at[K, k] <= 0.0:
        return STRIKE_NOT_POSITIVE
    if at[T, k] < 0.0:
        return TIME_NEGATIVE
    if at[VOL, k] < 0.0:
        return VOLATILITY_NEGATIVE
    is_flag = (at[PAYS_ASSET, k] * (1.0 - at[PAYS_ASSET, k]) == 0.0) & (
        at[IN_COIN, k] * (1.0 - at[IN_COIN, k]) == 0.0
    )
    return 0 if is_flag and at[AMOUNT, k] >= 0.0 else OUT_OF_RANGE


@inlined
def held(x):  # type: ignore[no-untyped-def]
    """Return x within the range in which the density is not zero."""
    x = MILLS_END if x > MILLS_END else x
    return -MILLS_END if x < -MILLS_END else x


@inlined
def digital_row(at, k):  # type: ignore[no-untyped-def]
    """Return price, delta, gamma, vega, theta and rho of column ``k``."""
    c, forward, vol, rate = at[SIDE, k], at[F, k], at[VOL, k], at[R, k]
    is_asset, is_coin = at[PAYS_ASSET, k] == 1.0, at[IN_COIN, k] == 1.0
    root = math.sqrt(at[T, k])
    s = vol * root
    s = TOTAL_MIN if s < TOTAL_MIN else s
    inverse = 1.0 / s
    first = log_ratio(forward, at[K, k]) * inverse + 0.5 * s
    d1, d2 = held(first), held(first - s)
    x, other = (d1, d2) if is_asset else (d2, d1)
    tail = normal_pdf(x) * ratio_mills(x)
    n = tail if c * x < 0.0 else 1.0 - tail
    scale = at[AMOUNT, k] * (1.0 if is_coin else exp(-rate * at[T, k]))
    # Probability n and its derivatives: by F, by F twice, by volatility, by time.
    slope = c * normal_pdf(x) * inverse / forward
    bend = -slope * (x * inverse + 1.0) / forward
    by_vol = -c * normal_pdf(x) * other * root * inverse
    by_time = -c * normal_pdf(x) * other * 0.5 * vol * vol * inverse * inverse
    if is_asset == is_coin:  # a pure probability times a number
        price, delta, gamma, per = n, slope, bend, 1.0
    elif is_asset:
        price, delta, gamma = forward * n, n + forward * slope, 2.0 * slope + forward * bend
        per = forward
    else:
        per = 1.0 / forward
        price, delta = per * n, per * (slope - per * n)
        gamma = per * (bend - 2.0 * delta)
    price, rate = scale * price, 0.0 if is_coin else rate
    theta = rate * price - scale * per * by_time
    rho = 0.0 if is_coin else -at[T, k] * price
    return price, scale * delta, scale * gamma, scale * per * by_vol, theta, rho


@kernel
def digital_status(at, status):  # type: ignore[no-untyped-def]
    """Fill the `PricingStatus` of each column of ``at[INPUTS, n]``."""
    for k in range(status.size):
        status[k] = status_of(at, k)


@kernel
def digital_greeks(at, out, status):  # type: ignore[no-untyped-def]
    """Fill ``out[GREEKS, n]`` and statuses from ``at[INPUTS, n]``, all C-contiguous."""
    for k in range(status.size):
        status[k] = status_of(at, k)
        if status[k] != 0:
            for row in range(GREEKS):
                out[row, k] = np.nan
            continue
        price, delta, gamma, vega, theta, rho = digital_row(at, k)
        out[PRICE, k] = price
        out[DELTA, k] = delta
        out[GAMMA, k] = gamma
        out[VEGA, k] = vega
        out[THETA, k] = theta
        out[RHO, k] = rho
