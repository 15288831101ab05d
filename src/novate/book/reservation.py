"""Reservations: lots and money set aside for open orders, until they are used or released.

`margin.admission` decides whether margin suffices for an order; this module books and releases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from novate.book.state import BookState
from novate.errors import require
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.trade import release_wholly
from novate.kernel.clearing.trade_code import NO_RESERVATION, UNKNOWN
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import ReleaseMarginRefusal
from novate.message.topic import ACCOUNT, Application, ColumnDecision, Topic


def apply_margin_reserved(state: BookState, row: Row) -> None:
    """Book a reservation (rule 7.25): its lots among the open orders, its hold on the account.

    Parameters
    ----------
    row
        ``account``, ``instrument``, signed ``lots`` (positive to buy), ``limit_ticks``, and
        ``open_order_hold`` in numeraire units.
    """
    table, account, lots = state.reservations, row["account"], row["lots"]
    number = table.append()
    table.account[number], table.instrument[number] = account, row["instrument"]
    table.lots[number], table.limit_ticks[number] = lots, row["limit_ticks"]
    table.open_order_hold[number] = row["open_order_hold"]
    state.accounts.open_order_hold[account] += row["open_order_hold"]
    state.positions.reserve(1, state.accounts)
    state.positions.hold_orders(
        state.accounts.head, account, row["instrument"], max(lots, 0), max(-lots, 0)
    )


def decide_release_margins(
    state: BookState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide which reservations end with what is left of them: `MarginReleased` (rule 7.31).

    Parameters
    ----------
    columns
        ``reservation``: numbers, from 1; shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_RESERVATION for one that was never given, has ended, or is
        named by a row before.
    """
    numbers, reservations = columns["reservation"], state.reservations
    is_released = reservations.rows_of(numbers) >= 0
    again = np.ones(numbers.size, np.bool_)
    again[np.unique(numbers, return_index=True)[1]] = False
    is_released &= ~again
    if is_released.any():
        emit.columns(event.MARGIN_RELEASED, reservation=numbers[is_released])
    code, given = ReleaseMarginRefusal.UNKNOWN_RESERVATION, reservations.given
    return [
        (k, Refusal(code, int(numbers[k]), given)) for k in np.flatnonzero(~is_released).tolist()
    ]


def apply_margin_released(state: BookState, columns: Row) -> None:
    """Take the rest of reservations off open orders and holds; one that has ended is a fault."""
    rows = state.reservations.rows_of(columns["reservation"])
    require(bool((rows >= 0).all()), "what is released is reserved")
    release_wholly(
        state.account_arrays(), state.positions.arrays(), state.reservations.arrays(), rows
    )


def end_reservations(state: BookState, instrument: int) -> None:
    """End every reservation of a contract that is over and free its hold (rule 8.12).

    Open lots of its positions are not changed: the end of the contract sets them to zero.
    """
    reservations = state.reservations
    rows = reservations.live()
    rows = rows[reservations.instrument[rows] == instrument]
    held = reservations.open_order_hold
    np.subtract.at(state.accounts.open_order_hold, reservations.account[rows], held[rows])
    held[rows] = 0
    reservations.end(rows)


def release_all(state: BookState, accounts: I64, emit: Emit) -> None:
    """Emit `MarginReleased` for all reservations of some accounts (rules 10.8 and 11.1).

    The events stand in the order of the accounts, then of number.
    """
    rows = state.reservations.of(accounts)
    if rows.size:
        emit.columns(event.MARGIN_RELEASED, reservation=state.reservations.number[rows])


def reservation_rows(state: BookState, numbers: npt.NDArray[np.integer[Any]]) -> I64:
    """Return rows as the kernels of trades take them.

    Parameters
    ----------
    numbers
        Numbers of reservations, 0 for none; shape (trades,).

    Returns
    -------
    I64
        Row of each; NO_RESERVATION where the number is 0, UNKNOWN where it has ended or was never
        given.
    """
    if not numbers.any():
        return np.full(numbers.size, NO_RESERVATION, np.int64)
    rows = state.reservations.rows_of(numbers)
    rows[rows < 0] = UNKNOWN
    rows[numbers == 0] = NO_RESERVATION
    return rows


def _holders(state: BookState, columns: Row) -> I64:
    rows = state.reservations.find(columns["reservation"])
    return state.reservations.account[rows].astype(np.int64)


TOPIC: Topic[BookState] = Topic(
    name="reservations",
    decisions=(
        ColumnDecision(command.RELEASE_MARGIN, decide_release_margins, ReleaseMarginRefusal),
    ),
    applications=(
        Application(event.MARGIN_RESERVED, apply_margin_reserved, ACCOUNT),
        Application(event.MARGIN_RELEASED, apply_margin_released, _holders, is_by_column=True),
    ),
)
