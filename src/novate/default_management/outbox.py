"""The outbox: what the engine asks the world to do for accounts that are closed, and its answers.

An order stays until it is filled, withdrawn, or its holding changes; a fill trades with the
external market, and whoever answers late is refused.
"""

from __future__ import annotations

import math

import numpy as np

from novate.book.ledger import transfer
from novate.canonical import Run
from novate.default_management.close_out import position_rows
from novate.default_management.conversion import apply_asset_converted, fill_conversion
from novate.default_management.room import conversion_room, fill_room
from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.bound import COST_STOP
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.settle import apply_trade, value_of
from novate.kernel.codes import DueKind, OrderKind, Role
from novate.market.index import PRICE_MAX_E8
from novate.market.reference import PPM
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.refusal import ReportFillRefusal
from novate.message.topic import ACCOUNT, NOBODY, Application, Decision, Topic, Work
from novate.valuation import ClearingState


def place_order(
    x: DefaultState, account: int, kind: OrderKind, subject: int,
    quantity: int, reference: int, emit: Emit,
) -> None:  # fmt: skip
    """Put an order into the outbox, to be filled near ``reference``."""
    emit(
        event.ORDER_PLACED,
        order=x.defaults.orders.count + 1,
        account=account,
        kind=int(kind),
        subject=subject,
        quantity=quantity,
        reference=reference,
        instant_ns=x.now_ns,
    )


def apply_order_placed(x: DefaultState, row: Row) -> None:
    """The order waits for an answer."""
    number = x.defaults.orders.append()
    require(number == row["order"] - 1, "orders are numbered densely")
    for name in ("account", "kind", "subject", "quantity", "reference"):
        getattr(x.defaults.orders, name)[number] = row[name]
    x.defaults.orders.placed_ns[number] = row["instant_ns"]
    x.defaults.orders.answered_ns[number] = row["instant_ns"]
    x.defaults.orders.is_open[number] = True


