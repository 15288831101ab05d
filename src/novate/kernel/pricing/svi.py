"""Raw SVI: total implied variance of one expiry as a function of log-moneyness.

``w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2))`` with k = ln(K/F) and w = vol^2 T
(Gatheral and Jacquier, *Arbitrage-free SVI volatility surfaces*, 2014).  A slice is free of
butterfly arbitrage when the density factor ``g`` is nowhere negative (their equation 2.1).
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.jit import fma, inlined, kernel
from novate.kernel.pricing.black import NOT_FINITE, STRIKE_NOT_POSITIVE, TIME_NEGATIVE
from novate.kernel.pricing.special import exp, log


@inlined
def svi_root(x, sigma):  # type: ignore[no-untyped-def]
    """Return sqrt(x^2 + sigma^2), the hyperbola of a smile at a distance x from its vertex."""
    return math.sqrt(fma(x, x, sigma * sigma))


@inlined
def svi_variance(k, a, b, rho, m, sigma):  # type: ignore[no-untyped-def]
    """Return total variance w(k)."""
    x = k - m
    return fma(b, fma(rho, x, svi_root(x, sigma)), a)


@inlined
def svi_slope(k, b, rho, m, sigma):  # type: ignore[no-untyped-def]
    """Return the derivative of total variance, w'(k)."""
    x = k - m
    root = svi_root(x, sigma)
    return b * (rho + x / root) if root > 0.0 else b * rho


@inlined
def svi_curvature(k, b, m, sigma):  # type: ignore[no-untyped-def]
    """Return the second derivative of total variance, w''(k); infinite at a kink."""
    root = svi_root(k - m, sigma)
    return b * sigma * sigma / (root * root * root) if root > 0.0 else math.inf


@inlined
def density_factor(k, w, first, second):  # type: ignore[no-untyped-def]
    """Return g = (1 - k w'/(2w))^2 - w'^2/4 (1/w + 1/4) + w''/2 of a positive variance."""
    lead = 1.0 - 0.5 * k * first / w
    return lead * lead - 0.25 * first * first * (1.0 / w + 0.25) + 0.5 * second


@inlined
def svi_density(k, a, b, rho, m, sigma):  # type: ignore[no-untyped-def]
    """Return g(k), the density over a positive factor.

    Where total variance is not positive, or has a kink, there is no density: minus infinity.
    """
    w = svi_variance(k, a, b, rho, m, sigma)
    if w <= 0.0 or svi_root(k - m, sigma) <= 0.0:
        return -math.inf
    return density_factor(k, w, svi_slope(k, b, rho, m, sigma), svi_curvature(k, b, m, sigma))


@kernel
def least_density(k, a, b, rho, m, sigma):  # type: ignore[no-untyped-def]
    """Return the least g at the points ``k[n]``."""
    least = math.inf
    for i in range(k.size):
        g = svi_density(k[i], a, b, rho, m, sigma)
        least = g if g < least else least
    return least


@kernel
def svi_variances(k, p, out):  # type: ignore[no-untyped-def]
    """Fill w at each of ``k[n]`` for parameters ``p[5]``: a, b, rho, m, sigma."""
    for i in range(np.uint64(k.size)):
        out[i] = svi_variance(k[i], p[0], p[1], p[2], p[3], p[4])


@kernel
def svi_row_variances(k, p, out):  # type: ignore[no-untyped-def]
    """Fill w at each of ``k[n]`` on a slice of its own, ``p[n, 5]``."""
    for i in range(np.uint64(k.size)):
        out[i] = svi_variance(k[i], p[i, 0], p[i, 1], p[i, 2], p[i, 3], p[i, 4])


@kernel
def svi_derivatives(k, p, out):  # type: ignore[no-untyped-def]
    """Fill w, w' and w'' at each of ``k[n]``, the rows of ``out[3, n]``."""
    for i in range(np.uint64(k.size)):
        out[0, i] = svi_variance(k[i], p[0], p[1], p[2], p[3], p[4])
        out[1, i] = svi_slope(k[i], p[1], p[2], p[3], p[4])
        out[2, i] = svi_curvature(k[i], p[1], p[3], p[4])


@kernel
def svi_densities(k, p, out):  # type: ignore[no-untyped-def]
    """Fill g at each of ``k[n]``."""
    for i in range(k.size):
        out[i] = svi_density(k[i], p[0], p[1], p[2], p[3], p[4])


@kernel
def log_ratios(top, bottom, out):  # type: ignore[no-untyped-def]
    """Fill ln(top/bottom) of positive numbers, the same bits on every machine."""
    for i in range(np.uint64(out.size)):
        out[i] = log(top[i] / bottom[i])


@kernel
def wing_grid(centre, scale, reach, out):  # type: ignore[no-untyped-def]
    """Fill points around ``centre``: even near it, geometric from ``scale`` to ``reach`` away.

    ``k = centre + scale sinh(u)`` with u even; odd sizes hit the centre itself.
    """
    ratio = reach / scale
    top = log(ratio + math.sqrt(ratio * ratio + 1.0))
    last = out.size - 1
    for i in range(out.size):
        u = top * (2 * i - last) / last
        out[i] = centre + 0.5 * scale * (exp(u) - exp(-u))


@kernel
def surface_volatilities(strike, years, times, log_forwards, drift, slices, vol, status):  # type: ignore[no-untyped-def]
    """Fill volatility and `PricingStatus` at each (strike, years) of a surface.

    ``times[j]`` ascending years, ``log_forwards[j]`` and ``slices[j, 5]`` are the expiries;
    ``drift[2]`` is the slope of ln F per year before the first and after the last of them.
    Between two expiries total variance is linear in time at equal forward log-moneyness; before
    the first and after the last the volatility at equal moneyness is theirs.
    """
    last = times.size - 1
    for i in range(strike.size):
        K, T = strike[i], years[i]
        vol[i] = math.nan
        if not (K - K == 0.0 and T - T == 0.0):
            status[i] = NOT_FINITE
            continue
        if K <= 0.0:
            status[i] = STRIKE_NOT_POSITIVE
            continue
        if T < 0.0:
            status[i] = TIME_NEGATIVE
            continue
        right = 0
        while right < last and times[right] < T:
            right += 1
        left = right - 1 if right > 0 and times[right] > T else right
        if left == right:
            slope = drift[0] if times[right] > T else drift[1]
            k = log(K) - (log_forwards[right] + slope * (T - times[right]))
            p = slices[right]
            w = svi_variance(k, p[0], p[1], p[2], p[3], p[4])
            vol[i] = math.sqrt(w / times[right])
        else:
            share = (T - times[left]) / (times[right] - times[left])
            log_forward = (1.0 - share) * log_forwards[left] + share * log_forwards[right]
            k = log(K) - log_forward
            p, q = slices[left], slices[right]
            w = (1.0 - share) * svi_variance(k, p[0], p[1], p[2], p[3], p[4])
            w += share * svi_variance(k, q[0], q[1], q[2], q[3], q[4])
            vol[i] = math.sqrt(w / T)
        status[i] = 0
