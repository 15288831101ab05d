"""Orders of accounts that are closed out, to the external market, and its answers.

An order is open until it is filled, answered for good, expired, or in excess of what the account
still holds.  A fill trades with the account of the external market; an answer to a closed order is
refused (rules 11.14 to 11.23).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from novate.book.ledger import transfer
from novate.canonical import Run
from novate.default_management.conversion import (
    apply_asset_converted,
    book_conversion,
    fill_conversion,
)
from novate.default_management.index_failure import net_that_counts
from novate.default_management.order_limit import has_left_price, limit_now, reference_of
from novate.default_management.refused import Refused
from novate.default_management.room import conversion_room, fee_room, trade_room
from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.bound import COST_STOP
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.settle import apply_trade, value_of
from novate.kernel.clearing.takeover import find_excess
from novate.kernel.codes import DueKind, OrderKind, Role
from novate.market.reference import PPM
from novate.market.source_state import PRICE_MAX_E8
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.refusal import ReportFillRefusal
from novate.message.topic import (
    ACCOUNT,
    NOBODY,
    Application,
    ColumnDecision,
    Decision,
    Topic,
    Work,
)
from novate.valuation import ClearingState
from novate.valuation.taken_over import add_taken_over


def place_orders(x: DefaultState, accounts: I64, wanted: I64, emit: Emit) -> None:
    """Emit `OrderPlaced` for some accounts, but not for what has an open order already.

    Parameters
    ----------
    accounts
        Whose orders they are, each once; shape (accounts,).
    wanted
        Rows of (account, kind, subject, quantity): signed lots, or ledger units of an asset,
        positive to buy; shape (orders, 4), at most one of an account, kind and subject.
    """
    orders = x.defaults.orders
    out = orders.of(accounts)
    if out.size:
        about = (orders.account[out], orders.kind[out], orders.subject[out])
        waiting = _keys(*(column.astype(np.int64) for column in about))
        wanted = wanted[~np.isin(_keys(*wanted[:, :3].T), waiting)]
    if not len(wanted):
        return
    account, kind, subject, quantity = wanted.T
    emit.columns(
        event.ORDER_PLACED,
        order=orders.given + 1 + np.arange(len(wanted)),
        account=account,
        kind=kind,
        subject=subject,
        quantity=quantity,
        reference=reference_of(x, kind, subject),
        instant_ns=np.full(len(wanted), x.now_ns),
        limit=limit_now(x, kind, subject, quantity).limit,
    )


def _keys(account: I64, kind: I64, subject: I64) -> I64:
    """One number for what an order is about: 31 bits of account, as many of subject, the kind."""
    keys: I64 = account << 32 | subject << 1 | (kind == OrderKind.CONVERSION)
    return keys


def apply_order_placed(x: DefaultState, columns: Row) -> None:
    """Append the orders, open until they are answered."""
    orders = x.defaults.orders
    rows = orders.add(len(columns["order"]))
    require(bool((orders.number[rows] == columns["order"]).all()), "orders are numbered one by one")
    for name in ("account", "kind", "subject", "quantity", "reference", "limit"):
        getattr(orders, name)[rows] = columns[name]
    orders.placed_ns[rows] = orders.answered_ns[rows] = columns["instant_ns"]
    orders.is_open[rows] = True
    x.enter_orders(rows)


def decide_report_fill(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Decide the market's answer to an order (rules 11.14 to 11.19).

    Emits `OrderFilled` with its fee, or `AssetConverted`, and `OrderClosed` when the answer is
    final or nothing is left.

    Parameters
    ----------
    row
        ``order``; ``quantity`` that is filled, lots or ledger units, not negative; ``price`` in
        ticks, or 1e-8 for a conversion; ``is_final``.

    Returns
    -------
    Refusal | None
        UNKNOWN_ORDER, ORDER_CLOSED, QUANTITY_OUT_OF_RANGE, PRICE_OUT_OF_RANGE, AMOUNT_TOO_LARGE
        (rules 15.6 and 15.7) or WORSE_THAN_LIMIT (rule 11.51), tested in this order.
    """
    no = ReportFillRefusal
    number, quantity, price = row["order"], row["quantity"], row["price"]
    orders = x.defaults.orders
    if not 0 < number <= orders.given:
        return Refusal(no.UNKNOWN_ORDER, number, orders.given)
    order = orders.row_of(number)
    if order < 0:
        return Refusal(no.ORDER_CLOSED, number, 0)
    rest = int(orders.quantity[order])
    if not 0 <= quantity <= abs(rest):
        return Refusal(no.QUANTITY_OUT_OF_RANGE, quantity, abs(rest))
    subject = int(orders.subject[order])
    is_position = orders.kind[order] == OrderKind.POSITION
    most = int(x.instruments.ticks_max[subject]) if is_position else PRICE_MAX_E8
    if quantity and not 0 < price <= most:
        return Refusal(no.PRICE_OUT_OF_RANGE, price, most)
    if quantity:
        signed = quantity if rest > 0 else -quantity
        account = int(orders.account[order])
        needed = _fill_room(x, account, subject, signed, price, is_position=is_position)
        if needed >= COST_STOP:
            # The number itself may not fit into the journal.
            return Refusal(no.AMOUNT_TOO_LARGE, min(needed, 2**62), COST_STOP - 1)
        limit = int(orders.limit[order])
        if limit and (price - limit) * signed > 0:
            return Refusal(no.WORSE_THAN_LIMIT, price, limit)
        if is_position:
            _fill_position(x, number, account, subject, signed, price, emit)
        else:
            fill_conversion(x, number, account, subject, signed, price, emit)
    if row["is_final"] or quantity == abs(rest):
        emit(event.ORDER_CLOSED, order=number)
    return None


