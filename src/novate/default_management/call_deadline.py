"""What becomes of a margin call at its deadline, and while its account cannot act.

The grace of a call is time by which an account can act: while nothing of it could be closed, or the
house pauses, the deadline waits with what is left of the grace, which runs on from the first
assessment at which the account can act again.  At the deadline the protected price decides: a last
price that is pushed at that one instant neither saves nor kills.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from novate.book.reservation import release_all
from novate.collateral.obligation import close
from novate.default_management.call_grace import (
    cannot_act,
    grace_left,
    grace_of,
    waiting_with,
)
from novate.default_management.close_out import assess_positions, known_groups, look_at
from novate.default_management.deciding_price import Decided, assess_protected, best_of
from novate.default_management.index_failure import insolvent, owing_at_index
from novate.default_management.missing_margin import (
    call_figures,
    call_level,
    early_figures,
    in_arrears,
    stands_early,
)
from novate.default_management.refused import B1, Refused
from novate.default_management.state import DefaultState
from novate.kernel.clearing.assess import EQUITY, NET
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import AccountStatus, DueKind
from novate.message import event
from novate.message.declare import Emit, Refusal, Row
from novate.message.obligation import ObligationOutcome
from novate.message.refusal import EngineCommandRefusal as No
from novate.valuation import ClearingState
from novate.valuation.other_price import every_price, protecting_prices
from novate.valuation.price_status import WAITING
from novate.valuation.stale_collateral import without_decay


def called_groups(x: ClearingState, columns: Row) -> tuple[I64, Refused]:
    """Return the groups of a run, and those of them that are not called refused."""
    accounts, is_known = known_groups(x, columns["account"])
    refused = Refused(accounts.size)
    is_known &= x.accounts.status[accounts] == AccountStatus.CALLED
    refused.where(~is_known, No.UNKNOWN_SUBJECT, columns["account"], x.accounts.count - 1)
    return accounts, refused


def tell_met(groups: I64, found: Decided, emit: Emit) -> None:
    """Emit `MarginCallMet` for groups, with equity and call level where they are met."""
    if groups.size:
        emit.columns(
            event.MARGIN_CALL_MET,
            account=groups,
            equity=found.worth,
            requirement=found.level,
            decided_by=found.price,
        )


def close_obligations(x: ClearingState, groups: I64, outcome: I64, emit: Emit) -> None:
    """Emit `ObligationClosed` for all open obligations of groups, each group with its outcome."""
    rows = x.obligations.of(groups)
    if rows.size:
        owners = x.obligations.account[rows].astype(np.int64)
        sorter = np.argsort(groups, kind="stable")
        place = sorter[np.searchsorted(groups, owners, sorter=sorter)]
        close(x, owners, rows, outcome[place], emit)


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


def close_calls(x: ClearingState, groups: I64, status: AccountStatus) -> I64:
    """Give called groups another status and no deadline, and return their accounts."""
    accounts = x.accounts_of(groups)[0]
    x.accounts.status[accounts] = status
    x.accounts.deadline_ns[groups] = 0
    return accounts


def decide_expire_calls(x: DefaultState, columns: Row, emit: Emit) -> Sequence[tuple[int, Refusal]]:
    """Decide calls that are due, that fail before, or whose account cannot act (10.6 to 10.8).

    Emits `MarginCallMet` for a call that is due with equity at or above the call level at the
    protected prices, or at ramp prices (rule 5.81); else `CallExtended` for an account that cannot
    act; else `CallResumed` for one whose deadline waited with some of its grace left; else
    `MarginCallPaid` if what was called was paid; else `DefaultDeclared`.  Then `ObligationClosed`
    for the obligations of those that ended, and `MarginReleased` for the reservations of the last.

    Parameters
    ----------
    columns
        ``account``: numbers of accounts, shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT unless called; NOT_DUE before the deadline with
        takeover worth at or above the takeover level, and while the account cannot act and the
        deadline waits already.
    """
    accounts, refused = called_groups(x, columns)
    deadline = x.accounts.deadline_ns[accounts]
    does_wait = deadline < 0
    is_due = np.where(does_wait, grace_of(deadline) == 0, deadline <= x.now_ns)
    is_stuck, does_stand = cannot_act(x, accounts), stands_early(x, accounts)
    refused.where(does_wait & is_stuck, No.NOT_DUE, x.now_ns, deadline)
    is_early = ~does_wait & ~is_due & ~is_stuck
    refused.where(is_early & does_stand, No.NOT_DUE, x.now_ns, deadline)
    rows = refused.passing()
    asked = rows[is_due[rows] | ~(does_stand | is_stuck)[rows]]
    found = _at_deadline(x, accounts[asked])
    is_met = found.room() >= 0
    met = asked[is_met]
    rows = np.setdiff1d(rows, met)
    waits, rows = rows[is_stuck[rows]], rows[~is_stuck[rows]]
    goes_on = does_stand[rows] & ~is_due[rows]
    resumed, rows = rows[goes_on], rows[~goes_on]
    is_unpaid = _is_unpaid(x, accounts, rows, met)
    fails = is_unpaid | ~does_stand[rows]
    failed = rows[fails]
    by_deadline = is_unpaid[fails] & is_due[failed]
    ends = Ends(met, waits, resumed, rows[~fails], failed)
    decided = found.take(np.flatnonzero(is_met)), _what_failed(x, accounts[failed], by_deadline)
    _end_calls(x, accounts, ends, decided, emit)
    return refused.reasons()


def _at_deadline(x: ClearingState, groups: I64) -> Decided:
    """Equity and call level of groups at the best of the prices that decide at a deadline."""
    return best_of(x, groups, protecting_prices(x), partial(call_figures, x), assess_positions)


def _is_unpaid(x: ClearingState, groups: I64, rows: I64, met: I64) -> B1:
    """Which rows of a run did not pay what may end in default, beside those that met theirs."""
    ends = np.isin(x.accounts.used("margin_group"), groups[met])
    return in_arrears(x, groups[rows], ends)


def _what_failed(x: ClearingState, groups: I64, by_deadline: B1) -> Decided:
    """What decided that groups are in default (rule 10.64).

    Parameters
    ----------
    by_deadline
        Which of them are because a deadline has come: the others fail whenever it is.
    """
    found = _at_deadline(x, groups)
    early = np.flatnonzero(~by_deadline)
    if early.size:
        with without_decay(x):
            figures = partial(early_figures, x)
            there = best_of(x, groups[early], every_price(x), figures, assess_positions)
        is_insolvent = insolvent(x, groups[early])
        found.put(early, owing_at_index(x, groups[early], there, is_insolvent))
    return found


class Ends(NamedTuple):
    """What becomes of calls at their deadline: rows of a run, each ascending."""

    met: I64
    waits: I64
    resumed: I64
    paid: I64
    fails: I64


def _end_calls(
    x: DefaultState, accounts: I64, ends: Ends, decided: tuple[Decided, Decided], emit: Emit
) -> None:
    """Emit the ends of calls by kind, their obligations in the order of the rows (rule 4.30).

    Parameters
    ----------
    decided
        What decided the calls that are met, and those that failed.
    """
    tell_met(accounts[ends.met], decided[0], emit)
    if ends.waits.size:
        _tell_waiting(x, accounts[ends.waits], emit)
    if ends.resumed.size:
        left_ns = grace_of(x.accounts.deadline_ns[accounts[ends.resumed]])
        emit.columns(
            event.CALL_RESUMED, account=accounts[ends.resumed], deadline_ns=x.now_ns + left_ns
        )
    if ends.paid.size:
        paid = accounts[ends.paid]
        numbers = assess_protected(x, paid, assess_positions(x, paid), assess_positions)
        emit.columns(
            event.MARGIN_CALL_PAID,
            account=paid, equity=numbers[:, EQUITY], requirement=call_level(x, paid, numbers),
        )  # fmt: skip
    failed = accounts[ends.fails]
    if failed.size:
        numbers = assess_positions(x, failed)
        emit.columns(
            event.DEFAULT_DECLARED,
            account=failed,
            equity=numbers[:, EQUITY],
            requirement=call_level(x, failed, numbers),
            net=numbers[:, NET],
            **decided[1].columns(),
        )
    outcome = np.zeros(accounts.size, np.int64)
    outcome[ends.met] = ObligationOutcome.MET
    outcome[ends.paid] = ObligationOutcome.WAIVED
    outcome[ends.fails] = ObligationOutcome.FAILED
    ended = np.flatnonzero(outcome)
    close_obligations(x, accounts[ended], outcome[ended], emit)
    if failed.size:
        release_all(x, x.accounts_of(failed)[0], emit)


def _tell_waiting(x: ClearingState, groups: I64, emit: Emit) -> None:
    emit.columns(
        event.CALL_EXTENDED,
        account=groups,
        deadline_ns=x.accounts.deadline_ns[groups],
        instrument=look_at(x, groups).blocked,
        grace_ns=grace_left(x, groups),
    )


def apply_call_extended(x: ClearingState, columns: Row) -> None:
    """Let the deadlines of calls wait until their accounts can act again (rule 4.86)."""
    groups = columns["account"].astype(np.int64)
    set_deadlines(x, groups, waiting_with(columns["grace_ns"].astype(np.int64)))


def apply_call_resumed(x: ClearingState, columns: Row) -> None:
    """Set the deadlines of calls that waited: their time runs from now on."""
    set_deadlines(x, columns["account"].astype(np.int64), columns["deadline_ns"])


def apply_default_declared(x: DefaultState, columns: Row) -> None:
    """Set the status of accounts to *liquidating*, without a call, with a slice due now."""
    groups = columns["account"].astype(np.int64)
    x.set_slices(close_calls(x, groups, AccountStatus.LIQUIDATING), x.now_ns)
