"""Margin calls of accounts that are called before they default (rulebook chapter 10).

Calls look at positions alone (rule 3.40): orders that are not margined are asked back instead.

Sources: EMIR Article 41 and CPMI-IOSCO PFMI Principle 6 for calling and collecting margin; PFMI
Principle 13 for the rules by which a member that does not pay is in default.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from novate.book.reservation import release_all
from novate.canonical import Run
from novate.default_management.close_out import (
    assess_positions,
    equity_of_called,
    held_up,
    is_only_decayed,
    known_groups,
    look_at,
    look_for_takeover,
    may_fail,
    position_margin,
)
from novate.default_management.refused import Refused
from novate.default_management.state import DefaultState
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE, NET
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
from novate.valuation.stale_collateral import decaying_assets


def call_level(x: ClearingState, accounts: I64, numbers: I64) -> I64:
    """Return the equity that meets a call, numeraire units (rules 10.1, 10.4 and 10.40).

    Parameters
    ----------
    accounts, numbers
        Accounts and their assessment, shape (accounts, WIDTH).

    Returns
    -------
    I64
        Initial margin; maintenance margin of policy auto-liquidate, whose accounts are only called
        when they are short by decay alone.
    """
    is_auto = x.accounts.shortfall_policy[accounts] == ShortfallPolicy.AUTO_LIQUIDATE
    return np.where(is_auto, numbers[:, MAINTENANCE], numbers[:, INITIAL])


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
        default, or one that is short by decay alone, CAUSE_GONE unless it is open and its equity
        below the level of rule 10.40.
    """
    accounts, is_known = known_groups(x, columns["account"])
    refused = Refused(accounts.size)
    is_auto = x.accounts.shortfall_policy[accounts] == ShortfallPolicy.AUTO_LIQUIDATE
    is_known &= ~is_auto | is_only_decayed(x, accounts)
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    numbers = assess_positions(x, accounts)
    equity, initial = numbers[:, EQUITY], call_level(x, accounts, numbers)
    is_gone = (x.accounts.status[accounts] != AccountStatus.OPEN) | (equity >= initial)
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
    numbers = assess_positions(x, accounts)
    equity, level = numbers[:, EQUITY], call_level(x, accounts, numbers)
    refused.where(equity < level, No.CAUSE_GONE, equity, level)
    _meet(accounts, equity, level, refused.passing(), emit)
    return refused.reasons()


def _called(x: ClearingState, columns: Row) -> tuple[I64, Refused]:
    """Accounts of a run, and those of them that are not called refused."""
    accounts, is_known = known_groups(x, columns["account"])
    refused = Refused(accounts.size)
    is_known &= x.accounts.status[accounts] == AccountStatus.CALLED
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    return accounts, refused


