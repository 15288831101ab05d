"""Funding rates: that of a period, and that at which funding accrues (rules 8.6 and 7.93).

Source: the published funding of perpetual contracts: average premium with damped interest, within
a cap.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.columns import I64
from novate.market.columns import MarkColumns
from novate.market.state import MarketState

ONE = 10**9
"""Premiums and rates are in 1e-9."""


def funding_rate(average_e9: int, interest_e9: int, damper_e9: int, cap_e9: int) -> int:
    """Return the funding rate of a period (rule 8.6).

    ``rate = P + clamp(interest - P, -damper, +damper)``, then clamped to +-cap; all in 1e-9 of the
    notional per period.

    Parameters
    ----------
    average_e9
        Mean premium ``P`` of the period, positive while the last price is above the index.
    interest_e9
        Interest per period.
    damper_e9, cap_e9
        Limits of the pull of interest and of the rate, not negative.

    Returns
    -------
    int
        Positive when longs pay.
    """
    pull = min(max(interest_e9 - average_e9, -damper_e9), damper_e9)
    return min(max(average_e9 + pull, -cap_e9), cap_e9)


def accruing_rates(state: MarketState, rows: I64, at_index: I64) -> tuple[I64, I64]:
    """Return at what rate lots long, and short, of contracts with funding would pay it now (7.93).

    For every period that is due, if funding waits for its price.  The dearest one of three: by the
    average premium of the period up to the last update, by the premium of that update, and by how
    far the mark is from the index.  Who lets a last price go while it trades, and pushes it again
    afterwards, moves neither average nor mark much.

    Parameters
    ----------
    rows, at_index
        The contracts, and the price of each at the index in ticks (rule 5.112), above zero; shape
        (rows,), as what is returned.

    Returns
    -------
    tuple
        Rates of longs and of shorts in 1e-9, not negative.
    """
    marks = state.marks
    last = marks.premium_e9[rows]
    average = np.where(marks.premium_ms[rows] > 0, _average(marks, rows), last)
    premiums = (_premium(marks.mark[rows], at_index), last, average)
    # A higher premium never makes a lower rate.
    longs = _rates(state, rows, np.maximum.reduce(premiums))
    shorts = _rates(state, rows, np.minimum.reduce(premiums))
    return np.maximum(longs, 0), np.maximum(-shorts, 0)


def average_rates(state: MarketState, rows: I64, _: I64) -> tuple[I64, I64]:
    """Return `accruing_rates` by the average premium alone, 0 before a period has time (7.58)."""
    found = _rates(state, rows, _average(state.marks, rows))
    found = np.where(state.marks.premium_ms[rows] > 0, found, 0)
    return np.maximum(found, 0), np.maximum(-found, 0)


def _average(marks: MarkColumns, rows: I64) -> I64:
    """Return the average premium of the period up to the last update, 1e-9, 0 without time."""
    average: I64 = marks.premium_sum[rows] // np.maximum(marks.premium_ms[rows], 1)
    return average


def _rates(state: MarketState, rows: I64, average: I64) -> I64:
    """Return `funding_rate` of many contracts for all periods that are due, 1e-9, within +-1."""
    c = state.instruments
    damper, cap = c.funding_damper_e9[rows], c.funding_cap_e9[rows]
    pull = np.minimum(np.maximum(c.interest_e9[rows] - average, -damper), damper)
    rates: I64 = average + pull
    rates = np.minimum(np.maximum(rates, -cap), cap)
    next_ns = c.next_funding_ns[rows]
    for k in np.flatnonzero(next_ns < 0).tolist():  # it waits since that instant
        periods = (state.now_ns + int(next_ns[k])) // int(c.funding_ns[rows[k]]) + 1
        rates[k] = min(max(int(rates[k]) * periods, -ONE), ONE)
    return rates


def _premium(mark: I64, at_index: I64) -> I64:
    """Return how far marks are from their price at the index, as a part of it, within +-1, 1e-9.

    Exact: a product that 64 bits do not hold is formed in numbers of any size.
    """
    apart = np.minimum(mark - at_index, at_index)
    fits = at_index < _FITS
    found: I64 = np.where(fits, apart, 0) * ONE // np.where(fits, at_index, 1)
    for k in np.flatnonzero(~fits).tolist():
        found[k] = int(apart[k]) * ONE // int(at_index[k])
    return found


_FITS = 2**33
"""Prices below this fit into 64 bits with 30 more."""
