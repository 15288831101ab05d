"""Implied volatility of Black-76 from a price, over the whole domain, in one pass over tiles.

Parity turns every option into the out-of-the-money one of its strike.  With x the size of ln(F/K),
let s = sigma sqrt(T), h = x/s, t = s/2, a = h - t and b = h + t, and measure its undiscounted price
in units of the most it can be worth, min(F, K).  With m the Mills ratio, phi the normal density,

    v(s) = phi(a) (m(a) - m(b)),    w(s) = 1 - v(s) = phi(a) (m(-a) + m(b)),    dv/ds = phi(a).

Where v <= 1/2 the root of ln v(s) - ln v is sought, elsewhere that of ln w(s) - ln w, with the
difference and the sum of `mills_pair`: nothing cancels, neither for the least price that a
float64 holds nor next to the greatest.  The logarithm is taken of the quotient of both prices, so
that its size, and with it its rounding error, is that of a^2/2.

The start is explicit.  Below, t -> 0 gives Bachelier's price, whose inverse is a function of one
variable, corrected for t; above, the inverse normal distribution, corrected for m(b).  It is within
10 per cent.  Two steps of Householder's method of third order, whose error goes with the fourth
power, then leave nothing but rounding; for the first one rougher Mills ratios will do.  The few
elements whose second step was not tiny (strikes a factor e^30 away) are brought home one by one,
between brackets.

The plan (normalised price, logarithms at both ends, explicit start, Householder steps) is that of
P. Jaeckel, *Let's be rational*, Wilmott, January 2015; formulas and coefficients are our own
(`scripts/fit_implied.py`).
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.codes import PricingStatus
from novate.kernel.jit import fma, inlined, kernel
from novate.kernel.pricing.black import (
    FORWARD_NOT_POSITIVE,
    NOT_FINITE,
    RATIO_MAX,
    SIDE_UNKNOWN,
    STRIKE_NOT_POSITIVE,
    TIME_NEGATIVE,
)
from novate.kernel.pricing.mills_pair import SHIFT, mills_slope, mills_sum, rough_slope, rough_sum
from novate.kernel.pricing.special import SQRT_2PI, exp, log

PARAMETER_OUT_OF_RANGE = int(PricingStatus.PARAMETER_OUT_OF_RANGE)
PRICE_BELOW_INTRINSIC = int(PricingStatus.PRICE_BELOW_INTRINSIC)
PRICE_ABOVE_MAXIMUM = int(PricingStatus.PRICE_ABOVE_MAXIMUM)
NOT_CONVERGED = int(PricingStatus.NOT_CONVERGED)

AT_INTRINSIC = -1
"""The mark, inside this file, of a price without time value: zero volatility, status OK."""

NORMAL_MIN = 2.2250738585072014e-308
"""Least time value over min(F, K) that is told from zero: the smallest normal float64."""

LEAST = 5e-324
"""The smallest float64."""

STEP_MAX = 2e-5
"""A relative step below it leaves an error below rounding: at most 20 times its fourth power."""

STEPS_MAX = 100
"""Steps of the search between brackets, which takes about ten."""

REACH = 40.0
"""The normal tail beyond this argument is zero in float64."""

LOG_SQRT_2PI = 0.9189385332046727
BELOW = 0.6744897501960817
"""-a where an at-the-money price is half of its maximum: N(BELOW) = 3/4."""

MILLS_START = 1.2533141373155001
"""m(0) = sqrt(pi/2)."""

SLIGHT = 1e-10
"""The start is the same whether x is zero or this part of v; also the slack of brackets."""

LEVEL = 1.1774100225154747
"""sqrt(2 ln 2), where the normal tail is one half."""

TILE = 512
"""Elements whose columns stay in the nearest cache from one loop to the next."""


@inlined
def tail_point(u):  # type: ignore[no-untyped-def]
    """Return about z with N(-z) = exp(-u^2/2), for u >= LEVEL; 1e-5 at most."""
    p = fma(fma(1.0047698399083043, u, 3.941907797574133), u, 2.4535517387124317)
    q = fma(fma(1.0025360446988367, u, 2.855507240615551), u, 1.0)
    z = (u - LEVEL) * p / q
    return 0.0 if z < 0.0 else z


@inlined
def bachelier_point(u):  # type: ignore[no-untyped-def]
    """Return about h, u^2 = ln(1 + h / (phi(h) - h N(-h)) / sqrt(2 pi)); 5e-4 at most."""
    p = fma(0.31018325576847516, u, -0.13090501922864353)
    p = fma(p, u, 0.3748298339616407)
    p = fma(p, u, 0.9994769773071771)
    q = fma(0.21887888779303005, u, -0.05471342941293366)
    q = fma(q, u, 0.8450016847618367)
    q = fma(q, u, 0.3479905674878844)
    q = fma(q, u, 1.0)
    return u * u * p / q


@inlined
def root_start(x, target):  # type: ignore[no-untyped-def]
    """Return about s, within 10 per cent; ``target`` is v, or -w where v > 1/2.

    Below, t -> 0 gives Bachelier's v = x (phi(h)/h - N(-h)), whose inverse is `bachelier_point`
    at u^2 = ln(1 + x/(v sqrt(2 pi))); exp(-t^2/2), and the mean of -m' over [a, b] in the place of
    -m'(h), then enter as in the solution of h^2 + t^2 = const.  Above, N(-z) = w / (1 + m(b)/m(z))
    with z = -a and b^2 = z^2 + 2x; m(y) is taken as (y + C) / (y^2 + C y + 1).

    Both sides share logarithms and roots, which cost more than the selects in between.
    """
    is_above = target < 0.0
    size = abs(target)
    least = SLIGHT * size
    held = least if x < least else x
    height = log(size if is_above else held / size)
    square = -2.0 * height
    z = tail_point(math.sqrt(square if is_above else 1.0))
    b = math.sqrt(fma(z, z, 2.0 * x))
    share = (b + MILLS_START) * fma(z, z + MILLS_START, 1.0)
    share /= (z + MILLS_START) * fma(b, b + MILLS_START, 1.0)
    height = fma(0.5, x, height - LOG_SQRT_2PI)
    excess = abs(height)
    rest = log(1.0 + (share if is_above else exp(-excess)))
    u = math.sqrt(fma(2.0, rest, square) if is_above else fma(0.5, height + excess, rest))
    h = bachelier_point(u)
    t = held / h
    h2 = h * h
    lack = 1.0 - t * t * (1.0 + h2) / ((3.0 + h2) * fma(h, 1.25 + h, 1.0))
    root = math.sqrt(0.0 if lack < 0.0 else lack)
    # 1 / sqrt((1 + root) / 2), nearly.
    below = t * fma(1.0 - root, fma(root, -0.15916269965732935, 0.39975591198481014), 1.0)
    z = tail_point(u) if is_above else BELOW
    above = z + math.sqrt(fma(z, z, 2.0 * x))
    return above if is_above | (below > above) else below


@inlined
def place(x, target, s):  # type: ignore[no-untyped-def]
    """Return 1/s, h, a and b, and the arguments of the Mills ratios from their SHIFT on."""
    inverse = 1.0 / s
    h = x * inverse
    h = fma(fma(-h, s, x), inverse, h)
    a = fma(-0.5, s, h)
    b = fma(0.5, s, h)
    y = (-a if target < 0.0 else a) + SHIFT
    return inverse, h, a, b, (0.0 if y < 0.0 else y), b + SHIFT


@inlined
def householder(target, s, inverse, h, a, b, joint, total, part):  # type: ignore[no-untyped-def]
    """Return Householder's third-order step over s, the Mills terms being given.

    With q = v''/v' = ab/s and r = v'/v or w'/w, the second and third derivatives of the logarithm
    over its first are q - r and q^2 + q' - 3qr + 2r^2; here all are multiplied by powers of s.
    """
    is_above = target < 0.0
    quotient = joint / (total if is_above else part)
    r = -s * quotient if is_above else quotient
    scaled = (-target if is_above else target * inverse) * quotient * SQRT_2PI
    scaled = NORMAL_MIN if scaled < NORMAL_MIN else scaled
    newton = fma(0.5 * a, a, log(scaled)) / r
    q = a * b
    second = q - r
    third = q * q - 3.0 * h * h - 0.25 * s * s - 3.0 * q * r + 2.0 * r * r
    below = fma(newton, fma(newton * (1.0 / 6.0), third, second), 1.0)
    ratio = fma(0.5 * second, newton, 1.0) / (0.1 if below < 0.1 else below)
    # Far from the root it is no guide; held near 1, a small step means a small distance.
    ratio = 4.0 if ratio > 4.0 else ratio
    ratio = 0.25 if ratio < 0.25 else ratio
    step = newton * ratio
    step = 1.0 if step > 1.0 else step
    return -0.5 if step < -0.5 else step


@inlined
def relative_step(x, target, s):  # type: ignore[no-untyped-def]
    """Return the step towards the root over s; positive where s is too small."""
    inverse, h, a, b, y, z = place(x, target, s)
    joint, total = mills_sum(y, z)
    part = mills_slope(y, z)
    return householder(target, s, inverse, h, a, b, joint, total, part)


@inlined
def rough_step(x, target, s):  # type: ignore[no-untyped-def]
    """`relative_step` with Mills terms to 3e-6, which is enough for the first one."""
    inverse, h, a, b, y, z = place(x, target, s)
    joint, total = rough_sum(y, z)
    part = rough_slope(y, z)
    return householder(target, s, inverse, h, a, b, joint, total, part)


@kernel
def search(x, target, s):  # type: ignore[no-untyped-def]
    """Return the root near s brought home between brackets, or NaN; for one element."""
    if target < 0.0:
        low = max(math.sqrt(2.0 * x), 2.0 * BELOW)
        high = REACH + math.sqrt(fma(2.0, x, REACH * REACH))
    else:
        low = max(2.0 * x / (REACH + math.sqrt(fma(2.0, x, REACH * REACH))), target)
        high = BELOW + math.sqrt(fma(2.0, x, BELOW * BELOW))
    low *= 1.0 - SLIGHT
    high *= 1.0 + SLIGHT
    for _ in range(STEPS_MAX):
        if not low < s < high:
            s = math.sqrt(low) * math.sqrt(high)
        step = relative_step(x, target, s)
        if abs(step) < STEP_MAX:
            return fma(s, step, s)
        if step > 0.0:
            low = s
        else:
            high = s
        # A step as long as is allowed is no guide: the next place is the middle.
        s = fma(s, step, s) if -0.5 < step < 1.0 else math.inf
    return math.nan


@inlined
def log_ratio(F, K):  # type: ignore[no-untyped-def]
    """Return the size of ln(F/K), accurate in relative terms where the two are close as well."""
    ratio = F / K
    rest = fma(-ratio, K, F) / F
    is_held = (ratio > RATIO_MAX) | (ratio < 1.0 / RATIO_MAX)
    ratio = RATIO_MAX if ratio > RATIO_MAX else ratio
    ratio = 1.0 / RATIO_MAX if ratio < 1.0 / RATIO_MAX else ratio
    return abs(log(ratio) + (0.0 if is_held else rest))


@inlined
def bounds(c, F, K, D, price):  # type: ignore[no-untyped-def]
    """Return v, w, and the discounted intrinsic value and maximum as float64 has them.

    F - K is carried with its rounding error and one multiply-add rounds price minus bound, so that
    only the price itself limits how much of the time value is known.
    """
    gap = F - K
    part = gap - F
    lost = (F - (gap - part)) - (K + part)
    is_inside = c * gap > 0.0
    intrinsic = c * gap if is_inside else 0.0
    rest = c * lost if is_inside else 0.0
    most = F if c > 0.0 else K
    unit = D * (F if F < K else K)
    left = fma(-D, intrinsic, price) - D * rest
    v = left / unit
    v = LEAST if (left > 0.0) & (v <= 0.0) else v  # too little for a float64, which is not nothing
    w = fma(D, most, -price) / unit
    return v, w, D * intrinsic, D * most


@inlined
def _prepare(c, F, K, T, price, D, code, x, target):  # type: ignore[no-untyped-def]
    """Fill the status, or AT_INTRINSIC, x, and v or -w; stand-ins where there is no root."""
    for k in range(np.uint64(F.size)):
        none = 0.0 * F[k] + 0.0 * K[k] + 0.0 * T[k] + 0.0 * price[k] + 0.0 * c[k]
        none = none if D[k] == np.inf else none + 0.0 * D[k]
        bad = PARAMETER_OUT_OF_RANGE if (D[k] <= 0.0) | (D[k] == np.inf) else 0
        bad = TIME_NEGATIVE if T[k] < 0.0 else bad
        bad = STRIKE_NOT_POSITIVE if K[k] <= 0.0 else bad
        bad = FORWARD_NOT_POSITIVE if F[k] <= 0.0 else bad
        bad = SIDE_UNKNOWN if c[k] * c[k] != 1.0 else bad
        bad = bad if none == 0.0 else NOT_FINITE
        is_good = bad == 0
        forward = F[k] if is_good else 1.0
        strike = K[k] if is_good else 1.0
        discount = D[k] if is_good else 1.0
        paid = price[k] if is_good else 0.25
        v, w, floor, ceiling = bounds(c[k], forward, strike, discount, paid)
        bad = NOT_CONVERGED if is_good & (v < NORMAL_MIN) else bad
        bad = AT_INTRINSIC if is_good & ((v <= 0.0) | (paid == floor)) else bad
        is_more = (paid >= ceiling) | (w <= 0.0) | ((T[k] == 0.0) & (paid > floor))
        bad = PRICE_ABOVE_MAXIMUM if is_good & is_more else bad
        bad = PRICE_BELOW_INTRINSIC if is_good & (paid < floor) else bad
        bad = PARAMETER_OUT_OF_RANGE if is_good & (ceiling == np.inf) else bad
        code[k] = bad
        x[k] = log_ratio(forward, strike)
        sought = v if v <= 0.5 else -w
        target[k] = sought if bad == 0 else 0.25


@inlined
def _start(x, target, s):  # type: ignore[no-untyped-def]
    """Fill the explicit start."""
    for k in range(np.uint64(x.size)):
        s[k] = root_start(x[k], target[k])


@inlined
def _approach(x, target, s):  # type: ignore[no-untyped-def]
    """Take the first step."""
    for k in range(np.uint64(x.size)):
        s[k] = fma(s[k], rough_step(x[k], target[k], s[k]), s[k])


@inlined
def _arrive(x, target, s, step):  # type: ignore[no-untyped-def]
    """Take the second step and leave its relative size."""
    for k in range(np.uint64(x.size)):
        step[k] = relative_step(x[k], target[k], s[k])
        s[k] = fma(s[k], step[k], s[k])


@inlined
def _finish(T, code, x, target, s, step, vol, status):  # type: ignore[no-untyped-def]
    """Fill volatility and status."""
    for k in range(np.uint64(x.size)):
        vol[k] = s[k] / math.sqrt(T[k] if T[k] > 0.0 else 1.0)
    for k in range(x.size):
        found = code[k]
        if found == 0.0 and not abs(step[k]) < STEP_MAX:
            vol[k] = search(x[k], target[k], s[k]) / math.sqrt(T[k])
            found = 0.0 if vol[k] - vol[k] == 0.0 else float(NOT_CONVERGED)
        if found != 0.0:
            vol[k] = 0.0 if found == AT_INTRINSIC else math.nan
        status[k] = 0 if found == AT_INTRINSIC else int(found)


@inlined
def _invert(c, F, K, T, price, D, vol, status, kept):  # type: ignore[no-untyped-def]
    """Fill one tile; ``kept[5, TILE]`` is room to work in."""
    code, x, target = kept[0][: F.size], kept[1][: F.size], kept[2][: F.size]
    s, step = kept[3][: F.size], kept[4][: F.size]
    _prepare(c, F, K, T, price, D, code, x, target)
    _start(x, target, s)
    _approach(x, target, s)
    _arrive(x, target, s, step)
    _finish(T, code, x, target, s, step, vol, status)


@kernel
def implied_volatilities(c, F, K, T, price, D, vol, status):  # type: ignore[no-untyped-def]
    """Fill volatilities and `PricingStatus`; flat float64 arrays of one length, status int8.

    ``c`` is 1.0 for calls and -1.0 for puts, ``D`` the discount factor of the price.
    """
    kept = np.empty((5, TILE))
    for a in range(0, F.size, TILE):
        b = min(F.size, a + TILE)
        _invert(c[a:b], F[a:b], K[a:b], T[a:b], price[a:b], D[a:b], vol[a:b], status[a:b], kept)


@kernel
def discount_factors(R, T, D):  # type: ignore[no-untyped-def]
    """Fill exp(-R T): infinite where no float64 holds it, NaN for a rate that is not finite."""
    for k in range(np.uint64(R.size)):
        D[k] = exp(-R[k] * T[k]) + 0.0 * R[k]
