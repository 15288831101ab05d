"""Standing of members: active, suspended or in default (rules 6.50 to 6.53).

Of a member that is not active no account is opened, and its accounts only reduce risk.  That they
are suspended is a column of theirs, so that whoever decides on an account looks at nothing else.

Sources: EMIR Article 48, default procedures; CPMI-IOSCO PFMI Principles 13 and 18.
"""

from __future__ import annotations

import numpy as np

from novate.book.state import BookState
from novate.kernel.codes import MemberStatus, Role
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetMemberStatusRefusal as No
from novate.message.topic import Accounts, Application, Decision, Topic


def decide_set_member_status(state: BookState, row: Row, emit: Emit) -> Refusal | None:
    """Decide another status of a member: `MemberStatusSet`.

    A default is final, and closes nothing out by itself.

    Parameters
    ----------
    row
        ``member``, its account; ``status``, a code of `MemberStatus`.

    Returns
    -------
    Refusal | None
        UNKNOWN_MEMBER, UNKNOWN_STATUS, MEMBER_DEFAULTED or STATUS_UNCHANGED, tested in this order.
    """
    accounts, member, status = state.accounts, row["member"], row["status"]
    if member >= accounts.count or accounts.role[member] != Role.MEMBER:
        return Refusal(No.UNKNOWN_MEMBER, member, accounts.count - 1)
    if status not in list(MemberStatus):
        return Refusal(No.UNKNOWN_STATUS, status, max(MemberStatus))
    before = int(accounts.status[member])
    if before == MemberStatus.DEFAULTED:
        return Refusal(No.MEMBER_DEFAULTED, status, MemberStatus.DEFAULTED)
    if status == before:
        return Refusal(No.STATUS_UNCHANGED, status, before)
    emit(event.MEMBER_STATUS_SET, **row)
    return None


def apply_member_status_set(state: BookState, row: Row) -> None:
    """Note the status at the member, and at all of its accounts whether they are suspended."""
    accounts = state.accounts
    accounts.status[row["member"]] = row["status"]
    is_own = accounts.used("parent") == row["member"]
    accounts.used("is_suspended")[is_own] = row["status"] != MemberStatus.ACTIVE


def _touched(state: BookState, row: Row) -> Accounts:
    """Return the member and its accounts."""
    own = np.flatnonzero(state.accounts.used("parent") == row["member"])
    return np.append(own, row["member"])


TOPIC: Topic[BookState] = Topic(
    name="members",
    decisions=(Decision(command.SET_MEMBER_STATUS, decide_set_member_status, No),),
    applications=(Application(event.MEMBER_STATUS_SET, apply_member_status_set, _touched),),
)
