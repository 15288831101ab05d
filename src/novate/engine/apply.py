"""Applying events: the only way state changes, live and in recovery alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from novate.book.account import apply_account_opened
from novate.canonical import Run
from novate.collateral import custody
from novate.default_management import (
    auto_deleveraging,
    call,
    conversion,
    gains_haircut,
    liquidation,
    takeover,
    waterfall,
)
from novate.engine.state import State
from novate.engine.touch import note_event, note_everything, note_trades
from novate.kernel.codes import Role
from novate.margin import admission, option_mark, parameter, tier
from novate.margin.option import apply_option_margin_declared
from novate.market import index, option, reference, surface
from novate.message import event
from novate.message.declare import Message, rows_of
from novate.message.version import event_of, upcast_once
from novate.settlement import barrier
from novate.settlement import cycle as settlement
from novate.valuation import ClearingState

Row = dict[str, Any]


def _nothing(state: State, row: Row) -> None:
    """An event that only reports."""


def _time_advanced(state: State, row: Row) -> None:
    x = state
    x.now_ns = row["instant_ns"]
    if x.window_ns == 0:
        x.window_ns = row["instant_ns"]


def _asset_declared(state: State, row: Row) -> None:
    x = state
    reference.apply_asset_declared(x.assets, row)
    x.accounts.widen(x.assets.count)


def _instrument_listed(state: State, row: Row) -> None:
    x = state
    reference.apply_instrument_listed(x.instruments, x.marks, row)
    _place_suspense(x, row["instrument"])


def _place_suspense(x: ClearingState, i: int) -> None:
    """Give a contract its place in the settlement account."""
    x.positions.reserve(1, x.accounts)
    x.instruments.suspense[i] = admission.hold(x, x.single(Role.SETTLEMENT), i)


def _option_listed(state: State, row: Row) -> None:
    x = state
    counts = bool(x.option_rules.entry_counts[row["margin_rule"] - 1])
    option.apply_option_listed(x.instruments, x.marks, counts, row)
    x.forget_watched()
    _place_suspense(x, row["instrument"])


APPLY: dict[Message, Callable[[State, Row], None]] = {
    event.COMMAND_REFUSED: _nothing,
    event.MARGIN_ASSESSED: _nothing,
    event.TIME_ADVANCED: _time_advanced,
    event.ASSET_DECLARED: _asset_declared,
    event.HAIRCUT_SET: lambda s, r: reference.apply_haircut_set(s.assets, r),
    event.SOURCE_DECLARED: lambda s, r: reference.apply_source_declared(s.sources, r),
    event.INSTRUMENT_LISTED: _instrument_listed,
    event.OPTION_MARGIN_DECLARED: lambda s, r: apply_option_margin_declared(s.option_rules, r),
    event.OPTION_LISTED: _option_listed,
    event.SURFACE_REPORTED: lambda s, r: surface.apply_surface_reported(
        s.surfaces, s.instruments, s.now_ns, r
    ),
    event.TIER_SET: lambda s, r: tier.apply_tier_set(s.instruments, r),
    event.PARAMETER_SET: parameter.apply_parameter_set,
    event.WATERFALL_DECLARED: lambda s, r: waterfall.apply_waterfall_declared(s.defaults, r),
    event.ACCOUNT_OPENED: lambda s, r: apply_account_opened(s.accounts, r),
    event.COLLATERAL_POSTED: custody.apply_collateral_posted,
    event.COLLATERAL_WITHDRAWN: custody.apply_collateral_withdrawn,
    event.PRICE_REPORTED: lambda s, r: index.apply_price_reported(s.sources, r),
    event.INDEX_UPDATED: lambda s, r: index.apply_index_updated(s.assets, s.now_ns, r),
    event.LAST_REPORTED: lambda s, r: index.apply_last_reported(s.marks, r),
    event.MARK_UPDATED: lambda s, r: index.apply_mark_updated(s.marks, s.now_ns, r),
    event.MARGIN_RESERVED: admission.apply_margin_reserved,
    event.MARGIN_RELEASED: admission.apply_margin_released,
    event.CYCLE_SETTLED: settlement.apply_cycle_settled,
    event.CYCLE_POSTPONED: settlement.apply_cycle_postponed,
    event.FUNDING_SETTLED: settlement.apply_funding_settled,
    event.CONTRACT_EXPIRED: settlement.apply_contract_expired,
    event.BARRIER_TOUCHED: barrier.apply_barrier_touched,
    event.BARRIER_OBSERVED: barrier.apply_barrier_observed,
    event.OPTION_EXPIRED: settlement.apply_contract_expired,
    event.GAINS_WINDOW_STARTED: settlement.apply_gains_window_started,
    event.MARGIN_CALLED: call.apply_margin_called,
    event.MARGIN_CALL_MET: call.apply_margin_call_met,
    event.CALL_EXTENDED: call.apply_call_extended,
    event.DEFAULT_DECLARED: call.apply_default_declared,
    event.LIQUIDATION_STARTED: liquidation.apply_liquidation_started,
    event.LIQUIDATION_STOPPED: liquidation.apply_liquidation_stopped,
    event.ORDER_PLACED: lambda s, r: liquidation.apply_order_placed(s.defaults, r),
    event.ORDER_CLOSED: lambda s, r: liquidation.apply_order_closed(s.defaults, r),
    event.SLICE_SCHEDULED: liquidation.apply_slice_scheduled,
    event.ORDER_FILLED: lambda s, r: liquidation.apply_order_filled(s, s.defaults, r),
    event.ASSET_CONVERTED: lambda s, r: conversion.apply_asset_converted(s, s.defaults, r),
    event.ACCOUNT_TAKEN_OVER: takeover.apply_account_taken_over,
    event.LOSS_RECORDED: lambda s, r: takeover.apply_loss_recorded(s.defaults, r),
    event.LOSS_ALLOCATED: lambda s, r: waterfall.apply_loss_allocated(s, s.defaults, r),
    event.GAINS_CUT: gains_haircut.apply_gains_cut,
    event.POSITION_DELEVERAGED: auto_deleveraging.apply_position_deleveraged,
    event.LOSS_CLOSED: lambda s, r: waterfall.apply_loss_closed(s.defaults, r),
    event.SURPLUS_SWEPT: lambda s, r: takeover.apply_surplus_swept(s, s.defaults, r),
    event.ENGINE_UPGRADED: _nothing,
}
"""How each event changes the state, row by row; trades and marks of options come in columns."""


EARLIER: dict[tuple[str, int], Callable[[State, Row], None]] = {}
"""By (name, version): how an event changed the state before its rule changed.

It takes rows with the columns of that version, and stays for ever.  An earlier version that is not
listed differs in its columns only and is upcast.
"""


def apply_run(state: State, run: Run) -> None:
    """Apply one run of events, of this or an earlier version.

    Raises
    ------
    JournalError
        If the event is unknown or of a version this engine cannot read.
    """
    message = event_of(run)
    while run.version < message.version:
        if (earlier := EARLIER.get((run.name, run.version))) is not None:
            for row in rows_of(run):
                earlier(state, row)
            note_everything(state)
            return
        run = upcast_once(message, run)
    if message is event.TRADE_NOVATED:
        admission.apply_trades_novated(state, run)
        note_trades(state, run)
        return
    if message is event.OPTION_MARKED:
        option_mark.apply_options_marked(state, run)
        return
    apply = APPLY[message]
    for row in rows_of(run):
        apply(state, row)
        note_event(state, message, row)
