"""Least squares for raw SVI slices, one or many, with hinges that keep them free of arbitrage.

A quote says that volatility lies between its bid and its ask, no more.  So the distance of the
model from the mid is measured in half spreads, ``d``; its *excess* over a band is what the fit
minimises, with a small pull towards the mid that makes the answer unique; see `BAND`.  As a half
spread in volatility is the half spread in price over vega, this is the price error in half spreads:
vega and spread weight the quotes.  Large excesses count linearly (pseudo-Huber), so that a wrong
quote cannot bend the smile.

Hinges, zero while they hold, on a grid of log-moneyness that reaches far into both wings: g(k) not
below a margin, total variance between a floor and a ceiling, wing slopes inside Lee's bound
b (1 + abs(rho)) <= 2, and, where several slices are fitted together, no fall of total variance from
one to the next.  Together, because a far wing that no quote supports is best settled between all
expiries at once: each alone would be fitted to the accident of its neighbour.

Starts: for each (m, sigma) of a small grid the other three parameters solve a linear problem
(Zeliade Systems, *Quasi-explicit calibration of Gatheral's SVI model*, 2009); Levenberg and
Marquardt's method then moves all five from the best of them.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.jit import inlined, kernel
from novate.kernel.pricing.least_squares import damped_step
from novate.kernel.pricing.svi import (
    density_factor,
    svi_curvature,
    svi_root,
    svi_slope,
    svi_variance,
)

HUBER = 3.0
"""Excess, in half spreads, from which on it counts linearly."""

SLOPE_MAX = 1.98
"""Largest b (1 + abs(rho)) that the fit aims for; Lee's bound is 2."""

SLOPE_SHARE = 0.05
"""A fall of wing slopes by so much weighs as much as one of variance by its whole."""

RHO_MAX = 0.995
STARTS = 3
DAMPING_START, DAMPING_MAX = 1e-3, 1e10
STEP_SHARE = 1e-10
"""Relative fall of the cost below which the fit has converged."""

A, B, RHO, M, SIGMA = range(5)
PARAMETERS = 5

MARGIN, RISE, HARD, BAND, PULL, LEAN = range(6)
"""Terms of a fit: least g, least relative rise from slice to slice, weight of the hinges, half
spreads around the mid inside which a quote only pulls, weight of that pull relative to the excess,
and cost of a wing slope of one: where quotes leave the wings open, the flatter ones are taken."""


@inlined
def _add_row(normal, gradient, row, residual, weight):  # type: ignore[no-untyped-def]
    """Add one residual with derivatives ``row`` to J'J and J'r."""
    for i in range(PARAMETERS):
        scaled = weight * row[i]
        gradient[i] += scaled * residual
        for j in range(i + 1):
            normal[i, j] += scaled * row[j]


@inlined
def _shape(k, p):  # type: ignore[no-untyped-def]
    """Return x, the root, w, w' and w'' at k."""
    x = k - p[M]
    w = svi_variance(k, p[A], p[B], p[RHO], p[M], p[SIGMA])
    first = svi_slope(k, p[B], p[RHO], p[M], p[SIGMA])
    second = svi_curvature(k, p[B], p[M], p[SIGMA])
    return x, svi_root(x, p[SIGMA]), w, first, second


@inlined
def _variance_row(x, root, first, p, row):  # type: ignore[no-untyped-def]
    """Fill the derivatives of w."""
    row[A] = 1.0
    row[B] = p[RHO] * x + root
    row[RHO] = p[B] * x
    row[M] = -first
    row[SIGMA] = p[B] * p[SIGMA] / root


@inlined
def _slope_row(p, sign, factor, row):  # type: ignore[no-untyped-def]
    """Fill the derivatives of ``factor`` times the slope b (1 + sign rho) of a wing."""
    row[A], row[M], row[SIGMA] = 0.0, 0.0, 0.0
    row[B] = factor * (1.0 + sign * p[RHO])
    row[RHO] = factor * sign * p[B]


