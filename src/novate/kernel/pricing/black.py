"""Black-76: price and Greeks of European options on a forward, one pass over plain arrays.

With r = F/K, s = sigma sqrt(T), d1 = ln(r)/s + s/2 and d2 = d1 - s: exp(-d2^2/2) = r exp(-d1^2/2),
so that one exponential serves the density and both distribution functions.  N(d) is the density
times a Mills ratio, accurate in relative terms in both wings.

Every formula is strict (see `special`): the same bits whatever the processor, the vector
width and the number of threads.  Units: prices in the currency of forward and strike, per unit of
the underlying; volatility, time and rate per year; Greeks are plain derivatives (vega per 1.00 of
volatility, rho per 1.00 of rate with the forward held); theta, charm and colour are per year of
*passing* time with forward and rate held.

An element that cannot be priced is NaN; `black_status` says why.  Zero time or volatility is a
limit: the discounted intrinsic value.  Exactly at the strike (`AT_KINK`, see `mark_kinks`) delta is
the mean of its two sides, c D / 2, and what has no limit is zero: gamma, speed, colour and zomma,
at zero time the passing of time in theta and charm as well.

Accuracy against 40-digit arithmetic: `docs/accuracy.md`.  Prices are good to
(4e-16 + 1.2e-16 abs(R T)) D (F + K), the second part being the rounding of R T; out of the money
also in relative terms, to 1e-15 (1 + abs(d1)) (1 + 1/s) as long as abs(d1) and abs(d2) are below
37, most of which the rounding of F/K alone costs.  Beyond, one of the two densities leaves the
range of a float64.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.codes import PricingStatus
from novate.kernel.jit import fma, inlined, kernel
from novate.kernel.pricing.special import EXP_MAX, INV_SQRT_2PI, exp, log, mills

NOT_FINITE = int(PricingStatus.NOT_FINITE)
SIDE_UNKNOWN = int(PricingStatus.SIDE_UNKNOWN)
FORWARD_NOT_POSITIVE = int(PricingStatus.FORWARD_NOT_POSITIVE)
STRIKE_NOT_POSITIVE = int(PricingStatus.STRIKE_NOT_POSITIVE)
TIME_NEGATIVE = int(PricingStatus.TIME_NEGATIVE)
VOLATILITY_NEGATIVE = int(PricingStatus.VOLATILITY_NEGATIVE)
PARAMETER_OUT_OF_RANGE = int(PricingStatus.PARAMETER_OUT_OF_RANGE)
AT_KINK = int(PricingStatus.AT_KINK)

MILLS_END = 39.0
"""Where the density has long been zero: larger arguments change nothing."""

TOTAL_MIN = 1e-150
"""Least total volatility that formulas divide by; below it an option is worth its intrinsic."""

KINK = 1e-60
"""Total volatility below which a strike at the forward is a kink: third derivatives there leave
the range of a float64.  Any other strike is then 1e44 deviations away."""

TOTAL_MAX = 1e3
"""Largest: a call has long been worth the forward, and every density is zero."""

RATIO_MAX = 1e290
"""Largest forward over strike, and the inverse of the least."""

FIRST_MAX, SECOND_MAX = 40.0, 200.0
"""Largest size of d1 and d2 where the density at d1 is not zero; holding them there keeps the
product of large numbers with a density of zero at zero."""

PRICE, DELTA, GAMMA, VEGA, THETA, RHO, VANNA, VOLGA, CHARM, SPEED, COLOUR, ZOMMA = range(12)
"""Rows of what `all_greeks` fills."""
GREEKS = 12


@inlined
def tails(F, K, T, vol):  # type: ignore[no-untyped-def]
    """Return sqrt(T), 1/s, d1, d2, phi(d1) and N(-abs(d1)), N(-abs(d2)).

    The exponential is taken at the smaller of d1 and d2 in size, so that none of the two densities
    is lost when the other underflows; they share its rounding error, which drops out of prices.
    """
    root = math.sqrt(T if T > 0.0 else 0.0)
    s = vol * root
    s = TOTAL_MIN if s < TOTAL_MIN else s
    s = TOTAL_MAX if s > TOTAL_MAX else s
    inverse = 1.0 / s
    ratio = F / K
    ratio = RATIO_MAX if ratio > RATIO_MAX else ratio
    ratio = 1.0 / RATIO_MAX if ratio < 1.0 / RATIO_MAX else ratio
    d1 = fma(log(ratio), inverse, 0.5 * s)
    d2 = d1 - s
    a1, a2 = abs(d1), abs(d2)
    is_first = a1 < a2
    a = a1 if is_first else a2
    a = MILLS_END if a > MILLS_END else a
    e = INV_SQRT_2PI * exp(-0.5 * a * a)
    density1 = e if is_first else e / ratio
    density2 = e * ratio if is_first else e
    a1 = MILLS_END if a1 > MILLS_END else a1
    a2 = MILLS_END if a2 > MILLS_END else a2
    tail1 = density1 * mills(a1)
    tail2 = density2 * mills(a2)
    return root, inverse, d1, d2, density1, tail1, tail2


@inlined
def below(x, tail):  # type: ignore[no-untyped-def]
    """Return N(x) given N(-abs(x))."""
    return tail if x < 0.0 else 1.0 - tail


@inlined
def sides(c, F, K, T, vol):  # type: ignore[no-untyped-def]
    """Return sqrt(T), 1/s, d1, d2, phi(d1), N(c d1) and N(c d2); ``c`` is 1.0 or -1.0."""
    root, inverse, d1, d2, density, tail1, tail2 = tails(F, K, T, vol)
    return root, inverse, d1, d2, density, below(c * d1, tail1), below(c * d2, tail2)


@inlined
def worth(c, F, K, d1, d2, tail1, tail2):  # type: ignore[no-untyped-def]
    """Return the undiscounted price: intrinsic value and the price of the side out of the money.

    Calls and puts then share their time value, no price is below its intrinsic value, and parity
    holds to one rounding.
    """
    out = 1.0 if F < K else -1.0
    rest = out * fma(F, below(out * d1, tail1), -K * below(out * d2, tail2))
    intrinsic = c * (F - K)
    return (intrinsic if intrinsic > 0.0 else 0.0) + (rest if rest > 0.0 else 0.0)


@inlined
def unpriced(c, F, K, T, vol, R):  # type: ignore[no-untyped-def]
    """Return 0.0 for inputs that have a price, else NaN: added to results, it marks them."""
    # A sum of finite numbers may overflow; their products with zero cannot.
    none = fma(0.0, F, fma(0.0, K, fma(0.0, T, fma(0.0, vol, 0.0 * R))))
    has_price = (
        (none == 0.0)
        & (c * c == 1.0)
        & (F > 0.0)
        & (K > 0.0)
        & (T >= 0.0)
        & (vol >= 0.0)
        & (-R * T <= EXP_MAX)
    )
    return 0.0 if has_price else np.nan


@inlined
def black_price(c, F, K, T, vol, D):  # type: ignore[no-untyped-def]
    """Return the price of one option: D c (F N(c d1) - K N(c d2))."""
    _, _, d1, d2, _, tail1, tail2 = tails(F, K, T, vol)
    return D * worth(c, F, K, d1, d2, tail1, tail2)


@kernel
def black_status(c, F, K, T, vol, R, status):  # type: ignore[no-untyped-def]
    """Fill the `PricingStatus` of each element."""
    for k in range(F.size):
        none = 0.0 * F[k] + 0.0 * K[k] + 0.0 * T[k] + 0.0 * vol[k] + 0.0 * R[k] + 0.0 * c[k]
        code = 0
        if none != 0.0:
            code = NOT_FINITE
        elif c[k] * c[k] != 1.0:
            code = SIDE_UNKNOWN
        elif F[k] <= 0.0:
            code = FORWARD_NOT_POSITIVE
        elif K[k] <= 0.0:
            code = STRIKE_NOT_POSITIVE
        elif T[k] < 0.0:
            code = TIME_NEGATIVE
        elif vol[k] < 0.0:
            code = VOLATILITY_NEGATIVE
        elif -R[k] * T[k] > EXP_MAX:
            code = PARAMETER_OUT_OF_RANGE  # no float64 holds the discount factor
        status[k] = code


@inlined
def is_at_kink(F, K, inverse):  # type: ignore[no-untyped-def]
    """Return whether the payoff bends at the forward and nothing is left to smooth it, from 1/s."""
    return (F == K) & (inverse > 1.0 / KINK)


@kernel
def mark_kinks(F, K, T, vol, status):  # type: ignore[no-untyped-def]
    """Turn the status OK of elements at a kink into AT_KINK."""
    found = 0
    for k in range(np.uint64(F.size)):
        found += F[k] == K[k]
    for k in range(F.size if found else 0):
        if status[k] == 0 and F[k] == K[k] and vol[k] * math.sqrt(T[k]) < KINK:
            status[k] = AT_KINK


@kernel
def mark_overflows(price, status):  # type: ignore[no-untyped-def]
    """Turn the status OK of elements whose price is infinite, and the price into NaN.

    Returns whether there were any.
    """
    found = 0
    for k in range(np.uint64(price.size)):
        found += abs(price[k]) == np.inf
    if found:
        for k in range(price.size):
            if status[k] == 0 and abs(price[k]) == np.inf:
                status[k] = PARAMETER_OUT_OF_RANGE
                price[k] = np.nan
    return found > 0


@kernel
def black_prices(c, F, K, T, vol, R, price):  # type: ignore[no-untyped-def]
    """Fill prices; all arrays are flat, float64 and of one length."""
    for k in range(np.uint64(F.size)):
        bad = unpriced(c[k], F[k], K[k], T[k], vol[k], R[k])
        price[k] = black_price(c[k], F[k], K[k], T[k], vol[k], exp(-R[k] * T[k])) + bad


@kernel
def black_greeks(c, F, K, T, vol, R, price, delta, gamma, vega, theta):  # type: ignore[no-untyped-def]
    """Fill price, delta, gamma, vega and theta."""
    for k in range(np.uint64(F.size)):
        bad = unpriced(c[k], F[k], K[k], T[k], vol[k], R[k])
        discount = exp(-R[k] * T[k]) + bad
        root, inverse, d1, d2, density, tail1, tail2 = tails(F[k], K[k], T[k], vol[k])
        density *= discount
        inverse = 0.0 if is_at_kink(F[k], K[k], inverse) else inverse
        value = discount * worth(c[k], F[k], K[k], d1, d2, tail1, tail2)
        price[k] = value
        delta[k] = discount * c[k] * below(c[k] * d1, tail1)
        gamma[k] = density * inverse / F[k]
        vega[k] = density * F[k] * root
        theta[k] = fma(R[k], value, -0.5 * density * F[k] * vol[k] * vol[k] * inverse)


TILE = 512
"""Elements whose Greeks stay in the nearest cache between the two loops of `all_greeks`."""


@inlined
def held(x, most):  # type: ignore[no-untyped-def]
    """Return ``x`` brought into [-most, most]."""
    x = most if x > most else x
    return -most if x < -most else x


@inlined
def _lower_greeks(  # type: ignore[no-untyped-def]
    c, F, K, T, vol, R, price, delta, gamma, vega, theta, rho, kept1, kept2
):
    """Fill the first six, and keep d1 and d2 for the others."""
    for k in range(np.uint64(F.size)):
        bad = unpriced(c[k], F[k], K[k], T[k], vol[k], R[k])
        discount = exp(-R[k] * T[k]) + bad
        root, inverse, d1, d2, density, tail1, tail2 = tails(F[k], K[k], T[k], vol[k])
        density *= discount
        inverse = 0.0 if is_at_kink(F[k], K[k], inverse) else inverse
        value = discount * worth(c[k], F[k], K[k], d1, d2, tail1, tail2)
        price[k] = value
        delta[k] = discount * c[k] * below(c[k] * d1, tail1)
        gamma[k] = density * inverse / F[k]
        vega[k] = density * F[k] * root
        theta[k] = fma(R[k], value, -0.5 * density * F[k] * vol[k] * vol[k] * inverse)
        rho[k] = -T[k] * value
        kept1[k] = held(d1, FIRST_MAX)
        kept2[k] = held(d2, SECOND_MAX)


@inlined
def _higher_greeks(  # type: ignore[no-untyped-def]
    F, K, T, vol, R, delta, gamma, vega, vanna, volga, charm, speed, colour, zomma
):
    """Fill the other six; ``speed`` and ``colour`` hold d1 and d2 when it begins."""
    for k in range(np.uint64(F.size)):
        d1, d2 = speed[k], colour[k]
        root = math.sqrt(T[k] if T[k] > 0.0 else 0.0)
        s = vol[k] * root
        inverse = 1.0 / (TOTAL_MIN if s < TOTAL_MIN else s)
        # 1/sigma = sqrt(T)/s and 1/(2T) = sigma^2/(2 s^2), finite where s is held above zero; the
        # density comes first in each product, so that zero stays zero.
        per_vol = root * inverse
        product = d1 * d2
        spread = gamma[k] * F[k]
        decay = 0.5 * gamma[k] * vol[k] * vol[k] * inverse
        across = -spread * root * d2
        # At a kink, where gamma is given as zero, the limit of the other formula.
        vanna[k] = 0.5 * vega[k] / F[k] if is_at_kink(F[k], K[k], inverse) else across
        volga[k] = vega[k] * product * per_vol
        charm[k] = fma(R[k], delta[k], decay * F[k] * d2)
        speed[k] = -gamma[k] / F[k] * fma(d1, inverse, 1.0)
        colour[k] = fma(R[k], gamma[k], decay * inverse * (1.0 - product))
        zomma[k] = gamma[k] * (product - 1.0) * per_vol


@kernel
def all_greeks(c, F, K, T, vol, R, out):  # type: ignore[no-untyped-def]
    """Fill ``out[GREEKS, n]``: price and every Greek a desk uses, in the order of the constants.

    Two loops over each tile: one with twelve outputs would have too many arrays for the compiler to
    prove apart, and would not be vectorised.
    """
    for a in range(0, F.size, TILE):
        b = min(F.size, a + TILE)
        _lower_greeks(
            c[a:b], F[a:b], K[a:b], T[a:b], vol[a:b], R[a:b],
            out[PRICE][a:b], out[DELTA][a:b], out[GAMMA][a:b], out[VEGA][a:b], out[THETA][a:b],
            out[RHO][a:b], out[SPEED][a:b], out[COLOUR][a:b],
        )  # fmt: skip
        _higher_greeks(
            F[a:b], K[a:b], T[a:b], vol[a:b], R[a:b],
            out[DELTA][a:b], out[GAMMA][a:b], out[VEGA][a:b], out[VANNA][a:b], out[VOLGA][a:b],
            out[CHARM][a:b], out[SPEED][a:b],
            out[COLOUR][a:b], out[ZOMMA][a:b],
        )  # fmt: skip


@kernel
def forward_prices(S, R, Q, T, forward):  # type: ignore[no-untyped-def]
    """Fill S exp((R - Q) T), with the checks of `black_status` for a carry of R - Q."""
    for k in range(np.uint64(S.size)):
        carry = R[k] - Q[k]
        bad = unpriced(1.0, S[k], 1.0, T[k], 0.0, -carry)
        forward[k] = S[k] * exp(carry * T[k]) + bad
