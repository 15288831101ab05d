"""Variation-margin cycles, funding and expiry of contracts (rulebook chapter 8).

An event names instrument and price; `apply` computes the payment of every holder from them.

Sources: EMIR Article 41 and CPMI-IOSCO PFMI Principle 6 for variation margin, marked and collected
at least once a day.
"""

from __future__ import annotations

import numpy as np

from novate.book.reservation import end_reservations
from novate.book.state import HOLDERS
from novate.canonical import Run
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.clearing.settle import (
    apply_cycle,
    apply_expiry,
    apply_funding,
    funding_fits,
)
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
    refusal = _subject_refusal(x, i, int(x.instruments.next_cycle_ns[i]) if _known(x, i) else 0)
    if refusal is not None:
        return refusal
    if row["cycle"] != x.instruments.cycle[i] + 1:
        return Refusal(No.CAUSE_GONE, row["cycle"], int(x.instruments.cycle[i]) + 1)
    if is_blocked(x, i):
        _postpone(x, i, DueKind.CYCLE, WAITING, emit)
        return None
    emit(event.CYCLE_SETTLED, ticks=int(x.marks.mark[i]), instant_ns=x.now_ns, **row)
    return None


def _postpone(x: ClearingState, i: int, kind: DueKind, next_ns: int, emit: Emit) -> None:
    """Emit `CyclePostponed` of what was due now, with the next attempt or `WAITING`."""
    emit(event.CYCLE_POSTPONED, instrument=i, kind=kind, instant_ns=x.now_ns, next_ns=next_ns)