@kernel
def data_cost(k, vol, half, weight, years, terms, p, normal, gradient, row):  # type: ignore[no-untyped-def]
    """Return the cost of the quotes and add their rows; infinite where variance is not positive."""
    cost = 0.0
    for i in range(k.size):
        x, root, w, first, _ = _shape(k[i], p)
        if not w > 0.0:
            return math.inf
        model = math.sqrt(w / years)
        d = (model - vol[i]) / half[i]
        _variance_row(x, root, first, p, row)
        scale = 1.0 / (2.0 * model * years * half[i])
        for j in range(PARAMETERS):
            row[j] *= scale
        pull, far = weight[i] * terms[PULL], math.sqrt(1.0 + d * d)
        cost += 2.0 * pull * (far - 1.0)
        _add_row(normal, gradient, row, d, pull / far)
        excess = abs(d) - terms[BAND]
        if excess > 0.0:
            share = math.sqrt(1.0 + excess * excess / (HUBER * HUBER))
            cost += weight[i] * 2.0 * HUBER * HUBER * (share - 1.0)
            _add_row(normal, gradient, row, excess if d > 0.0 else -excess, weight[i] / share)
    return cost


@kernel
def hinge_cost(grid, floor, ceiling, terms, p, normal, gradient, row):  # type: ignore[no-untyped-def]
    """Return the cost of what is broken and add its rows.

    ``floor`` and ``ceiling`` hold total variances on ``grid``; 0 and infinity where there is none.
    """
    cost = 0.0
    margin, hard, lean = terms[MARGIN], terms[HARD], terms[LEAN]
    for i in range(grid.size):
        k = grid[i]
        x, root, w, first, second = _shape(k, p)
        if not w > 0.0:
            return math.inf
        g = density_factor(k, w, first, second)
        low, high = floor[i], ceiling[i]
        _variance_row(x, root, first, p, row)
        if w < low:
            r = (w - low) / low
            for j in range(PARAMETERS):
                row[j] /= low
            cost += hard * r * r
            _add_row(normal, gradient, row, r, hard)
        elif w > high:
            r = (w - high) / high
            for j in range(PARAMETERS):
                row[j] /= high
            cost += hard * r * r
            _add_row(normal, gradient, row, r, hard)
        if g < margin:
            lead = 1.0 - 0.5 * k * first / w
            by_w = (lead * k * first + 0.25 * first * first) / (w * w)
            by_first = -lead * k / w - 0.5 * first * (1.0 / w + 0.25)
            s2, r3 = p[SIGMA] * p[SIGMA], root * root * root
            r5 = r3 * root * root
            _variance_row(x, root, first, p, row)
            row[A] = by_w
            row[B] = by_w * row[B] + by_first * (p[RHO] + x / root) + 0.5 * s2 / r3
            row[RHO] = by_w * row[RHO] + by_first * p[B]
            row[M] = by_w * row[M] - by_first * second + 1.5 * p[B] * s2 * x / r5
            row[SIGMA] = (
                by_w * row[SIGMA]
                - by_first * p[B] * x * p[SIGMA] / r3
                + 0.5 * p[B] * p[SIGMA] * (2.0 / r3 - 3.0 * s2 / r5)
            )
            cost += hard * (g - margin) * (g - margin)
            _add_row(normal, gradient, row, g - margin, hard)
    for sign in (-1.0, 1.0):
        slope = p[B] * (1.0 + sign * p[RHO])
        _slope_row(p, sign, 1.0, row)
        cost += lean * slope * slope
        _add_row(normal, gradient, row, slope, lean)
    slope = p[B] * (1.0 + abs(p[RHO])) - SLOPE_MAX
    if slope > 0.0:
        row[:] = 0.0
        row[B] = 1.0 + abs(p[RHO])
        row[RHO] = p[B] if p[RHO] > 0.0 else -p[B]
        cost += hard * slope * slope
        _add_row(normal, gradient, row, slope, hard)
    return cost


@inlined
def _add_pair(normal, gradient, row, other, i, residual, hard):  # type: ignore[no-untyped-def]
    """Add a residual of two neighbours: derivatives ``row`` at ``i``, ``other`` at ``i + 5``."""
    late = i + PARAMETERS
    for m in range(PARAMETERS):
        gradient[i + m] += hard * row[m] * residual
        gradient[late + m] += hard * other[m] * residual
        for n in range(m + 1):
            normal[i + m, i + n] += hard * row[m] * row[n]
            normal[late + m, late + n] += hard * other[m] * other[n]
        for n in range(PARAMETERS):
            normal[late + m, i + n] += hard * other[m] * row[n]