def _fill_room(
    x: ClearingState, account: int, subject: int, signed: int, price: int, *, is_position: bool
) -> int:
    """Return the largest number that a fill could leave in the books (rules 15.6 and 15.7)."""
    if is_position:
        market = x.single(Role.EXTERNAL_MARKET)
        return trade_room(x, account, market, subject, signed, price)
    return conversion_room(x, account, subject, signed, price)


def _fill_position(
    x: ClearingState, number: int, account: int, i: int, lots: int, ticks: int, emit: Emit
) -> None:
    """Emit a fill with its liquidation fee.

    The fee is charged in numeraire, is no more than the account's positive net equity, as it counts
    (rule 11.31), and what both balances have room for, and is not charged to the liquidator.
    """
    value = int(value_of(x.instruments.form[i], x.instruments.unit[i], ticks, lots))
    fee = 0
    if x.accounts.role[account] != Role.LIQUIDATOR:
        price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
        rate = x.parameter(Parameter.LIQUIDATION_FEE_PPM, instrument=i, account=account)
        asked = -(-math.ceil(abs(value) * price) * rate // PPM)
        mark = x.marks.mark[i]
        gained = int(value_of(x.instruments.form[i], x.instruments.unit[i], mark, lots)) - value
        net = np.array([x.assess(account).net])
        net = net_that_counts(x, np.array([x.group_of(account)]), net)
        after = int(net[0]) + math.floor(gained * price)
        fee = min(asked, max(after, 0), fee_room(x, account))
    emit(
        event.ORDER_FILLED,
        order=number, account=account, instrument=i, lots=lots, ticks=ticks, value=value, fee=fee,
    )  # fmt: skip


def apply_order_filled(x: DefaultState, row: Row) -> None:
    """Book a fill, and note what the market took over and that no assessment has seen it.

    Rules 8.77 and 6.110.
    """
    book_fill(x, row)
    add_taken_over(x, row["instrument"], -row["lots"])
    x.has_settled = True


def book_fill(x: DefaultState, row: Row) -> None:
    """Book a fill: the trade with the external market, and the fee to the insurance fund."""
    account, lots = row["account"], row["lots"]
    book_between(
        x, account, x.single(Role.EXTERNAL_MARKET), row["instrument"], row["ticks"], lots,
        row["value"],
    )  # fmt: skip
    transfer(x.accounts, 0, account, x.single(Role.INSURANCE_FUND), row["fee"])
    x.book_answer(row["order"], lots)


def book_between(
    x: ClearingState, account: int, other: int, i: int, ticks: int, lots: int, value: int
) -> None:
    """Book a trade without fees (rules 7.14 to 7.20).

    Parameters
    ----------
    account, other
        Account that gets the lots, and the one that gives them.
    i, ticks
        Instrument and price.
    lots, value
        Signed lots, positive bought, and their value at the price, ledger units of the settlement
        asset; those of ``other`` are the opposite.
    """
    x.positions.reserve(2, x.accounts)
    buyer, seller = (account, other) if lots > 0 else (other, account)
    apply_trade(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        x.single(Role.FEES), x.checksum, buyer, seller, i, ticks, abs(lots),
        value if lots > 0 else -value, 0, 0,
    )  # fmt: skip


def close_orders(x: DefaultState, accounts: I64, emit: Emit) -> None:
    """Emit `OrderClosed` for all open orders of some accounts: in their order, then by number."""
    _close(x, x.defaults.orders.of(accounts), emit)


def close_orders_in(x: DefaultState, instrument: int, emit: Emit) -> None:
    """Emit `OrderClosed` for all open orders in a contract, by number."""
    orders = x.defaults.orders
    rows = orders.live()
    is_in = (orders.kind[rows] == OrderKind.POSITION) & (orders.subject[rows] == instrument)
    _close(x, rows[is_in], emit)


def cancel_excess_orders(x: DefaultState, emit: Emit) -> None:
    """Emit `OrderClosed` for orders of the liquidator in excess of what it holds (rule 11.23).

    An order stays while it reduces the position, or the balance that it converts, and is not larger
    than it: a fill of a larger one would reverse the position.
    """
    rows = x.defaults.orders.of(np.array([x.single(Role.LIQUIDATOR)]))
    _close(x, rows[_is_excess(x, rows)], emit)


def cancel_before_slices(x: DefaultState, accounts: I64, emit: Emit) -> None:
    """Emit `OrderClosed` for what some accounts no longer want before their next slices.

    Those are orders of the liquidator in excess of what it holds, and orders whose limit no longer
    goes with the price (rule 11.52), so that the slice places them anew.

    Parameters
    ----------
    accounts
        Whose slices come, each once: their orders are closed in this order, then by number.
    """
    orders = x.defaults.orders
    rows = orders.of(accounts)
    if not rows.size:
        return
    is_over = has_left_price(x, rows)
    # Cycles and funding in coins change what there is to convert between takeovers.
    is_own = orders.account[rows] == x.single(Role.LIQUIDATOR)
    is_over[is_own] |= _is_excess(x, rows[is_own])
    _close(x, rows[is_over], emit)


def _is_excess(x: DefaultState, rows: I64) -> npt.NDArray[np.bool_]:
    """Which orders of the liquidator are larger than what they reduce, or reduce nothing."""
    orders = x.defaults.orders
    is_excess = np.zeros(rows.size, np.bool_)
    find_excess(
        x.account_arrays(), x.positions.arrays(), x.single(Role.LIQUIDATOR),
        orders.kind[rows], orders.subject[rows], orders.quantity[rows], is_excess,
    )  # fmt: skip
    return is_excess


def _close(x: DefaultState, rows: I64, emit: Emit) -> None:
    if rows.size:
        emit.columns(event.ORDER_CLOSED, order=x.defaults.orders.number[rows])


def decide_expire_orders(
    x: DefaultState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide which orders had no fill for their life: `OrderClosed` (rule 11.20).

    Parameters
    ----------
    columns
        ``order``: numbers, from 1; shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending: UNKNOWN_SUBJECT for a number never given, CAUSE_GONE for a closed
        order, NOT_DUE before the end of its life.
    """
    orders, numbers = x.defaults.orders, columns["order"].astype(np.int64)
    refused = Refused(numbers.size)
    refused.where(
        (numbers < 1) | (numbers > orders.given), No.UNKNOWN_SUBJECT, numbers, orders.given
    )
    rows = orders.rows_of(numbers)
    refused.where(rows < 0, No.CAUSE_GONE, numbers, 0)
    due = x.order_ends(rows)
    refused.where((due == 0) | (x.now_ns < due), No.NOT_DUE, x.now_ns, due)
    _close(x, rows[refused.passing()], emit)
    return refused.reasons()


def apply_order_closed(x: DefaultState, columns: Row) -> None:
    """Close orders; one that is not open is a fault."""
    rows = x.defaults.orders.rows_of(columns["order"])
    require(bool((rows >= 0).all()), "an order is closed once")
    x.defaults.orders.end(rows)


def _waiting(x: DefaultState) -> tuple[I64, I64]:
    """Open orders, and when their life without a fill ends."""
    rows = x.defaults.orders.live()
    ends = x.order_ends(rows)
    return x.defaults.orders.number[rows[ends > 0]], ends[ends > 0]


def _ends_of(x: DefaultState, numbers: I64) -> I64:
    """When the life of some orders ends, 0 where they are closed."""
    rows = x.defaults.orders.rows_of(numbers)
    return np.where(rows >= 0, x.order_ends(rows), 0)


def _expire(x: DefaultState, numbers: I64) -> Run:
    return command.EXPIRE_ORDER.run({"order": numbers})


ORDER_LIFE = Work(kind=DueKind.ORDER_LIFE, due=_waiting, instants=_ends_of, commands=_expire)

TOPIC: Topic[DefaultState] = Topic(
    name="outbox",
    decisions=(
        Decision(command.REPORT_FILL, decide_report_fill, ReportFillRefusal),
        ColumnDecision(command.EXPIRE_ORDER, decide_expire_orders, No, is_engine_only=True),
    ),
    applications=(
        Application(event.ORDER_PLACED, apply_order_placed, NOBODY, is_by_column=True),
        Application(event.ORDER_CLOSED, apply_order_closed, NOBODY, is_by_column=True),
        Application(event.ORDER_FILLED, apply_order_filled, ACCOUNT, older=((1, book_fill),)),
        Application(
            event.ASSET_CONVERTED, apply_asset_converted, ACCOUNT, older=((1, book_conversion),)
        ),
    ),
    work=(ORDER_LIFE,),
)
