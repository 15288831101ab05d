"""The mean of the index at which options are settled, as it stands before and inside its window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from novate.kernel.clearing.columns import F64, I64
from novate.market.mark import MS, WORD_E8, option_final_so_far
from novate.market.state import MarketState

E8 = 10**8
YEAR_NS = 365 * 86_400 * 10**9


class Seen(NamedTuple):
    """What settlement windows have added up, in two words, and its time in ms; (options,)."""

    final_sum: I64
    final_rest: I64
    final_ms: I64

    def total(self, k: int) -> int:
        """Return the sum of one option, 1e-8 times ms."""
        return int(self.final_sum[k]) * WORD_E8 + int(self.final_rest[k])


class SettlementMean(NamedTuple):
    """The mean at which options will be settled, as it stands: each of shape (options,).

    Attributes
    ----------
    spread
        Years of the index's volatility that the mean of the rest of the window has the variance of:
        those to the window and a third of the window, or a third of what is left of it.
    known
        What has been added up already, in quote: the mean so far times the part of the window that
        it stands for.
    rest
        Part of the window that is still to come, 1 before it, 0 at expiry.
    """

    spread: F64
    known: F64
    rest: F64


def settlement_mean(x: MarketState, rows: I64, seen: Seen) -> SettlementMean:
    """Return what the settlement windows of options have seen and have still to see (rule 9.50).

    Parameters
    ----------
    rows
        Instruments; shape (options,).
    seen
        What their windows have added up until now.
    """
    c = x.instruments
    left_ns = np.maximum(c.expiry_ns[rows] - x.now_ns, 0)
    ahead_ns = np.maximum(left_ns - c.settlement_window_ns[rows], 0)
    both = zip(left_ns.tolist(), ahead_ns.tolist(), strict=True)
    spread = np.array([(left + 2 * ahead) / (3 * YEAR_NS) for left, ahead in both])
    known, rest = np.zeros(len(rows)), np.ones(len(rows))
    for k in np.flatnonzero(seen.final_ms).tolist():
        left = int(left_ns[k]) // MS
        whole = int(seen.final_ms[k]) + left
        known[k] = seen.total(k) / (whole * E8)
        rest[k] = left / whole
    return SettlementMean(spread, known, rest)


def seen_until_now(x: MarketState, rows: I64) -> Seen:
    """Return what the settlement windows of some options have added up until now."""
    found = [option_final_so_far(x, i) for i in rows.tolist()]
    totals = [divmod(total, WORD_E8) for total, _ in found]
    return Seen(
        np.array([whole for whole, _ in totals], np.int64),
        np.array([rest for _, rest in totals], np.int64),
        np.array([ms for _, ms in found], np.int64),
    )
