"""Realised variance from bars: one number per bar and estimator, and rolling sums of them.

With o = ln(open / previous close), u = ln(high/open), d = ln(low/open), c = ln(close/open) per bar.
Sums run in the order of the bars, so that the same bars give the same bits everywhere.
"""

from __future__ import annotations

import math

from novate.kernel.jit import kernel
from novate.kernel.pricing.special import log

CLOSE, PARKINSON, GARMAN_KLASS, ROGERS_SATCHELL, OVERNIGHT, OPEN_CLOSE = range(6)
"""Rows of what `bar_terms` fills."""
TERMS = 6

FOUR_LN2 = 2.772588722239781
GARMAN_KLASS_CLOSE = 0.3862943611198906
"""2 ln 2 - 1."""


@kernel
def bar_terms(bars, out):  # type: ignore[no-untyped-def]
    """Fill ``out[TERMS, n]`` from ``bars[n, 4]`` (open, high, low, close).

    CLOSE and OVERNIGHT are returns, OPEN_CLOSE too; the others are variances.  What needs the bar
    before is NaN at the first.  A bar whose prices are not positive, not finite or out of order is
    NaN in every row.
    """
    for i in range(bars.shape[0]):
        first, high, low, last = bars[i, 0], bars[i, 1], bars[i, 2], bars[i, 3]
        total = first + high + low + last
        is_sound = (
            math.isfinite(total) and low > 0.0 and low <= first <= high and low <= last <= high
        )
        if not is_sound:
            out[:, i] = math.nan
            continue
        up, down, move = log(high / first), log(low / first), log(last / first)
        out[PARKINSON, i] = (up - down) * (up - down) / FOUR_LN2
        out[GARMAN_KLASS, i] = 0.5 * (up - down) * (up - down) - GARMAN_KLASS_CLOSE * move * move
        out[ROGERS_SATCHELL, i] = up * (up - move) + down * (down - move)
        out[OPEN_CLOSE, i] = move
        before = bars[i - 1, 3] if i else math.nan
        has_before = before > 0.0 and math.isfinite(before)
        out[CLOSE, i] = log(last / before) if has_before else math.nan
        out[OVERNIGHT, i] = log(first / before) if has_before else math.nan


@kernel
def rolling_means(terms, window, out):  # type: ignore[no-untyped-def]
    """Fill the mean of the last ``window`` terms; NaN until there are so many."""
    for i in range(terms.size):
        out[i] = math.nan
        if i + 1 >= window:
            total = 0.0
            for j in range(i + 1 - window, i + 1):
                total += terms[j]
            out[i] = total / window


@kernel
def rolling_variances(terms, window, out):  # type: ignore[no-untyped-def]
    """Fill the sample variance (divisor window - 1) of the last ``window`` terms."""
    for i in range(terms.size):
        out[i] = math.nan
        if i + 1 >= window:
            mean = 0.0
            for j in range(i + 1 - window, i + 1):
                mean += terms[j]
            mean /= window
            total = 0.0
            for j in range(i + 1 - window, i + 1):
                total += (terms[j] - mean) * (terms[j] - mean)
            out[i] = total / (window - 1)


@kernel
def decayed_squares(returns, decay, out):  # type: ignore[no-untyped-def]
    """Fill v = decay v + (1 - decay) r^2, begun with the first r^2; NaN returns are passed over."""
    v = math.nan
    for i in range(returns.size):
        square = returns[i] * returns[i]
        if math.isfinite(square):
            v = decay * v + (1.0 - decay) * square if math.isfinite(v) else square
        out[i] = v
