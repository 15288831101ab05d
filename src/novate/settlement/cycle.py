"""Variation-margin cycles, funding, and windows of gains (rulebook chapter 8).

An event names instrument and price; `apply` computes the payment of every holder from them.

Sources: EMIR Article 41 and CPMI-IOSCO PFMI Principle 6 for variation margin, marked and collected
at least once a day.
"""

from __future__ import annotations

import numpy as np

from novate.book.state import HOLDERS
from novate.canonical import Run
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.clearing.settle import (
    apply_cycle,
    apply_funding,
    count_funding,
    funding_fits,
)
from novate.kernel.clearing.value import RATE_SCALE
from novate.kernel.codes import AccountStatus, DueKind, InstrumentStatus, Role
from novate.market.funding import funding_rate
from novate.market.mark import before, premium_so_far
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import (
    ACCOUNT,
    HOUSE,
    NOBODY,
    Application,
    Decision,
    Topic,
    column_work,
    commands,
)
from novate.settlement.funding_return import (
    Funding,
    apply_funding_returned,
    return_funding,
)
from novate.valuation import ClearingState
from novate.valuation.price_status import WAITING, is_blocked, is_unpriced
from novate.valuation.taken_over import begin_period, taken_by_liquidator


def subject_refusal(x: ClearingState, i: int, due_ns: int) -> Refusal | None:
    """Whether work on a contract has a subject, and its instant has come; 0 for none."""
    if i >= x.instruments.count or x.instruments.status[i] != InstrumentStatus.ACTIVE:
        return Refusal(No.UNKNOWN_SUBJECT, i, x.instruments.count - 1)
    if due_ns == 0 or due_ns > x.now_ns:
        return Refusal(No.NOT_DUE, x.now_ns, due_ns)
    return None


