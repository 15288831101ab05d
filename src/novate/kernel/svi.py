"""Raw SVI: total implied variance of one expiry as a function of log-moneyness.

``w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2))`` with k = ln(K/F) and w = vol^2 T
(Gatheral and Jacquier, *Arbitrage-free SVI volatility surfaces*, 2014).  A slice is free of
butterfly arbitrage when the density factor ``g`` is nowhere negative (their equation 2.1).
"""

from __future__ import annotations

import math

from novate.kernel.jit import fma, inlined, kernel


@inlined
def svi_variance(k, a, b, rho, m, sigma):  # type: ignore[no-untyped-def]
    """Return total variance w(k)."""
    x = k - m
    return fma(b, fma(rho, x, math.sqrt(fma(x, x, sigma * sigma))), a)


@inlined
def svi_density(k, a, b, rho, m, sigma):  # type: ignore[no-untyped-def]
    """Return g(k) = (1 - k w'/(2w))^2 - w'^2/4 (1/w + 1/4) + w''/2; the density over a positive.

    Where total variance is not positive there is no density: minus infinity.
    """
    x = k - m
    root = math.sqrt(fma(x, x, sigma * sigma))
    w = fma(b, fma(rho, x, root), a)
    if w <= 0.0 or root <= 0.0:
        return -math.inf
    first = b * (rho + x / root)
    second = b * sigma * sigma / (root * root * root)
    lead = 1.0 - 0.5 * k * first / w
    return lead * lead - 0.25 * first * first * (1.0 / w + 0.25) + 0.5 * second


@kernel
def least_density(low, high, steps, a, b, rho, m, sigma):  # type: ignore[no-untyped-def]
    """Return the least g on an even grid of ``steps`` intervals from ``low`` to ``high``."""
    least = math.inf
    for at in range(steps + 1):
        k = low + (high - low) * at / steps
        g = svi_density(k, a, b, rho, m, sigma)
        least = g if g < least else least
    return least
