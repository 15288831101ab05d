"""Margin calls of accounts that are called before they default (rulebook chapter 10).

Every call is an obligation of its own: who pays it in full and in time has met it, whatever prices
did meanwhile, and what they made missing is called for by itself.  Calls look at positions alone
(rule 3.40): orders that are not margined are asked back instead.

Sources: EMIR Article 41 and CPMI-IOSCO PFMI Principle 6 for calling and collecting margin; PFMI
Principle 13 for the rules by which a member that does not pay is in default.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from novate.book.reservation import release_all
from novate.canonical import Run
from novate.collateral.obligation import close
from novate.default_management.call_grace import grace_of, lost_grace, waiting_with
from novate.default_management.close_out import (
    assess_positions,
    bindings_of,
    failing,
    held_up,
    holds_anywhere,
    is_only_decayed,
    known_groups,
    look_at,
    may_fail,
    position_margin,
)
from novate.default_management.index_failure import may_be_insolvent
from novate.default_management.missing_margin import (
    call_level,
    in_arrears,
    is_worth_a_call,
    meets_call,
    missing,
    stands_early,
)
from novate.default_management.refused import B1, Refused
from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.assess import EQUITY, NET
from novate.kernel.clearing.columns import I8, I64, MarginColumns
from novate.kernel.codes import AccountStatus, DueKind, ShortfallPolicy
from novate.message import command, event
from novate.message.declare import Emit, Message, Refusal, Row
from novate.message.obligation import ObligationKind, ObligationOutcome
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


def decide_call_margins(
    x: ClearingState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide which groups are called for what they miss (rules 4.19, 10.1 and 10.52 to 10.55).

    Emits `MarginCalled` with the number of the new obligation, its amount, ``call level - equity``
    less what is still asked, in numeraire units and above zero, and its deadline, ns: that of the
    calls before it, or of an open group a whole grace from now.

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT without such an account of policy call then
        default, or one that is short by decay alone, CAUSE_GONE unless it is open, or called with a
        deadline that does not wait, its equity is below the call level at every price of rule 5.80,
        and it misses something that is worth a call.
    """
    accounts, is_known = known_groups(x, columns["account"])
    refused = Refused(accounts.size)
    is_auto = x.accounts.shortfall_policy[accounts] == ShortfallPolicy.AUTO_LIQUIDATE
    is_known &= ~is_auto | is_only_decayed(x, accounts)
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    numbers = assess_positions(x, accounts)
    at_marks = numbers.copy()
    is_gone = ~_may_be_called(x.accounts.status[accounts], x.accounts.deadline_ns[accounts])
    is_gone |= holds_anywhere(x, accounts, numbers, partial(meets_call, x), assess_positions)
    refused.where(is_gone, No.CAUSE_GONE, numbers[:, EQUITY], call_level(x, accounts, numbers))
    beyond = missing(x, accounts, at_marks)
    minimum = x.parameter_of(Parameter.CALL_MINIMUM, accounts)
    refused.where(~is_worth_a_call(x, accounts, at_marks), No.CAUSE_GONE, beyond, minimum)
    rows = refused.passing()
    if rows.size:
        _call(x, accounts[rows], at_marks[rows], beyond[rows], emit)
    return refused.reasons()


def _call(x: ClearingState, groups: I64, numbers: I64, amounts: I64, emit: Emit) -> None:
    """Emit `MarginCalled` for amounts that groups miss, with what bound their margin."""
    grace_ns = x.parameter_of(Parameter.CALL_GRACE_NS, groups)
    is_first = x.accounts.status[groups] == AccountStatus.OPEN
    instrument, bound, scenario = bindings_of(x, groups)
    emit.columns(
        event.MARGIN_CALLED,
        account=groups,
        amount=amounts,
        deadline_ns=np.where(is_first, x.now_ns + grace_ns, x.accounts.deadline_ns[groups]),
        equity=numbers[:, EQUITY],
        requirement=call_level(x, groups, numbers),
        obligation=x.obligations.given + 1 + np.arange(groups.size),
        binding=instrument,
        mark=np.where(instrument >= 0, x.marks.mark[instrument], 0),
        model=x.accounts.margin_model[groups],
        bound=bound,
        scenario=scenario,
    )