@kernel
def crossing_cost(grid, scale, terms, p, q, i, normal, gradient, row, other):  # type: ignore[no-untyped-def]
    """Return the cost of where slice ``q`` is below the earlier ``p`` and add its rows.

    Their parameters stand at ``i`` and ``i + 5`` of the whole; ``scale`` turns variances on
    ``grid`` into shares.  The slopes of the wings decide beyond the grid.
    """
    cost = 0.0
    more, hard = 1.0 + terms[RISE], terms[HARD]
    for at in range(grid.size):
        x, root, early, first, _ = _shape(grid[at], p)
        y, other_root, late, other_first, _ = _shape(grid[at], q)
        r = (late - early * more) / scale[at]
        if r < 0.0:
            _variance_row(x, root, first, p, row)
            _variance_row(y, other_root, other_first, q, other)
            for m in range(PARAMETERS):
                row[m] *= -more / scale[at]
                other[m] *= 1.0 / scale[at]
            cost += hard * r * r
            _add_pair(normal, gradient, row, other, i, r, hard)
    for sign in (-1.0, 1.0):
        early, late = p[B] * (1.0 + sign * p[RHO]), q[B] * (1.0 + sign * q[RHO])
        r = (late - early * more) / SLOPE_SHARE
        if r < 0.0:
            _slope_row(p, sign, -more / SLOPE_SHARE, row)
            _slope_row(q, sign, 1.0 / SLOPE_SHARE, other)
            cost += hard * r * r
            _add_pair(normal, gradient, row, other, i, r, hard)
    return cost


@kernel
def total_cost(quotes, starts, years, grid, bounds, terms, p, normal, gradient):  # type: ignore[no-untyped-def]
    """Return the cost of all slices and fill J'J and half its gradient."""
    normal[:] = 0.0
    gradient[:] = 0.0
    row, other = np.zeros(PARAMETERS), np.zeros(PARAMETERS)
    cost = 0.0
    for j in range(years.size):
        a, b, i = starts[j], starts[j + 1], j * PARAMETERS
        own = p[i : i + PARAMETERS]
        block = normal[i : i + PARAMETERS, i : i + PARAMETERS]
        slope = gradient[i : i + PARAMETERS]
        cost += data_cost(
            quotes[0, a:b], quotes[1, a:b], quotes[2, a:b], quotes[3, a:b], years[j], terms,
            own, block, slope, row,
        )  # fmt: skip
        if not cost < math.inf:
            return math.inf
        cost += hinge_cost(grid[j], bounds[0, j], bounds[1, j], terms, own, block, slope, row)
        if not cost < math.inf:
            return math.inf
    for j in range(1, years.size):
        i = (j - 1) * PARAMETERS
        cost += crossing_cost(
            grid[j - 1], bounds[2, j - 1], terms, p[i : i + PARAMETERS],
            p[i + PARAMETERS : i + 2 * PARAMETERS], i, normal, gradient, row, other,
        )  # fmt: skip
    return cost


@kernel
def refine_slices(  # type: ignore[no-untyped-def]
    quotes, starts, years, grid, bounds, terms, lower, upper, steps_max, p
):
    """Move the parameters of all slices together to a least cost near them; return that cost.

    Parameters
    ----------
    quotes
        ``[4, n]``: log-moneyness, mid volatility, half spread in volatility, weight; by expiry.
    starts
        ``[j + 1]``: first quote of each slice, and n.
    years
        ``[j]``: times of the slices, ascending.
    grid
        ``[j, g]``: log-moneyness of the hinges of each slice; those of a pair are the earlier's.
    bounds
        ``[3, j, g]``: floor and ceiling of total variance (0 and infinity: none), and the variance
        that turns a crossing into a share.
    terms
        ``[6]``, see `MARGIN`.
    lower, upper, p
        ``[5 j]``: bounds of the parameters, and a, b, rho, m, sigma of each slice.

    Returns
    -------
    float
        Infinite when the start has no positive variance.
    """
    n = p.size
    normal, factor, spare = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, n))
    gradient, spare_gradient = np.zeros(n), np.zeros(n)
    step, trial = np.zeros(n), np.zeros(n)
    cost = total_cost(quotes, starts, years, grid, bounds, terms, p, normal, gradient)
    damping = DAMPING_START
    for _ in range(steps_max):
        # A parameter at its bound that would leave it stays there.
        for i in range(n):
            is_low = p[i] <= lower[i] and gradient[i] > 0.0
            is_high = p[i] >= upper[i] and gradient[i] < 0.0
            if is_low or is_high:
                gradient[i] = 0.0
                for j in range(n):
                    normal[max(i, j), min(i, j)] = 1.0 if i == j else 0.0
        is_better = False
        found = cost
        while damping < DAMPING_MAX:
            if damped_step(normal, gradient, damping, factor, step):
                for i in range(n):
                    trial[i] = min(max(p[i] + step[i], lower[i]), upper[i])
                found = total_cost(
                    quotes, starts, years, grid, bounds, terms, trial, spare, spare_gradient
                )
                if found < cost:
                    is_better = True
                    break
            damping *= 4.0
        if not is_better:
            break
        fall = cost - found
        cost = found
        p[:] = trial
        normal[:] = spare
        gradient[:] = spare_gradient
        damping = max(damping * 0.2, 1e-12)
        if fall <= STEP_SHARE * cost:
            break
    return cost


