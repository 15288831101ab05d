"""Fair values of perpetual and dated futures without optionality: constant rates, no arbitrage.

A perpetual pays, per funding period of D years, k (f - S) + i S from long to short.  Entered at no
cost, its price is a multiple of the index (Ackerer, Hugonnier and Jermann, *Perpetual Futures
Pricing*, 2024, propositions 2 to 4), with growth E = e^(g D) - 1 of the index per period:

=====================================  ==================================
funding of the period uses             f / S
=====================================  ==================================
price and index at its start           (k - i) / (k - E)
price and index at its end             (k - i) (1 + E) / (k (1 + E) - E)
every instant (D = 0; k, i per year)   (k - i) / (k - g)
=====================================  ==================================

The growth g per year is that of the measure in which the contract settles:

- linear: r - q;
- inverse (face in quote, settled in coin): a linear contract on 1/S, g = q - r, and f is S over its
  multiple;
- quanto (settled in a third asset Z at a fixed rate): r - q + cov, cov = rho vol_S vol_Z per year,
  Z counted in the quote currency.

There is no fair value (a bubble, or a price that is not positive) unless k exceeds both i and the
growth of a period: `PARAMETER_OUT_OF_RANGE`.

A dated future is worth S e^((r - q) T).
"""

from __future__ import annotations

import numpy as np

from novate.kernel.codes import PricingStatus
from novate.kernel.jit import fma, inlined, kernel
from novate.kernel.pricing.special import exp

NOT_FINITE = int(PricingStatus.NOT_FINITE)
FORWARD_NOT_POSITIVE = int(PricingStatus.FORWARD_NOT_POSITIVE)
TIME_NEGATIVE = int(PricingStatus.TIME_NEGATIVE)
OUT_OF_RANGE = int(PricingStatus.PARAMETER_OUT_OF_RANGE)

FORM_LINEAR, FORM_INVERSE, FORM_QUANTO = range(3)

FORM, S, R, Q, FUNDING, INTEREST, PERIOD, AT_END, COVARIANCE = range(9)
"""Rows of the inputs: a form, index, rate, yield, k, i, years of a period (0 for continuous), 1.0
for funding at the period's end, covariance per year of a quanto."""
INPUTS = 9

PRICE, DELTA, BASIS = range(3)
"""Rows of what `perpetual_values` fills: f, df/dS (f is a multiple of S), f/S - 1."""
OUTPUTS = 3

SMALL = 0.01
"""Below it e^x - 1 is summed: a period's growth is about 1e-5 and must keep its digits."""


@inlined
def growth(x):  # type: ignore[no-untyped-def]
    """Return e**x - 1 with a small relative error."""
    p = 0.0013888888888888889
    p = fma(p, x, 0.008333333333333333)
    p = fma(p, x, 0.041666666666666664)
    p = fma(p, x, 0.16666666666666666)
    p = fma(p, x, 0.5)
    p = fma(p, x, 1.0)
    return x * p if abs(x) < SMALL else exp(x) - 1.0


@inlined
def multiple(at, k):  # type: ignore[no-untyped-def]
    """Return the fair value of column ``k`` over the index; NaN where there is none."""
    g = at[R, k] - at[Q, k]
    if at[FORM, k] == FORM_INVERSE:
        g = -g
    elif at[FORM, k] == FORM_QUANTO:
        g += at[COVARIANCE, k]
    funding, spread = at[FUNDING, k], at[FUNDING, k] - at[INTEREST, k]
    pull = funding - g
    if at[PERIOD, k] > 0.0:
        e = growth(g * at[PERIOD, k])
        pull = funding - e
        if at[AT_END, k] == 1.0:
            spread *= 1.0 + e
            pull = funding * (1.0 + e) - e
    if spread <= 0.0 or pull <= 0.0:
        return np.nan
    return pull / spread if at[FORM, k] == FORM_INVERSE else spread / pull


@kernel
def perpetual_values(at, out, status):  # type: ignore[no-untyped-def]
    """Fill ``out[OUTPUTS, n]`` and statuses from ``at[INPUTS, n]``."""
    for k in range(status.size):
        total = 0.0
        for row in range(INPUTS):
            total += at[row, k]
        form = at[FORM, k]
        code = 0
        ratio = np.nan
        if total - total != 0.0:
            code = NOT_FINITE
        elif at[S, k] <= 0.0:
            code = FORWARD_NOT_POSITIVE
        elif at[PERIOD, k] < 0.0:
            code = TIME_NEGATIVE
        elif form * (form - 1.0) * (form - 2.0) != 0.0 or at[AT_END, k] * (1.0 - at[AT_END, k]):
            code = OUT_OF_RANGE
        else:
            ratio = multiple(at, k)
            code = 0 if ratio > 0.0 else OUT_OF_RANGE
        out[PRICE, k] = ratio * at[S, k]
        out[DELTA, k] = ratio
        out[BASIS, k] = ratio - 1.0
        status[k] = code


@kernel
def dated_values(spot, years, r, q, out, status):  # type: ignore[no-untyped-def]
    """Fill ``out[OUTPUTS, n]`` with S e^((r - q) T), its delta and its basis, and statuses."""
    for k in range(status.size):
        total = spot[k] + years[k] + r[k] + q[k]
        code = 0
        if total - total != 0.0:
            code = NOT_FINITE
        elif spot[k] <= 0.0:
            code = FORWARD_NOT_POSITIVE
        elif years[k] < 0.0:
            code = TIME_NEGATIVE
        e = growth((r[k] - q[k]) * years[k]) if code == 0 else np.nan
        out[PRICE, k] = fma(spot[k], e, spot[k])
        out[DELTA, k] = 1.0 + e
        out[BASIS, k] = e
        status[k] = code
