"""Margin calls of accounts whose shortfall policy is call then default (rulebook chapter 10).

Sources: EMIR Article 41 and CPMI-IOSCO PFMI Principle 6 for calling and collecting margin; PFMI
Principle 13 for the rules by which a member that does not pay is in default.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from novate.book.reservation import release_all
from novate.canonical import Run
from novate.default_management.close_out import (
    assess_many,
    covers_initial,
    failing,
    holds_anywhere,
    holds_elsewhere,
    known_groups,
    look_at,
    stands,
    takeover_level,
)
from novate.default_management.refused import Refused
from novate.default_management.state import DefaultState
from novate.kernel.clearing.assess import EQUITY, INITIAL, NET
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.codes import AccountStatus, DueKind, ShortfallPolicy
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import (
    NOBODY,
    Application,
    ColumnDecision,
    Topic,
    column_work,
    commands,
)
from novate.valuation import ClearingState
from novate.valuation.price_status import WAITING


def decide_call_margins(
    x: ClearingState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide which open accounts are called (rules 4.19 and 10.1).

    Emits `MarginCalled` with the amount, ``initial margin - equity`` in numeraire units and above
    zero, and its deadline, ns.

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT without such an account of policy call then
        default, CAUSE_GONE unless it is open and its equity below initial margin at every price of
        rule 5.80.
    """
    accounts, is_known = known_groups(x, columns["account"])
    refused = Refused(accounts.size)
    is_known &= x.accounts.shortfall_policy[accounts] == ShortfallPolicy.CALL_THEN_DEFAULT
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    numbers = assess_many(x, accounts)
    is_gone = x.accounts.status[accounts] != AccountStatus.OPEN
    is_gone |= holds_anywhere(x, accounts, numbers, covers_initial)
    equity, initial = numbers[:, EQUITY], numbers[:, INITIAL]
    refused.where(is_gone, No.CAUSE_GONE, equity, initial)
    rows = refused.passing()
    if rows.size:
        grace_ns = x.parameter_of(Parameter.CALL_GRACE_NS, accounts[rows])
        emit.columns(
            event.MARGIN_CALLED,
            account=accounts[rows],
            amount=initial[rows] - equity[rows],
            deadline_ns=x.now_ns + grace_ns,
            equity=equity[rows],
            requirement=initial[rows],
        )
    return refused.reasons()


def apply_margin_called(x: ClearingState, columns: Row) -> None:
    """Set the status of accounts to *called*, with amount and deadline."""
    accounts = columns["account"].astype(np.int64)
    x.accounts.status[x.accounts_of(accounts)[0]] = AccountStatus.CALLED
    x.accounts.call_amount[accounts] = columns["amount"]
    _set_deadlines(x, accounts, columns["deadline_ns"])


def _set_deadlines(x: ClearingState, accounts: I64, deadline_ns: int | I64) -> None:
    x.accounts.deadline_ns[accounts] = deadline_ns
    x.due.enter(DueKind.CALL_DEADLINE, accounts, x.accounts.deadline_ns[accounts])


def decide_meet_calls(x: ClearingState, columns: Row, emit: Emit) -> Sequence[tuple[int, Refusal]]:
    """Decide which calls are met: `MarginCallMet` if equity covers initial margin (rule 10.4).

    A blocked price does not hold this up: the call is met at the last marks, and a price that comes
    back worse leads to another call with a whole grace (rule 10.5).

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT unless called, CAUSE_GONE with equity below initial
        margin.
    """
    accounts, refused = _called(x, columns)
    numbers = assess_many(x, accounts)
    equity, initial = numbers[:, EQUITY], numbers[:, INITIAL]
    refused.where(equity < initial, No.CAUSE_GONE, equity, initial)
    _meet(accounts, numbers, refused.passing(), emit)
    return refused.reasons()


def _called(x: ClearingState, columns: Row) -> tuple[I64, Refused]:
    """Accounts of a run, and those of them that are not called refused."""
    accounts, is_known = known_groups(x, columns["account"])
    refused = Refused(accounts.size)
    is_known &= x.accounts.status[accounts] == AccountStatus.CALLED
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    return accounts, refused


def _meet(accounts: I64, numbers: I64, rows: I64, emit: Emit) -> None:
    if rows.size:
        emit.columns(
            event.MARGIN_CALL_MET,
            account=accounts[rows],
            equity=numbers[rows, EQUITY],
            requirement=numbers[rows, INITIAL],
        )


def apply_margin_call_met(x: ClearingState, columns: Row) -> None:
    """Set the status of accounts to *open*, without a call."""
    _close_calls(x, columns["account"].astype(np.int64), AccountStatus.OPEN)


def _close_calls(x: ClearingState, groups: I64, status: AccountStatus) -> I64:
    """End calls, and return the accounts of the groups."""
    accounts = x.accounts_of(groups)[0]
    x.accounts.status[accounts] = status
    x.accounts.call_amount[groups] = 0
    x.accounts.deadline_ns[groups] = 0
    return accounts


