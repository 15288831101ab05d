"""Variation-margin cycles, funding and expiry: one compact event, expanded over the holders."""

from __future__ import annotations

import numpy as np

from novate.book.reservation import end_reservations
from novate.book.state import HOLDERS
from novate.canonical import Run
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.clearing.settle import apply_cycle, apply_expiry, apply_funding
from novate.kernel.codes import DueKind, InstrumentStatus, Role
from novate.market.index import final_so_far, option_final_so_far, premium_so_far
from novate.market.option import payoff_ticks
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import (
    HOUSE,
    NOBODY,
    Application,
    Decision,
    Topic,
    column_work,
    commands,
)
from novate.valuation import ClearingState
from novate.valuation.price_status import WAITING, is_blocked, is_unsettled


def _subject_refusal(x: ClearingState, i: int, due_ns: int) -> Refusal | None:
    if i >= x.instruments.count or x.instruments.status[i] != InstrumentStatus.ACTIVE:
        return Refusal(No.UNKNOWN_SUBJECT, i, x.instruments.count - 1)
    if due_ns == 0 or due_ns > x.now_ns:
        return Refusal(No.NOT_DUE, x.now_ns, due_ns)
    return None


def decide_settle_cycle(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Settle one cycle at the mark; a cycle number is used once."""
    i = row["instrument"]
    refusal = _subject_refusal(x, i, int(x.instruments.next_cycle_ns[i]) if _known(x, i) else 0)
    if refusal is not None:
        return refusal
    if row["cycle"] != x.instruments.cycle[i] + 1:
        return Refusal(No.CAUSE_GONE, row["cycle"], int(x.instruments.cycle[i]) + 1)
    if is_blocked(x, i):
        emit(event.CYCLE_POSTPONED, instrument=i, kind=DueKind.CYCLE, instant_ns=x.now_ns)
        return None
    emit(event.CYCLE_SETTLED, ticks=int(x.marks.mark[i]), instant_ns=x.now_ns, **row)
    return None


def _known(x: ClearingState, i: int) -> bool:
    return bool(i < x.instruments.count)


def apply_cycle_settled(x: ClearingState, row: Row) -> None:
    """Pay every holder and count the cycle."""
    i = row["instrument"]
    apply_cycle(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        x.single(Role.RESIDUE), i, row["ticks"], x.holders(i),
    )  # fmt: skip
    x.instruments.cycle[i] = row["cycle"]
    x.instruments.next_cycle_ns[i] += x.instruments.cycle_ns[i]
    x.enter_contract(i)


def apply_cycle_postponed(x: ClearingState, row: Row) -> None:
    """Move what waits to its next instant; an expiry and a look at a barrier wait for the index."""
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


def funding_rate(average_e9: int, interest_e9: int, damper_e9: int, cap_e9: int) -> int:
    """Rate per period in 1e-9: premium plus the damped pull of interest, inside the cap.

    rate = P + clamp(interest - P, -damper, +damper), then clamped to +-cap.
    """
    pull = min(max(interest_e9 - average_e9, -damper_e9), damper_e9)
    return min(max(average_e9 + pull, -cap_e9), cap_e9)


def decide_settle_funding(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Exchange funding at the exact instant, on the premium's time average of the period."""
    i = row["instrument"]
    refusal = _subject_refusal(x, i, int(x.instruments.next_funding_ns[i]) if _known(x, i) else 0)
    if refusal is not None:
        return refusal
    if row["period"] != x.instruments.period[i] + 1:
        return Refusal(No.CAUSE_GONE, row["period"], int(x.instruments.period[i]) + 1)
    total, elapsed = premium_so_far(x.marks, i, x.now_ns)
    if is_blocked(x, i) or elapsed == 0:
        emit(event.CYCLE_POSTPONED, instrument=i, kind=DueKind.FUNDING, instant_ns=x.now_ns)
        return None
    instruments = x.instruments
    rate = funding_rate(
        total // elapsed,
        int(instruments.interest_e9[i]),
        int(instruments.funding_damper_e9[i]),
        int(instruments.funding_cap_e9[i]),
    )
    emit(
        event.FUNDING_SETTLED,
        ticks=int(x.marks.mark[i]), rate_e9=rate, instant_ns=x.now_ns, **row,
    )  # fmt: skip
    return None


def apply_funding_settled(x: ClearingState, row: Row) -> None:
    """Exchange funding and start the next period."""
    i = row["instrument"]
    apply_funding(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(),
        x.single(Role.RESIDUE), i, row["ticks"], row["rate_e9"], x.holders(i),
    )  # fmt: skip
    x.instruments.period[i] = row["period"]
    x.instruments.next_funding_ns[i] += x.instruments.funding_ns[i]
    x.marks.premium_sum[i] = 0
    x.marks.premium_ms[i] = 0
    x.marks.premium_from_ns[i] = row["instant_ns"]
    x.enter_contract(i)


def settle_expiry(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Settle at the time average of the index over the settlement window.

    What becomes of its open orders is decided in `default_management.contract_end`.
    """
    i = row["instrument"]
    refusal = _subject_refusal(x, i, int(x.instruments.next_expiry_ns[i]) if _known(x, i) else 0)
    if refusal is not None:
        return refusal
    if is_unsettled(x, i):
        emit(event.CYCLE_POSTPONED, instrument=i, kind=DueKind.EXPIRY, instant_ns=x.now_ns)
        return None
    if x.is_option(i):
        _expire_option(x, i, emit)
        return None
    total, elapsed = final_so_far(x.instruments, x.marks, i, x.now_ns)
    ticks = (2 * total + elapsed) // (2 * elapsed) if elapsed else int(x.marks.index[i])
    emit(event.CONTRACT_EXPIRED, instrument=i, ticks=max(ticks, 1), instant_ns=x.now_ns)
    return None


def _expire_option(x: ClearingState, i: int, emit: Emit) -> None:
    """Pay an option off: the index alone decides, no smile is needed."""
    total, elapsed = option_final_so_far(x.instruments, x.marks, i, x.now_ns)
    final_e8 = int(x.assets.price_e8[x.instruments.underlying[i]])
    if elapsed:
        final_e8 = max((2 * total + elapsed) // (2 * elapsed), 1)
    ticks = payoff_ticks(x.instruments, i, final_e8)
    emit(event.OPTION_EXPIRED, instrument=i, final_e8=final_e8, ticks=ticks, instant_ns=x.now_ns)


def apply_contract_expired(x: ClearingState, row: Row) -> None:
    """Close every position at the final price; reservations of the contract lapse."""
    close_contract(x, row["instrument"], row["ticks"])


def close_contract(x: ClearingState, i: int, ticks: int) -> None:
    """Pay every holder at a last price; nothing of the contract is open or due any more."""
    apply_expiry(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        x.single(Role.RESIDUE), i, ticks, x.holders(i),
    )  # fmt: skip
    end_reservations(x, i)
    x.instruments.status[i] = InstrumentStatus.EXPIRED
    x.forget_watched()
    x.instruments.next_cycle_ns[i] = 0
    x.instruments.next_funding_ns[i] = 0
    x.instruments.next_expiry_ns[i] = 0
    x.instruments.next_observation_ns[i] = 0


def decide_start_gains_window(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Begin a new gains window when the present one is over."""
    due = x.window_ns + x.parameter(Parameter.GAINS_WINDOW_NS)
    if x.window_ns and x.now_ns < due:
        return Refusal(No.NOT_DUE, x.now_ns, due)
    emit(event.GAINS_WINDOW_STARTED, instant_ns=x.now_ns)
    return None


def apply_gains_window_started(x: ClearingState, row: Row) -> None:
    """Gains count from zero; closed gains held back are halved."""
    x.window_ns = row["instant_ns"]
    x.due.enter(DueKind.GAINS_WINDOW, 0, _window_end(x))
    x.accounts.used("window_gain")[:] = 0
    x.accounts.used("encumbered")[:] //= 2


def expiries(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Contracts past their expiry whose settlement price is to be had again."""
    waiting = np.flatnonzero(x.instruments.used("next_expiry_ns") == WAITING)
    back = [int(i) for i in waiting if not is_unsettled(x, int(i))]
    return commands(command.SETTLE_EXPIRY, instrument=back)


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


def _ends(x: ClearingState) -> I64:
    return x.instruments.used("next_expiry_ns")


def _settle_expiry(x: ClearingState, instruments: I64) -> Run:
    return command.SETTLE_EXPIRY.run({"instrument": instruments})


def _window_end(x: ClearingState) -> I64:
    """When the one window of gains is over, 0 before it has begun."""
    end = x.window_ns + x.parameter(Parameter.GAINS_WINDOW_NS) if x.window_ns else 0
    return np.array([end], np.int64)


def _start_window(x: ClearingState, subjects: I64) -> Run:
    return command.START_GAINS_WINDOW.run({"instant_ns": _window_end(x)[subjects]})


FUNDING = column_work(DueKind.FUNDING, _fundings, _settle_funding)
CYCLE = column_work(DueKind.CYCLE, _cycles, _settle_cycle)
EXPIRY = column_work(DueKind.EXPIRY, _ends, _settle_expiry)
GAINS_WINDOW = column_work(DueKind.GAINS_WINDOW, _window_end, _start_window)

TOPIC: Topic[ClearingState] = Topic(
    name="settlement",
    decisions=(
        Decision(command.SETTLE_CYCLE, decide_settle_cycle, No, is_engine_only=True),
        Decision(command.SETTLE_FUNDING, decide_settle_funding, No, is_engine_only=True),
        Decision(command.START_GAINS_WINDOW, decide_start_gains_window, No, is_engine_only=True),
    ),
    applications=(
        # A cycle pays out what was owed already: no holder is worth more or less by it.
        Application(event.CYCLE_SETTLED, apply_cycle_settled, HOUSE),
        Application(event.CYCLE_POSTPONED, apply_cycle_postponed, NOBODY),
        Application(event.FUNDING_SETTLED, apply_funding_settled, HOLDERS),
        Application(event.CONTRACT_EXPIRED, apply_contract_expired, HOLDERS),
        Application(event.OPTION_EXPIRED, apply_contract_expired, HOLDERS),
        Application(event.GAINS_WINDOW_STARTED, apply_gains_window_started, NOBODY),
    ),
    work=(FUNDING, CYCLE, EXPIRY, GAINS_WINDOW),
    stages=(expiries,),
)
