"""What a call has left of its grace when the prices of its account are gone (rules 4.85, 10.7)."""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.columns import I64
from novate.message.parameter import Parameter
from novate.valuation import ClearingState
from novate.valuation.group_book import book_of
from novate.valuation.price_status import WAITING, is_over


def blocked_since(x: ClearingState, instrument: int) -> int:
    """Return since when the price of an instrument is blocked, ns; 0 without a mark (rule 4.85).

    The earliest of its reasons counts.  An index is known to have been there at the last assessment
    at which it was not stale, and until a jump began.
    """
    if x.marks.mark[instrument] <= 0:
        return 0
    c, since = x.instruments, x.now_ns
    if is_over(x, instrument):
        since = int(c.expiry_ns[instrument])
    for asset in (int(c.underlying[instrument]), int(c.settlement_asset[instrument])):
        if not x.is_fresh(asset):
            jump_ns, fresh_ns = int(x.assets.jump_ns[asset]), int(x.assets.fresh_ns[asset])
            since = min(since, fresh_ns, jump_ns or fresh_ns)
    return since


def lost_grace(x: ClearingState, groups: I64, deadlines: I64) -> I64:
    """Return the time between the loss of all prices of some called groups and their deadlines.

    Parameters
    ----------
    groups
        Groups that rule 4.22 leaves out: they have open positions, all of them blocked.
    deadlines
        Their deadlines, ns, not after now; same shape.

    Returns
    -------
    I64
        From 0 to the grace of a call, ns; same shape.
    """
    since = np.zeros(groups.size, np.int64)
    for k, group in enumerate(groups.tolist()):
        book = book_of(x, group)
        held = np.unique(book.instrument[book.lots != 0]).tolist()
        since[k] = max(blocked_since(x, i) for i in held)
    most = x.parameter_of(Parameter.CALL_GRACE_NS, groups)
    lost: I64 = np.minimum(np.maximum(deadlines - since, 0), most)
    return lost


def waiting_with(grace_ns: I64) -> I64:
    """Return what stands in the place of a deadline that waits, with the grace that it has left."""
    return WAITING - grace_ns


def grace_of(deadlines: I64) -> I64:
    """Return the grace that deadlines have left that wait, ns; other rows are without meaning."""
    return WAITING - deadlines
