"""Telling the margin cache which accounts an event touched, as its topic declares.

Marks, index prices and haircuts are touched by nobody: the cache compares them itself.
"""

from __future__ import annotations

from collections.abc import Callable

from novate.engine.state import State
from novate.message.declare import Row
from novate.message.topic import Accounts, Reach


def note(state: State, touches: Reach | Callable[[State, Row], Accounts], row: Row) -> None:
    """Tell the cache what an event that has been applied touched.

    Parameters
    ----------
    touches
        As its `Application` declares.
    row
        The event: a row, or all rows by column.
    """
    if touches is Reach.NOBODY:
        return
    state.is_moved = True
    if touches is Reach.EVERYBODY:
        state.margin_cache.touch_all()
        return
    if callable(touches):
        state.margin_cache.touch_many(touches(state, row))
    # Every movement has its other side in one of the clearing house's own accounts.
    state.margin_cache.touch_many(state.own_accounts())
