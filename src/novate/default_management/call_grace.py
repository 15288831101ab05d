"""Whether the account of a call can act, and what is left of its grace if it cannot (rule 4.85)."""

from __future__ import annotations

import numpy as np

from novate.default_management.close_out import held_up, look_at
from novate.default_management.refused import B1
from novate.kernel.clearing.columns import I64
from novate.message.parameter import Parameter
from novate.valuation import ClearingState
from novate.valuation.group_book import book_of
from novate.valuation.price_status import WAITING, is_over


def cannot_act(x: ClearingState, groups: I64) -> B1:
    """Return which called groups cannot act: nothing of them could be closed, or the house pauses.

    Shape (groups,); rules 4.22 and 8.80.
    """
    if x.is_paused():
        return np.ones(groups.size, np.bool_)
    return held_up(x, groups, look_at(x, groups).blocked)


def fresh_until(x: ClearingState) -> list[int]:
    """Return until when the index of each asset was fresh, ns: now where nothing tells less.

    By the age of what sources reported last, of quote assets first, and by the begin of a jump; a
    source that was retired or contradicts itself ends nothing before it is found (rule 4.85).
    """
    sources, life_ns, needed = x.sources, x.index_life_ns(), max(x.sources_min, 1)
    until = [x.now_ns] * x.assets.count
    ends: list[list[int]] = [[] for _ in until]
    for k in range(sources.count):
        if sources.observed_ns[k] >= 0:
            ends[sources.asset[k]].append(k)
    for asset in range(1, x.assets.count):
        alive = sorted(
            min(int(sources.observed_ns[k]) + life_ns, until[sources.quote[k]]) for k in ends[asset]
        )
        if len(alive) >= needed:
            until[asset] = min(until[asset], alive[-needed])
        if x.assets.jump_ns[asset]:
            until[asset] = min(until[asset], int(x.assets.jump_ns[asset]))
    return until


def blocked_since(x: ClearingState, instrument: int, until: list[int]) -> int:
    """Return since when the price of an instrument is blocked, ns; 0 without a mark (rule 4.85).

    The earliest of its reasons counts; ``until`` is `fresh_until`.
    """
    if x.marks.mark[instrument] <= 0:
        return 0
    c, since = x.instruments, x.now_ns
    if is_over(x, instrument):
        since = int(c.expiry_ns[instrument])
    return min(
        since, until[int(c.underlying[instrument])], until[int(c.settlement_asset[instrument])]
    )


def grace_left(x: ClearingState, groups: I64) -> I64:
    """Return what is left of the grace of called groups that cannot act, ns, shape (groups,).

    From the instant since which they cannot act to their deadline, from 0 to the grace of a call.
    At the assessment before they could: what they closed since gives no time of before back.
    """
    until = fresh_until(x)
    blocked = look_at(x, groups).blocked
    since = np.full(groups.size, _house_until(x, until))
    for k in np.flatnonzero(blocked >= 0).tolist():
        since[k] = _stuck_since(x, int(groups[k]), until)
    since = np.maximum(since, x.assessed_before_now_ns())
    most = x.parameter_of(Parameter.CALL_GRACE_NS, groups)
    left: I64 = np.minimum(np.maximum(x.accounts.deadline_ns[groups] - since, 0), most)
    return left


def _house_until(x: ClearingState, until: list[int]) -> int:
    """Until when any index of the house was fresh."""
    priced = [a for a in np.unique(x.sources.used("asset")).tolist() if x.assets.price_e8[a] > 0]
    return max((until[asset] for asset in priced), default=x.now_ns)


def _stuck_since(x: ClearingState, group: int, until: list[int]) -> int:
    """Since when nothing of a group could be closed: the last of its prices went."""
    book = book_of(x, group)
    held = np.unique(book.instrument[book.lots != 0]).tolist()
    since = max(blocked_since(x, i, until) for i in held)
    balance = x.accounts.balance[x.accounts_of(np.array([group]))[0]]
    is_owed = (balance < 0) | ((balance[:, :1] < 0) & (balance > 0))
    is_owed[:, 0] = False
    for asset in np.flatnonzero(is_owed.any(axis=0)).tolist():
        if x.assets.price_e8[asset] > 0:
            since = max(since, until[asset])
    return since


def waiting_with(grace_ns: I64) -> I64:
    """Return what stands in the place of a deadline that waits, with the grace that it has left."""
    return WAITING - grace_ns


def grace_of(deadlines: I64) -> I64:
    """Return the grace that deadlines have left that wait, ns; other rows are without meaning."""
    return WAITING - deadlines