def _may_be_called(status: I8, deadline_ns: I64) -> B1:
    """Which accounts are open, or called with a deadline that does not wait."""
    is_ahead = (status == AccountStatus.CALLED) & (deadline_ns >= 0)
    may: B1 = (status == AccountStatus.OPEN) | is_ahead
    return may


def apply_margin_called(x: ClearingState, columns: Row) -> None:
    """Enter obligations, and set the status of their groups to *called* and their deadlines."""
    groups = columns["account"].astype(np.int64)
    table, rows = x.obligations, x.obligations.add(groups.size)
    require(bool((table.number[rows] == columns["obligation"]).all()), "obligations are in order")
    table.account[rows] = groups
    table.kind[rows] = ObligationKind.MARGIN_CALL
    table.amount[rows] = columns["amount"]
    table.called_ns[rows] = x.now_ns
    table.is_open[rows] = True
    _begin(x, groups, columns["deadline_ns"])


def apply_call_without_number(x: ClearingState, row: Row) -> None:
    """Set the status of a group to *called*, and its deadline: a call of before (rule 10.62)."""
    _begin(x, np.array([row["account"]], np.int64), row["deadline_ns"])


def _begin(x: ClearingState, groups: I64, deadline_ns: int | I64) -> None:
    x.accounts.status[x.accounts_of(groups)[0]] = AccountStatus.CALLED
    set_deadlines(x, groups, deadline_ns)


def set_deadlines(x: ClearingState, groups: I64, deadline_ns: int | I64) -> None:
    """Set when all that some groups were called for is due: nothing else moves a deadline.

    Parameters
    ----------
    groups
        Different called groups; shape (groups,).
    deadline_ns
        Instant of each, or of all; `WAITING` or less until a price is back (`waiting_with`): the
        obligations then have no due instant.
    """
    x.accounts.deadline_ns[groups] = deadline_ns
    rows = x.obligations.of(groups)
    due_ns = x.accounts.deadline_ns[x.obligations.account[rows]]
    x.obligations.due_ns[rows] = np.maximum(due_ns, WAITING)
    x.due.enter(DueKind.CALL_DEADLINE, groups, x.accounts.deadline_ns[groups])


