"""Liquidation in slices through the outbox, answered by the market.

An account in breach is closed a slice at a time: it keeps its own profit and loss, pays a fee to
the insurance fund, and is released when it is well above maintenance margin again.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from novate.book.ledger import transfer
from novate.default_management.columns import DefaultColumns
from novate.default_management.conversion import fill_conversion, wanted_conversions
from novate.default_management.room import conversion_room, fill_room
from novate.errors import require
from novate.kernel.clearing.assess import WORTH_MAX, tier_margin
from novate.kernel.clearing.bound import COST_STOP
from novate.kernel.clearing.settle import apply_trade, value_of
from novate.kernel.codes import AccountStatus, OrderKind, Role, ShortfallPolicy
from novate.margin.admission import release_all
from novate.market.index import PRICE_MAX_E8
from novate.market.reference import PPM
from novate.message import event
from novate.message.declare import Emit, Refusal
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.refusal import ReportFillRefusal
from novate.valuation import Assessment, ClearingState
from novate.valuation.price_status import is_blocked


def position_rows(x: ClearingState, account: int) -> list[int]:
    """Rows of an account's open positions, by instrument."""
    rows = []
    row = int(x.accounts.head[account])
    while row >= 0:
        if x.positions.lots[row] != 0:
            rows.append(row)
        row = int(x.positions.link[row])
    return sorted(rows, key=lambda r: int(x.positions.instrument[r]))


def blocked_instrument(x: ClearingState, account: int) -> int:
    """Lowest number of an open position whose price is blocked, -1 for none.

    A long option is left out: it is no collateral and asks for nothing, so that its price decides
    nothing.
    """
    p = x.positions
    held = (
        int(p.instrument[row])
        for row in position_rows(x, account)
        if p.lots[row] < 0 or not x.is_option(int(p.instrument[row]))
    )
    return next((i for i in held if is_blocked(x, i)), -1)


def has_blocked_price(x: ClearingState, account: int) -> bool:
    """Whether a position that decides waits for a price: nothing is liquidated at a guess."""
    return blocked_instrument(x, account) >= 0


def takeover_worth(x: ClearingState, account: int, equity: int) -> int:
    """Equity and the long options at their marks, numeraire units: what a takeover would take.

    Each is rounded down; one whose price is blocked counts as nothing.
    """
    p = x.positions
    for row in position_rows(x, account):
        i = int(p.instrument[row])
        if p.lots[row] > 0 and x.is_option(i) and not is_blocked(x, i):
            value = int(x.instruments.unit[i]) * int(p.lots[row]) * int(x.marks.mark[i])
            price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
            equity += math.floor(min(value * price, WORTH_MAX))
    return equity


def notional_of(x: ClearingState, row: int) -> int:
    """Notional of a position at its mark, numeraire units, rounded up."""
    i = int(x.positions.instrument[row])
    value = value_of(
        x.instruments.form[i], x.instruments.unit[i], x.marks.mark[i], x.positions.lots[row]
    )
    price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
    return math.ceil(abs(int(value)) * price)


def maintenance_of(x: ClearingState, row: int) -> int:
    """Maintenance margin of a position at its mark, numeraire units, rounded up."""
    i = int(x.positions.instrument[row])
    if x.is_option(i):
        short = max(-int(x.positions.lots[row]), 0) * int(x.marks.short_maintenance[i])
        asked = int(x.instruments.unit[i]) * short
        price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
        return math.ceil(min(asked * price, WORTH_MAX))
    value = value_of(
        x.instruments.form[i], x.instruments.unit[i], x.marks.mark[i], x.positions.lots[row]
    )
    price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
    return int(tier_margin(x.instrument_arrays(), i, abs(int(value)) * price)[1])


