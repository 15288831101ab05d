"""Lots that the external market took over by liquidation since the last funding (rule 8.77).

A market fills orders of liquidation at a price without what funding has come to.  Confederates
could let the account fail that holds the lots, an hour before the funding, and be paid by it.
"""

from __future__ import annotations

from novate.kernel.clearing.settle import row_of
from novate.kernel.codes import Role
from novate.valuation import ClearingState


def lots_of(x: ClearingState, account: int, i: int) -> int:
    """Return the signed lots of an account in a contract; 0 without an account (-1)."""
    row = int(row_of(x.positions.arrays(), account, i)) if account >= 0 else -1
    return int(x.positions.lots[row]) if row >= 0 else 0


def add_taken_over(x: ClearingState, i: int, lots: int) -> None:
    """Count the lots of a fill that is booked.

    Parameters
    ----------
    i, lots
        The contract, and the signed lots that the external market got.
    """
    x.instruments.taken_over_lots[i] += lots
    x.instruments.taken_over_lots[i] = taken_over(x, i)


def taken_over(x: ClearingState, i: int) -> int:
    """Return how many of the lots taken over the external market still holds; signed."""
    counted = int(x.instruments.taken_over_lots[i])
    held = lots_of(x, x.single(Role.EXTERNAL_MARKET), i)
    if held * counted <= 0:
        return 0
    return min(held, counted) if held > 0 else max(held, counted)
