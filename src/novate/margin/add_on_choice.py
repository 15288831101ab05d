"""Switching the add-ons of a group on and off (rules 3.31, 6.20 and 6.21)."""

from __future__ import annotations

import numpy as np

from novate.errors import JournalError
from novate.kernel.codes import AccountStatus
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetAddOnRefusal as No
from novate.message.topic import Accounts, Application, Decision, Topic
from novate.valuation import ClearingState
from novate.valuation.group_book import book_of, joined
from novate.valuation.price_status import is_blocked


def decide_set_add_on(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide whether a group has an add-on: `AddOnSet` (rules 6.20 and 6.21).

    Parameters
    ----------
    row
        ``group``, a margin group, ``add_on``, a number of the catalogue, and ``is_on``.

    Returns
    -------
    Refusal | None
        UNKNOWN_GROUP, UNKNOWN_ADD_ON, GROUP_NOT_OPEN, PRICE_BLOCKED, or, of an add-on to be
        switched on, INSUFFICIENT_MARGIN with equity below the initial margin that is then asked,
        numeraire units; tested in this order.
    """
    group, add_on = row["group"], row["add_on"]
    if not x.is_group(group):
        return Refusal(No.UNKNOWN_GROUP, group, x.accounts.count - 1)
    if add_on not in x.add_ons:
        return Refusal(No.UNKNOWN_ADD_ON, add_on, max(x.add_ons, default=-1))
    status = int(x.accounts.status[group])
    if status != AccountStatus.OPEN:
        return Refusal(No.GROUP_NOT_OPEN, status, AccountStatus.OPEN)
    book = book_of(x, group)
    blocked = next((i for i in book.instrument.tolist() if is_blocked(x, i)), -1)
    if blocked >= 0:
        return Refusal(No.PRICE_BLOCKED, blocked, -1)
    found = x.assess(group)
    equity = found.equity
    add_ons = _changed(int(x.accounts.add_ons[group]), add_on, is_on=row["is_on"])
    initial = int(x.margins([group], joined([book]), add_ons=add_ons)[0, 0]) + found.debt_initial
    if row["is_on"] and equity < initial:
        return Refusal(No.INSUFFICIENT_MARGIN, equity, initial)
    emit(event.ADD_ON_SET, equity=equity, requirement=initial, **row)
    return None


def _changed(add_ons: int, number: int, *, is_on: bool) -> int:
    """Return a bit set with or without an add-on."""
    return add_ons | 1 << number if is_on else add_ons & ~(1 << number)


def apply_add_on_set(x: ClearingState, row: Row) -> None:
    """Give all accounts of a group the add-on, or take it away.

    Raises
    ------
    JournalError
        If the add-on is not in the catalogue of this state, so that no margin could be computed.
    """
    number = row["add_on"]
    if number not in x.add_ons:
        raise JournalError(f"a group gets add-on {number}, the catalogue has no such")
    add_ons = _changed(int(x.accounts.add_ons[row["group"]]), number, is_on=row["is_on"])
    x.accounts.add_ons[list(x.group_accounts(row["group"]))] = add_ons
    x.forget_modelled()


def _accounts(x: ClearingState, row: Row) -> Accounts:
    return np.array(x.group_accounts(row["group"]), np.int64)


TOPIC: Topic[ClearingState] = Topic(
    name="margin add-ons",
    decisions=(Decision(command.SET_ADD_ON, decide_set_add_on, No),),
    applications=(Application(event.ADD_ON_SET, apply_add_on_set, _accounts),),
)