def decide_start_liquidation(x: ClearingState, row: dict[str, Any], emit: Emit) -> Refusal | None:
    """Begin to close an auto-liquidated account whose equity is below maintenance margin."""
    account = row["account"]
    if (
        account >= x.accounts.count
        or x.accounts.shortfall_policy[account] != ShortfallPolicy.AUTO_LIQUIDATE
    ):
        return Refusal(No.UNKNOWN_SUBJECT, account, x.accounts.count - 1)
    numbers = x.assess(account)
    if x.accounts.status[account] != AccountStatus.OPEN or numbers.equity >= numbers.maintenance:
        return Refusal(No.CAUSE_GONE, numbers.equity, numbers.maintenance)
    if has_blocked_price(x, account):
        return Refusal(No.NOT_DUE, 0, 1)
    held = position_rows(x, account)
    binding = max(held, key=lambda r: maintenance_of(x, r), default=-1)
    instrument = int(x.positions.instrument[binding]) if binding >= 0 else -1
    emit(
        event.LIQUIDATION_STARTED,
        account=account,
        equity=numbers.equity,
        requirement=numbers.maintenance,
        binding=instrument,
        mark=int(x.marks.mark[instrument]) if instrument >= 0 else 0,
        net=numbers.net,
    )
    release_all(x, account, emit)
    return None


def apply_liquidation_started(x: ClearingState, row: dict[str, Any]) -> None:
    """The account is closed out from now on."""
    x.accounts.status[row["account"]] = AccountStatus.LIQUIDATING
    x.accounts.slice_ns[row["account"]] = x.now_ns


