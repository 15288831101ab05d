"""Deciding commands: each run of one type, row by row, every event applied at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from novate.book.account import decide_open_account
from novate.canonical import Run
from novate.collateral import custody
from novate.default_management import call, liquidation, takeover, waterfall
from novate.engine.apply import APPLY, apply_run
from novate.engine.state import State
from novate.engine.touch import note_event, note_trades
from novate.errors import InputError
from novate.kernel.clearing.sweep import margin_totals
from novate.kernel.codes import InstrumentStatus, Kind, Origin
from novate.margin import admission, parameter, tier
from novate.margin.option import decide_declare_option_margin
from novate.margin.option_mark import mark_options
from novate.market import index, option, reference, surface
from novate.message import command, event
from novate.message.declare import Emit, Message, Refusal, rows_of
from novate.message.parameter import Parameter
from novate.message.refusal import AdvanceTimeRefusal, EngineCommandRefusal
from novate.settlement import barrier
from novate.settlement import cycle as settlement
from novate.valuation import ClearingState

Row = dict[str, Any]
Decide = Callable[[State, Row, Emit], Refusal | None]


class Events:
    """Events of one batch in order: rows of one type in sequence become one run."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._message: Message | None = None
        self._rows: list[Row] = []
        self.runs: list[Run] = []

    def __call__(self, message: Message, /, **values: Any) -> None:
        """Journal one row and apply it to the state."""
        if message is not self._message:
            self.flush()
            self._message = message
        self._rows.append(values)
        APPLY[message](self._state, values)
        note_event(self._state, message, values)

    def columns(self, message: Message, /, **columns: Any) -> None:
        """Journal rows of an event at once, and apply them."""
        self.flush()
        run = message.run(columns)
        apply_run(self._state, run)
        self.runs.append(run)

    def add(self, run: Run) -> None:
        """Journal a run of trades that its kernel has applied already."""
        self.flush()
        self.runs.append(run)
        note_trades(self._state, run)

    def flush(self) -> None:
        """Close the run of scalar rows that is being collected."""
        if self._message is not None and self._rows:
            names = [field.name for field in self._message.fields]
            self.runs.append(
                self._message.run({name: [row[name] for row in self._rows] for name in names})
            )
        self._message, self._rows = None, []


INSTANT_MAX = 2**62
"""Last instant of the clock, in the year 2116: sums with any interval stay inside 64 bits."""


def advance_time(state: State, row: Row, emit: Emit) -> Refusal | None:
    """Move the clock forward; due work has been drained before."""
    now = state.now_ns
    if row["instant_ns"] < now or row["instant_ns"] <= 0:
        return Refusal(AdvanceTimeRefusal.INSTANT_BEFORE_PRESENT, row["instant_ns"], max(now, 1))
    if row["instant_ns"] > INSTANT_MAX:
        return Refusal(AdvanceTimeRefusal.INSTANT_OUT_OF_RANGE, row["instant_ns"], INSTANT_MAX)
    emit(event.TIME_ADVANCED, instant_ns=row["instant_ns"])
    return None


def index_limits(x: ClearingState) -> dict[str, int]:
    """What decides which sources make an index, and how fast its slow average follows."""
    return {
        "staleness_ns": x.parameter(Parameter.INDEX_STALENESS_NS),
        "outlier_ppm": x.parameter(Parameter.INDEX_OUTLIER_PPM),
        "sources_min": x.parameter(Parameter.INDEX_SOURCES_MIN),
        "slow_ns": x.parameter(Parameter.SLOW_AVERAGE_NS),
    }


def smile_limits(x: ClearingState) -> dict[str, int]:
    """How long a smile counts, and how far the next may be from it."""
    return {
        "staleness_ns": x.parameter(Parameter.SURFACE_STALENESS_NS),
        "move_ppm": x.parameter(Parameter.SMILE_MOVE_PPM),
    }


