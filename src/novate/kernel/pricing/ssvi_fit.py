"""SSVI with a power law: one surface from three numbers and the at-the-money variances.

    w(k, theta) = theta/2 (1 + rho phi k + sqrt((phi k + rho)^2 + 1 - rho^2))
    phi(theta) = eta / (theta^gamma (1 + theta)^(1 - gamma))

With 0 < gamma <= 1/2, eta (1 + abs(rho)) <= 2 and theta increasing in time there is neither
butterfly nor calendar arbitrage (Gatheral and Jacquier, *Arbitrage-free SVI volatility surfaces*,
2014, theorem 4.1, corollary 4.1 and equation 4.5).  The fit never leaves these bounds.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.jit import inlined, kernel
from novate.kernel.pricing.least_squares import damped_step
from novate.kernel.pricing.special import exp, log

RHO_MAX = 0.95
ETA_MIN = 0.02
ETA_CAP = 1.999
"""Largest eta (1 + abs(rho)); the bound itself is 2."""
GAMMA_MIN, GAMMA_MAX = 0.02, 0.5
DAMPING_START, DAMPING_MAX = 1e-3, 1e10
STEP_SHARE = 1e-9
BUMP = 1e-5
"""Relative bump of a parameter for its derivatives."""

RHO, ETA, GAMMA = range(3)
SHARED = 3
"""Parameters before the variances."""


@inlined
def ssvi_phi(theta, eta, gamma):  # type: ignore[no-untyped-def]
    """Return phi(theta)."""
    return eta * exp(-gamma * log(theta) - (1.0 - gamma) * log(1.0 + theta))


@inlined
def ssvi_variance(k, theta, rho, phi):  # type: ignore[no-untyped-def]
    """Return total variance."""
    x = phi * k + rho
    return 0.5 * theta * (1.0 + rho * phi * k + math.sqrt(x * x + 1.0 - rho * rho))


@kernel
def ssvi_phis(theta, eta, gamma, out):  # type: ignore[no-untyped-def]
    """Fill phi of each theta."""
    for j in range(theta.size):
        out[j] = ssvi_phi(theta[j], eta, gamma)


@kernel
def hold_inside(q):  # type: ignore[no-untyped-def]
    """Bring parameters (rho, eta, gamma, theta...) into the bounds above."""
    q[RHO] = min(max(q[RHO], -RHO_MAX), RHO_MAX)
    q[ETA] = min(max(q[ETA], ETA_MIN), ETA_CAP / (1.0 + abs(q[RHO])))
    q[GAMMA] = min(max(q[GAMMA], GAMMA_MIN), GAMMA_MAX)
    for j in range(SHARED, q.size):
        q[j] = max(q[j], 1e-10)


@kernel
def errors(k, vol, half, expiry, years, q, out):  # type: ignore[no-untyped-def]
    """Fill the distances from the mid in half spreads and return their pseudo-Huber cost."""
    cost = 0.0
    for i in range(k.size):
        j = expiry[i]
        theta = q[SHARED + j]
        w = ssvi_variance(k[i], theta, q[RHO], ssvi_phi(theta, q[ETA], q[GAMMA]))
        out[i] = (math.sqrt(w / years[j]) - vol[i]) / half[i]
        cost += 2.0 * (math.sqrt(1.0 + out[i] * out[i]) - 1.0)
    return cost


@kernel
def linearise(k, vol, half, expiry, years, q, base, normal, gradient):  # type: ignore[no-untyped-def]
    """Fill J'J and J'r; a variance moves only the quotes of its own expiry."""
    normal[:] = 0.0
    gradient[:] = 0.0
    bumped, spare = q.copy(), np.empty(k.size)
    shared = np.empty((SHARED, k.size))
    for r in range(SHARED):
        step = BUMP * max(abs(q[r]), 0.1)
        bumped[r] = q[r] + step
        errors(k, vol, half, expiry, years, bumped, spare)
        bumped[r] = q[r]
        for i in range(k.size):
            shared[r, i] = (spare[i] - base[i]) / step
    for j in range(SHARED, q.size):
        bumped[j] = q[j] * (1.0 + BUMP)
    errors(k, vol, half, expiry, years, bumped, spare)
    for i in range(k.size):
        weight = 1.0 / math.sqrt(1.0 + base[i] * base[i])
        own = SHARED + expiry[i]
        slope = (spare[i] - base[i]) / (q[own] * BUMP)
        for r in range(SHARED):
            gradient[r] += weight * shared[r, i] * base[i]
            for c in range(r + 1):
                normal[r, c] += weight * shared[r, i] * shared[c, i]
            normal[own, r] += weight * slope * shared[r, i]
        gradient[own] += weight * slope * base[i]
        normal[own, own] += weight * slope * slope


@kernel
def fit_ssvi(k, vol, half, expiry, years, steps_max, q):  # type: ignore[no-untyped-def]
    """Move ``q`` = (rho, eta, gamma, theta[j]) to a least cost near it and return that cost.

    ``k, vol, half [n]`` as in `svi_fit`; ``expiry[n]`` is the position of each quote's expiry in
    ``years[j]`` and in theta.
    """
    n = q.size
    normal, factor = np.zeros((n, n)), np.zeros((n, n))
    gradient, step, trial = np.zeros(n), np.zeros(n), np.zeros(n)
    base, spare = np.empty(k.size), np.empty(k.size)
    hold_inside(q)
    cost = errors(k, vol, half, expiry, years, q, base)
    damping = DAMPING_START
    for _ in range(steps_max):
        linearise(k, vol, half, expiry, years, q, base, normal, gradient)
        is_better = False
        found = cost
        while damping < DAMPING_MAX:
            if damped_step(normal, gradient, damping, factor, step):
                for i in range(n):
                    # A variance is at most halved in one step.
                    trial[i] = q[i] + step[i] if i < SHARED else max(q[i] + step[i], 0.5 * q[i])
                hold_inside(trial)
                found = errors(k, vol, half, expiry, years, trial, spare)
                if found < cost:
                    is_better = True
                    break
            damping *= 4.0
        if not is_better:
            break
        fall = cost - found
        cost = found
        q[:] = trial
        base[:] = spare
        damping = max(0.2 * damping, 1e-12)
        if fall <= STEP_SHARE * cost:
            break
    return cost
