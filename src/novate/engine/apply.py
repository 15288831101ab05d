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
from novate.engine.touch import note_event, note_trades
from novate.errors import JournalError
from novate.kernel.codes import Role
from novate.margin import admission, barrier, option_mark, parameter, settlement, tier
from novate.margin.option import apply_option_margin_declared
from novate.market import index, option, reference, surface
from novate.message import event
from novate.message.declare import Message, rows_of
from novate.valuation import Exposure

Row = dict[str, Any]


def _nothing(state: State, row: Row) -> None:
    """An event that only reports."""


def _time_advanced(state: State, row: Row) -> None:
    x = state.exposure
    x.now_ns = row["instant_ns"]
    if x.window_ns == 0:
        x.window_ns = row["instant_ns"]


def _asset_declared(state: State, row: Row) -> None:
    x = state.exposure
    reference.apply_asset_declared(x.assets, row)
    x.accounts.widen(x.assets.count)


def _instrument_listed(state: State, row: Row) -> None:
    x = state.exposure
    reference.apply_instrument_listed(x.instruments, x.marks, row)
    _place_suspense(x, row["instrument"])


def _place_suspense(x: Exposure, i: int) -> None:
    """Give a contract its place in the settlement account."""
    x.positions.reserve(1, x.accounts)
    x.instruments.suspense[i] = admission.hold(x, x.single(Role.SETTLEMENT), i)


def _option_listed(state: State, row: Row) -> None:
    x = state.exposure
    counts = bool(x.option_rules.entry_counts[row["margin_rule"] - 1])
    option.apply_option_listed(x.instruments, x.marks, counts, row)
    x.forget_watched()
    _place_suspense(x, row["instrument"])


