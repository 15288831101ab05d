"""A line through parity values by robust weighted least squares, with its errors.

Huber's method (Huber, *Robust Statistics*, 1981, chapter 7) by repeated weighting: a value that is
further from the line than its own half width counts in proportion to one over that distance.
"""

from __future__ import annotations

import math

from novate.kernel.jit import kernel

ROUNDS = 50
SETTLED = 1e-12
"""Largest change of a weight at which the line stands."""

INTERCEPT, SLOPE, INTERCEPT_ERROR, SLOPE_ERROR, SCALE = range(5)


@kernel
def parity_line(x, y, half, scale_min, weight, out):  # type: ignore[no-untyped-def]
    """Fill ``out[5]`` with intercept, slope, their standard errors and the scale of the residuals.

    Parameters
    ----------
    x, y, half
        ``[n]``: places, values, and half widths of the intervals around the values, positive.
    scale_min
        Least scale that errors are stated with, in half widths.
    weight
        ``[n]``, room to work in; receives the share that each value still counts with.

    Notes
    -----
    Sums are around the weighted mean of x, so that nothing cancels.  With fewer than three values,
    or all at one place, everything is NaN.
    """
    n = x.size
    out[:] = math.nan
    weight[:] = 1.0
    if n < 3:
        return
    for _ in range(ROUNDS):
        total, mean_x, mean_y = 0.0, 0.0, 0.0
        for i in range(n):
            w = weight[i] / (half[i] * half[i])
            total += w
            mean_x += w * x[i]
            mean_y += w * y[i]
        mean_x /= total
        mean_y /= total
        square, product = 0.0, 0.0
        for i in range(n):
            w = weight[i] / (half[i] * half[i])
            d = x[i] - mean_x
            square += w * d * d
            product += w * d * (y[i] - mean_y)
        if not square > 0.0:
            return
        slope = product / square
        moved, residuals = 0.0, 0.0
        for i in range(n):
            r = abs(y[i] - mean_y - slope * (x[i] - mean_x)) / half[i]
            residuals += weight[i] * r * r
            after = 1.0 / r if r > 1.0 else 1.0
            moved = max(moved, abs(after - weight[i]))
            weight[i] = after
        scale = math.sqrt(residuals / (n - 2))
        used = max(scale, scale_min)
        out[INTERCEPT] = mean_y - slope * mean_x
        out[SLOPE] = slope
        out[INTERCEPT_ERROR] = used * math.sqrt(1.0 / total + mean_x * mean_x / square)
        out[SLOPE_ERROR] = used / math.sqrt(square)
        out[SCALE] = scale
        if moved <= SETTLED:
            return
