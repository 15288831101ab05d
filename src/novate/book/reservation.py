"""Reservations: open lots and money that an order sets aside, until they are used or released.

Whether margin suffices for an order is asked in `margin.admission`; this is the bookkeeping.
"""

from __future__ import annotations

import numpy as np

from novate.book.state import BookState
from novate.kernel.clearing.columns import I64
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import ReleaseMarginRefusal
from novate.message.topic import ACCOUNT, Application, Decision, Topic


def apply_margin_reserved(state: BookState, row: Row) -> None:
    """Book the reservation, its open lots, and what it holds."""
    number = state.reservations.append()
    for name in ("account", "instrument", "lots", "limit_ticks", "open_order_hold"):
        getattr(state.reservations, name)[number] = row[name]
    state.accounts.open_order_hold[row["account"]] += row["open_order_hold"]
    state.positions.reserve(1, state.accounts)
    position = state.hold(row["account"], row["instrument"])
    if row["lots"] > 0:
        state.positions.buy_lots[position] += row["lots"]
    else:
        state.positions.sell_lots[position] -= row["lots"]


def decide_release_margin(state: BookState, row: Row, emit: Emit) -> Refusal | None:
    """Release what is left of a reservation."""
    number = row["reservation"]
    if not 0 < number <= state.reservations.count or state.reservations.lots[number - 1] == 0:
        return Refusal(ReleaseMarginRefusal.UNKNOWN_RESERVATION, number, state.reservations.count)
    emit(event.MARGIN_RELEASED, reservation=number)
    return None


def apply_margin_released(state: BookState, row: Row) -> None:
    """Take the rest of the reservation off its position and its account."""
    number = row["reservation"] - 1
    reservations = state.reservations
    position = state.hold(int(reservations.account[number]), int(reservations.instrument[number]))
    lots = int(reservations.lots[number])
    if lots > 0:
        state.positions.buy_lots[position] -= lots
    else:
        state.positions.sell_lots[position] += lots
    reservations.lots[number] = 0
    held = int(reservations.open_order_hold[number])
    state.accounts.open_order_hold[reservations.account[number]] -= held
    reservations.open_order_hold[number] = 0


def end_reservations(state: BookState, instrument: int) -> None:
    """End every reservation of a contract that is over; its positions carry no open lots."""
    reservations = state.reservations
    of_it = reservations.used("instrument") == instrument
    account, held = reservations.used("account"), reservations.used("open_order_hold")
    np.subtract.at(state.accounts.open_order_hold, account[of_it], held[of_it])
    held[of_it] = 0
    reservations.used("lots")[of_it] = 0


def release_all(state: BookState, account: int, emit: Emit) -> None:
    """Release every open reservation of an account, in order of number."""
    mine = (state.reservations.used("account") == account) & (state.reservations.used("lots") != 0)
    for number in np.flatnonzero(mine):
        emit(event.MARGIN_RELEASED, reservation=int(number) + 1)


def _holder(state: BookState, row: Row) -> I64:
    return state.reservations.account[[row["reservation"] - 1]].astype(np.int64)


TOPIC: Topic[BookState] = Topic(
    name="reservations",
    decisions=(Decision(command.RELEASE_MARGIN, decide_release_margin, ReleaseMarginRefusal),),
    applications=(
        Application(event.MARGIN_RESERVED, apply_margin_reserved, ACCOUNT),
        Application(event.MARGIN_RELEASED, apply_margin_released, _holder),
    ),
)
