"""Margin calls of accounts that are called before they default (rulebook chapter 10).

Every call is an obligation of its own: who pays it in full and in time has met it, whatever prices
did meanwhile, and what they made missing is called for by itself.  Calls look at positions alone
(rule 3.40): the cancellation of orders that are not margined is requested instead.

Sources: EMIR Article 41 and CPMI-IOSCO PFMI Principle 6 for calling and collecting margin; PFMI
Principle 13 for the rules by which a member that does not pay is in default.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from novate.canonical import Run
from novate.default_management.call_deadline import (
    apply_call_extended,
    apply_call_resumed,
    apply_default_declared,
    called_groups,
    close_calls,
    close_obligations,
    decide_expire_calls,
    set_deadlines,
    tell_met,
)
from novate.default_management.call_grace import cannot_act
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
from novate.default_management.deciding_price import Decided, best_of, worst_of
from novate.default_management.index_failure import may_be_insolvent
from novate.default_management.missing_margin import (
    call_figures,
    call_level,
    is_worth_a_call,
    meets_call,
    missing,
    stands_early,
)
from novate.default_management.refused import B1, Refused
from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.assess import EQUITY
from novate.kernel.clearing.columns import I8, I64, MarginColumns
from novate.kernel.codes import AccountStatus, DueKind, ShortfallPolicy
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
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
from novate.valuation.other_price import every_price, standing_prices
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
    """Emit `MarginCalled` for amounts that groups miss, with what decided and what bound it."""
    grace_ns = x.parameter_of(Parameter.CALL_GRACE_NS, groups)
    is_first = x.accounts.status[groups] == AccountStatus.OPEN
    decided = best_of(x, groups, every_price(x), partial(call_figures, x), assess_positions)
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
        **decided.columns(),
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


def decide_meet_calls(x: ClearingState, columns: Row, emit: Emit) -> Sequence[tuple[int, Refusal]]:
    """Decide which calls are met (rules 4.16 and 10.4).

    Emits `MarginCallMet` with equity at the call level, at the marks and at the protected prices,
    then `ObligationClosed` for all open obligations.

    A blocked price does not hold this up: the call is met at the last prices, and one that comes
    back worse leads to another call with a whole grace (rule 10.5).

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT unless called, CAUSE_GONE with equity below the
        call level.
    """
    accounts, refused = called_groups(x, columns)
    found = _at_marks_and_protected(x, accounts)
    refused.where(found.room() < 0, No.CAUSE_GONE, found.worth, found.level)
    rows = refused.passing()
    tell_met(accounts[rows], found.take(rows), emit)
    close_obligations(x, accounts[rows], np.full(rows.size, ObligationOutcome.MET), emit)
    return refused.reasons()


def _at_marks_and_protected(x: ClearingState, groups: I64) -> Decided:
    """Equity and call level of groups at the worse of the marks and the protected prices."""
    return worst_of(x, groups, standing_prices(x), partial(call_figures, x), assess_positions)


def apply_margin_call_met(x: ClearingState, columns: Row) -> None:
    """Set the status of accounts to *open*, without a deadline."""
    close_calls(x, columns["account"].astype(np.int64), AccountStatus.OPEN)


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
    """Return `MeetCall` for called accounts whose equity meets their call (rules 4.16, 10.40).

    At the marks, which the sweep knows, and at the protected prices (rule 5.81).
    """
    called = x.groups_with_status(AccountStatus.CALLED)
    if not called.size:
        return []
    is_auto = x.accounts.shortfall_policy[called] == ShortfallPolicy.AUTO_LIQUIDATE
    initial = position_margin(x, margin, called)
    level = np.where(is_auto, margin.maintenance[called], initial)
    called = called[margin.equity[called] >= level]
    return commands(
        command.MEET_CALL, account=called[_at_marks_and_protected(x, called).room() >= 0]
    )


def calls_held_up(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `ExpireCall` for called accounts that cannot act, and whose time runs (rule 4.85)."""
    called = x.groups_with_status(AccountStatus.CALLED)
    called = called[x.accounts.deadline_ns[called] > 0]
    if not called.size:
        return []
    return commands(command.EXPIRE_CALL, account=called[cannot_act(x, called)])


def early_defaults(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `ExpireCall` for called accounts that fail before their deadline (rule 4.17).

    Those are accounts with takeover worth below the takeover level, those that are insolvent at the
    index, and those whose deadline waits; of all, which can act.
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
    return commands(command.EXPIRE_CALL, account=called[fails & ~cannot_act(x, called)])


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
    stages=(calls_met, calls_held_up, early_defaults, calls),
)