def decide_report_fill(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Book the market's answer to an order; a finished order leaves the outbox."""
    no = ReportFillRefusal
    number, quantity, price = row["order"], row["quantity"], row["price"]
    if not 0 < number <= x.defaults.orders.count:
        return Refusal(no.UNKNOWN_ORDER, number, x.defaults.orders.count)
    order = number - 1
    if not x.defaults.orders.is_open[order]:
        return Refusal(no.ORDER_CLOSED, number, 0)
    rest = int(x.defaults.orders.quantity[order])
    if not 0 <= quantity <= abs(rest):
        return Refusal(no.QUANTITY_OUT_OF_RANGE, quantity, abs(rest))
    subject = int(x.defaults.orders.subject[order])
    is_position = x.defaults.orders.kind[order] == OrderKind.POSITION
    most = int(x.instruments.ticks_max[subject]) if is_position else PRICE_MAX_E8
    if quantity and not 0 < price <= most:
        return Refusal(no.PRICE_OUT_OF_RANGE, price, most)
    if quantity:
        signed = quantity if rest > 0 else -quantity
        account = int(x.defaults.orders.account[order])
        needed = (fill_room if is_position else conversion_room)(x, account, subject, signed, price)
        if needed >= COST_STOP:
            # The number itself may not fit into the journal.
            return Refusal(no.AMOUNT_TOO_LARGE, min(needed, 2**62), COST_STOP - 1)
        if is_position:
            _fill_position(x, number, account, subject, signed, price, emit)
        else:
            fill_conversion(x, number, account, subject, signed, price, emit)
    if row["is_final"] or quantity == abs(rest):
        emit(event.ORDER_CLOSED, order=number)
    return None


def _fill_position(
    x: ClearingState, number: int, account: int, i: int, lots: int, ticks: int, emit: Emit
) -> None:
    """Emit a fill with its liquidation fee.

    The fee is charged in numeraire, is no more than the account's positive net equity, and is not
    charged to the liquidator.
    """
    value = int(value_of(x.instruments.form[i], x.instruments.unit[i], ticks, lots))
    fee = 0
    if x.accounts.role[account] != Role.LIQUIDATOR:
        price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
        rate = x.parameter(Parameter.LIQUIDATION_FEE_PPM, instrument=i, account=account)
        asked = -(-math.ceil(abs(value) * price) * rate // PPM)
        mark = x.marks.mark[i]
        gained = int(value_of(x.instruments.form[i], x.instruments.unit[i], mark, lots)) - value
        after = x.assess(account).net + math.floor(gained * price)
        fee = min(asked, max(after, 0))
    emit(
        event.ORDER_FILLED,
        order=number, account=account, instrument=i, lots=lots, ticks=ticks, value=value, fee=fee,
    )  # fmt: skip


def apply_order_filled(x: DefaultState, row: Row) -> None:
    """Trade with the external market at the fill price and pay the fee to the insurance fund."""
    account, lots = row["account"], row["lots"]
    book_between(
        x, account, x.single(Role.EXTERNAL_MARKET), row["instrument"], row["ticks"], lots,
        row["value"],
    )  # fmt: skip
    transfer(x.accounts, 0, account, x.single(Role.INSURANCE_FUND), row["fee"])
    x.defaults.book_answer(row["order"], lots, x.now_ns)


def book_between(
    x: ClearingState, account: int, other: int, i: int, ticks: int, lots: int, value: int
) -> None:
    """Book a fee-free trade: ``account`` gets signed ``lots`` with signed ``value``."""
    x.positions.reserve(2, x.accounts)
    buyer, seller = (account, other) if lots > 0 else (other, account)
    apply_trade(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        x.single(Role.FEES), x.checksum, buyer, seller, i, ticks, abs(lots),
        value if lots > 0 else -value, 0, 0,
    )  # fmt: skip


def close_orders(x: DefaultState, account: int, emit: Emit) -> None:
    """Take all open orders of an account out of the outbox."""
    for order in x.defaults.open_orders(account):
        emit(event.ORDER_CLOSED, order=int(order) + 1)


def close_orders_in(x: DefaultState, instrument: int, emit: Emit) -> None:
    """Take all open orders in a contract out of the outbox."""
    orders = x.defaults.orders
    found = orders.used("is_open") & (orders.used("subject") == instrument)
    for order in np.flatnonzero(found & (orders.used("kind") == OrderKind.POSITION)):
        emit(event.ORDER_CLOSED, order=int(order) + 1)


def cancel_excess_orders(x: DefaultState, emit: Emit) -> None:
    """Take out of the outbox what the liquidator ordered for a holding that changed since.

    An order stays while it reduces the position, or the balance that it converts, and is not larger
    than it: else a late fill would turn the liquidator round.
    """
    liquidator = x.single(Role.LIQUIDATOR)
    orders = x.defaults.orders
    held = {
        int(x.positions.instrument[r]): int(x.positions.lots[r])
        for r in position_rows(x, liquidator)
    }
    for order in x.defaults.open_orders(liquidator):
        subject, quantity = int(orders.subject[order]), int(orders.quantity[order])
        if orders.kind[order] == OrderKind.POSITION:
            has = held.get(subject, 0)
        else:
            has = int(x.accounts.balance[liquidator, subject])
        if has * quantity >= 0 or abs(quantity) > abs(has):
            emit(event.ORDER_CLOSED, order=int(order) + 1)


def decide_expire_order(x: DefaultState, row: Row, emit: Emit) -> Refusal | None:
    """Withdraw an order that had no fill for its life; a fill that comes later is refused."""
    number, life = row["order"], x.parameter(Parameter.ORDER_LIFE_NS)
    if not 0 < number <= x.defaults.orders.count:
        return Refusal(No.UNKNOWN_SUBJECT, number, x.defaults.orders.count)
    if not x.defaults.orders.is_open[number - 1]:
        return Refusal(No.CAUSE_GONE, number, 0)
    due = int(x.defaults.orders.answered_ns[number - 1]) + life
    if life == 0 or x.now_ns < due:
        return Refusal(No.NOT_DUE, x.now_ns, due)
    emit(event.ORDER_CLOSED, order=number)
    return None


def apply_order_closed(x: DefaultState, row: Row) -> None:
    """The order no longer waits for an answer."""
    x.defaults.orders.is_open[row["order"] - 1] = False


def _waiting(x: DefaultState) -> tuple[I64, I64]:
    """Open orders, and when their life without a fill ends."""
    life = x.parameter(Parameter.ORDER_LIFE_NS)
    orders = x.defaults.orders
    open_rows: I64 = np.flatnonzero(orders.used("is_open") & (life > 0))
    return open_rows + 1, orders.answered_ns[open_rows] + life


def _expire(x: DefaultState, order: int, instant_ns: int) -> Run:
    return command.EXPIRE_ORDER.row(order=order)


ORDER_LIFE = Work(kind=DueKind.ORDER_LIFE, due=_waiting, command=_expire)

TOPIC: Topic[DefaultState] = Topic(
    name="outbox",
    decisions=(
        Decision(command.REPORT_FILL, decide_report_fill, ReportFillRefusal),
        Decision(command.EXPIRE_ORDER, decide_expire_order, No, is_engine_only=True),
    ),
    applications=(
        Application(event.ORDER_PLACED, apply_order_placed, NOBODY),
        Application(event.ORDER_CLOSED, apply_order_closed, NOBODY),
        Application(event.ORDER_FILLED, apply_order_filled, ACCOUNT),
        Application(event.ASSET_CONVERTED, apply_asset_converted, ACCOUNT),
    ),
    work=(ORDER_LIFE,),
)
