"""SABR: Hagan's lognormal volatility as a function of strike.

The formula of Hagan, Kumar, Lesniewski and Woodward, *Managing smile risk* (2002), equation 2.17a,
with the denominator in powers of ln(F/K).  It is an expansion in T: good near the money and for
alpha, nu sqrt(T) well below 1; far out it can imply a negative density.  Test a slice before use.

The factor z / x(z) keeps its digits however small z is, so that the money is no special case.
Accuracy against 40-digit arithmetic of the same formula: 5e-15 relative
(`tests/golden/test_sabr.py`).
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.codes import PricingStatus
from novate.kernel.jit import fma, inlined, kernel
from novate.kernel.pricing.passage import log_ratio
from novate.kernel.pricing.special import exp, log

NOT_FINITE = int(PricingStatus.NOT_FINITE)
FORWARD_NOT_POSITIVE = int(PricingStatus.FORWARD_NOT_POSITIVE)
STRIKE_NOT_POSITIVE = int(PricingStatus.STRIKE_NOT_POSITIVE)
TIME_NEGATIVE = int(PricingStatus.TIME_NEGATIVE)
OUT_OF_RANGE = int(PricingStatus.PARAMETER_OUT_OF_RANGE)


@inlined
def stretch(z, rho):  # type: ignore[no-untyped-def]
    """Return z / x(z), x = ln((sqrt(1 - 2 rho z + z^2) + z - rho) / (1 - rho)); 1 at z = 0."""
    root = math.sqrt(fma(z, z - 2.0 * rho, 1.0))
    if z < -0.5:
        # The sum cancels; its product with root - (z - rho) is 1 - rho^2.
        return z / log((1.0 + rho) / (root - (z - rho)))
    # ln(1 + u) with the rounding of 1 + u divided out again: accurate however small u is.
    u = (z + z * (z - 2.0 * rho) / (root + 1.0)) / (1.0 - rho)
    one = 1.0 + u
    if one == 1.0:
        return 1.0 if u == 0.0 else z / u
    return z * (one - 1.0) / (u * log(one))


@inlined
def sabr_volatility(F, K, T, alpha, beta, rho, nu):  # type: ignore[no-untyped-def]
    """Return Hagan's lognormal volatility per year."""
    left = 1.0 - beta
    x = log_ratio(F, K)
    power = exp(0.5 * left * (log(F) + log(K)))
    square = left * left * x * x
    bulk = power * (1.0 + square / 24.0 + square * square / 1920.0)
    z = nu / alpha * power * x
    drift = left * left * alpha * alpha / (24.0 * power * power)
    drift += 0.25 * rho * beta * nu * alpha / power + (2.0 - 3.0 * rho * rho) * nu * nu / 24.0
    return alpha / bulk * stretch(z, rho) * fma(drift, T, 1.0)


@kernel
def sabr_volatilities(F, K, T, alpha, beta, rho, nu, volatility, status):  # type: ignore[no-untyped-def]
    """Fill volatilities and statuses; all inputs are flat float64 of one length."""
    for k in range(status.size):
        total = F[k] + K[k] + T[k] + alpha[k] + beta[k] + rho[k] + nu[k]
        code = 0
        value = np.nan
        if total - total != 0.0:
            code = NOT_FINITE
        elif F[k] <= 0.0:
            code = FORWARD_NOT_POSITIVE
        elif K[k] <= 0.0:
            code = STRIKE_NOT_POSITIVE
        elif T[k] < 0.0:
            code = TIME_NEGATIVE
        elif alpha[k] <= 0.0 or beta[k] < 0.0 or beta[k] > 1.0 or nu[k] < 0.0 or abs(rho[k]) >= 1.0:
            code = OUT_OF_RANGE
        else:
            value = sabr_volatility(F[k], K[k], T[k], alpha[k], beta[k], rho[k], nu[k])
            if not value > 0.0:  # the expansion has left its range
                value = np.nan
                code = OUT_OF_RANGE
        volatility[k] = value
        status[k] = code