def _meet(accounts: I64, equity: I64, level: I64, rows: I64, emit: Emit) -> None:
    if rows.size:
        emit.columns(
            event.MARGIN_CALL_MET,
            account=accounts[rows],
            equity=equity[rows],
            requirement=level[rows],
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

    Emits `MarginCallMet` with equity at or above what the call asks; else `CallExtended` while none
    of the open positions has a price, so that nothing could be closed; else `DefaultDeclared`, and
    `MarginReleased` for the reservations of the account.

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT unless called; NOT_DUE before the deadline, unless
        takeover worth is below the takeover level and a position has a price.
    """
    accounts, refused = _called(x, columns)
    numbers = assess_positions(x, accounts)
    equity, initial = numbers[:, EQUITY], call_level(x, accounts, numbers)
    due = x.accounts.deadline_ns[accounts]
    fails_early, blocked = _look(x, accounts, equity, numbers[:, MAINTENANCE])
    is_early = x.now_ns < due
    is_held_up = held_up(x, accounts, blocked)
    refused.where(is_early & (is_held_up | ~fails_early), No.NOT_DUE, x.now_ns, due)
    rows = refused.passing()
    is_met = equity[rows] >= initial[rows]
    _meet(accounts, equity, initial, rows[is_met], emit)
    rows = rows[~is_met]
    waits = rows[is_held_up[rows]]
    if waits.size:
        emit.columns(
            event.CALL_EXTENDED,
            account=accounts[waits],
            deadline_ns=np.full(waits.size, x.now_ns),
            instrument=blocked[waits],
        )
    fails = rows[~is_held_up[rows]]
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


def _look(
    x: ClearingState, accounts: I64, equity: I64, maintenance: I64
) -> tuple[npt.NDArray[np.bool_], I64]:
    """Whether called accounts fail before their deadline (rules 10.6 and 10.41).

    And their lowest open position whose price is blocked, -1 for none, long options aside.

    Parameters
    ----------
    accounts, equity, maintenance
        Called accounts and their figures, numeraire units; each of shape (accounts,).
    """
    equity = equity_of_called(x, accounts, equity)
    worth, level, blocked = look_for_takeover(x, accounts, equity, maintenance)
    is_auto = x.accounts.shortfall_policy[accounts] == ShortfallPolicy.AUTO_LIQUIDATE
    fails: npt.NDArray[np.bool_] = (worth < level) | (is_auto & (equity < maintenance))
    return fails, blocked


def apply_call_extended(x: ClearingState, columns: Row) -> None:
    """Let the deadlines of calls wait until the blocked price is there again (rule 8.15)."""
    _set_deadlines(x, columns["account"], WAITING)


def apply_default_declared(x: DefaultState, columns: Row) -> None:
    """Set the status of accounts to *liquidating*, without a call, with a slice due now."""
    groups = columns["account"].astype(np.int64)
    x.set_slices(_close_calls(x, groups, AccountStatus.LIQUIDATING), x.now_ns)


def calls(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `CallMargin` for open accounts below initial margin (rules 4.19, 4.22 and 10.40).

    Parameters
    ----------
    margin
        Equity and initial margin of all accounts, numeraire units.

    Returns
    -------
    list[Run]
        Accounts of policy call then default, or short of maintenance margin by decay alone, those
        aside that nothing could be closed of, by number.
    """
    breach = (
        x.margin_groups()
        & (x.accounts.used("status") == AccountStatus.OPEN)
        & (x.accounts.used("shortfall_policy") == ShortfallPolicy.CALL_THEN_DEFAULT)
        & (margin.equity < margin.initial)
    )
    short = np.flatnonzero(breach)
    short = short[margin.equity[short] < position_margin(x, margin, short)]
    if decaying_assets(x).size:
        failing = np.flatnonzero(
            x.margin_groups()
            & (x.accounts.used("status") == AccountStatus.OPEN)
            & (x.accounts.used("shortfall_policy") == ShortfallPolicy.AUTO_LIQUIDATE)
            & (margin.equity < margin.maintenance)
        )
        short = np.sort(np.concatenate((short, failing[is_only_decayed(x, failing)])))
    is_held_up = held_up(x, short, look_at(x, short).blocked)
    return commands(command.CALL_MARGIN, account=short[~is_held_up])


def calls_met(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `MeetCall` for called accounts whose equity meets their call (rules 4.16, 10.40)."""
    is_called = x.accounts.used("status") == AccountStatus.CALLED
    called = np.flatnonzero(x.margin_groups() & is_called)
    is_auto = x.accounts.shortfall_policy[called] == ShortfallPolicy.AUTO_LIQUIDATE
    initial = position_margin(x, margin, called)
    level = np.where(is_auto, margin.maintenance[called], initial)
    return commands(command.MEET_CALL, account=called[margin.equity[called] >= level])


def early_defaults(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `ExpireCall` for called accounts that fail before their deadline (rule 4.17).

    Those are accounts with takeover worth below the takeover level, and those whose deadline waited
    for a price; none of whose positions nothing could be closed.
    """
    is_called = x.accounts.used("status") == AccountStatus.CALLED
    called = np.flatnonzero(x.margin_groups() & is_called)
    waits = x.accounts.deadline_ns[called] == WAITING
    # What decayed only adds to equity: the others need no look.
    equity, maintenance = margin.equity[called], margin.maintenance[called]
    is_auto = x.accounts.shortfall_policy[called] == ShortfallPolicy.AUTO_LIQUIDATE
    called = called[
        waits | may_fail(x, called, equity, maintenance) | (is_auto & (equity < maintenance))
    ]
    fails, blocked = _look(x, called, margin.equity[called], margin.maintenance[called])
    fails |= x.accounts.deadline_ns[called] == WAITING
    return commands(command.EXPIRE_CALL, account=called[fails & ~held_up(x, called, blocked)])


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