APPLY: dict[Message, Callable[[State, Row], None]] = {
    event.COMMAND_REFUSED: _nothing,
    event.MARGIN_ASSESSED: _nothing,
    event.TIME_ADVANCED: _time_advanced,
    event.ASSET_DECLARED: _asset_declared,
    event.HAIRCUT_SET: lambda s, r: reference.apply_haircut_set(s.exposure.assets, r),
    event.SOURCE_DECLARED: lambda s, r: reference.apply_source_declared(s.exposure.sources, r),
    event.INSTRUMENT_LISTED: _instrument_listed,
    event.OPTION_MARGIN_DECLARED: lambda s, r: apply_option_margin_declared(
        s.exposure.option_rules, r
    ),
    event.OPTION_LISTED: _option_listed,
    event.SURFACE_REPORTED: lambda s, r: surface.apply_surface_reported(
        s.exposure.surfaces, s.exposure.instruments, s.exposure.now_ns, r
    ),
    event.TIER_SET: lambda s, r: tier.apply_tier_set(s.exposure.instruments, r),
    event.PARAMETER_SET: lambda s, r: parameter.apply_parameter_set(s.exposure, r),
    event.WATERFALL_DECLARED: lambda s, r: waterfall.apply_waterfall_declared(s.defaults, r),
    event.ACCOUNT_OPENED: lambda s, r: apply_account_opened(s.exposure.accounts, r),
    event.COLLATERAL_POSTED: lambda s, r: custody.apply_collateral_posted(s.exposure, r),
    event.COLLATERAL_WITHDRAWN: lambda s, r: custody.apply_collateral_withdrawn(s.exposure, r),
    event.PRICE_REPORTED: lambda s, r: index.apply_price_reported(s.exposure.sources, r),
    event.INDEX_UPDATED: lambda s, r: index.apply_index_updated(
        s.exposure.assets, s.exposure.now_ns, r
    ),
    event.LAST_REPORTED: lambda s, r: index.apply_last_reported(s.exposure.marks, r),
    event.MARK_UPDATED: lambda s, r: index.apply_mark_updated(
        s.exposure.marks, s.exposure.now_ns, r
    ),
    event.MARGIN_RESERVED: lambda s, r: admission.apply_margin_reserved(s.exposure, r),
    event.MARGIN_RELEASED: lambda s, r: admission.apply_margin_released(s.exposure, r),
    event.CYCLE_SETTLED: lambda s, r: settlement.apply_cycle_settled(s.exposure, r),
    event.CYCLE_POSTPONED: lambda s, r: settlement.apply_cycle_postponed(s.exposure, r),
    event.FUNDING_SETTLED: lambda s, r: settlement.apply_funding_settled(s.exposure, r),
    event.CONTRACT_EXPIRED: lambda s, r: settlement.apply_contract_expired(s.exposure, r),
    event.BARRIER_TOUCHED: lambda s, r: barrier.apply_barrier_touched(s.exposure, r),
    event.BARRIER_OBSERVED: lambda s, r: barrier.apply_barrier_observed(s.exposure, r),
    event.OPTION_EXPIRED: lambda s, r: settlement.apply_contract_expired(s.exposure, r),
    event.GAINS_WINDOW_STARTED: lambda s, r: settlement.apply_gains_window_started(s.exposure, r),
    event.MARGIN_CALLED: lambda s, r: call.apply_margin_called(s.exposure, r),
    event.MARGIN_CALL_MET: lambda s, r: call.apply_margin_call_met(s.exposure, r),
    event.CALL_EXTENDED: lambda s, r: call.apply_call_extended(s.exposure, r),
    event.DEFAULT_DECLARED: lambda s, r: call.apply_default_declared(s.exposure, r),
    event.LIQUIDATION_STARTED: lambda s, r: liquidation.apply_liquidation_started(s.exposure, r),
    event.LIQUIDATION_STOPPED: lambda s, r: liquidation.apply_liquidation_stopped(s.exposure, r),
    event.ORDER_PLACED: lambda s, r: liquidation.apply_order_placed(s.defaults, r),
    event.ORDER_CLOSED: lambda s, r: liquidation.apply_order_closed(s.defaults, r),
    event.SLICE_SCHEDULED: lambda s, r: liquidation.apply_slice_scheduled(s.exposure, r),
    event.ORDER_FILLED: lambda s, r: liquidation.apply_order_filled(s.exposure, s.defaults, r),
    event.ASSET_CONVERTED: lambda s, r: conversion.apply_asset_converted(s.exposure, s.defaults, r),
    event.ACCOUNT_TAKEN_OVER: lambda s, r: takeover.apply_account_taken_over(s.exposure, r),
    event.LOSS_RECORDED: lambda s, r: takeover.apply_loss_recorded(s.defaults, r),
    event.LOSS_ALLOCATED: lambda s, r: waterfall.apply_loss_allocated(s.exposure, s.defaults, r),
    event.GAINS_CUT: lambda s, r: gains_haircut.apply_gains_cut(s.exposure, r),
    event.POSITION_DELEVERAGED: lambda s, r: auto_deleveraging.apply_position_deleveraged(
        s.exposure, r
    ),
    event.LOSS_CLOSED: lambda s, r: waterfall.apply_loss_closed(s.defaults, r),
    event.SURPLUS_SWEPT: lambda s, r: takeover.apply_surplus_swept(s.exposure, s.defaults, r),
}
"""How each event changes the state, row by row; trades and marks of options come in columns."""


def apply_run(state: State, run: Run) -> None:
    """Apply one run of events.

    Raises
    ------
    JournalError
        If the event is unknown or of a version this engine cannot read.
    """
    message = event.BY_NAME.get(run.name)
    if message is None or message.version != run.version:
        raise JournalError(f"event {run.name!r} version {run.version} is unknown to this engine")
    if message is event.TRADE_NOVATED:
        admission.apply_trades_novated(state.exposure, run)
        note_trades(state, run)
        return
    if message is event.OPTION_MARKED:
        option_mark.apply_options_marked(state.exposure, run)
        return
    apply = APPLY[message]
    for row in rows_of(run):
        apply(state, row)
        note_event(state, message, row)
