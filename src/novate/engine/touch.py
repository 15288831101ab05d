"""Which accounts an event touches: how the margin cache keeps up with the journal.

The table errs on the side of work: an event that is not named here touches everything.  Marks,
index prices and haircuts are not touched by anybody: the cache compares them itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from novate.canonical import Run
from novate.engine.state import State
from novate.message import event
from novate.message.declare import Message, columns_of

Row = dict[str, Any]

QUIET = frozenset(
    message.name
    for message in (
        event.COMMAND_REFUSED,
        event.MARGIN_ASSESSED,
        event.TIME_ADVANCED,
        event.HAIRCUT_SET,
        event.SOURCE_DECLARED,
        event.PARAMETER_SET,
        event.OPTION_MARGIN_DECLARED,
        event.WATERFALL_DECLARED,
        event.PRICE_REPORTED,
        event.INDEX_UPDATED,
        event.LAST_REPORTED,
        event.MARK_UPDATED,
        event.OPTION_MARKED,
        event.SURFACE_REPORTED,
        event.BARRIER_OBSERVED,
        event.CYCLE_POSTPONED,
        event.GAINS_WINDOW_STARTED,
        event.MARGIN_CALLED,
        event.MARGIN_CALL_MET,
        event.CALL_EXTENDED,
        event.DEFAULT_DECLARED,
        event.LIQUIDATION_STARTED,
        event.LIQUIDATION_STOPPED,
        event.ORDER_PLACED,
        event.ORDER_CLOSED,
        event.SLICE_SCHEDULED,
        event.LOSS_RECORDED,
        event.LOSS_CLOSED,
    )
)
"""Events that move no money, no lots and no open orders."""


def _released(state: State, row: Row) -> None:
    state.margin_cache.touch(int(state.reservations.account[row["reservation"] - 1]))


def _holders(state: State, row: Row) -> None:
    x = state
    state.margin_cache.touch_many(x.positions.account[x.holders(row["instrument"])])


def _cycle(state: State, row: Row) -> None:
    """A cycle pays out what was owed already: no holder is worth more or less by it."""


def _account(state: State, row: Row) -> None:
    state.margin_cache.touch(row["account"])


def _payer(state: State, row: Row) -> None:
    state.margin_cache.touch(row["payer"])


TOUCH: dict[str, Callable[[State, Row], None]] = {
    event.ACCOUNT_OPENED.name: _account,
    event.COLLATERAL_POSTED.name: _account,
    event.COLLATERAL_WITHDRAWN.name: _account,
    event.MARGIN_RESERVED.name: _account,
    event.MARGIN_RELEASED.name: _released,
    event.CYCLE_SETTLED.name: _cycle,
    event.FUNDING_SETTLED.name: _holders,
    event.CONTRACT_EXPIRED.name: _holders,
    event.OPTION_EXPIRED.name: _holders,
    event.BARRIER_TOUCHED.name: _holders,
    event.ORDER_FILLED.name: _account,
    event.ASSET_CONVERTED.name: _account,
    event.ACCOUNT_TAKEN_OVER.name: _account,
    event.LOSS_ALLOCATED.name: _payer,
    event.POSITION_DELEVERAGED.name: _account,
    event.SURPLUS_SWEPT.name: _account,
}
"""Accounts an event touches beside the clearing house's own."""


def _touch_own(state: State) -> None:
    """Every movement has its other side in one of the clearing house's own accounts."""
    state.margin_cache.touch_many(state.own_accounts())


def note_event(state: State, message: Message, row: Row) -> None:
    """Tell the cache what an event that has been applied touched."""
    if message.name in QUIET:
        return
    state.is_moved = True
    touch = TOUCH.get(message.name)
    if touch is None:
        state.margin_cache.touch_all()
        return
    touch(state, row)
    _touch_own(state)


def note_trades(state: State, run: Run) -> None:
    """Tell the cache that trades have been booked."""
    state.is_moved = True
    columns = columns_of(run)
    state.margin_cache.touch_many(columns["buyer"])
    state.margin_cache.touch_many(columns["seller"])
    _touch_own(state)
