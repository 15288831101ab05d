"""Margin calls of accounts that are called before they default (rulebook chapter 10).

Calls look at positions alone (rule 3.40): orders that are not margined are asked back instead.

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
    assess_positions,
    failing,
    held_up,
    holds_anywhere,
    is_only_decayed,
    known_groups,
    look_at,
    may_fail,
    position_margin,
    stands,
)
from novate.default_management.refused import B1, Refused
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
from novate.valuation.stale_collateral import decaying_assets, without_decay


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
        below the level of rule 10.40 at every price of rule 5.80.
    """
    accounts, is_known = known_groups(x, columns["account"])
    refused = Refused(accounts.size)
    is_auto = x.accounts.shortfall_policy[accounts] == ShortfallPolicy.AUTO_LIQUIDATE
    is_known &= ~is_auto | is_only_decayed(x, accounts)
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    numbers = assess_positions(x, accounts)
    is_gone = x.accounts.status[accounts] != AccountStatus.OPEN
    is_gone |= holds_anywhere(x, accounts, numbers, partial(meets_call, x), assess_positions)
    equity, initial = numbers[:, EQUITY], call_level(x, accounts, numbers)
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
        takeover worth is below the takeover level and a position has a price.
    """
    accounts, refused = _called(x, columns)
    numbers = assess_positions(x, accounts)
    due = x.accounts.deadline_ns[accounts]
    blocked = look_at(x, accounts).blocked
    is_early = x.now_ns < due
    is_held_up = held_up(x, accounts, blocked)
    refused.where(is_early & (is_held_up | _stands_early(x, accounts)), No.NOT_DUE, x.now_ns, due)
    rows = refused.passing()
    asked = numbers[rows]
    is_met = holds_anywhere(x, accounts[rows], asked, partial(meets_call, x), assess_positions)
    numbers[rows] = asked
    equity, initial = numbers[:, EQUITY], call_level(x, accounts, numbers)
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


def meets_call(x: ClearingState, accounts: I64, numbers: I64) -> B1:
    """Whether equity is at or above what a call asks (rules 10.4 and 10.40)."""
    return np.asarray(numbers[:, EQUITY] >= call_level(x, accounts, numbers))


def _stands_early(x: ClearingState, accounts: I64) -> B1:
    """Return which called accounts do not fail before their deadline (rules 5.80, 10.6, 10.41)."""
    if not accounts.size:
        return np.zeros(0, np.bool_)

    def does_stand(some: I64, numbers: I64) -> B1:
        is_auto = x.accounts.shortfall_policy[some] == ShortfallPolicy.AUTO_LIQUIDATE
        is_short = numbers[:, EQUITY] < numbers[:, MAINTENANCE]
        return np.asarray(stands(x, some, numbers) & ~(is_auto & is_short))

    with without_decay(x):
        numbers = assess_positions(x, accounts)
        return holds_anywhere(x, accounts, numbers, does_stand, assess_positions)


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
    below = margin.short
    below = below[x.accounts.status[below] == AccountStatus.OPEN]
    policy, equity = x.accounts.shortfall_policy[below], margin.equity[below]
    is_called = policy == ShortfallPolicy.CALL_THEN_DEFAULT
    short = below[is_called & (equity < margin.initial[below])]
    short = short[margin.equity[short] < position_margin(x, margin, short)]
    if decaying_assets(x).size:
        is_auto = policy == ShortfallPolicy.AUTO_LIQUIDATE
        auto = below[is_auto & (equity < margin.maintenance[below])]
        short = np.sort(np.concatenate((short, auto[is_only_decayed(x, auto)])))
    if not short.size:
        return []
    short = short[~held_up(x, short, look_at(x, short).blocked)]
    short = failing(x, short, partial(meets_call, x), assess_positions)
    return commands(command.CALL_MARGIN, account=short)


def calls_met(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `MeetCall` for called accounts whose equity meets their call (rules 4.16, 10.40)."""
    called = x.groups_with_status(AccountStatus.CALLED)
    if not called.size:
        return []
    is_auto = x.accounts.shortfall_policy[called] == ShortfallPolicy.AUTO_LIQUIDATE
    initial = position_margin(x, margin, called)
    level = np.where(is_auto, margin.maintenance[called], initial)
    return commands(command.MEET_CALL, account=called[margin.equity[called] >= level])


def early_defaults(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `ExpireCall` for called accounts that fail before their deadline (rule 4.17).

    Those are accounts with takeover worth below the takeover level, and those whose deadline waited
    for a price; none of whose positions nothing could be closed.
    """
    called = x.groups_with_status(AccountStatus.CALLED)
    if not called.size:
        return []
    waits = x.accounts.deadline_ns[called] == WAITING
    # What decayed only adds to equity: the others need no look.
    equity, maintenance = margin.equity[called], margin.maintenance[called]
    is_auto = x.accounts.shortfall_policy[called] == ShortfallPolicy.AUTO_LIQUIDATE
    called = called[
        waits | may_fail(x, called, equity, maintenance) | (is_auto & (equity < maintenance))
    ]
    fails = (x.accounts.deadline_ns[called] == WAITING) | ~_stands_early(x, called)
    is_held_up = held_up(x, called, look_at(x, called).blocked)
    return commands(command.EXPIRE_CALL, account=called[fails & ~is_held_up])


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
