"""Options with a lower and an upper barrier, both flat and watched continuously, without a rebate.

The density of a path that has touched neither is a series of images (Ikeda and Kunitomo 1992;
Haug 2007, 4.17.3): with y = ln(S_T/S) of drift M and variance v = s^2, barriers at -a and b and
width W = a + b::

    sum over n of  e^(M c/v) n(y; c + M, v) at c = 2 n W,  less the same at c = 2 b - 2 n W.

Both exponents of a term are added before the exponential is taken, as in `passage`, so no
drift or volatility overflows.  The series stops at n = 1 + 4.5 s/W on both sides, where a term is
below 1e-17, and at 23 at most: beyond s/W = 5 survival is below 1e-53 and counts as none.  Accuracy
against 40-digit arithmetic: 2e-15 of the larger of spot and strike
(`tests/golden/test_double_barrier.py`).

An *in* option is the vanilla less the *out* one, to rounding.  State, settlement in coin and
limits are those of `barrier`.  Greeks are exact derivatives of each image (`term`),
good to 1e-13 of their scale.  A spot beyond a barrier that is alive is `BARRIER_CROSSED`, a lower
barrier that is not below the upper one `BARRIERS_CROSS`.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.codes import PricingStatus
from novate.kernel.jit import inlined, kernel
from novate.kernel.pricing.passage import TOTAL_MIN, log_ratio, ratio_mills, tail_over
from novate.kernel.pricing.special import INV_SQRT_2PI, exp
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
CROSSED = int(PricingStatus.BARRIER_CROSSED)
BARRIERS_CROSS = int(PricingStatus.BARRIERS_CROSS)
OUT_OF_RANGE = int(PricingStatus.PARAMETER_OUT_OF_RANGE)

SIDE, IS_IN, S, K, LOWER, UPPER, T, VOL, R, Q, STATE, IN_COIN = range(12)
"""Rows of the inputs: c = +-1, 1.0 for an in option, spot, strike, barriers, years, volatility,
rate, yield, a `BarrierState`, 1.0 for coin settlement."""
INPUTS = 12

FAR = 60.0
"""Exponent beyond which an image is not worth its derivatives."""

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


@inlined
def is_touched(at, k):  # type: ignore[no-untyped-def]
    """Return whether column ``k`` was touched, or is at this instant."""
    return (at[STATE, k] != 0.0) | (at[S, k] == at[LOWER, k]) | (at[S, k] == at[UPPER, k])


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


@inlined
def value_of(at, k):  # type: ignore[no-untyped-def]
    """Return the price of column ``k``."""
    return double_value(
        at[SIDE, k], at[IS_IN, k] == 1.0, at[S, k], at[K, k], at[LOWER, k], at[UPPER, k], at[T, k],
        at[VOL, k], at[R, k], at[Q, k], is_touched(at, k), at[IN_COIN, k] == 1.0,
    )  # fmt: skip


@inlined
def between_jet(total, factor, c, c_x, low, high, C, half, s, lead, C_t, C_r, L_t, L_r):  # type: ignore[no-untyped-def]
    """Add ``factor`` times `image_between`, times the lead, to a jet; bounds fall as x rises.

    An image whose density at both bounds is below e^-60 of the largest adds nothing.
    """
    v = s * s
    M = C + half * v
    x, y = low - c - M, high - c - M
    at_low = (low - M) * (low - M) + c * (c - 2.0 * low)
    at_high = (high - M) * (high - M) + c * (c - 2.0 * high)
    if x * y > 0.0 and at_low > 2.0 * FAR * v and at_high > 2.0 * FAR * v:
        return total
    flip = -1.0 if y < 0.0 else 1.0
    for place in range(2):
        a = low if place == 0 else high
        jet = image_jet(
            flip, c, c_x, 0.0, a, -1.0, 0.0, C, half, s, lead, C_t, C_r, L_t, L_r
        )  # fmt: skip
        total = add(total, factor * flip if place == 0 else -factor * flip, jet)
    return total


@kernel
def double_jet(c, is_in, spot, strike, lower, upper, s, C, R, C_t, C_r, R_t, R_r, is_touched, coin):  # type: ignore[no-untyped-def]
    """Return the jet of `double_value`, from totals; see `kernel.pricing.term`."""
    k = log_ratio(strike, spot)
    a, b = log_ratio(spot, lower), log_ratio(upper, spot)
    width = a + b
    low = -a if c < 0.0 or k < -a else k
    high = b if c > 0.0 or k > b else k
    is_alive = not is_touched and s <= WIDE * width and low < high
    sign = -1.0 if is_in else 1.0
    total = NOTHING
    for part in range(2):
        half, D, lead = (0.5, C - R, 1.0) if part == 0 else (-0.5, -R, 0.0)
        L_t, L_r = (C_t - R_t, C_r - R_r) if part == 0 else (-R_t, -R_r)
        factor = (c * spot if part == 0 else -c * strike) * exp(D)
        if coin:
            lead, factor = lead - 1.0, factor / spot
        if is_in:
            jet = image_jet(c, 0.0, 0.0, 0.0, k, -1.0, 0.0, C, half, s, lead, C_t, C_r, L_t, L_r)
            total = add(total, factor, jet)
        most = 2 + int(4.5 * s / width) if is_alive else 0
        for place in range(2 * most):
            n = place // 2
            shift = (2.0 if place % 2 == 0 else -2.0) * n * width
            if place == 1:  # minus zero
                continue
            total = between_jet(
                total, sign * factor, shift, 0.0, low, high, C, half, s, lead, C_t, C_r, L_t, L_r
            )
            total = between_jet(
                total, -sign * factor, 2.0 * b - shift, -2.0, low, high, C, half, s, lead,
                C_t, C_r, L_t, L_r,
            )  # fmt: skip
    return total


@kernel
def double_barrier_prices(at, price, status):  # type: ignore[no-untyped-def]
    """Fill prices and statuses from ``at[INPUTS, n]``, C-contiguous float64."""
    for k in range(status.size):
        status[k] = status_of(at, k)
        price[k] = value_of(at, k) if status[k] == 0 else np.nan


@kernel
def double_barrier_greeks(at, is_forward_held, out, status):  # type: ignore[no-untyped-def]
    """Fill ``out[GREEKS, n]`` and statuses from ``at[INPUTS, n]``; NaN where there is no price.

    ``is_forward_held``: whether theta, charm, colour and rho hold the forward or the yield.
    """
    for k in range(status.size):
        status[k] = status_of(at, k)
        if status[k] != 0:
            for row in range(GREEKS):
                out[row, k] = np.nan
            continue
        vol = INPUT_MIN if at[VOL, k] < INPUT_MIN else at[VOL, k]
        years = INPUT_MIN if at[T, k] < INPUT_MIN else at[T, k]
        s = at[VOL, k] * math.sqrt(years)
        s = SPREAD_MIN if s < SPREAD_MIN else s
        coin = at[IN_COIN, k] == 1.0
        C, R_time = (at[R, k] - at[Q, k]) * years, at[R, k] * years
        C_t, C_r = (0.0, 0.0) if is_forward_held else (C, 1.0)
        rate_time, R_t, R_r = (C, C_t, C_r) if coin else (R_time, R_time, 1.0)
        jet = double_jet(
            at[SIDE, k], at[IS_IN, k] == 1.0, at[S, k], at[K, k], at[LOWER, k], at[UPPER, k], s, C,
            rate_time, C_t, C_r, R_t, R_r, is_touched(at, k), coin,
        )  # fmt: skip
        fill_greeks(jet, at[S, k], vol, years, out, k)
        out[PRICE, k] = value_of(at, k)
