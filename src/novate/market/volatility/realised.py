"""Realised volatility from bars of open, high, low and close.

Every function returns volatility *per year*: the square root of the mean variance per bar times
the number of bars in a year.  Crypto trades all hours, so that a year has 365 daily or 8,760 hourly
bars; the caller states it as ``bars_per_year``.  Values are rolling, one per bar, NaN until
``window`` bars (or returns) are there; a bar with impossible prices makes every window that has it
NaN.

===================  ==================================  =================================
estimator            variance per bar                    source
===================  ==================================  =================================
`close_to_close`     mean of squared log returns         -
`parkinson`          ln(H/L)^2 / (4 ln 2)                Parkinson 1980
`garman_klass`       ln(H/L)^2/2 - (2 ln 2 - 1) c^2      Garman and Klass 1980
`rogers_satchell`    u (u - c) + d (d - c)               Rogers and Satchell 1991
`yang_zhang`         overnight + k var(c) + (1 - k) RS   Yang and Zhang 2000
`ewma`               v = decay v + (1 - decay) r^2       RiskMetrics 1996
===================  ==================================  =================================

u, d and c are the logarithms of high, low and close over the open.
"""

from __future__ import annotations

import numpy as np

from novate.errors import InputError
from novate.kernel.pricing import realised as kernels
from novate.market.volatility.chain import F64

DAYS = 365.0
"""Daily bars of a year."""

YANG_ZHANG_ALPHA = 0.34
"""k = 0.34 / (1.34 + (n + 1) / (n - 1)): least variance for paths without drift jumps."""


def _terms(bars: F64) -> F64:
    prices = np.ascontiguousarray(bars, np.float64)
    if prices.ndim != 2 or prices.shape[1] != 4:
        message = f"bars of shape {prices.shape}; allowed: [n, 4] (open, high, low, close)"
        raise InputError(message)
    out = np.empty((kernels.TERMS, len(prices)))
    kernels.bar_terms(prices, out)
    return out


def _check(window: int, least: int, bars_per_year: float) -> None:
    if window < least or not bars_per_year > 0.0:
        message = (
            f"window {window}, bars per year {bars_per_year!r}; "
            f"allowed: at least {least}, and a positive number"
        )
        raise InputError(message)


def _annual(variance: F64, bars_per_year: float) -> F64:
    """Return the root of variance per year; Garman-Klass can be negative in a window: NaN."""
    return np.sqrt(np.where(variance >= 0.0, variance, np.nan) * bars_per_year)


def _rolling(bars: F64, row: int, window: int, bars_per_year: float) -> F64:
    _check(window, 1, bars_per_year)
    terms = _terms(bars)[row]
    out = np.empty(len(terms))
    kernels.rolling_means(terms, window, out)
    return _annual(out, bars_per_year)


def close_to_close(
    bars: F64, window: int, bars_per_year: float = DAYS, *, removes_mean: bool = False
) -> F64:
    """Return volatility per year from log returns of closes; the first bar has none.

    Parameters
    ----------
    bars
        ``[n, 4]``: open, high, low, close.
    window
        Returns in each value.
    removes_mean
        Take the sample variance (divisor window - 1) instead of the mean square.
    """
    _check(window, 2 if removes_mean else 1, bars_per_year)
    returns = _terms(bars)[kernels.CLOSE]
    out = np.empty(len(returns))
    if removes_mean:
        kernels.rolling_variances(returns, window, out)
    else:
        kernels.rolling_means(returns * returns, window, out)
    return _annual(out, bars_per_year)


def parkinson(bars: F64, window: int, bars_per_year: float = DAYS) -> F64:
    """Return volatility per year from ranges; assumes no drift and no gap between bars."""
    return _rolling(bars, kernels.PARKINSON, window, bars_per_year)


def garman_klass(bars: F64, window: int, bars_per_year: float = DAYS) -> F64:
    """Return volatility per year from ranges and closes; assumes no drift and no gap."""
    return _rolling(bars, kernels.GARMAN_KLASS, window, bars_per_year)


def rogers_satchell(bars: F64, window: int, bars_per_year: float = DAYS) -> F64:
    """Return volatility per year from ranges, for any drift; assumes no gap between bars."""
    return _rolling(bars, kernels.ROGERS_SATCHELL, window, bars_per_year)


def yang_zhang(bars: F64, window: int, bars_per_year: float = DAYS) -> F64:
    """Return volatility per year for any drift and with gaps between bars.

    Sample variances of overnight and open-to-close returns, and the mean Rogers-Satchell term.
    """
    _check(window, 2, bars_per_year)
    terms = _terms(bars)
    count = terms.shape[1]
    overnight, inside, range_part = np.empty(count), np.empty(count), np.empty(count)
    kernels.rolling_variances(terms[kernels.OVERNIGHT], window, overnight)
    kernels.rolling_variances(terms[kernels.OPEN_CLOSE], window, inside)
    kernels.rolling_means(terms[kernels.ROGERS_SATCHELL], window, range_part)
    share = YANG_ZHANG_ALPHA / (1.0 + YANG_ZHANG_ALPHA + (window + 1) / (window - 1))
    return _annual(overnight + share * inside + (1.0 - share) * range_part, bars_per_year)


def ewma(bars: F64, decay: float = 0.94, bars_per_year: float = DAYS) -> F64:
    """Return volatility per year from exponentially weighted squared log returns of closes.

    The first return starts it; a bar with impossible prices leaves it as it was.
    """
    _check(1, 1, bars_per_year)
    if not 0.0 < decay < 1.0:
        message = f"decay {decay!r}; allowed: between 0 and 1"
        raise InputError(message)
    returns = _terms(bars)[kernels.CLOSE]
    out = np.empty(len(returns))
    kernels.decayed_squares(returns, decay, out)
    return _annual(out, bars_per_year)