def report_price(state: State, row: Row, emit: Emit) -> Refusal | None:
    """Accept a source's price; the index that it makes may touch a barrier at once."""
    x = state
    refusal = index.decide_report_price(x.sources, x.now_ns, row, emit)
    watched = x.watched()
    if refusal is not None or not watched:
        return refusal
    asset = int(x.sources.asset[row["source"]])
    if asset in watched:
        price, _, _ = index.present_index(x.sources, asset, x.now_ns, index_limits(x))
        for i in barrier.touched_at(x, asset, price):
            barrier.touch(x, i, emit, price)
            _close_orders_of_ended(state, i, emit)
    return None


def assess_margin(state: State, row: Row, emit: Emit) -> Refusal | None:
    """Phases of prices and margin: every index, every mark, every account."""
    x = state
    if row["instant_ns"] != x.now_ns:
        return Refusal(EngineCommandRefusal.NOT_DUE, row["instant_ns"], x.now_ns)
    limits = index_limits(x)
    for asset in sorted({int(a) for a in x.sources.used("asset")}):
        index.update_index(x.assets, x.sources, asset, x.now_ns, limits, emit)
    is_active = x.instruments.used("status") == InstrumentStatus.ACTIVE
    marked = is_active & (x.instruments.used("kind") == Kind.DELTA_ONE)
    for i in np.flatnonzero(marked).tolist():
        index.update_mark(
            x.instruments, x.marks, x.assets, i, x.now_ns,
            x.parameter(Parameter.BASIS_AVERAGE_NS), emit,
        )  # fmt: skip
    for i in barrier.touched_now(x):
        barrier.touch(x, i, emit)
        _close_orders_of_ended(state, i, emit)
    mark_options(x, emit)
    _emit_assessment(state, emit)
    return None


def _emit_assessment(state: State, emit: Emit) -> None:
    totals = margin_totals(state.accounts.used("role"), state.margin_cache.numbers())
    accounts, breaches, equity, initial, maintenance = (int(total) for total in totals)
    emit(
        event.MARGIN_ASSESSED,
        accounts=accounts,
        breaches=breaches,
        equity=equity,
        initial=initial,
        maintenance=maintenance,
    )


def settle_expiry(state: State, row: Row, emit: Emit) -> Refusal | None:
    """Settle an expired contract; nobody can fill its open orders any more, so they close."""
    refusal = settlement.decide_settle_expiry(state, row, emit)
    if refusal is None:
        _close_orders_of_ended(state, row["instrument"], emit)
    return refusal


def observe_barrier(state: State, row: Row, emit: Emit) -> Refusal | None:
    """Look at a barrier; the orders of an option that ends by it close."""
    refusal = barrier.decide_observe_barrier(state, row, emit)
    if refusal is None:
        _close_orders_of_ended(state, row["instrument"], emit)
    return refusal


def _close_orders_of_ended(state: State, i: int, emit: Emit) -> None:
    if state.instruments.status[i] == InstrumentStatus.EXPIRED:
        liquidation.close_orders_in(state.defaults, i, emit)


