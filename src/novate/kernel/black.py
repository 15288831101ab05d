"""Black-76: price and Greeks of European options on a forward, one pass over plain arrays.

With r = F/K, s = sigma sqrt(T), d1 = ln(r)/s + s/2 and d2 = d1 - s: exp(-d2^2/2) = r exp(-d1^2/2),
so that one exponential serves the density and both distribution functions, and the tails are
exp(-d^2/2) times the Mills ratio, accurate in relative terms.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.jit import fma, fused, kernel
from novate.kernel.special import INV_SQRT_2PI, exp, log, mills


@fused
def black_core(c, F, K, T, vol, D, R):  # type: ignore[no-untyped-def]
    """Price, delta, gamma, vega and theta of one option; ``c`` is 1.0 for a call, -1.0 for a put.

    Needs F, K, T, vol > 0; `D` is the discount factor and ``R`` the rate it came from.
    """
    ratio = F / K
    s = vol * math.sqrt(T)
    inverse = 1.0 / s
    d1 = fma(log(ratio), inverse, 0.5 * s)
    d2 = d1 - s
    a1, a2 = abs(d1), abs(d2)
    e1 = exp(-0.5 * d1 * d1)
    e2 = e1 * ratio
    tail1 = INV_SQRT_2PI * e1 * mills(a1)
    tail2 = INV_SQRT_2PI * e2 * mills(a2)
    n1 = tail1 if c * d1 < 0.0 else 1.0 - tail1
    n2 = tail2 if c * d2 < 0.0 else 1.0 - tail2
    density = D * INV_SQRT_2PI * e1
    price = D * c * fma(F, n1, -K * n2)
    delta = D * c * n1
    gamma = density * inverse / F
    vega = density * F * math.sqrt(T)
    theta = fma(R, price, -0.5 * density * F * vol * vol * inverse)
    return price, delta, gamma, vega, theta


@kernel
def black_greeks(c, F, K, T, vol, D, R, price, delta, gamma, vega, theta):  # type: ignore[no-untyped-def]
    """Fill price and four Greeks."""
    for k in range(np.uint64(F.size)):
        price[k], delta[k], gamma[k], vega[k], theta[k] = black_core(
            c[k], F[k], K[k], T[k], vol[k], D[k], R
        )