def _following(x: ClearingState, due_ns: int, interval_ns: int) -> int:
    """Instant after one that was due: an interval later, or the first multiple after a wait."""
    return due_ns + interval_ns if due_ns > 0 else (x.now_ns // interval_ns + 1) * interval_ns


def _known(x: ClearingState, i: int) -> bool:
    return bool(i < x.instruments.count)


def apply_cycle_settled(x: ClearingState, row: Row) -> None:
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
    x.instruments.next_cycle_ns[i] = _following(x, due, interval)
    x.enter_contract(i)


NEXT = {
    DueKind.CYCLE: "next_cycle_ns",
    DueKind.FUNDING: "next_funding_ns",
    DueKind.OBSERVATION: "next_observation_ns",
    DueKind.EXPIRY: "next_expiry_ns",
}
"""Columns of instruments with the instants at which work of a kind is due."""


def apply_cycle_postponed(x: ClearingState, row: Row) -> None:
    """Set when work of a contract is tried again, ns, or let it wait (rules 8.13 and 8.15)."""
    getattr(x.instruments, NEXT[DueKind(row["kind"])])[row["instrument"]] = row["next_ns"]
    x.enter_contract(row["instrument"])


def _apply_postponed_by_an_interval(x: ClearingState, row: Row) -> None:
    """Until engine version 3 a cycle and funding moved by an interval, the rest waited."""
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
    """Return the funding rate of a period (rule 8.6).

    ``rate = P + clamp(interest - P, -damper, +damper)``, then clamped to +-cap; all in 1e-9 of the
    notional per period.

    Parameters
    ----------
    average_e9
        Mean premium ``P`` of the period, positive while the last price is above the index.
    interest_e9
        Interest per period.
    damper_e9, cap_e9
        Limits of the pull of interest and of the rate, not negative.

    Returns
    -------
    int
        Positive when longs pay.
    """
    pull = min(max(interest_e9 - average_e9, -damper_e9), damper_e9)
    return min(max(average_e9 + pull, -cap_e9), cap_e9)


def decide_settle_funding(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide funding on the time average of the premium: `FundingSettled`, or `CyclePostponed`.

    Rules 8.4, 8.6, 8.9 and 8.13; the time average runs on to this instant (rule 5.18).

    Parameters
    ----------
    row
        ``instrument``, and ``period``, its number, one more than that of the last.

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT unless active, NOT_DUE before its instant, CAUSE_GONE for another number.
    """
    i = row["instrument"]
    refusal = _subject_refusal(x, i, int(x.instruments.next_funding_ns[i]) if _known(x, i) else 0)
    if refusal is not None:
        return refusal
    if row["period"] != x.instruments.period[i] + 1:
        return Refusal(No.CAUSE_GONE, row["period"], int(x.instruments.period[i]) + 1)
    total, elapsed = premium_so_far(x.marks, i, x.now_ns)
    instruments = x.instruments
    if is_blocked(x, i):
        _postpone(x, i, DueKind.FUNDING, WAITING, emit)
        return None
    due, interval = int(instruments.next_funding_ns[i]), int(instruments.funding_ns[i])
    if elapsed == 0:
        _postpone(x, i, DueKind.FUNDING, _following(x, due, interval), emit)
        return None
    rate = funding_rate(
        total // elapsed,
        int(instruments.interest_e9[i]),
        int(instruments.funding_damper_e9[i]),
        int(instruments.funding_cap_e9[i]),
    )
    if not funding_fits(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), i,
        int(x.marks.mark[i]), rate, x.holders(i),
    ):  # fmt: skip
        _postpone(x, i, DueKind.FUNDING, _following(x, due, interval), emit)
        return None
    emit(
        event.FUNDING_SETTLED,
        ticks=int(x.marks.mark[i]), rate_e9=rate, instant_ns=x.now_ns, **row,
    )  # fmt: skip
    return None


def apply_funding_settled(x: ClearingState, row: Row) -> None:
    """Exchange funding between holders and start the next period (rules 8.7 and 8.8).

    Parameters
    ----------
    row
        ``instrument``, ``period``, ``ticks`` of the mark, ``rate_e9`` (positive: longs pay) and
        ``instant_ns``.  Payments are in ledger units of the settlement asset, in cash.
    """
    i = row["instrument"]
    apply_funding(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(),
        x.single(Role.RESIDUE), i, row["ticks"], row["rate_e9"], x.holders(i),
    )  # fmt: skip
    x.instruments.period[i] = row["period"]
    due, interval = int(x.instruments.next_funding_ns[i]), int(x.instruments.funding_ns[i])
    x.instruments.next_funding_ns[i] = _following(x, due, interval)
    x.marks.premium_sum[i] = 0
    x.marks.premium_ms[i] = 0
    x.marks.premium_from_ns[i] = row["instant_ns"]
    x.enter_contract(i)


def settle_expiry(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide an expiry at the time average of the index over the settlement window.

    Rules 8.10, 8.15 and 9.38 to 9.42: emits `ContractExpired` or `OptionExpired` with the last
    price in ticks, or `CyclePostponed`.  Open orders are closed by
    `default_management.contract_end`.

    Parameters
    ----------
    row
        ``instrument``.

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT unless active, NOT_DUE before its instant.
    """
    i = row["instrument"]
    refusal = _subject_refusal(x, i, int(x.instruments.next_expiry_ns[i]) if _known(x, i) else 0)
    if refusal is not None:
        return refusal
    if is_unsettled(x, i):
        _postpone(x, i, DueKind.EXPIRY, WAITING, emit)
        return None
    if x.is_option(i):
        _expire_option(x, i, emit)
        return None
    total, elapsed = final_so_far(x.instruments, x.marks, i, x.now_ns)
    ticks = (2 * total + elapsed) // (2 * elapsed) if elapsed else int(x.marks.index[i])
    emit(event.CONTRACT_EXPIRED, instrument=i, ticks=max(ticks, 1), instant_ns=x.now_ns)
    return None


def _expire_option(x: ClearingState, i: int, emit: Emit) -> None:
    """Emit the payoff of an option: it depends on the index alone, not on a smile."""
    total, elapsed = option_final_so_far(x.instruments, x.marks, i, x.now_ns)
    final_e8 = int(x.assets.price_e8[x.instruments.underlying[i]])
    if elapsed:
        final_e8 = max((2 * total + elapsed) // (2 * elapsed), 1)
    ticks = payoff_ticks(x.instruments, i, final_e8)
    emit(event.OPTION_EXPIRED, instrument=i, final_e8=final_e8, ticks=ticks, instant_ns=x.now_ns)


def apply_contract_expired(x: ClearingState, row: Row) -> None:
    """Close every position at the final price, ticks; reservations of the contract lapse."""
    close_contract(x, row["instrument"], row["ticks"])


def close_contract(x: ClearingState, i: int, ticks: int) -> None:
    """Pay every holder at a last price and end the contract (rules 8.11, 8.12 and 9.41).

    Parameters
    ----------
    i, ticks
        Instrument and last price; of an option the payoff or the rebate.  Holders gain value less
        settlement cost, of an option the value, in ledger units of the settlement asset.
    """
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
    """Decide a gains window, when the present one is over: `GainsWindowStarted` (rule 4.6).

    Returns
    -------
    Refusal | None
        NOT_DUE before the end of the present window, with now and that instant, ns.
    """
    due = x.window_ns + x.parameter(Parameter.GAINS_WINDOW_NS)
    if x.window_ns and x.now_ns < due:
        return Refusal(No.NOT_DUE, x.now_ns, due)
    emit(event.GAINS_WINDOW_STARTED, instant_ns=x.now_ns)
    return None


def apply_gains_window_started(x: ClearingState, row: Row) -> None:
    """Set window gains to 0 and halve what is encumbered, rounded down (rule 8.17)."""
    x.window_ns = row["instant_ns"]
    x.due.enter(DueKind.GAINS_WINDOW, 0, _window_end(x))
    x.accounts.used("window_gain")[:] = 0
    x.accounts.used("encumbered")[:] //= 2


def late_payments(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `SettleFunding`, else `SettleCycle`, for what waited for a price (rule 4.91)."""
    for due, settle in ((_fundings, _settle_funding), (_cycles, _settle_cycle)):
        waiting = np.flatnonzero(due(x) == WAITING)
        back = np.array([i for i in waiting.tolist() if not is_blocked(x, i)], np.int64)
        if back.size:
            return [settle(x, back)]
    return []


def expiries(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `SettleExpiry` for expiries whose price is there again (rule 4.11)."""
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
        Application(
            event.CYCLE_POSTPONED,
            apply_cycle_postponed,
            NOBODY,
            older=((1, _apply_postponed_by_an_interval),),
        ),
        Application(event.FUNDING_SETTLED, apply_funding_settled, HOLDERS),
        Application(event.CONTRACT_EXPIRED, apply_contract_expired, HOLDERS),
        Application(event.OPTION_EXPIRED, apply_contract_expired, HOLDERS),
        Application(event.GAINS_WINDOW_STARTED, apply_gains_window_started, NOBODY),
    ),
    work=(FUNDING, CYCLE, EXPIRY, GAINS_WINDOW),
    stages=(late_payments, expiries),
)
