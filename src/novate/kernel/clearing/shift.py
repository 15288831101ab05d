"""The health of one instrument's holders, brought from one mark to the next.

What a row adds at the old mark leaves, what it adds at the new one enters.  Both are the integers
of `kernel.clearing.assess`, so that nothing drifts.  There are two ways:

- `shift_holders` reads the rows where they lie, in any state;
- `shift_tier_lots` takes `TierLots`, a copy of the lots, one after the other in memory and grouped
  by the margin tier they were last in.  Within a group the rates are constants, and the loop has no
  branch, so that several holders are worked on at once.  The group is only a guess: who is not in
  its tier at both marks adds nothing there and is shifted by its row.

The copy is true as long as nobody changed the lots or open orders of a holder.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from novate.kernel.clearing.columns import F64, I32, I64
from novate.kernel.clearing.sweep import (
    EXACT,
    HEALTH_EQUITY,
    HEALTH_INITIAL,
    HEALTH_MAINTENANCE,
    HEALTH_WIDTH,
)
from novate.kernel.clearing.value import WORTH_MAX
from novate.kernel.jit import inlined, kernel

_FETCH = 256
"""Holders fetched ahead of their arithmetic."""


class TierLots(NamedTuple):
    """Holders of one instrument by the tier of their notional at the mark of its making.

    ``start[tier]`` is where the holders of a tier begin; ``odd`` are the rows that need more than
    their lots: open orders, or more lots than a float64 counts.
    """

    start: I64  # [tiers + 1]
    row: I64  # in the position table
    account: I32
    lots: F64  # signed whole numbers
    odd: I64  # rows in the position table


@inlined
def _next_tier(floor, tier, notional):  # type: ignore[no-untyped-def]
    """Tier that holds a notional, searched from a tier nearby; as `requirement.tier_margin`."""
    while tier > 0 and notional < floor[tier]:
        tier -= 1
    while tier < floor.size - 1 and notional >= floor[tier + 1]:
        tier += 1
    return tier


@kernel
def shift_holders(  # type: ignore[no-untyped-def]
    held, buys, sells, owner, has_orders, rows, old, new,
    floor, rate, deduction, initial_rate, initial_deduction, health,
):  # fmt: skip
    """Shift the holders in ``rows`` from one value of a lot to another, ``old`` to ``new``.

    ``held``, ``buys``, ``sells`` and ``owner`` are columns of the position table, the tiers those
    of the instrument; ``health`` is flat.  Without ``has_orders`` no lots are reserved anywhere,
    and none are looked for.  What lies scattered in memory is fetched in a loop without branches,
    so that many fetches are under way at once.
    """
    lots = np.empty(_FETCH, np.int64)
    worst = np.empty(_FETCH, np.int64)
    account = np.empty(_FETCH, np.int64)
    equity = np.empty(_FETCH, np.int64)
    for first in range(0, rows.size, _FETCH):
        taken = min(_FETCH, rows.size - first)
        for k in range(taken):
            row = np.uint64(rows[first + k])
            lots[k] = held[row]
            worst[k] = abs(lots[k])
            if has_orders:
                worst[k] = max(abs(lots[k] + buys[row]), abs(lots[k] - sells[row]))
            account[k] = np.int64(owner[row]) * HEALTH_WIDTH
            equity[k] = health[account[k] + HEALTH_EQUITY]
        for k in range(taken):
            if worst[k] == 0:
                continue
            at = account[k]
            size = abs(lots[k])
            was = min(np.float64(old * size), WORTH_MAX)
            now = min(np.float64(new * size), WORTH_MAX)
            tier = _next_tier(floor, 0, was)
            tier_now = _next_tier(floor, tier, now)
            health[at + HEALTH_EQUITY] = equity[k] + (new - old) * lots[k]
            health[at + HEALTH_MAINTENANCE] += np.int64(
                np.ceil(now * rate[tier_now] - deduction[tier_now])
            ) - np.int64(np.ceil(was * rate[tier] - deduction[tier]))
            if worst[k] != size:
                was = min(np.float64(old * worst[k]), WORTH_MAX)
                now = min(np.float64(new * worst[k]), WORTH_MAX)
                tier = _next_tier(floor, tier, was)
                tier_now = _next_tier(floor, tier, now)
            health[at + HEALTH_INITIAL] += np.int64(
                np.ceil(now * initial_rate[tier_now] - initial_deduction[tier_now])
            ) - np.int64(np.ceil(was * initial_rate[tier] - initial_deduction[tier]))


@kernel
def make_tier_lots(held, buys, sells, owner, rows, step, floor):  # type: ignore[no-untyped-def]
    """Return the fields of the `TierLots` of the holders in ``rows`` at ``step`` a lot."""
    tiers = floor.size
    group = np.empty(rows.size, np.uint8)
    count = np.zeros(tiers + 2, np.int64)
    for k in range(rows.size):
        row = rows[k]
        size = abs(held[row])
        tier = tiers
        if (buys[row] | sells[row]) == 0 and size < EXACT:
            tier = _next_tier(floor, 0, np.float64(step * size))
        group[k] = tier
        count[tier + 1] += 1
    start = np.cumsum(count)
    row_of = np.empty(start[tiers], np.int64)
    account = np.empty(start[tiers], np.int32)
    lots = np.empty(start[tiers])
    odd = np.empty(rows.size - start[tiers], np.int64)
    free = start.copy()
    for k in range(rows.size):
        tier = group[k]
        at = free[tier]
        free[tier] += 1
        if tier == tiers:
            odd[at - start[tiers]] = rows[k]
        else:
            row_of[at] = rows[k]
            account[at] = owner[rows[k]]
            lots[at] = np.float64(held[rows[k]])
    return start[: tiers + 1].copy(), row_of, account, lots, odd


@inlined
def _range_of_tier(floor, tier, old, new):  # type: ignore[no-untyped-def]
    """Smallest size in the tier at both values of a lot, and the first beyond it.

    Below 2**53 units a notional is a whole number that a float64 holds: it reaches a tier from the
    ceiling of its floor on.
    """
    cheap, dear = min(old, new), max(old, new)
    low = np.int64(math.ceil(min(floor[tier], EXACT))) if tier else np.int64(0)
    high = np.int64(EXACT)
    if tier < floor.size - 1:
        high = np.int64(math.ceil(min(floor[tier + 1], EXACT)))
    return np.float64((low + cheap - 1) // cheap), np.float64((high + dear - 1) // dear)


@kernel
def shift_tier_lots(  # type: ignore[no-untyped-def]
    start, account, lots, old, new,
    floor, rate, deduction, initial_rate, initial_deduction, moved_tier, health,
):  # fmt: skip
    """As `shift_holders`, for `TierLots`; returns how many places stand in ``moved_tier``."""
    equity = np.empty(_FETCH)
    maintenance = np.empty(_FETCH)
    initial = np.empty(_FETCH)
    left = 0
    was, now = np.float64(old), np.float64(new)
    for tier in range(floor.size):
        low, high = _range_of_tier(floor, tier, old, new)
        m, less = rate[tier], deduction[tier]
        i, initial_less = initial_rate[tier], initial_deduction[tier]
        for first in range(start[tier], start[tier + 1], _FETCH):
            taken = min(_FETCH, start[tier + 1] - first)
            inside = 0.0
            for k in range(taken):
                held = lots[first + k]
                fits = 1.0 if low <= abs(held) and abs(held) < high else 0.0
                inside += fits
                # In its tier each of these is a whole number below 2**53, hence exact.
                held = held if fits > 0.0 else 0.0
                size = abs(held)
                equity[k] = (now - was) * held
                maintenance[k] = np.ceil(now * size * m - less) - np.ceil(was * size * m - less)
                initial[k] = np.ceil(now * size * i - initial_less) - np.ceil(
                    was * size * i - initial_less
                )
            for k in range(taken):
                at = np.int64(account[first + k]) * HEALTH_WIDTH
                health[at + HEALTH_EQUITY] += np.int64(equity[k])
                health[at + HEALTH_INITIAL] += np.int64(initial[k])
                health[at + HEALTH_MAINTENANCE] += np.int64(maintenance[k])
            if inside < taken:
                for k in range(first, first + taken):
                    if not (low <= abs(lots[k]) and abs(lots[k]) < high):
                        moved_tier[left] = k
                        left += 1
    return left