def decide_meet_calls(x: ClearingState, columns: Row, emit: Emit) -> Sequence[tuple[int, Refusal]]:
    """Decide which calls are met: `MarginCallMet` with equity at the call level (rule 10.4).

    `ObligationClosed` follows for all open obligations.

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
    rows = refused.passing()
    _tell(event.MARGIN_CALL_MET, accounts, equity, level, rows, emit)
    _close_obligations(x, accounts[rows], np.full(rows.size, ObligationOutcome.MET), emit)
    return refused.reasons()


def _called(x: ClearingState, columns: Row) -> tuple[I64, Refused]:
    """Accounts of a run, and those of them that are not called refused."""
    accounts, is_known = known_groups(x, columns["account"])
    refused = Refused(accounts.size)
    is_known &= x.accounts.status[accounts] == AccountStatus.CALLED
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    return accounts, refused


def _tell(message: Message, accounts: I64, equity: I64, level: I64, rows: I64, emit: Emit) -> None:
    if rows.size:
        emit.columns(message, account=accounts[rows], equity=equity[rows], requirement=level[rows])


def _close_obligations(x: ClearingState, groups: I64, outcome: I64, emit: Emit) -> None:
    """Emit `ObligationClosed` for all open obligations of groups, each group with its outcome."""
    rows = x.obligations.of(groups)
    if rows.size:
        owners = x.obligations.account[rows].astype(np.int64)
        sorter = np.argsort(groups, kind="stable")
        place = sorter[np.searchsorted(groups, owners, sorter=sorter)]
        close(x, owners, rows, outcome[place], emit)


def apply_margin_call_met(x: ClearingState, columns: Row) -> None:
    """Set the status of accounts to *open*, without a deadline."""
    _close_calls(x, columns["account"].astype(np.int64), AccountStatus.OPEN)


def _close_calls(x: ClearingState, groups: I64, status: AccountStatus) -> I64:
    """Give called groups another status and no deadline, and return their accounts."""
    accounts = x.accounts_of(groups)[0]
    x.accounts.status[accounts] = status
    x.accounts.deadline_ns[groups] = 0
    return accounts


def decide_expire_calls(x: DefaultState, columns: Row, emit: Emit) -> Sequence[tuple[int, Refusal]]:
    """Decide calls at their deadline, or earlier below the takeover level (rules 10.6 to 10.8).

    Emits `MarginCallMet` with equity at or above the call level, at the mark or at other prices
    (rule 5.81); else `CallExtended` while an open position, long options aside, has a blocked
    price: no default is declared on marks that are not current; else `CallResumed` for one that
    waited and has some of its grace left; else `MarginCallPaid` if what was called was paid; else
    `DefaultDeclared`.  Then `ObligationClosed` for the obligations of those that ended, and
    `MarginReleased` for the reservations of the last.

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT unless called; NOT_DUE before the deadline, unless
        takeover worth is below the takeover level and a position has a price, and while it waits
        for one.
    """
    accounts, refused = _called(x, columns)
    numbers = assess_positions(x, accounts)
    due = x.accounts.deadline_ns[accounts]
    blocked = look_at(x, accounts).blocked
    is_early = x.now_ns < due
    is_held_up, does_stand = held_up(x, accounts, blocked), stands_early(x, accounts)
    refused.where(is_early & (is_held_up | does_stand), No.NOT_DUE, x.now_ns, due)
    refused.where((due < 0) & is_held_up, No.NOT_DUE, x.now_ns, due)
    rows, at_marks = refused.passing(), numbers.copy()
    asked = numbers[rows]
    is_met = holds_anywhere(x, accounts[rows], asked, partial(meets_call, x), assess_positions)
    numbers[rows] = asked
    met, rows = rows[is_met], rows[~is_met]
    waits, rows = rows[is_held_up[rows]], rows[~is_held_up[rows]]
    goes_on = (due[rows] < WAITING) & does_stand[rows]
    resumed, rows = rows[goes_on], rows[~goes_on]
    is_unpaid = in_arrears(x, accounts, at_marks, rows, np.isin(np.arange(accounts.size), met))
    fails = is_unpaid | ~does_stand[rows]
    _end_calls(
        x, accounts, numbers, Ends(met, waits, resumed, rows[~fails], rows[fails]), blocked, emit
    )
    return refused.reasons()


class Ends(NamedTuple):
    """What becomes of calls at their deadline: rows of a run, each ascending."""

    met: I64
    waits: I64
    resumed: I64
    paid: I64
    fails: I64


def _end_calls(
    x: DefaultState, accounts: I64, numbers: I64, ends: Ends, blocked: I64, emit: Emit
) -> None:
    """Emit the ends of calls by kind, their obligations in the order of the rows (rule 4.30)."""
    equity, level = numbers[:, EQUITY], call_level(x, accounts, numbers)
    _tell(event.MARGIN_CALL_MET, accounts, equity, level, ends.met, emit)
    if ends.waits.size:
        emit.columns(
            event.CALL_EXTENDED,
            account=accounts[ends.waits],
            deadline_ns=np.full(ends.waits.size, x.now_ns),
            instrument=blocked[ends.waits],
            grace_ns=lost_grace(
                x, accounts[ends.waits], x.accounts.deadline_ns[accounts[ends.waits]]
            ),
        )
    if ends.resumed.size:
        left_ns = grace_of(x.accounts.deadline_ns[accounts[ends.resumed]])
        emit.columns(
            event.CALL_RESUMED, account=accounts[ends.resumed], deadline_ns=x.now_ns + left_ns
        )
    _tell(event.MARGIN_CALL_PAID, accounts, equity, level, ends.paid, emit)
    fails = ends.fails
    if fails.size:
        emit.columns(
            event.DEFAULT_DECLARED,
            account=accounts[fails],
            equity=equity[fails],
            requirement=level[fails],
            net=numbers[fails, NET],
        )
    outcome = np.zeros(accounts.size, np.int64)
    outcome[ends.met] = ObligationOutcome.MET
    outcome[ends.paid] = ObligationOutcome.WAIVED
    outcome[fails] = ObligationOutcome.FAILED
    ended = np.flatnonzero(outcome)
    _close_obligations(x, accounts[ended], outcome[ended], emit)
    if fails.size:
        release_all(x, x.accounts_of(accounts[fails])[0], emit)


def apply_call_extended(x: ClearingState, columns: Row) -> None:
    """Let the deadlines of calls wait until the blocked price is there again (rule 8.15)."""
    groups = columns["account"].astype(np.int64)
    set_deadlines(x, groups, waiting_with(columns["grace_ns"].astype(np.int64)))


def apply_call_resumed(x: ClearingState, columns: Row) -> None:
    """Set the deadlines of calls that waited."""
    set_deadlines(x, columns["account"].astype(np.int64), columns["deadline_ns"])


def apply_default_declared(x: DefaultState, columns: Row) -> None:
    """Set the status of accounts to *liquidating*, without a call, with a slice due now."""
    groups = columns["account"].astype(np.int64)
    x.set_slices(_close_calls(x, groups, AccountStatus.LIQUIDATING), x.now_ns)


def calls(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `CallMargin` for groups that miss more than they were called for (rule 4.19).

    Parameters
    ----------
    margin
        Equity and initial margin of all accounts, numeraire units.

    Returns
    -------
    list[Run]
        Groups of policy call then default below position margin, or short of maintenance margin by
        decay alone, those aside that nothing could be closed of, by number.
    """
    below = margin.short
    below = below[_may_be_called(x.accounts.status[below], x.accounts.deadline_ns[below])]
    policy, equity = x.accounts.shortfall_policy[below], margin.equity[below]
    is_called = policy == ShortfallPolicy.CALL_THEN_DEFAULT
    short = below[is_called & (equity < margin.initial[below])]
    short = _missing_more(x, margin, short, position_margin(x, margin, short))
    if decaying_assets(x).size:
        is_auto = policy == ShortfallPolicy.AUTO_LIQUIDATE
        auto = below[is_auto & (equity < margin.maintenance[below])]
        auto = _missing_more(x, margin, auto, margin.maintenance[auto])
        short = np.sort(np.concatenate((short, auto[is_only_decayed(x, auto)])))
    if not short.size:
        return []
    short = short[~held_up(x, short, look_at(x, short).blocked)]
    short = failing(x, short, partial(meets_call, x), assess_positions)
    short = short[is_worth_a_call(x, short, assess_positions(x, short))]
    return commands(command.CALL_MARGIN, account=short)


