"""What comes after a takeover: what is owed is paid, and the account is opened again (chapter 12).

Sources: CPMI-IOSCO PFMI Principle 13 (rules by which a participant is readmitted are public).
"""

from __future__ import annotations

from novate.book.state import GROUP
from novate.default_management.state import DefaultState
from novate.kernel.codes import AccountStatus, MemberStatus
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import ReopenAccountRefusal as No
from novate.message.topic import Application, Decision, Topic


def decide_reopen_account(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide to open a group that was taken over again: `AccountReopened` (rule 12.29).

    Parameters
    ----------
    row
        ``account``: a margin group.

    Returns
    -------
    Refusal | None
        UNKNOWN_ACCOUNT, NOT_TAKEN_OVER, STILL_OWED with what is owed in numeraire units, or
        MEMBER_NOT_ACTIVE; tested in this order.
    """
    group = row["account"]
    if not x.is_group(group):
        return Refusal(No.UNKNOWN_ACCOUNT, group, x.accounts.count - 1)
    status = int(x.accounts.status[group])
    if status != AccountStatus.TAKEN_OVER:
        return Refusal(No.NOT_TAKEN_OVER, status, AccountStatus.TAKEN_OVER)
    owed = int(x.accounts.owed[group])
    if owed:
        return Refusal(No.STILL_OWED, owed, 0)
    if x.accounts.is_suspended[group]:
        standing = int(x.accounts.status[x.accounts.parent[group]])
        return Refusal(No.MEMBER_NOT_ACTIVE, standing, MemberStatus.ACTIVE)
    emit(event.ACCOUNT_REOPENED, account=group)
    return None


def apply_account_reopened(x: DefaultState, row: Row) -> None:
    """Set the status of the accounts of the group to *open*."""
    x.accounts.status[list(x.group_accounts(row["account"]))] = AccountStatus.OPEN


TOPIC: Topic[DefaultState] = Topic(
    name="reopening",
    decisions=(Decision(command.REOPEN_ACCOUNT, decide_reopen_account, No),),
    applications=(Application(event.ACCOUNT_REOPENED, apply_account_reopened, GROUP),),
)
