"""Opening accounts: the tree from member to margin account, and the clearing house's own."""

from __future__ import annotations

from dataclasses import dataclass, fields

from novate.book.columns import AccountColumns
from novate.book.state import BookState
from novate.kernel.codes import Collateral, MarginMode, Role, Segregation, ShortfallPolicy
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import OpenAccountRefusal as No
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
    is_price_collared
        Whether the collar binds its trades.
    shares_losses
        Whether a last layer of the waterfall may take from its gains.
    collateral
        What may be deposited in it.
    """

    can_trade: bool = False
    is_margined: bool = False
    is_price_collared: bool = True
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
    Role.EXTERNAL_MARKET: Policies(can_trade=True, is_price_collared=False),
}
"""Policies that an account gets when it opens; every other role has the defaults."""


def decide_open_account(state: BookState, row: Row, emit: Emit) -> Refusal | None:
    """Open an account, or say why not.

    A member has at most one default-fund contribution; the clearing house has one account of each
    of its own roles.
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
    """Append the account."""
    accounts = state.accounts
    account = accounts.append()
    accounts.name(row["reference"])
    for name in ("role", "parent", "segregation", "mode", "shortfall_policy"):
        getattr(accounts, name)[account] = row[name]
    _give_policies(accounts, account)
    accounts.payer[account] = row["parent"]
    for name in ("pool", "margin_group", "netting_set"):
        getattr(accounts, name)[account] = account


def _give_policies(accounts: AccountColumns, account: int) -> None:
    """Fill the columns that follow from the role of a new account."""
    policies = BY_ROLE.get(Role(int(accounts.role[account])), Policies())
    for column in fields(policies):
        getattr(accounts, column.name)[account] = getattr(policies, column.name)


TOPIC: Topic[BookState] = Topic(
    name="accounts",
    decisions=(Decision(command.OPEN_ACCOUNT, decide_open_account, No, is_before_house=True),),
    applications=(Application(event.ACCOUNT_OPENED, apply_account_opened, ACCOUNT),),
)