def _missing_more(x: ClearingState, margin: MarginColumns, groups: I64, level: I64) -> I64:
    """Those groups whose equity is below a level by more than is asked of them."""
    return groups[level - margin.equity[groups] > x.obligations.asked(groups)]


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

    Those are accounts with takeover worth below the takeover level, those that are insolvent at the
    index, and those whose deadline waited for a price; none of whose positions nothing could be
    closed.
    """
    called = x.groups_with_status(AccountStatus.CALLED)
    if not called.size:
        return []
    waits = x.accounts.deadline_ns[called] < 0
    # What decayed only adds to equity: the others need no look.
    equity, maintenance = margin.equity[called], margin.maintenance[called]
    is_auto = x.accounts.shortfall_policy[called] == ShortfallPolicy.AUTO_LIQUIDATE
    called = called[
        waits
        | may_fail(x, called, equity, maintenance)
        | (is_auto & (equity < maintenance))
        | may_be_insolvent(x, called, equity, margin.initial[called])
    ]
    fails = (x.accounts.deadline_ns[called] < 0) | ~stands_early(x, called)
    is_held_up = held_up(x, called, look_at(x, called).blocked)
    return commands(command.EXPIRE_CALL, account=called[fails & ~is_held_up])


def _deadlines(x: ClearingState) -> I64:
    deadlines = x.accounts.used("deadline_ns")
    return np.zeros_like(deadlines) if x.is_paused() else deadlines


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
        Application(
            event.MARGIN_CALLED,
            apply_margin_called,
            NOBODY,
            is_by_column=True,
            older=((1, apply_call_without_number),),
        ),
        Application(event.MARGIN_CALL_MET, apply_margin_call_met, NOBODY, is_by_column=True),
        Application(event.MARGIN_CALL_PAID, apply_margin_call_met, NOBODY, is_by_column=True),
        Application(event.CALL_EXTENDED, apply_call_extended, NOBODY, is_by_column=True),
        Application(event.CALL_RESUMED, apply_call_resumed, NOBODY, is_by_column=True),
        Application(event.DEFAULT_DECLARED, apply_default_declared, NOBODY, is_by_column=True),
    ),
    work=(CALL_DEADLINE,),
    stages=(calls_met, early_defaults, calls),
)
