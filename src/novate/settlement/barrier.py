"""Barriers of options: observed with every index or on a schedule (rules 9.19 to 9.26).

A touch is final: an *out* option pays its rebate and ends, an *in* option is a plain one from then
on.
"""

from __future__ import annotations

import numpy as np

from novate.book.state import HOLDERS
from novate.canonical import Run
from novate.kernel.clearing.columns import I64, MarginColumns
from novate.kernel.codes import DueKind, InstrumentStatus
from novate.market.option import is_out, is_touched, next_observation
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.topic import NOBODY, Application, Topic, column_work, commands
from novate.settlement.expiry import close_contract
from novate.valuation import ClearingState
from novate.valuation.price_status import WAITING


def touched_at(x: ClearingState, asset: int, price_e8: int) -> list[int]:
    """Return options with continuous monitoring whose barrier an index touches, by number.

    Parameters
    ----------
    asset, price_e8
        Underlying, and its index in 1e-8 numeraire, 0 if unknown.

    Returns
    -------
    list[int]
        Instruments not past their expiry: later indices do not count.
    """
    watch = x.watched().get(asset)
    if watch is None or price_e8 <= 0 or watch.below < price_e8 < watch.above:
        return []
    c = x.instruments
    return [
        i for i in watch.numbers
        if x.now_ns <= c.expiry_ns[i]
        and is_touched(int(c.barrier[i]), price_e8, int(c.barrier_e8[i]))
    ]  # fmt: skip


def touched_now(x: ClearingState) -> list[int]:
    """Return options with continuous monitoring that the last assessed indices touch, by number.

    An index that jumps touches none (rule 5.87).
    """
    assets = x.assets
    return sorted(
        i
        for asset in x.watched()
        if not assets.is_stale[asset] and not assets.jump_ns[asset]
        for i in touched_at(x, asset, int(assets.price_e8[asset]))
    )


def _touches(x: ClearingState, i: int) -> bool:
    """Whether an index that counts is at the barrier: known, and not stale."""
    asset = int(x.instruments.underlying[i])
    price = int(x.assets.price_e8[asset])
    if price == 0 or x.assets.is_stale[asset]:
        return False
    return is_touched(int(x.instruments.barrier[i]), price, int(x.instruments.barrier_e8[i]))


def touch(x: ClearingState, i: int, emit: Emit, price_e8: int = 0) -> None:
    """Emit `BarrierTouched`, at the last assessed index unless another one is given, in 1e-8."""
    price = price_e8 or int(x.assets.price_e8[x.instruments.underlying[i]])
    emit(event.BARRIER_TOUCHED, instrument=i, index_e8=price, instant_ns=x.now_ns)


def observe_barrier(x: ClearingState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a scheduled look at a barrier (rules 9.23 and 9.24).

    Emits `BarrierTouched`, or `BarrierObserved` with the instant of the next look, or
    `CyclePostponed` without a fresh index.  Orders of an option that ends are closed by
    `default_management.contract_end`.

    Parameters
    ----------
    row
        ``instrument``.

    Returns
    -------
    Refusal | None
        UNKNOWN_SUBJECT unless active, NOT_DUE before the instant of the look.
    """
    i, c = row["instrument"], x.instruments
    if i >= c.count or c.status[i] != InstrumentStatus.ACTIVE:
        return Refusal(No.UNKNOWN_SUBJECT, i, c.count - 1)
    due = int(c.next_observation_ns[i])
    if due == 0 or due > x.now_ns:
        return Refusal(No.NOT_DUE, x.now_ns, due)
    if not x.is_fresh(int(c.underlying[i])):
        emit(event.CYCLE_POSTPONED, instrument=i, kind=DueKind.OBSERVATION, instant_ns=x.now_ns,
             next_ns=WAITING)  # fmt: skip
        return None
    if _touches(x, i):
        touch(x, i, emit)
        return None
    following = next_observation(x.now_ns, int(c.observation_ns[i]), int(c.expiry_ns[i]))
    price = int(x.assets.price_e8[c.underlying[i]])
    emit(event.BARRIER_OBSERVED, instrument=i, index_e8=price, next_ns=following)
    return None


def apply_barrier_observed(x: ClearingState, row: Row) -> None:
    """Set when the next look is due, ns, 0 for never."""
    x.instruments.next_observation_ns[row["instrument"]] = row["next_ns"]
    x.enter_contract(row["instrument"])


def apply_barrier_touched(x: ClearingState, row: Row) -> None:
    """Book a touch, and note that no assessment has seen it (rule 6.110)."""
    book_touch(x, row)
    x.has_settled = True


def book_touch(x: ClearingState, row: Row) -> None:
    """Mark an option as touched for good; an *out* option pays its rebate and ends (rule 9.26)."""
    i = row["instrument"]
    x.instruments.is_knocked[i] = True
    x.forget_watched()
    x.instruments.next_observation_ns[i] = 0
    if is_out(int(x.instruments.barrier[i])):
        close_contract(x, i, int(x.instruments.rebate_ticks[i]))


def looks(x: ClearingState, margin: MarginColumns) -> list[Run]:
    """Return `ObserveBarrier` for looks whose index is fresh again (rule 4.10)."""
    waiting = np.flatnonzero(x.instruments.used("next_observation_ns") == WAITING)
    back = [int(i) for i in waiting if x.is_fresh(int(x.instruments.underlying[i]))]
    return commands(command.OBSERVE_BARRIER, instrument=back)


def _schedule(x: ClearingState) -> I64:
    return x.instruments.used("next_observation_ns")


def _look(x: ClearingState, instruments: I64) -> Run:
    return command.OBSERVE_BARRIER.run({"instrument": instruments})


OBSERVATION = column_work(DueKind.OBSERVATION, _schedule, _look)

TOPIC: Topic[ClearingState] = Topic(
    name="barriers",
    applications=(
        Application(
            event.BARRIER_TOUCHED, apply_barrier_touched, HOLDERS, older=((1, book_touch),)
        ),
        Application(event.BARRIER_OBSERVED, apply_barrier_observed, NOBODY),
    ),
    work=(OBSERVATION,),
    stages=(looks,),
)