DECIDE: dict[Message, Decide] = {
    command.DECLARE_ASSET: lambda s, r, e: reference.decide_declare_asset(s.assets, r, e),
    command.SET_HAIRCUT: lambda s, r, e: reference.decide_set_haircut(s.assets, r, e),
    command.DECLARE_SOURCE: lambda s, r, e: reference.decide_declare_source(
        s.sources, s.assets, r, e
    ),
    command.LIST_INSTRUMENT: lambda s, r, e: reference.decide_list_instrument(
        s.instruments, s.assets, s.now_ns, r, e
    ),
    command.DECLARE_OPTION_MARGIN: lambda s, r, e: decide_declare_option_margin(
        s.option_rules, r, e
    ),
    command.LIST_OPTION: lambda s, r, e: option.decide_list_option(
        s.instruments,
        s.assets,
        s.now_ns,
        s.option_rules.count,
        r,
        e,
    ),
    command.REPORT_SURFACE: lambda s, r, e: surface.decide_report_surface(
        s.assets, s.surfaces, s.now_ns, smile_limits(s), r, e
    ),
    command.SET_TIER: lambda s, r, e: tier.decide_set_tier(s.instruments, r, e),
    command.SET_PARAMETER: parameter.decide_set_parameter,
    command.DECLARE_WATERFALL: lambda s, r, e: waterfall.decide_declare_waterfall(r, e),
    command.OPEN_ACCOUNT: lambda s, r, e: decide_open_account(s.accounts, r, e),
    command.POST_COLLATERAL: custody.decide_post_collateral,
    command.WITHDRAW_COLLATERAL: custody.decide_withdraw_collateral,
    command.REPORT_PRICE: report_price,
    command.REPORT_LAST: lambda s, r, e: index.decide_report_last(s.instruments, r, e),
    command.RESERVE_MARGIN: admission.decide_reserve_margin,
    command.RELEASE_MARGIN: admission.decide_release_margin,
    command.ADVANCE_TIME: advance_time,
    command.ASSESS_MARGIN: assess_margin,
    command.REPORT_FILL: lambda s, r, e: liquidation.decide_report_fill(s, s.defaults, r, e),
    command.SETTLE_CYCLE: settlement.decide_settle_cycle,
    command.SETTLE_FUNDING: settlement.decide_settle_funding,
    command.SETTLE_EXPIRY: settle_expiry,
    command.OBSERVE_BARRIER: observe_barrier,
    command.START_GAINS_WINDOW: settlement.decide_start_gains_window,
    command.CALL_MARGIN: call.decide_call_margin,
    command.MEET_CALL: call.decide_meet_call,
    command.EXPIRE_CALL: lambda s, r, e: call.decide_expire_call(s, s.defaults, r, e),
    command.START_LIQUIDATION: liquidation.decide_start_liquidation,
    command.STOP_LIQUIDATION: lambda s, r, e: liquidation.decide_stop_liquidation(
        s, s.defaults, r, e
    ),
    command.PLACE_SLICE: lambda s, r, e: liquidation.decide_place_slice(s, s.defaults, r, e),
    command.EXPIRE_ORDER: lambda s, r, e: liquidation.decide_expire_order(s, s.defaults, r, e),
    command.TAKE_OVER: lambda s, r, e: takeover.decide_take_over(s, s.defaults, r, e),
    command.RECORD_SHORTFALL: lambda s, r, e: takeover.decide_record_shortfall(s, s.defaults, r, e),
    command.ALLOCATE_LOSS: lambda s, r, e: waterfall.decide_allocate_loss(s, s.defaults, r, e),
    command.SWEEP_SURPLUS: lambda s, r, e: takeover.decide_sweep_surplus(s, s.defaults, r, e),
}
"""How each command is decided; trades have a kernel of their own."""


def decide_run(state: State, run: Run, origin: Origin, events: Events) -> None:
    """Decide one run of commands, journaling events and refusals.

    Raises
    ------
    InputError
        If the command is unknown or of another version: such input never reaches a decision.
    """
    message = command.BY_NAME.get(run.name)
    if message is None or message.version != run.version:
        raise InputError(f"command {run.name!r} version {run.version} is unknown")
    if message.name in command.ENGINE_ONLY and origin != Origin.ENGINE:
        refusal = Refusal(EngineCommandRefusal.ENGINE_ONLY, int(origin), int(Origin.ENGINE))
        for row in range(run.rows):
            refuse(events, message, row, refusal)
        return
    if message is command.SUBMIT_TRADE:
        novated, refused = admission.decide_submit_trades(state, run)
        if novated is not None:
            events.add(novated)
        for row, refusal in refused:
            refuse(events, message, row, refusal)
        return
    decide = DECIDE[message]
    for row, values in enumerate(rows_of(run)):
        answer = decide(state, values, events)
        if answer is not None:
            refuse(events, message, row, answer)


def refuse(events: Events, message: Message, row: int, refusal: Refusal) -> None:
    """Journal a refusal."""
    events(
        event.COMMAND_REFUSED,
        command=message.name,
        row=row,
        code=int(refusal.code),
        actual=int(refusal.actual),
        allowed=int(refusal.allowed),
    )