@kernel
def linear_start(k, vol, half, years, m, sigma, p):  # type: ignore[no-untyped-def]
    """Fill ``p`` with the best a, b, rho for (m, sigma) and return the weighted squared error.

    w = a + c x + b root is linear in a, c = b rho and b; an answer outside abs(c) <= b is brought
    back by its nearest bound.
    """
    normal, factor = np.zeros((3, 3)), np.zeros((3, 3))
    gradient, solution, row = np.zeros(3), np.zeros(3), np.zeros(3)
    level = math.inf
    for i in range(k.size):
        x = k[i] - m
        w = vol[i] * vol[i] * years
        weight = 1.0 / (2.0 * vol[i] * years * half[i])
        row[0], row[1], row[2] = weight, weight * x, weight * svi_root(x, sigma)
        level = min(level, w)
        for r in range(3):
            gradient[r] -= row[r] * weight * w
            for c in range(r + 1):
                normal[r, c] += row[r] * row[c]
    if not damped_step(normal, gradient, 1e-9, factor, solution):
        solution[0], solution[1], solution[2] = level, 0.0, 0.0
    b = min(max(solution[2], 1e-4), 1.0)
    rho = min(max(solution[1] / b, -0.9), 0.9)
    # With b and rho held, the best a is a weighted mean; it must leave a positive minimum.
    top, weights = 0.0, 0.0
    for i in range(k.size):
        weight = 1.0 / (2.0 * vol[i] * years * half[i])
        w = vol[i] * vol[i] * years
        top += weight * weight * (w - svi_variance(k[i], 0.0, b, rho, m, sigma))
        weights += weight * weight
    p[A] = max(top / weights, 0.05 * level - b * sigma * math.sqrt(1.0 - rho * rho))
    p[B], p[RHO], p[M], p[SIGMA] = b, rho, m, sigma
    error = 0.0
    for i in range(k.size):
        _, _, w, _, _ = _shape(k[i], p)
        d = (w - vol[i] * vol[i] * years) / (2.0 * vol[i] * years * half[i])
        error += d * d / math.sqrt(1.0 + d * d)
    return error


@kernel
def fit_svi(  # type: ignore[no-untyped-def]
    quotes, starts, years, grid, bounds, terms, centres, widths, lower, upper, steps_max, p
):
    """Fill ``p[5]`` with the best fit of one slice from the starts of ``centres`` x ``widths``.

    The other arguments are those of `refine_slices` for one slice.
    """
    count = centres.size * widths.size
    trials, errors = np.zeros((count, PARAMETERS)), np.full(count, math.inf)
    k, vol, half = quotes[0], quotes[1], quotes[2]
    for i in range(centres.size):
        for j in range(widths.size):
            at = i * widths.size + j
            errors[at] = linear_start(k, vol, half, years[0], centres[i], widths[j], trials[at])
    best = math.inf
    for _ in range(min(STARTS, count)):
        at = 0
        for i in range(count):
            at = i if errors[i] < errors[at] else at
        errors[at] = math.inf
        trial = trials[at]
        for i in range(PARAMETERS):
            trial[i] = min(max(trial[i], lower[i]), upper[i])
        cost = refine_slices(
            quotes, starts, years, grid, bounds, terms, lower, upper, steps_max, trial
        )
        if cost < best:
            best = cost
            p[:] = trial
    return best
