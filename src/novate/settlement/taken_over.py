"""Lots that liquidator and external market took over since the last funding (8.76 and 8.77).

A liquidator takes lots at the mark, and a market fills its orders at a price, without what funding
has come to.  Confederates could let the account fail that holds the lots, an hour before the
funding, and be paid by them.
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


def begin_period(x: ClearingState, i: int) -> None:
    """Count anew what is taken over in a contract: its funding was settled."""
    x.instruments.taken_over_lots[i] = 0
    x.instruments.liquidator_lots[i] = lots_of(x, x.single(Role.LIQUIDATOR), i)


def taken_by_liquidator(x: ClearingState, i: int) -> int:
    """Return by how many lots the liquidator holds more than after the last funding; signed."""
    held, before = lots_of(x, x.single(Role.LIQUIDATOR), i), int(x.instruments.liquidator_lots[i])
    if held * before <= 0:
        return held
    return max(held - before, 0) if held > 0 else min(held - before, 0)


def taken_over(x: ClearingState, i: int) -> int:
    """Return how many of the lots taken over the external market still holds; signed."""
    counted = int(x.instruments.taken_over_lots[i])
    held = lots_of(x, x.single(Role.EXTERNAL_MARKET), i)
    if held * counted <= 0:
        return 0
    return min(held, counted) if held > 0 else max(held, counted)
