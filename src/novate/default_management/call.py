"""Margin calls of groups that call before they default."""

from __future__ import annotations

from typing import Any

from novate.default_management.columns import DefaultColumns
from novate.default_management.liquidation import blocked_instrument, takeover_worth
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.margin.admission import release_all
from novate.market.reference import PPM
from novate.message import event
from novate.message.declare import Emit, Refusal
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.valuation import Assessment, ClearingState
from novate.valuation.price_status import WAITING


def takeover_level(x: ClearingState, numbers: Assessment) -> int:
    """Equity below which an account in liquidation is taken over, numeraire units."""
    return numbers.maintenance * x.parameter(Parameter.TAKEOVER_PPM) // PPM


def decide_call_margin(x: ClearingState, row: dict[str, Any], emit: Emit) -> Refusal | None:
    """Call an open account whose equity is below initial margin."""
    account = row["account"]
    if (
        account >= x.accounts.count
        or x.accounts.shortfall_policy[account] != ShortfallPolicy.CALL_THEN_DEFAULT
    ):
        return Refusal(No.UNKNOWN_SUBJECT, account, x.accounts.count - 1)
    numbers = x.assess(account)
    if x.accounts.status[account] != AccountStatus.OPEN or numbers.equity >= numbers.initial:
        return Refusal(No.CAUSE_GONE, numbers.equity, numbers.initial)
    emit(
        event.MARGIN_CALLED,
        account=account,
        amount=numbers.initial - numbers.equity,
        deadline_ns=x.now_ns + x.parameter(Parameter.CALL_GRACE_NS),
        equity=numbers.equity,
        requirement=numbers.initial,
    )
    return None


def apply_margin_called(x: ClearingState, row: dict[str, Any]) -> None:
    """The account is called until the call is met or expires."""
    account = row["account"]
    x.accounts.status[account] = AccountStatus.CALLED
    x.accounts.call_amount[account] = row["amount"]
    x.accounts.deadline_ns[account] = row["deadline_ns"]


def decide_meet_call(x: ClearingState, row: dict[str, Any], emit: Emit) -> Refusal | None:
    """Close a call once equity covers initial margin again.

    Blocked prices do not stand in the way: what was asked for at the last marks has been paid, and
    a price that comes back worse leads to another call with a whole grace.
    """
    account = row["account"]
    if account >= x.accounts.count or x.accounts.status[account] != AccountStatus.CALLED:
        return Refusal(No.UNKNOWN_SUBJECT, account, x.accounts.count - 1)
    numbers = x.assess(account)
    if numbers.equity < numbers.initial:
        return Refusal(No.CAUSE_GONE, numbers.equity, numbers.initial)
    emit(
        event.MARGIN_CALL_MET,
        account=account, equity=numbers.equity, requirement=numbers.initial,
    )  # fmt: skip
    return None


def apply_margin_call_met(x: ClearingState, row: dict[str, Any]) -> None:
    """The account is open again."""
    _close_call(x, row["account"], AccountStatus.OPEN)


def _close_call(x: ClearingState, account: int, status: AccountStatus) -> None:
    x.accounts.status[account] = status
    x.accounts.call_amount[account] = 0
    x.accounts.deadline_ns[account] = 0


def decide_expire_call(
    x: ClearingState, defaults: DefaultColumns, row: dict[str, Any], emit: Emit
) -> Refusal | None:
    """At the deadline: met after all, or default.

    A called account whose worth has fallen below the takeover level is in default at once.  Nobody
    is declared in default at a guess: while a price of an open position is blocked the call waits
    for it, and an early default too.
    """
    account = row["account"]
    if account >= x.accounts.count or x.accounts.status[account] != AccountStatus.CALLED:
        return Refusal(No.UNKNOWN_SUBJECT, account, x.accounts.count - 1)
    numbers = x.assess(account)
    due = int(x.accounts.deadline_ns[account])
    blocked = blocked_instrument(x, account)
    is_early = x.now_ns < due
    worth = takeover_worth(x, account, numbers.equity)
    if is_early and (blocked >= 0 or worth >= takeover_level(x, numbers)):
        return Refusal(No.NOT_DUE, x.now_ns, due)
    if numbers.equity >= numbers.initial:
        return decide_meet_call(x, row, emit)
    if blocked >= 0:
        emit(
            event.CALL_EXTENDED,
            account=account, deadline_ns=x.now_ns, instrument=blocked,
        )  # fmt: skip
        return None
    emit(
        event.DEFAULT_DECLARED,
        account=account, equity=numbers.equity, requirement=numbers.initial, net=numbers.net,
    )  # fmt: skip
    release_all(x, account, emit)
    return None


def apply_call_extended(x: ClearingState, row: dict[str, Any]) -> None:
    """The call waits for its price."""
    x.accounts.deadline_ns[row["account"]] = WAITING


def apply_default_declared(x: ClearingState, row: dict[str, Any]) -> None:
    """The account is closed out from now on."""
    _close_call(x, row["account"], AccountStatus.LIQUIDATING)
    x.accounts.slice_ns[row["account"]] = x.now_ns