def release_level(x: ClearingState, account: int, numbers: Assessment) -> int:
    """Equity at which a liquidation stops: a multiple of maintenance margin, numeraire units.

    An account in default of a call owes initial margin: it is not released below it.
    """
    level = -(-numbers.maintenance * x.parameter(Parameter.RELEASE_PPM) // PPM)
    if x.accounts.shortfall_policy[account] == ShortfallPolicy.CALL_THEN_DEFAULT:
        return max(level, numbers.initial)
    return level


def is_cured(x: ClearingState, account: int, numbers: Assessment) -> bool:
    """Whether equity is at the release level."""
    return numbers.equity >= release_level(x, account, numbers)


def decide_stop_liquidation(
    x: ClearingState, defaults: DefaultColumns, row: dict[str, Any], emit: Emit
) -> Refusal | None:
    """Release an account that cured."""
    account = row["account"]
    if account >= x.accounts.count or x.accounts.status[account] != AccountStatus.LIQUIDATING:
        return Refusal(No.UNKNOWN_SUBJECT, account, x.accounts.count - 1)
    numbers = x.assess(account)
    if not is_cured(x, account, numbers):
        return Refusal(No.CAUSE_GONE, numbers.equity, release_level(x, account, numbers))
    close_orders(defaults, account, emit)
    emit(
        event.LIQUIDATION_STOPPED,
        account=account, equity=numbers.equity, requirement=release_level(x, account, numbers),
    )  # fmt: skip
    return None


def apply_liquidation_stopped(x: ClearingState, row: dict[str, Any]) -> None:
    """The account is open again."""
    x.accounts.status[row["account"]] = AccountStatus.OPEN
    x.accounts.slice_ns[row["account"]] = 0


def close_orders(defaults: DefaultColumns, account: int, emit: Emit) -> None:
    """Take all open orders of an account out of the outbox."""
    for order in defaults.open_orders(account):
        emit(event.ORDER_CLOSED, order=int(order) + 1)


def close_orders_in(defaults: DefaultColumns, instrument: int, emit: Emit) -> None:
    """Take all open orders in a contract out of the outbox."""
    orders = defaults.orders
    found = orders.used("is_open") & (orders.used("subject") == instrument)
    for order in np.flatnonzero(found & (orders.used("kind") == OrderKind.POSITION)):
        emit(event.ORDER_CLOSED, order=int(order) + 1)


def is_flat(x: ClearingState, defaults: DefaultColumns, account: int) -> bool:
    """No positions, no open orders, and nothing but numeraire, paid or still owed."""
    row = int(x.accounts.head[account])
    while row >= 0:
        pending = x.positions.settlement_cost[row] != 0
        if x.positions.lots[row] or (
            pending and x.instruments.settlement_asset[x.positions.instrument[row]] != 0
        ):
            return False
        row = int(x.positions.link[row])
    # An asset without a price cannot be converted: it waits and stands in nobody's way.
    priced = x.assets.used("unit_price")[1:] > 0.0
    return not defaults.open_orders(account).size and not (
        x.accounts.balance[account, 1:][priced].any()
    )


def cancel_excess_orders(x: ClearingState, defaults: DefaultColumns, emit: Emit) -> None:
    """Take out of the outbox what the liquidator ordered for a holding that changed since.

    An order stays while it reduces the position, or the balance that it converts, and is not larger
    than it: else a late fill would turn the liquidator round.
    """
    liquidator = x.single(Role.LIQUIDATOR)
    orders = defaults.orders
    held = {
        int(x.positions.instrument[r]): int(x.positions.lots[r])
        for r in position_rows(x, liquidator)
    }
    for order in defaults.open_orders(liquidator):
        subject, quantity = int(orders.subject[order]), int(orders.quantity[order])
        if orders.kind[order] == OrderKind.POSITION:
            has = held.get(subject, 0)
        else:
            has = int(x.accounts.balance[liquidator, subject])
        if has * quantity >= 0 or abs(quantity) > abs(has):
            emit(event.ORDER_CLOSED, order=int(order) + 1)


def decide_expire_order(
    x: ClearingState, defaults: DefaultColumns, row: dict[str, Any], emit: Emit
) -> Refusal | None:
    """Withdraw an order that had no fill for its life; a fill that comes later is refused."""
    number, life = row["order"], x.parameter(Parameter.ORDER_LIFE_NS)
    if not 0 < number <= defaults.orders.count:
        return Refusal(No.UNKNOWN_SUBJECT, number, defaults.orders.count)
    if not defaults.orders.is_open[number - 1]:
        return Refusal(No.CAUSE_GONE, number, 0)
    due = int(defaults.orders.answered_ns[number - 1]) + life
    if life == 0 or x.now_ns < due:
        return Refusal(No.NOT_DUE, x.now_ns, due)
    emit(event.ORDER_CLOSED, order=number)
    return None


def apply_order_closed(defaults: DefaultColumns, row: dict[str, Any]) -> None:
    """The order no longer waits for an answer."""
    defaults.orders.is_open[row["order"] - 1] = False


def decide_place_slice(
    x: ClearingState, defaults: DefaultColumns, row: dict[str, Any], emit: Emit
) -> Refusal | None:
    """Send the next slice of each position and debt that has no order out.

    A slice is the configured share of the position, or all of it below the slice floor.  Debts in
    other assets are bought back; an account short of numeraire sells as much of its other assets
    as its debt needs, the liquidator sells all.
    """
    account = row["account"]
    if account >= x.accounts.count or not is_closing(x, account):
        return Refusal(No.UNKNOWN_SUBJECT, account, x.accounts.count - 1)
    if x.now_ns < x.accounts.slice_ns[account]:
        return Refusal(No.NOT_DUE, x.now_ns, int(x.accounts.slice_ns[account]))
    if x.accounts.role[account] == Role.LIQUIDATOR:
        # Cycles and funding in coins change what there is to convert between takeovers.
        cancel_excess_orders(x, defaults, emit)
    orders = defaults.orders
    waiting = {(int(orders.kind[o]), int(orders.subject[o])) for o in defaults.open_orders(account)}
    for held in position_rows(x, account):
        i = int(x.positions.instrument[held])
        if (OrderKind.POSITION, i) not in waiting and not is_blocked(x, i):
            _place(
                x, defaults, account, OrderKind.POSITION, i, _slice(x, held),
                int(x.marks.mark[i]), emit,
            )  # fmt: skip
    for asset, quantity in wanted_conversions(x, account):
        if (OrderKind.CONVERSION, asset) not in waiting:
            _place(
                x, defaults, account, OrderKind.CONVERSION, asset, quantity,
                int(x.assets.price_e8[asset]), emit,
            )  # fmt: skip
    is_done = x.accounts.role[account] == Role.LIQUIDATOR and is_flat(x, defaults, account)
    next_ns = 0 if is_done else x.now_ns + x.parameter(Parameter.SLICE_INTERVAL_NS)
    emit(event.SLICE_SCHEDULED, account=account, instant_ns=next_ns)
    return None


def is_closing(x: ClearingState, account: int) -> bool:
    """Whether slices are sent for this account: in liquidation, or the liquidator itself."""
    return bool(
        x.accounts.status[account] == AccountStatus.LIQUIDATING
        or x.accounts.role[account] == Role.LIQUIDATOR
    )


def _slice(x: ClearingState, row: int) -> int:
    """Signed lots that close the next slice of a position."""
    lots = int(x.positions.lots[row])
    size = abs(lots)
    if notional_of(x, row) > x.parameter(Parameter.SLICE_FLOOR):
        size = -(-size * x.parameter(Parameter.SLICE_PPM) // PPM)
    return -size if lots > 0 else size


def _place(
    x: ClearingState, defaults: DefaultColumns, account: int, kind: OrderKind, subject: int,
    quantity: int, reference: int, emit: Emit,
) -> None:  # fmt: skip
    emit(
        event.ORDER_PLACED,
        order=defaults.orders.count + 1,
        account=account,
        kind=int(kind),
        subject=subject,
        quantity=quantity,
        reference=reference,
        instant_ns=x.now_ns,
    )


def apply_order_placed(defaults: DefaultColumns, row: dict[str, Any]) -> None:
    """The order waits for an answer."""
    number = defaults.orders.append()
    require(number == row["order"] - 1, "orders are numbered densely")
    for name in ("account", "kind", "subject", "quantity", "reference"):
        getattr(defaults.orders, name)[number] = row[name]
    defaults.orders.placed_ns[number] = row["instant_ns"]
    defaults.orders.answered_ns[number] = row["instant_ns"]
    defaults.orders.is_open[number] = True


def apply_slice_scheduled(x: ClearingState, row: dict[str, Any]) -> None:
    """Remember when the next slice is due."""
    x.accounts.slice_ns[row["account"]] = row["instant_ns"]


def decide_report_fill(
    x: ClearingState, defaults: DefaultColumns, row: dict[str, Any], emit: Emit
) -> Refusal | None:
    """Book the market's answer to an order; a finished order leaves the outbox."""
    no = ReportFillRefusal
    number, quantity, price = row["order"], row["quantity"], row["price"]
    if not 0 < number <= defaults.orders.count:
        return Refusal(no.UNKNOWN_ORDER, number, defaults.orders.count)
    order = number - 1
    if not defaults.orders.is_open[order]:
        return Refusal(no.ORDER_CLOSED, number, 0)
    rest = int(defaults.orders.quantity[order])
    if not 0 <= quantity <= abs(rest):
        return Refusal(no.QUANTITY_OUT_OF_RANGE, quantity, abs(rest))
    subject = int(defaults.orders.subject[order])
    is_position = defaults.orders.kind[order] == OrderKind.POSITION
    most = int(x.instruments.ticks_max[subject]) if is_position else PRICE_MAX_E8
    if quantity and not 0 < price <= most:
        return Refusal(no.PRICE_OUT_OF_RANGE, price, most)
    if quantity:
        signed = quantity if rest > 0 else -quantity
        account = int(defaults.orders.account[order])
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
        rate = x.parameter(Parameter.LIQUIDATION_FEE_PPM)
        asked = -(-math.ceil(abs(value) * price) * rate // PPM)
        mark = x.marks.mark[i]
        gained = int(value_of(x.instruments.form[i], x.instruments.unit[i], mark, lots)) - value
        after = x.assess(account).net + math.floor(gained * price)
        fee = min(asked, max(after, 0))
    emit(
        event.ORDER_FILLED,
        order=number, account=account, instrument=i, lots=lots, ticks=ticks, value=value, fee=fee,
    )  # fmt: skip


def apply_order_filled(x: ClearingState, defaults: DefaultColumns, row: dict[str, Any]) -> None:
    """Trade with the external market at the fill price and pay the fee to the insurance fund."""
    account, lots = row["account"], row["lots"]
    book_between(
        x, account, x.single(Role.EXTERNAL_MARKET), row["instrument"], row["ticks"], lots,
        row["value"],
    )  # fmt: skip
    transfer(x.accounts, 0, account, x.single(Role.INSURANCE_FUND), row["fee"])
    defaults.book_answer(row["order"], lots, x.now_ns)


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


def open_lots(x: ClearingState, account: int) -> int:
    """Number of open positions of an account."""
    return len(position_rows(x, account))


def closing_accounts(x: ClearingState) -> list[int]:
    """Accounts in liquidation, then the liquidator, in order of number."""
    found = np.flatnonzero(x.accounts.used("status") == AccountStatus.LIQUIDATING)
    liquidator = x.single(Role.LIQUIDATOR)
    rest = [liquidator] if liquidator >= 0 and x.accounts.slice_ns[liquidator] > 0 else []
    return [int(a) for a in found] + rest
