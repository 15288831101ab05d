"""Options with a lower and an upper barrier, both flat and watched continuously, without a rebate.

The density of a path that has touched neither is a series of images (Ikeda and Kunitomo 1992;
Haug 2007, 4.17.3): with y = ln(S_T/S) of drift M and variance v = s^2, barriers at -a and b and
width W = a + b::

    sum over n of  e^(M c/v) n(y; c + M, v) at c = 2 n W,  less the same at c = 2 b - 2 n W.

Both exponents of a term are added before the exponential is taken, as in `kernel.passage`, so no
drift or volatility overflows.  The series stops at n = 1 + 4.5 s/W on both sides, where a term is
below 1e-17, and at 23 at most: beyond s/W = 5 survival is below 1e-53 and counts as none.  Accuracy
against 40-digit arithmetic: 2e-15 of the larger of spot and strike
(`tests/golden/test_double_barrier.py`).

An *in* option is the vanilla less the *out* one, to rounding.  State, settlement in coin, limits
and Greeks are those of `kernel.barrier`; a spot beyond a barrier that is alive is
`BARRIER_CROSSED`, a lower barrier that is not below the upper one `BARRIERS_CROSS`.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.codes import PricingStatus
from novate.kernel.jit import inlined, kernel
from novate.kernel.passage import TOTAL_MIN, log_ratio, ratio_mills, tail_over
from novate.kernel.special import INV_SQRT_2PI, exp
from novate.kernel.stencil import GREEKS, POINTS, RATE_STEP, fill_greeks, moved, steps_of

NOT_FINITE = int(PricingStatus.NOT_FINITE)
SIDE_UNKNOWN = int(PricingStatus.SIDE_UNKNOWN)
FORWARD_NOT_POSITIVE = int(PricingStatus.FORWARD_NOT_POSITIVE)
STRIKE_NOT_POSITIVE = int(PricingStatus.STRIKE_NOT_POSITIVE)
TIME_NEGATIVE = int(PricingStatus.TIME_NEGATIVE)
VOLATILITY_NEGATIVE = int(PricingStatus.VOLATILITY_NEGATIVE)
CROSSED = int(PricingStatus.BARRIER_CROSSED)
BARRIERS_CROSS = int(PricingStatus.BARRIERS_CROSS)
OUT_OF_RANGE = int(PricingStatus.PARAMETER_OUT_OF_RANGE)

SIDE, IS_IN, S, K, LOWER, UPPER, T, VOL, R, Q, STATE, IN_COIN = range(12)
"""Rows of the inputs: c = +-1, 1.0 for an in option, spot, strike, barriers, years, volatility,
rate, yield, a `BarrierState`, 1.0 for coin settlement."""
INPUTS = 12

WIDE = 5.0
"""Total volatility over the width beyond which nothing survives."""


@inlined
def image_between(c, low, high, M, s):  # type: ignore[no-untyped-def]
    """Return e^(M c/v) P(low < c + M + s Z < high) for low <= high inside the barriers."""
    v = s * s
    x, y = (low - c - M) / s, (high - c - M) / s
    at_low = exp(-0.5 * ((low - M) * (low - M) + c * (c - 2.0 * low)) / v) * ratio_mills(x)
    at_high = exp(-0.5 * ((high - M) * (high - M) + c * (c - 2.0 * high)) / v) * ratio_mills(y)
    if x > 0.0:
        return INV_SQRT_2PI * (at_low - at_high)
    if y < 0.0:
        return INV_SQRT_2PI * (at_high - at_low)
    return exp(M * c / v) - INV_SQRT_2PI * (at_low + at_high)


@inlined
def survival(low, high, a, b, M, s):  # type: ignore[no-untyped-def]
    """Return P(neither barrier touched, low < y_T < high) for -a <= low <= high <= b."""
    width = a + b
    if s > WIDE * width or low >= high:
        return 0.0
    total = image_between(0.0, low, high, M, s) - image_between(2.0 * b, low, high, M, s)
    for n in range(1, 2 + int(4.5 * s / width)):
        shift = 2.0 * n * width
        total += image_between(shift, low, high, M, s) + image_between(-shift, low, high, M, s)
        total -= image_between(2.0 * b - shift, low, high, M, s)
        total -= image_between(2.0 * b + shift, low, high, M, s)
    return total


@kernel
def double_value(c, is_in, spot, strike, lower, upper, years, vol, r, q, is_touched, coin):  # type: ignore[no-untyped-def]
    """Return the price of one option, touched or not as the caller says."""
    s = vol * math.sqrt(years)
    s = TOTAL_MIN if s < TOTAL_MIN else s
    if coin:
        r, q = r - q, 0.0
    M2 = (r - q) * years - 0.5 * s * s
    M1 = M2 + s * s
    D1, D2 = exp(-q * years), exp(-r * years)
    k = log_ratio(strike, spot)
    out = 0.0
    if not is_touched:
        a, b = log_ratio(spot, lower), log_ratio(upper, spot)
        low = -a if c < 0.0 or k < -a else k
        high = b if c > 0.0 or k > b else k
        out = c * spot * D1 * survival(low, high, a, b, M1, s)
        out -= c * strike * D2 * survival(low, high, a, b, M2, s)
    value = out
    if is_in:
        vanilla = c * spot * D1 * tail_over(c * k, c * M1, s)
        vanilla -= c * strike * D2 * tail_over(c * k, c * M2, s)
        value = vanilla - out
    return value / spot if coin else value


@inlined
def status_of(at, k):  # type: ignore[no-untyped-def]
    """Return the `PricingStatus` of column ``k``."""
    total = 0.0
    for row in range(INPUTS):
        total += at[row, k]
    if total - total != 0.0:
        return NOT_FINITE
    if at[SIDE, k] * at[SIDE, k] != 1.0:
        return SIDE_UNKNOWN
    if at[S, k] <= 0.0:
        return FORWARD_NOT_POSITIVE
    if at[K, k] <= 0.0 or at[LOWER, k] <= 0.0:
        return STRIKE_NOT_POSITIVE
    if at[T, k] < 0.0:
        return TIME_NEGATIVE
    if at[VOL, k] < 0.0:
        return VOLATILITY_NEGATIVE
    state = at[STATE, k]
    if state == 0.0 and (at[S, k] < at[LOWER, k] or at[S, k] > at[UPPER, k]):
        return CROSSED
    if at[LOWER, k] >= at[UPPER, k]:
        return BARRIERS_CROSS
    is_code = (
        (at[IS_IN, k] * (1.0 - at[IS_IN, k]) == 0.0)
        & (at[IN_COIN, k] * (1.0 - at[IN_COIN, k]) == 0.0)
        & (state * (state - 1.0) * (state - 2.0) == 0.0)
    )
    return 0 if is_code else OUT_OF_RANGE


@kernel
def double_barrier_greeks(at, out, status):  # type: ignore[no-untyped-def]
    """Fill ``out[GREEKS, n]`` and statuses from ``at[INPUTS, n]``; NaN where there is no price."""
    f = np.empty(POINTS)
    for k in range(status.size):
        status[k] = status_of(at, k)
        if status[k] != 0:
            for row in range(GREEKS):
                out[row, k] = np.nan
            continue
        h, h_vol, h_time = steps_of(at[S, k], at[VOL, k], at[T, k])
        is_touched = at[STATE, k] != 0.0 or at[S, k] == at[LOWER, k] or at[S, k] == at[UPPER, k]
        for point in range(POINTS):
            f[point] = double_value(
                at[SIDE, k], at[IS_IN, k] == 1.0,
                moved(point, 1, at[S, k], h),
                at[K, k], at[LOWER, k], at[UPPER, k],
                moved(point, 3, at[T, k], h_time),
                moved(point, 2, at[VOL, k], h_vol),
                moved(point, 4, at[R, k], RATE_STEP),
                at[Q, k], is_touched, at[IN_COIN, k] == 1.0,
            )  # fmt: skip
        fill_greeks(f, h, h_vol, h_time, out, k)
