"""Margin calls of groups that call before they default."""

from __future__ import annotations

import numpy as np

from novate.book.reservation import release_all
from novate.canonical import Run
from novate.default_management.close_out import (
    blocked_instrument,
    has_blocked_price,
    takeover_level,
    takeover_levels,
    takeover_worth,
)
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.codes import AccountStatus, DueKind, ShortfallPolicy
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import NOBODY, Application, Decision, Topic, Work, commands, next_of
from novate.valuation import ClearingState
from novate.valuation.price_status import WAITING


def decide_call_margin(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
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
        deadline_ns=x.now_ns + x.parameter(Parameter.CALL_GRACE_NS, account=account),
        equity=numbers.equity,
        requirement=numbers.initial,
    )
    return None


def apply_margin_called(x: ClearingState, row: Row) -> None:
    """The account is called until the call is met or expires."""
    account = row["account"]
    x.accounts.status[account] = AccountStatus.CALLED
    x.accounts.call_amount[account] = row["amount"]
    x.accounts.deadline_ns[account] = row["deadline_ns"]


def decide_meet_call(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
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


def apply_margin_call_met(x: ClearingState, row: Row) -> None:
    """The account is open again."""
    _close_call(x, row["account"], AccountStatus.OPEN)


def _close_call(x: ClearingState, account: int, status: AccountStatus) -> None:
    x.accounts.status[account] = status
    x.accounts.call_amount[account] = 0
    x.accounts.deadline_ns[account] = 0


def decide_expire_call(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
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
    if is_early and (blocked >= 0 or worth >= takeover_level(x, account, numbers.maintenance)):
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


def apply_call_extended(x: ClearingState, row: Row) -> None:
    """The call waits for its price."""
    x.accounts.deadline_ns[row["account"]] = WAITING


def apply_default_declared(x: ClearingState, row: Row) -> None:
    """The account is closed out from now on."""
    _close_call(x, row["account"], AccountStatus.LIQUIDATING)
    x.accounts.slice_ns[row["account"]] = x.now_ns


def calls(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Open accounts that are called when equity is below initial margin."""
    breach = (
        x.margin_accounts()
        & (x.accounts.used("status") == AccountStatus.OPEN)
        & (x.accounts.used("shortfall_policy") == ShortfallPolicy.CALL_THEN_DEFAULT)
        & (margin.equity < margin.initial)
    )
    return commands(
        command.CALL_MARGIN,
        account=[int(a) for a in np.flatnonzero(breach) if not has_blocked_price(x, int(a))],
    )


def calls_met(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Called accounts whose equity covers initial margin again."""
    called = x.accounts.used("status") == AccountStatus.CALLED
    return commands(
        command.MEET_CALL, account=np.flatnonzero(called & (margin.equity >= margin.initial))
    )


def early_defaults(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Called accounts below the takeover level, or whose deadline waited for a price."""
    called = np.flatnonzero(x.accounts.used("status") == AccountStatus.CALLED)
    level = takeover_levels(x, called, margin.maintenance[called])
    failing = [
        int(a)
        for a, least in zip(called, level, strict=True)
        if x.accounts.deadline_ns[a] == WAITING
        or takeover_worth(x, int(a), int(margin.equity[a])) < least
    ]
    return commands(
        command.EXPIRE_CALL, account=[a for a in failing if not has_blocked_price(x, a)]
    )


def _deadlines(x: ClearingState) -> tuple[I64, I64]:
    return next_of(x.accounts.used("deadline_ns"))


def _expire_call(x: ClearingState, account: int, instant_ns: int) -> Run:
    return command.EXPIRE_CALL.row(account=account)


CALL_DEADLINE = Work(kind=DueKind.CALL_DEADLINE, due=_deadlines, command=_expire_call)

TOPIC: Topic[ClearingState] = Topic(
    name="margin calls",
    decisions=(
        Decision(command.CALL_MARGIN, decide_call_margin, No, is_engine_only=True),
        Decision(command.MEET_CALL, decide_meet_call, No, is_engine_only=True),
        Decision(command.EXPIRE_CALL, decide_expire_call, No, is_engine_only=True),
    ),
    applications=(
        Application(event.MARGIN_CALLED, apply_margin_called, NOBODY),
        Application(event.MARGIN_CALL_MET, apply_margin_call_met, NOBODY),
        Application(event.CALL_EXTENDED, apply_call_extended, NOBODY),
        Application(event.DEFAULT_DECLARED, apply_default_declared, NOBODY),
    ),
    work=(CALL_DEADLINE,),
    stages=(calls_met, early_defaults, calls),
)