def decide_settle_cycle(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a cycle at the mark: `CycleSettled`, or `CyclePostponed` (rules 8.1, 8.4 and 8.13).

    Parameters
    ----------
    row
        ``instrument``, and ``cycle``, its number, one more than that of the last.

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT unless active, NOT_DUE before its instant, CAUSE_GONE for another number.
    """
    i = row["instrument"]
    refusal = subject_refusal(x, i, int(x.instruments.next_cycle_ns[i]) if known(x, i) else 0)
    if refusal is not None:
        return refusal
    if row["cycle"] != x.instruments.cycle[i] + 1:
        return Refusal(No.CAUSE_GONE, row["cycle"], int(x.instruments.cycle[i]) + 1)
    if is_blocked(x, i):
        postpone(x, i, DueKind.CYCLE, WAITING, emit)
        return None
    emit(event.CYCLE_SETTLED, ticks=int(x.marks.mark[i]), instant_ns=x.now_ns, **row)
    return None


def postpone(x: ClearingState, i: int, kind: DueKind, next_ns: int, emit: Emit) -> None:
    """Emit `CyclePostponed` of what was due now, with the next attempt as the event tells it."""
    emit(event.CYCLE_POSTPONED, instrument=i, kind=kind, instant_ns=x.now_ns, next_ns=next_ns)


def known(x: ClearingState, i: int) -> bool:
    """Whether there is a contract of a number."""
    return bool(i < x.instruments.count)


def apply_cycle_settled(x: ClearingState, row: Row) -> None:
    """Settle a cycle, and note that no assessment has seen it (rule 6.110)."""
    settle_cycle(x, row)
    x.has_settled = True


def settle_cycle(x: ClearingState, row: Row) -> None:
    """Pay holders value less settlement cost, and set the next cycle (rules 8.1 to 8.3, 8.5).

    Parameters
    ----------
    row
        ``instrument``, ``cycle``, and ``ticks``, the price.  A payment is in ledger units of the
        settlement asset, positive if the holder receives it; residue takes what rounding leaves.
    """
    i = row["instrument"]
    apply_cycle(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        x.single(Role.RESIDUE), i, row["ticks"], x.holders(i),
    )  # fmt: skip
    x.instruments.cycle[i] = row["cycle"]
    due, interval = int(x.instruments.next_cycle_ns[i]), int(x.instruments.cycle_ns[i])
    is_late = due == WAITING
    following = (x.now_ns // interval + 1) * interval if is_late else due + interval
    x.instruments.next_cycle_ns[i] = following
    x.enter_contract(i)


NEXT = {
    DueKind.CYCLE: "next_cycle_ns",
    DueKind.FUNDING: "next_funding_ns",
    DueKind.OBSERVATION: "next_observation_ns",
    DueKind.EXPIRY: "next_expiry_ns",
}
"""Columns of instruments with the instants at which work of a kind is due."""


def apply_cycle_postponed(x: ClearingState, row: Row) -> None:
    """Set when work of a contract is tried again, ns, or let it wait (rules 8.13, 8.15 and 8.40).

    Funding that waits keeps its instant, negative.  A final settlement waits no longer than
    `SETTLEMENT_WAIT_NS` after expiry (rule 8.44).
    """
    getattr(x.instruments, NEXT[DueKind(row["kind"])])[row["instrument"]] = row["next_ns"]
    x.forget_bound()  # funding that waits accrues with the clock
    x.enter_contract(row["instrument"])


def postpone_before(x: ClearingState, row: Row) -> None:
    """Move a cycle or funding by an interval; let an expiry or a look wait without an instant.

    That is what version 1 of `CyclePostponed` did.
    """
    i, instruments = row["instrument"], x.instruments
    if row["kind"] == DueKind.CYCLE:
        instruments.next_cycle_ns[i] += instruments.cycle_ns[i]
    elif row["kind"] == DueKind.FUNDING:
        instruments.next_funding_ns[i] += instruments.funding_ns[i]
    elif row["kind"] == DueKind.OBSERVATION:
        instruments.next_observation_ns[i] = WAITING
    else:
        instruments.next_expiry_ns[i] = WAITING
    x.enter_contract(i)


def decide_settle_funding(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide funding on the time average of the premium: `FundingSettled`, or `CyclePostponed`.

    Rules 8.4, 8.6, 8.9 and 8.40; the time average runs on to this instant (rule 5.18).  Funding
    that waited for its price is paid for every period whose instant has passed.  Then comes
    `FundingReturned`, if payers paid what they do not have, or took lots over in liquidation.

    Parameters
    ----------
    row
        ``instrument``, and ``period``, its number, one more than that of the last.

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT unless active, NOT_DUE before its instant, CAUSE_GONE for another number.
    """
    i, instruments = row["instrument"], x.instruments
    due = abs(int(instruments.next_funding_ns[i])) if known(x, i) else 0
    refusal = subject_refusal(x, i, due)
    if refusal is not None:
        return refusal
    if row["period"] != instruments.period[i] + 1:
        return Refusal(No.CAUSE_GONE, row["period"], int(instruments.period[i]) + 1)
    [last] = before(x, np.array([i]))
    total, elapsed = premium_so_far(last, x.now_ns)
    if is_unpriced(x, i):
        postpone(x, i, DueKind.FUNDING, -due, emit)
        return None
    has_waited = instruments.next_funding_ns[i] < 0
    passed = (x.now_ns - due) // int(instruments.funding_ns[i]) if has_waited else 0
    next_ns = due + (passed + 1) * int(instruments.funding_ns[i])
    if elapsed == 0:
        postpone(x, i, DueKind.FUNDING, next_ns, emit)
        return None
    premium = total // elapsed
    rate = funding_rate(
        premium,
        int(instruments.interest_e9[i]),
        int(instruments.funding_damper_e9[i]),
        int(instruments.funding_cap_e9[i]),
    )
    rate = min(max(rate * (passed + 1), -RATE_SCALE), RATE_SCALE)
    if not funding_fits(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), i,
        int(x.marks.mark[i]), rate, x.holders(i),
    ):  # fmt: skip
        postpone(x, i, DueKind.FUNDING, next_ns, emit)
        return None
    taken = taken_by_liquidator(x, i), int(x.instruments.taken_over_lots[i])
    emit(
        event.FUNDING_SETTLED,
        instrument=i, period=row["period"] + passed, ticks=int(x.marks.mark[i]),
        rate_e9=rate, instant_ns=x.now_ns,
        periods=passed + 1,
    )  # fmt: skip
    return_funding(x, Funding(i, int(x.marks.mark[i]), rate, premium, passed + 1, *taken), emit)
    return None


def settle_funding(x: ClearingState, row: Row) -> None:
    """Exchange funding between holders and start the next period (rules 8.7, 8.8 and 8.70).

    Parameters
    ----------
    row
        ``instrument``, ``period``, the last that is paid, ``ticks`` of the mark, ``rate_e9`` of all
        ``periods`` together (positive: longs pay) and ``instant_ns``.  Payments are in ledger units
        of the settlement asset, in cash, and count in the window gains.
    """
    i = row["instrument"]
    count_funding(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        i, row["ticks"], row["rate_e9"], x.holders(i),
    )  # fmt: skip
    apply_funding_outside_window(x, row)


def apply_funding_settled(x: ClearingState, row: Row) -> None:
    """Settle funding, and note that no assessment has seen it (rule 6.110).

    What is taken over in liquidation counts from now on (rules 8.76 and 8.77).
    """
    settle_funding(x, row)
    begin_period(x, row["instrument"])
    x.has_settled = True


