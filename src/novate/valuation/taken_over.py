"""Lots that liquidator and external market took over since the last funding (8.76 and 8.77).

A liquidator takes lots at the mark, and a market fills its orders at a price, without what funding
has come to.  Colluding accounts could let the account fail that holds the lots, an hour before the
funding, and be paid by them.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.settle import row_of
from novate.kernel.codes import Role
from novate.message.declare import Row
from novate.valuation.clearing_state import ClearingState


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
    counted = int(x.instruments.taken_over_lots[i]) + lots
    held = lots_of(x, x.single(Role.EXTERNAL_MARKET), i)
    x.instruments.taken_over_lots[i] = _still_held(counted, held, held)


def note_trades(x: ClearingState, trades: Row) -> None:
    """Count no more than the external market holds after each of some trades that are booked.

    What it has given away in between it does not take over again by its own choice.

    Parameters
    ----------
    trades
        Columns of `TradeNovated`; shape (rows,).
    """
    counted = x.instruments.used("taken_over_lots")
    if not counted.any():
        return
    market = x.single(Role.EXTERNAL_MARKET)
    rows = np.flatnonzero((trades["buyer"] == market) | (trades["seller"] == market))
    if not rows.size:
        return
    instrument = trades["instrument"][rows].astype(np.int64)
    lots = trades["lots"][rows].astype(np.int64)
    moved = np.where(trades["buyer"][rows] == market, lots, -lots)
    for i in np.unique(instrument[counted[instrument] != 0]).tolist():
        own = moved[instrument == i]
        held = lots_of(x, market, i) - own[::-1].cumsum()[::-1] + own
        counted[i] = _still_held(int(counted[i]), int(held.min()), int(held.max()))


def _still_held(counted: int, least: int, most: int) -> int:
    """Return which of signed lots stay while as much is held as from the least to the most."""
    return max(min(counted, least), 0) if counted > 0 else min(max(counted, most), 0)


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
