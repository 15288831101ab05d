"""Coin-settled (inverse) options: price and Greeks in coin, one pass over plain arrays.

An inverse call pays max(S - K, 0) / S coins per coin of notional.  Under the measure whose
numeraire is the coin its price is that of Black-76 without discounting, over the forward; with s,
d1 and d2 as there (see `kernel.pricing.black`) and phi the normal density, per coin of notional:

::

    price   p, coin            c (N(c d1) - K/F N(c d2))
    delta   dp/dF              net / F
    net     net transaction    c N(c d1) - p = c K/F N(c d2)
            delta, coin
    gamma   d2p/dF2            (phi(d1) / s - 2 net) / F^2
    vega    dp/dsigma          phi(d1) sqrt(T)
    theta   -dp/dT             -phi(d1) sigma / (2 sqrt(T))
    vanna   d2p/dF dsigma      -phi(d1) d1 / (F sigma)
    volga   d2p/dsigma2        phi(d1) sqrt(T) d1 d2 / sigma
    charm   -d2p/dF dT         phi(d1) d1 / (2 T F)
    speed   d3p/dF3            (6 net - phi(d1) (d1 / s^2 + 4 / s)) / F^3
    colour  -d3p/dF2 dT        phi(d1) ((1 - d1 d2) / s - 2 d1) / (2 T F^2)
    zomma   d3p/dF2 dsigma     phi(d1) ((d1 d2 - 1) / s + 2 d1) / (sigma F^2)

The *net transaction delta* (premium-adjusted delta) is the hedge, in coin, of someone who counts in
the quote currency and holds the premium in coin.  It is computed as c K/F N(c d2), which loses no
digits where black delta and price nearly cancel.  A long inverse call has negative gamma in coin
deep in the money: its price there is 1 - K/F, which is concave.

There is no rate: a coin-settled premium is quoted and paid undiscounted.  Limits, statuses and
strictness are those of `black`; with a forward below about 1e-100 the powers of 1/F leave
the range of a float64.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.jit import fma, inlined, kernel
from novate.kernel.pricing.black import (
    FIRST_MAX,
    SECOND_MAX,
    TILE,
    TOTAL_MIN,
    below,
    held,
    is_at_kink,
    tails,
    unpriced,
    worth,
)

PRICE, DELTA, NET, GAMMA, VEGA, THETA, VANNA, VOLGA, CHARM, SPEED, COLOUR, ZOMMA = range(12)
"""Rows of what `inverse_greeks` fills."""
GREEKS = 12


@inlined
def inverse_price(c, F, K, T, vol):  # type: ignore[no-untyped-def]
    """Return the price of one option in coin per coin of notional."""
    _, _, d1, d2, _, tail1, tail2 = tails(F, K, T, vol)
    return worth(c, F, K, d1, d2, tail1, tail2) / F


@kernel
def inverse_prices(c, F, K, T, vol, price):  # type: ignore[no-untyped-def]
    """Fill prices in coin; all arrays are flat, float64 and of one length."""
    for k in range(np.uint64(F.size)):
        bad = unpriced(c[k], F[k], K[k], T[k], vol[k], 0.0)
        price[k] = inverse_price(c[k], F[k], K[k], T[k], vol[k]) + bad


@inlined
def _lower_greeks(  # type: ignore[no-untyped-def]
    c, F, K, T, vol, price, delta, net, gamma, vega, theta, kept1, kept2, kept_density
):
    """Fill the first six, and keep d1, d2 and the density for the others."""
    for k in range(np.uint64(F.size)):
        bad = unpriced(c[k], F[k], K[k], T[k], vol[k], 0.0)
        root, inverse, d1, d2, density, tail1, tail2 = tails(F[k], K[k], T[k], vol[k])
        density += bad
        inverse = 0.0 if is_at_kink(F[k], K[k], inverse) else inverse
        per_forward = 1.0 / F[k]
        hedge = c[k] * (K[k] / F[k]) * below(c[k] * d2, tail2) + bad
        price[k] = worth(c[k], F[k], K[k], d1, d2, tail1, tail2) / F[k] + bad
        net[k] = hedge
        delta[k] = hedge * per_forward
        gamma[k] = fma(-2.0, hedge, density * inverse) * per_forward * per_forward
        vega[k] = density * root
        theta[k] = -0.5 * density * vol[k] * vol[k] * inverse
        kept1[k] = held(d1, FIRST_MAX)
        kept2[k] = held(d2, SECOND_MAX)
        kept_density[k] = density


@inlined
def _higher_greeks(F, K, T, vol, net, vanna, volga, charm, speed, colour, zomma):  # type: ignore[no-untyped-def]
    """Fill the other six; ``speed``, ``colour``, ``zomma`` hold d1, d2 and the density at first."""
    for k in range(np.uint64(F.size)):
        d1, d2, density = speed[k], colour[k], zomma[k]
        root = math.sqrt(T[k] if T[k] > 0.0 else 0.0)
        s = vol[k] * root
        inverse = 1.0 / (TOTAL_MIN if s < TOTAL_MIN else s)
        # As in `black`: 1/sigma = sqrt(T)/s, 1/(2T) = sigma^2/(2 s^2), density first.
        per_forward = 1.0 / F[k]
        per_vol = density * (root * inverse)
        # What has no limit at a kink is given as zero.
        sharp = (0.0 if is_at_kink(F[k], K[k], inverse) else 1.0) * density
        decay = 0.5 * sharp * vol[k] * vol[k] * inverse
        product = d1 * d2
        bend = fma(product - 1.0, inverse, 2.0 * d1)
        vanna[k] = -per_vol * d1 * per_forward
        volga[k] = density * root * (root * inverse) * product
        charm[k] = decay * inverse * d1 * per_forward
        pull = fma(d1, inverse, 4.0) * inverse * sharp
        speed[k] = fma(6.0, net[k], -pull) * per_forward * per_forward * per_forward
        # Not decay * inverse * bend: two inverses of the least total are finite, three are not.
        colour[k] = -decay * (bend * inverse) * per_forward * per_forward
        zomma[k] = sharp * (root * inverse) * bend * per_forward * per_forward


@kernel
def inverse_greeks(c, F, K, T, vol, out):  # type: ignore[no-untyped-def]
    """Fill ``out[GREEKS, n]``: price and Greeks in coin, in the order of the constants.

    Two loops over each tile, as in `kernel.pricing.black.all_greeks`.
    """
    for a in range(0, F.size, TILE):
        b = min(F.size, a + TILE)
        _lower_greeks(
            c[a:b], F[a:b], K[a:b], T[a:b], vol[a:b],
            out[PRICE][a:b], out[DELTA][a:b], out[NET][a:b], out[GAMMA][a:b], out[VEGA][a:b],
            out[THETA][a:b], out[SPEED][a:b], out[COLOUR][a:b], out[ZOMMA][a:b],
        )  # fmt: skip
        _higher_greeks(
            F[a:b], K[a:b], T[a:b], vol[a:b], out[NET][a:b],
            out[VANNA][a:b], out[VOLGA][a:b], out[CHARM][a:b], out[SPEED][a:b],
            out[COLOUR][a:b], out[ZOMMA][a:b],
        )  # fmt: skip