def apply_funding_outside_window(x: ClearingState, row: Row) -> None:
    """Exchange funding of a period that no gains window counts: what version 1 did."""
    i = row["instrument"]
    apply_funding(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(),
        x.single(Role.RESIDUE), i, row["ticks"], row["rate_e9"], x.holders(i),
    )  # fmt: skip
    x.instruments.period[i] = row["period"]
    due, interval = abs(int(x.instruments.next_funding_ns[i])), int(x.instruments.funding_ns[i])
    x.instruments.next_funding_ns[i] = due + row.get("periods", 1) * interval
    x.marks.premium_sum[i] = 0
    x.marks.premium_ms[i] = 0
    x.marks.premium_from_ns[i] = row["instant_ns"]
    x.forget_bound()
    x.enter_contract(i)


def decide_start_gains_window(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a gains window, when the present one may end: `GainsWindowStarted` (rule 4.6).

    Returns
    -------
    Refusal | None
        NOT_DUE before the end of the present window, with now and that instant, ns; CAUSE_GONE
        while something is unpaid (with how much) or an account is in liquidation.
    """
    due = x.window_ns + x.parameter(Parameter.GAINS_WINDOW_NS)
    if x.now_ns < due:
        return Refusal(No.NOT_DUE, x.now_ns, due)
    if _keeps_gains(x):
        return Refusal(No.CAUSE_GONE, x.unpaid, 0)
    emit(event.GAINS_WINDOW_STARTED, instant_ns=x.now_ns)
    return None


def apply_gains_window_started(x: ClearingState, row: Row) -> None:
    """Set window gains to 0 and halve what is encumbered, rounded down (rule 8.17)."""
    x.window_ns = row["instant_ns"]
    x.accounts.used("window_gain")[:] = 0
    x.accounts.used("encumbered")[:] //= 2


def fundings(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `SettleFunding` for funding whose price is there again (rule 4.50)."""
    waiting = np.flatnonzero(x.instruments.used("next_funding_ns") < 0)
    back = np.array([i for i in waiting.tolist() if not is_unpriced(x, i)], np.int64)
    return [_settle_funding(x, back)] if back.size else []


def late_cycles(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `SettleCycle` for cycles whose price is there again (rule 4.91)."""
    waiting = np.flatnonzero(x.instruments.used("next_cycle_ns") == WAITING)
    back = np.array([i for i in waiting.tolist() if not is_blocked(x, i)], np.int64)
    return [_settle_cycle(x, back)] if back.size else []


def _fundings(x: ClearingState) -> I64:
    return x.instruments.used("next_funding_ns")


def _settle_funding(x: ClearingState, instruments: I64) -> Run:
    periods = x.instruments.period[instruments] + 1
    return command.SETTLE_FUNDING.run({"instrument": instruments, "period": periods})


def _cycles(x: ClearingState) -> I64:
    return x.instruments.used("next_cycle_ns")


def _settle_cycle(x: ClearingState, instruments: I64) -> Run:
    cycles = x.instruments.cycle[instruments] + 1
    return command.SETTLE_CYCLE.run({"instrument": instruments, "cycle": cycles})


def _keeps_gains(x: ClearingState) -> bool:
    """Whether gains of the window may still have to bear a loss (rule 8.50)."""
    status = x.accounts.used("status")[x.accounts.used("is_margined")]
    return x.unpaid > 0 or bool((status == AccountStatus.LIQUIDATING).any())


def gains_windows(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `StartGainsWindow` when a window is over and all its gains are paid for (rule 4.70).

    It is the last stage: whatever a settlement or a price of this instant led to is done.
    """
    end_ns = x.window_ns + x.parameter(Parameter.GAINS_WINDOW_NS)
    if x.now_ns < end_ns or _keeps_gains(x):
        return []
    return commands(command.START_GAINS_WINDOW, instant_ns=[end_ns])


FUNDING = column_work(DueKind.FUNDING, _fundings, _settle_funding)
CYCLE = column_work(DueKind.CYCLE, _cycles, _settle_cycle)

TOPIC: Topic[ClearingState] = Topic(
    name="settlement",
    decisions=(
        Decision(command.SETTLE_CYCLE, decide_settle_cycle, No, is_engine_only=True),
        Decision(command.SETTLE_FUNDING, decide_settle_funding, No, is_engine_only=True),
        Decision(command.START_GAINS_WINDOW, decide_start_gains_window, No, is_engine_only=True),
    ),
    applications=(
        # A cycle pays out what was owed already: no holder is worth more or less by it.
        Application(event.CYCLE_SETTLED, apply_cycle_settled, HOUSE, older=((1, settle_cycle),)),
        Application(
            event.CYCLE_POSTPONED, apply_cycle_postponed, NOBODY, older=((1, postpone_before),)
        ),
        Application(
            event.FUNDING_SETTLED,
            apply_funding_settled,
            HOLDERS,
            older=((1, apply_funding_outside_window), (2, settle_funding)),
        ),
        Application(event.FUNDING_RETURNED, apply_funding_returned, ACCOUNT, is_by_column=True),
        Application(event.GAINS_WINDOW_STARTED, apply_gains_window_started, NOBODY),
    ),
    work=(FUNDING, CYCLE),
    stages=(fundings, late_cycles, gains_windows),
)
