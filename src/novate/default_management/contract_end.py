"""Ends of contracts: expiry and touched barriers, which also close the open orders in the contract.

A contract ends at its expiry, an *out* option also by a touch of its barrier: at an index that a
price makes at once, at the index of an assessment, or at a scheduled look.
"""

from __future__ import annotations

from novate.default_management.outbox import close_orders_in
from novate.default_management.state import DefaultState
from novate.kernel.codes import InstrumentStatus
from novate.market.index import accept_price
from novate.market.pause import is_jump
from novate.message import command
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import EngineCommandRefusal, ReportPriceRefusal
from novate.message.topic import Decision, Topic
from novate.settlement.barrier import observe_barrier, touch, touched_at, touched_now
from novate.settlement.expiry import settle_expiry


def decide_report_price(state: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a source's price: `PriceReported`, and touches by the index that it makes.

    Rules 5.2, 5.87, 9.21 and 9.26: `BarrierTouched` and, for an *out* option, `OrderClosed` follow.

    Parameters
    ----------
    row
        ``source``, ``price_e8`` in 1e-8 numeraire, and the instant at which it was observed, ns.

    Returns
    -------
    Refusal | None
        Reasons of `message.refusal.ReportPriceRefusal`.
    """
    refusal = accept_price(state, row, emit)
    watched = state.watched()
    if refusal is not None or not watched:
        return refusal
    asset = int(state.sources.asset[row["source"]])
    if asset in watched:
        price, _, _ = state.present_index(asset)
        if state.assets.jump_ns[asset] or is_jump(
            state, asset, int(state.assets.price_e8[asset]), price
        ):
            return None
        for i in touched_at(state, asset, price):
            touch(state, i, emit, price)
            close_orders_of_ended(state, i, emit)
    return None


def touch_barriers(state: DefaultState, emit: Emit) -> None:
    """Emit touches of barriers watched continuously by the indices of an assessment (rule 9.22)."""
    for i in touched_now(state):
        touch(state, i, emit)
        close_orders_of_ended(state, i, emit)


def decide_settle_expiry(state: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide an expiry by `settlement.expiry.settle_expiry`; close the orders in the contract."""
    refusal = settle_expiry(state, row, emit)
    if refusal is None:
        close_orders_of_ended(state, row["instrument"], emit)
    return refusal


def decide_observe_barrier(state: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide a look by `settlement.barrier.observe_barrier`; close the orders of what ends."""
    refusal = observe_barrier(state, row, emit)
    if refusal is None:
        close_orders_of_ended(state, row["instrument"], emit)
    return refusal


def close_orders_of_ended(state: DefaultState, i: int, emit: Emit) -> None:
    """Close the open orders in a contract if it has ended."""
    if state.instruments.status[i] == InstrumentStatus.EXPIRED:
        close_orders_in(state, i, emit)


TOPIC: Topic[DefaultState] = Topic(
    name="ends of contracts",
    decisions=(
        Decision(
            command.REPORT_PRICE, decide_report_price, ReportPriceRefusal, is_before_house=True
        ),
        Decision(
            command.SETTLE_EXPIRY, decide_settle_expiry, EngineCommandRefusal, is_engine_only=True
        ),
        Decision(
            command.OBSERVE_BARRIER,
            decide_observe_barrier,
            EngineCommandRefusal,
            is_engine_only=True,
        ),
    ),
    phases=(touch_barriers,),
)