def decide_expire_calls(x: DefaultState, columns: Row, emit: Emit) -> Sequence[tuple[int, Refusal]]:
    """Decide calls at their deadline, or earlier below the takeover level (rules 10.6 to 10.8).

    Emits `MarginCallMet` with equity at or above initial margin, at the mark or at other prices
    (rule 5.81); else `CallExtended` while an open position, long options aside, has a blocked
    price: no default is declared on marks that are not current; else `DefaultDeclared`, and
    `MarginReleased` for the reservations of the account.

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT unless called; NOT_DUE before the deadline, unless
        takeover worth is below the takeover level and no price is blocked.
    """
    accounts, refused = _called(x, columns)
    numbers = assess_many(x, accounts)
    due = x.accounts.deadline_ns[accounts]
    blocked = look_at(x, accounts).blocked
    is_early = x.now_ns < due
    does_stand = stands(x, accounts, numbers)
    others = np.flatnonzero(~does_stand)
    does_stand[others] = holds_elsewhere(x, accounts[others], partial(stands, x))[0]
    refused.where(is_early & ((blocked >= 0) | does_stand), No.NOT_DUE, x.now_ns, due)
    rows = refused.passing()
    asked = numbers[rows]
    is_met = holds_anywhere(x, accounts[rows], asked, covers_initial)
    numbers[rows] = asked
    equity, initial = numbers[:, EQUITY], numbers[:, INITIAL]
    _meet(accounts, numbers, rows[is_met], emit)
    rows = rows[~is_met]
    waits = rows[blocked[rows] >= 0]
    if waits.size:
        emit.columns(
            event.CALL_EXTENDED,
            account=accounts[waits],
            deadline_ns=np.full(waits.size, x.now_ns),
            instrument=blocked[waits],
        )
    fails = rows[blocked[rows] < 0]
    if fails.size:
        emit.columns(
            event.DEFAULT_DECLARED,
            account=accounts[fails],
            equity=equity[fails],
            requirement=initial[fails],
            net=numbers[fails, NET],
        )
        release_all(x, x.accounts_of(accounts[fails])[0], emit)
    return refused.reasons()


def apply_call_extended(x: ClearingState, columns: Row) -> None:
    """Let the deadlines of calls wait until the blocked price is there again (rule 8.15)."""
    _set_deadlines(x, columns["account"], WAITING)


def apply_default_declared(x: DefaultState, columns: Row) -> None:
    """Set the status of accounts to *liquidating*, without a call, with a slice due now."""
    groups = columns["account"].astype(np.int64)
    x.set_slices(_close_calls(x, groups, AccountStatus.LIQUIDATING), x.now_ns)


def calls(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `CallMargin` for open accounts below initial margin (rules 4.19 and 4.22).

    Parameters
    ----------
    margin
        Equity and initial margin of all accounts, numeraire units.

    Returns
    -------
    list[Run]
        Accounts of policy call then default without a blocked price, by number.
    """
    breach = (
        x.margin_groups()
        & (x.accounts.used("status") == AccountStatus.OPEN)
        & (x.accounts.used("shortfall_policy") == ShortfallPolicy.CALL_THEN_DEFAULT)
        & (margin.equity < margin.initial)
    )
    short = np.flatnonzero(breach)
    short = short[look_at(x, short).blocked < 0]
    return commands(command.CALL_MARGIN, account=failing(x, short, covers_initial))


def calls_met(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `MeetCall` for called accounts with equity at or above initial margin (rule 4.16)."""
    called = x.margin_groups() & (x.accounts.used("status") == AccountStatus.CALLED)
    return commands(
        command.MEET_CALL, account=np.flatnonzero(called & (margin.equity >= margin.initial))
    )


def early_defaults(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `ExpireCall` for called accounts that fail before their deadline (rule 4.17).

    Those are accounts with takeover worth below the takeover level, and those whose deadline waited
    for a price; none while a price is blocked.
    """
    is_called = x.accounts.used("status") == AccountStatus.CALLED
    called = np.flatnonzero(x.margin_groups() & is_called)
    level = takeover_level(x, called, margin.maintenance[called])
    waits = x.accounts.deadline_ns[called] == WAITING
    # Long options only add to equity: accounts at or above the level need no look.
    called = called[waits | (margin.equity[called] < level)]
    blocked, long_worth = look_at(x, called)
    waits = x.accounts.deadline_ns[called] == WAITING
    level = takeover_level(x, called, margin.maintenance[called])
    fails = margin.equity[called] + long_worth < level
    fails[fails] = ~holds_elsewhere(x, called[fails], partial(stands, x))[0]
    fails |= waits
    return commands(command.EXPIRE_CALL, account=called[fails & (blocked < 0)])


def _deadlines(x: ClearingState) -> I64:
    return x.accounts.used("deadline_ns")


def _expire_calls(x: ClearingState, accounts: I64) -> Run:
    return command.EXPIRE_CALL.run({"account": accounts})


CALL_DEADLINE = column_work(DueKind.CALL_DEADLINE, _deadlines, _expire_calls)

TOPIC: Topic[DefaultState] = Topic(
    name="margin calls",
    decisions=(
        ColumnDecision(command.CALL_MARGIN, decide_call_margins, No, is_engine_only=True),
        ColumnDecision(command.MEET_CALL, decide_meet_calls, No, is_engine_only=True),
        ColumnDecision(command.EXPIRE_CALL, decide_expire_calls, No, is_engine_only=True),
    ),
    applications=(
        Application(event.MARGIN_CALLED, apply_margin_called, NOBODY, is_by_column=True),
        Application(event.MARGIN_CALL_MET, apply_margin_call_met, NOBODY, is_by_column=True),
        Application(event.CALL_EXTENDED, apply_call_extended, NOBODY, is_by_column=True),
        Application(event.DEFAULT_DECLARED, apply_default_declared, NOBODY, is_by_column=True),
    ),
    work=(CALL_DEADLINE,),
    stages=(calls_met, early_defaults, calls),
)
