"""Opening accounts: member, house, client and default-fund accounts, and the clearing house's own.

Sources: rules 6.1 to 6.3; EMIR Article 39 and CPMI-IOSCO PFMI Principle 14 for segregation of house
and client accounts.
"""

from __future__ import annotations

from novate.book.columns import AccountColumns
from novate.book.state import BookState
from novate.kernel.codes import MarginMode, Role, Segregation, ShortfallPolicy
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import OpenAccountRefusal as No
from novate.message.topic import ACCOUNT, Application, Decision, Topic

UNDER_A_MEMBER = (Role.HOUSE, Role.CLIENT, Role.DEFAULT_FUND)
"""Roles whose accounts belong to a member."""

MANY = (Role.MEMBER, Role.HOUSE, Role.CLIENT)
"""Roles of which there may be any number of accounts."""


def decide_open_account(state: BookState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a new account: `AccountOpened` with the next number (rules 6.1 to 6.3).

    A member has at most one default-fund contribution; the clearing house has one account of each
    of its own roles.

    Parameters
    ----------
    row
        ``reference``, the outside name; ``role``, ``mode``, ``shortfall_policy`` and
        ``segregation``, codes of `kernel.codes`; ``parent``, the account of the member it belongs
        to, -1 for none.

    Returns
    -------
    Refusal | None
        REFERENCE_TAKEN, also if empty, UNKNOWN_ROLE, ROLE_TAKEN, UNKNOWN_MEMBER, UNKNOWN_MODE,
        UNKNOWN_SHORTFALL_POLICY or UNKNOWN_SEGREGATION, tested in this order.
    """
    accounts = state.accounts
    reference, role, parent = row["reference"], row["role"], row["parent"]
    if reference in accounts.number or not reference:
        return Refusal(No.REFERENCE_TAKEN, accounts.number.get(reference, -1), -1)
    if role not in list(Role):
        return Refusal(No.UNKNOWN_ROLE, role, len(Role))
    roles = accounts.used("role")
    if role not in MANY and _is_taken(accounts, role, parent):
        return Refusal(No.ROLE_TAKEN, role, 0)
    if role not in UNDER_A_MEMBER and parent != -1:
        return Refusal(No.UNKNOWN_MEMBER, parent, -1)
    is_known = 0 <= parent < accounts.count and roles[parent] == Role.MEMBER
    if role in UNDER_A_MEMBER and not is_known:
        return Refusal(No.UNKNOWN_MEMBER, parent, accounts.count - 1)
    if row["mode"] not in list(MarginMode):
        return Refusal(No.UNKNOWN_MODE, row["mode"], len(MarginMode))
    if row["shortfall_policy"] not in list(ShortfallPolicy):
        return Refusal(No.UNKNOWN_SHORTFALL_POLICY, row["shortfall_policy"], len(ShortfallPolicy))
    if row["segregation"] not in list(Segregation):
        return Refusal(No.UNKNOWN_SEGREGATION, row["segregation"], len(Segregation) - 1)
    emit(event.ACCOUNT_OPENED, account=accounts.count, **row)
    return None


def _is_taken(accounts: AccountColumns, role: int, parent: int) -> bool:
    """Whether there is an account of a role that exists once: in all, or under a member."""
    same = accounts.used("role") == role
    if role == Role.DEFAULT_FUND:
        same &= accounts.used("parent") == parent
    return bool(same.any())


def apply_account_opened(state: BookState, row: Row) -> None:
    """Append the account, open and with zero balances."""
    accounts = state.accounts
    account = accounts.append()
    accounts.name(row["reference"])
    for name in ("role", "parent", "segregation", "mode", "shortfall_policy"):
        getattr(accounts, name)[account] = row[name]


TOPIC: Topic[BookState] = Topic(
    name="accounts",
    decisions=(Decision(command.OPEN_ACCOUNT, decide_open_account, No, is_before_house=True),),
    applications=(Application(event.ACCOUNT_OPENED, apply_account_opened, ACCOUNT),),
)
