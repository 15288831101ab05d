"""Greeks by central differences of five points, for prices without short analytic derivatives.

A kernel prices an element at 17 points: itself, then -2, -1, +1 and +2 steps along spot,
volatility, time and rate.  First and second differences have an error of order h^4.  Steps are
taken from the element's own scales, so that the same element has the same Greeks in any batch:
spot 1/100 of total volatility (at least 1e-6), volatility 1/200, time 1/1000, rate 1e-4.
"""

from __future__ import annotations

import math

from novate.kernel.jit import inlined

POINTS = 17
PRICE, DELTA, GAMMA, VEGA, THETA, RHO = range(6)
"""Rows of Greeks by spot: price V, dV/dS, d2V/dS2, dV/dvol, -dV/dT per year, dV/dr."""
GREEKS = 6

SPOT_STEP = 0.01
SPOT_STEP_MIN = 1e-6
VOL_STEP = 0.005
TIME_STEP = 0.001
RATE_STEP = 1e-4


@inlined
def steps_of(spot, vol, years):  # type: ignore[no-untyped-def]
    """Return the steps of spot, volatility and time."""
    h = SPOT_STEP * vol * math.sqrt(years)
    return spot * (SPOT_STEP_MIN if h < SPOT_STEP_MIN else h), VOL_STEP * vol, TIME_STEP * years


@inlined
def moved(point, axis, value, step):  # type: ignore[no-untyped-def]
    """Return an input at one of the points: moved if the point lies on its axis (1 to 4)."""
    if (point + 3) // 4 != axis:
        return value
    j = (point - 1) % 4
    return value + (j - 2.0 if j < 2 else j - 1.0) * step


@inlined
def slope(f, at):  # type: ignore[no-untyped-def]
    """Return the first difference of four points at -2, -1, 1 and 2 steps."""
    return (8.0 * (f[at + 2] - f[at + 1]) + f[at] - f[at + 3]) / 12.0


@inlined
def fill_greeks(f, h, h_vol, h_time, out, k):  # type: ignore[no-untyped-def]
    """Fill column ``k`` of ``out[GREEKS, n]``; vega is 0 at zero volatility, theta at zero time."""
    out[PRICE, k] = f[0]
    out[DELTA, k] = slope(f, 1) / h
    out[GAMMA, k] = (16.0 * (f[2] + f[3]) - f[1] - f[4] - 30.0 * f[0]) / (12.0 * h * h)
    out[VEGA, k] = slope(f, 5) / h_vol if h_vol > 0.0 else 0.0
    out[THETA, k] = -slope(f, 9) / h_time if h_time > 0.0 else 0.0
    out[RHO, k] = slope(f, 13) / RATE_STEP
