"""Opening accounts: member, house, client and default-fund accounts, and the clearing house's own.

Sources: rules 6.1 to 6.3; EMIR Article 39 and CPMI-IOSCO PFMI Principle 14 for segregation of house
and client accounts.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from novate.book.columns import AccountColumns
from novate.book.state import BookState
from novate.kernel.clearing.group import GROUP_MAX
from novate.kernel.codes import (
    AccountStatus,
    Collateral,
    MarginMode,
    MemberStatus,
    Role,
    Segregation,
    ShortfallPolicy,
)
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import OpenAccountRefusal as No
from novate.message.refusal import OpenSubAccountRefusal
from novate.message.topic import ACCOUNT, Application, Decision, Topic

UNDER_A_MEMBER = (Role.HOUSE, Role.CLIENT, Role.DEFAULT_FUND)
"""Roles whose accounts belong to a member."""

MANY = (Role.MEMBER, Role.HOUSE, Role.CLIENT)
"""Roles of which there may be any number of accounts."""


@dataclass(frozen=True, slots=True)
class Policies:
    """What an account may do and owes, as columns: nothing else asks for its role.

    Attributes
    ----------
    can_trade
        Whether it holds positions by trades.
    is_margined
        Whether it is held to margin, and called, liquidated and taken over.
    shares_losses
        Whether a last layer of the waterfall may take from its gains.
    collateral
        What may be deposited in it.
    """

    can_trade: bool = False
    is_margined: bool = False
    shares_losses: bool = False
    collateral: Collateral = Collateral.NONE


MARGIN_ACCOUNT = Policies(
    can_trade=True, is_margined=True, shares_losses=True, collateral=Collateral.ANY
)
FUND = Policies(collateral=Collateral.NUMERAIRE)
BY_ROLE = {
    Role.HOUSE: MARGIN_ACCOUNT,
    Role.CLIENT: MARGIN_ACCOUNT,
    Role.DEFAULT_FUND: FUND,
    Role.INSURANCE_FUND: FUND,
    Role.SKIN_IN_THE_GAME: FUND,
    Role.EXTERNAL_MARKET: Policies(can_trade=True),
}
"""Policies that an account gets when it opens; every other role has the defaults."""


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
        UNKNOWN_SHORTFALL_POLICY, UNKNOWN_SEGREGATION or MEMBER_NOT_ACTIVE, tested in this order.
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
    standing = int(accounts.status[parent]) if parent >= 0 else MemberStatus.ACTIVE
    if standing != MemberStatus.ACTIVE:
        return Refusal(No.MEMBER_NOT_ACTIVE, standing, MemberStatus.ACTIVE)
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
    _give_policies(accounts, account)
    accounts.payer[account] = row["parent"]
    for name in ("pool", "margin_group", "netting_set"):
        getattr(accounts, name)[account] = account


def decide_open_sub_account(state: BookState, row: Row, emit: Emit) -> Refusal | None:
    """Open another account of a holder, alone or in a margin group of the holder's; or say why not.

    It starts empty, so that no requirement changes.
    """
    no, accounts = OpenSubAccountRefusal, state.accounts
    reference, holder, mode = row["reference"], row["account"], row["mode"]
    if reference in accounts.number or not reference:
        return Refusal(no.REFERENCE_TAKEN, accounts.number.get(reference, -1), -1)
    if holder >= accounts.count or not accounts.is_margined[holder]:
        return Refusal(no.UNKNOWN_ACCOUNT, holder, accounts.count - 1)
    if mode not in list(MarginMode):
        return Refusal(no.UNKNOWN_MODE, mode, len(MarginMode))
    account, group, netting_set = accounts.count, row["group"], row["netting_set"]
    refusal = None if group == -1 else _join_refusal(state, holder, mode, group)
    if refusal is not None:
        return refusal
    if netting_set != -1 and (group == -1 or not state.is_netting_set(netting_set, group)):
        return Refusal(no.UNKNOWN_NETTING_SET, netting_set, group)
    standing = int(accounts.status[accounts.parent[holder]])
    if standing != MemberStatus.ACTIVE:
        return Refusal(no.MEMBER_NOT_ACTIVE, standing, MemberStatus.ACTIVE)
    emit(
        event.SUB_ACCOUNT_OPENED,
        account=account,
        reference=reference,
        holder=holder,
        mode=mode,
        group=group if group >= 0 else account,
        netting_set=netting_set if netting_set >= 0 else account,
    )
    return None


def _join_refusal(state: BookState, holder: int, mode: int, group: int) -> Refusal | None:
    """Why a new account of a holder may not join a margin group."""
    no, accounts = OpenSubAccountRefusal, state.accounts
    if not state.is_group(group):
        return Refusal(no.UNKNOWN_GROUP, group, -1)
    if accounts.pool[group] != accounts.pool[holder]:
        return Refusal(no.OTHER_POOL, int(accounts.pool[group]), int(accounts.pool[holder]))
    if accounts.status[group] != AccountStatus.OPEN:
        return Refusal(no.GROUP_NOT_OPEN, int(accounts.status[group]), AccountStatus.OPEN)
    if MarginMode.ISOLATED in (mode, accounts.mode[group]):
        return Refusal(no.ISOLATED_IN_GROUP, mode, MarginMode.CROSS)
    if len(accounts.ring_of(group)) >= GROUP_MAX:
        return Refusal(no.GROUP_FULL, GROUP_MAX + 1, GROUP_MAX)
    return None


_OF_HOLDER = (
    "role", "parent", "segregation", "shortfall_policy", "payer", "pool",
    *(column.name for column in fields(Policies)),
)  # fmt: skip
"""Columns that an account has from its holder's others."""

OF_GROUP = ("margin_model", "add_ons")
"""Columns that the accounts of a margin group have in common."""


def apply_sub_account_opened(state: BookState, row: Row) -> None:
    """Append the account."""
    accounts = state.accounts
    account = accounts.append()
    accounts.name(row["reference"])
    for name in _OF_HOLDER:
        column = getattr(accounts, name)
        column[account] = column[row["holder"]]
    accounts.mode[account] = row["mode"]
    put_into_group(state, account, row["group"], row["netting_set"])


def put_into_group(state: BookState, account: int, group: int, netting_set: int) -> None:
    """Move an account into a margin group and a netting set of it; itself for its own.

    It gets what the accounts of the group have in common.
    """
    accounts = state.accounts
    accounts.netting_set[account] = netting_set
    if accounts.margin_group[account] == group:
        return
    if accounts.group_link[account] >= 0:
        accounts.leave(account)
    accounts.margin_group[account] = account
    if group != account:
        accounts.join(account, group)
        for name in OF_GROUP:
            column = getattr(accounts, name)
            column[account] = column[group]
    state.forget_groups()


def _give_policies(accounts: AccountColumns, account: int) -> None:
    """Fill the columns that follow from the role of a new account."""
    policies = BY_ROLE.get(Role(int(accounts.role[account])), Policies())
    for column in fields(policies):
        getattr(accounts, column.name)[account] = getattr(policies, column.name)


TOPIC: Topic[BookState] = Topic(
    name="accounts",
    decisions=(
        Decision(command.OPEN_ACCOUNT, decide_open_account, No, is_before_house=True),
        Decision(command.OPEN_SUB_ACCOUNT, decide_open_sub_account, OpenSubAccountRefusal),
    ),
    applications=(
        Application(event.ACCOUNT_OPENED, apply_account_opened, ACCOUNT),
        Application(event.SUB_ACCOUNT_OPENED, apply_sub_account_opened, ACCOUNT),
    ),
)
