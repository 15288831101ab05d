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

Greeks are plain derivatives with the forward and the rate held, by `term`: vega per 1.00 of
volatility, theta, charm and colour per year of passing time, rho per 1.00 of rate (0 for coin).
Zero time or volatility is a limit: the payoff at the forward, half of it exactly at the strike,
where the Greeks are of no use.  An element that cannot be priced is NaN, `digital_status` says why.

Accuracy against 40-digit arithmetic: 8e-16 of the amount paid, Greeks 1e-13 of their scale
(`tests/golden/test_digital.py`, `docs/accuracy.md`).
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.codes import PricingStatus
from novate.kernel.jit import inlined, kernel
from novate.kernel.pricing.passage import log_ratio
from novate.kernel.pricing.special import exp
from novate.kernel.pricing.term import (
    GREEKS,
    INPUT_MIN,
    NOTHING,
    PRICE,
    SPREAD_MIN,
    add,
    fill_greeks,
    image_jet,
)

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
def digital_jet(at, k):  # type: ignore[no-untyped-def]
    """Return the jet of column ``k`` by the logarithm of the forward; see `kernel.pricing.term`."""
    forward, years = at[F, k], at[T, k]
    years = INPUT_MIN if years < INPUT_MIN else years
    is_asset, is_coin = at[PAYS_ASSET, k] == 1.0, at[IN_COIN, k] == 1.0
    s = at[VOL, k] * math.sqrt(years)
    s = SPREAD_MIN if s < SPREAD_MIN else s
    factor, lead = at[AMOUNT, k], 0.0
    if is_asset and not is_coin:
        factor, lead = factor * forward, 1.0
    if is_coin and not is_asset:
        factor, lead = factor / forward, -1.0
    rate_time, by_rate = (0.0, 0.0) if is_coin else (at[R, k] * years, 1.0)
    jet = image_jet(
        at[SIDE, k], 0.0, 0.0, 0.0, -log_ratio(forward, at[K, k]), -1.0, 0.0,
        0.0, 0.5 if is_asset else -0.5, s, lead, 0.0, 0.0, -rate_time, -by_rate,
    )  # fmt: skip
    return add(NOTHING, factor * exp(-rate_time), jet)


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
        vol = INPUT_MIN if at[VOL, k] < INPUT_MIN else at[VOL, k]
        years = INPUT_MIN if at[T, k] < INPUT_MIN else at[T, k]
        jet = digital_jet(at, k)
        out[PRICE, k] = jet[0]
        fill_greeks(jet, at[F, k], vol, years, out, k)
