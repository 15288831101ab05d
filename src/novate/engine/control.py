"""The engine's own messages: the clock, the assessment of all accounts, and refusals."""

from __future__ import annotations

import numpy as np

from novate.default_management.unpaid import hold_gains
from novate.engine.order import PHASES
from novate.engine.state import State
from novate.market.index import note_assessed
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import DAY
from novate.message.refusal import AdvanceTimeRefusal, EngineCommandRefusal
from novate.message.topic import NOBODY, Application, Decision, Topic, report_only
from novate.settlement.interest import INTEREST

INSTANT_MAX = 2**62
"""Last instant of the clock, in the year 2116: sums with any interval stay inside 64 bits."""

STEP_MAX_NS = 366 * DAY
"""Longest step of the clock once it is set: what one step leads to stays bounded."""


def latest_instant(state: State) -> int:
    """Return the latest instant to which the clock may move now (rules 4.2 and 4.90), ns."""
    return min(state.now_ns + STEP_MAX_NS, INSTANT_MAX) if state.now_ns > 0 else INSTANT_MAX


def decide_advance_time(state: State, row: Row, emit: Emit) -> Refusal | None:
    """Move the clock forward; due work has been drained before."""
    now = state.now_ns
    if row["instant_ns"] < now or row["instant_ns"] <= 0:
        return Refusal(AdvanceTimeRefusal.INSTANT_BEFORE_PRESENT, row["instant_ns"], max(now, 1))
    latest = latest_instant(state)
    if row["instant_ns"] > latest:
        return Refusal(AdvanceTimeRefusal.INSTANT_OUT_OF_RANGE, row["instant_ns"], latest)
    emit(event.TIME_ADVANCED, instant_ns=row["instant_ns"])
    return None


def apply_time_advanced(state: State, row: Row) -> None:
    """Set the clock; the first instant begins the first window of gains."""
    state.now_ns = row["instant_ns"]
    if state.window_ns == 0:
        state.window_ns = row["instant_ns"]
        state.due.enter(INTEREST.kind, 0, INTEREST.instants(state, np.zeros(1, np.int64)))


def decide_assess_margin(state: State, row: Row, emit: Emit) -> Refusal | None:
    """Go through the phases of an assessment and report the margin of all accounts."""
    if row["instant_ns"] != state.now_ns:
        return Refusal(EngineCommandRefusal.NOT_DUE, row["instant_ns"], state.now_ns)
    for phase in PHASES:
        phase(state, emit)
    margin = state.margin_cache.columns()
    hold_gains(state, margin, emit)
    accounts, breaches, equity, initial, maintenance = margin.totals.tolist()
    emit(
        event.MARGIN_ASSESSED,
        accounts=accounts,
        breaches=breaches,
        equity=equity,
        initial=initial,
        maintenance=maintenance,
        unpaid=state.unpaid,
    )
    return None


def apply_margin_assessed(state: State, row: Row) -> None:
    """Note that and when all was assessed (rules 4.85, 5.40 and 6.110); the rest reports."""
    apply_earlier_margin_assessed(state, row)
    state.assessed_before_ns, state.assessed_ns = state.assessed_ns, state.now_ns


def apply_earlier_margin_assessed(state: State, row: Row) -> None:
    """Note that all was assessed: an assessment of an engine version before 3."""
    note_assessed(state)
    state.has_settled = False


TOPIC: Topic[State] = Topic(
    name="control",
    decisions=(
        Decision(
            command.ADVANCE_TIME, decide_advance_time, AdvanceTimeRefusal, is_before_house=True
        ),
        Decision(
            command.ASSESS_MARGIN, decide_assess_margin, EngineCommandRefusal, is_before_house=True
        ),
    ),
    applications=(
        Application(event.TIME_ADVANCED, apply_time_advanced, NOBODY),
        Application(
            event.MARGIN_ASSESSED,
            apply_margin_assessed,
            NOBODY,
            older=((1, apply_earlier_margin_assessed),),
        ),
        Application(event.COMMAND_REFUSED, report_only, NOBODY),
    ),
)
