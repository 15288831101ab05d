"""Admission: what may be traded, and what is set aside before it is.

An order reserves margin on the worst side of all open orders, and holds what a fill at its worst
price would lose and cost; a trade that uses a reservation cannot be refused for margin, because the
other side is innocent.  A bilateral trade without one is refused when equity after it would not
cover initial margin.  A risk-reducing trade only closes: it needs maintenance margin or not to
deepen what is missing of it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from novate.canonical import Run
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.settle import (
    assess_changed,
    gross_reserved,
    hold_row,
    row_of,
    trade_fee,
    value_of,
)
from novate.kernel.clearing.trade import apply_releases, apply_trades, decide_trades
from novate.kernel.codes import AccountStatus, InstrumentStatus, MarginMode, Role, Style
from novate.message import event
from novate.message.declare import Emit, Refusal, columns_of
from novate.message.parameter import Parameter
from novate.message.refusal import ReleaseMarginRefusal
from novate.message.refusal import ReserveMarginRefusal as No
from novate.valuation import ClearingState
from novate.valuation.price_status import halted_among, is_halted

MARGIN_ROLES = (Role.HOUSE, Role.CLIENT)

_NOVATED = (
    "buyer", "seller", "instrument", "ticks", "lots", "buyer_reservation", "seller_reservation",
)  # fmt: skip
"""Columns of a trade that its event repeats."""


def decide_submit_trades(
    x: ClearingState, run: Run
) -> tuple[Run | None, list[tuple[int, Refusal]]]:
    """Decide and book a run of trades; returns the novated rows and the refused ones."""
    rows = run.rows
    x.positions.reserve(2 * rows, x.accounts)
    command = columns_of(run)
    refusal, actual, allowed, value, buyer_fee, seller_fee = np.zeros((6, rows), np.int64)
    decide_trades(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        x.reservations.arrays(), x.single(Role.FEES), x.checksum,
        x.accounts.count, x.instruments.count, x.parameter(Parameter.TRADE_COLLAR_PPM),
        x.parameter(Parameter.RISK_REDUCING_SALE_PPM), halted_among(x, command["instrument"]),
        command["buyer"], command["seller"], command["instrument"], command["ticks"],
        command["lots"], command["buyer_is_maker"],
        command["buyer_reservation"], command["seller_reservation"],
        refusal, actual, allowed, value, buyer_fee, seller_fee,
    )  # fmt: skip
    columns = {
        "row": np.arange(rows), "value": value, "buyer_fee": buyer_fee, "seller_fee": seller_fee,
        **{name: command[name] for name in _NOVATED},
    }  # fmt: skip
    if not np.count_nonzero(refusal):
        return _novated(columns), []
    refused = [
        (int(k), Refusal(int(refusal[k]), int(actual[k]), int(allowed[k])))
        for k in np.flatnonzero(refusal)
    ]
    booked = np.flatnonzero(refusal == 0)
    if not booked.size:
        return None, refused
    taken = {name: column[booked] for name, column in columns.items()}
    return _novated(taken), refused


def _novated(columns: dict[str, Any]) -> Run:
    """The event of booked trades; columns of a command and of its kernel have its types already."""
    message = event.TRADE_NOVATED
    names = (field.name for field in message.fields)
    rows = len(columns["row"])
    return Run(message.name, message.version, rows, tuple((n, columns[n]) for n in names))


def apply_trades_novated(x: ClearingState, run: Run) -> None:
    """Book novated trades: what `decide_submit_trades` did to the state, again."""
    x.positions.reserve(2 * run.rows, x.accounts)
    c = columns_of(run)
    arrays = x.account_arrays(), x.positions.arrays()
    apply_releases(
        *arrays, x.reservations.arrays(), c["buyer_reservation"], c["seller_reservation"], c["lots"]
    )
    apply_trades(
        *arrays, x.instrument_arrays(), x.asset_arrays(), x.single(Role.FEES), x.checksum,
        c["buyer"], c["seller"], c["instrument"], c["ticks"], c["lots"], c["value"],
        c["buyer_fee"], c["seller_fee"],
    )  # fmt: skip


def decide_reserve_margin(x: ClearingState, row: dict[str, Any], emit: Emit) -> Refusal | None:
    """Set margin aside for signed lots, or say why not."""
    account, i, lots = row["account"], row["instrument"], row["lots"]
    limit = row["limit_ticks"]
    refusal = _order_refusal(x, account, i, lots, limit)
    if refusal is not None:
        return refusal
    held = order_loss(x, i, lots, limit)
    refusal = _amount_refusal(x, account, i, lots, held)
    if refusal is not None:
        return refusal
    out = assess_changed(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        account, i, 0, 0, max(lots, 0), max(-lots, 0),
    )  # fmt: skip
    equity, initial = int(out[EQUITY]), int(out[INITIAL]) + held
    if equity < initial:
        if not _only_reduces(x, account, i, lots) or held > _released(x, account, i, lots):
            return Refusal(No.INSUFFICIENT_MARGIN, equity, initial)
        # A way out: what it may lose is less than the margin that it frees.  It holds what is
        # free, and calls nobody.
        initial -= held
        held = min(held, max(equity - initial, 0))
        initial += held
    if is_halted(x, i) and not _only_reduces(x, account, i, lots):
        return Refusal(No.PRICE_BLOCKED, lots, 0)
    emit(
        event.MARGIN_RESERVED,
        reservation=x.reservations.count + 1, open_order_hold=held, equity=equity,
        requirement=initial, **row,
    )  # fmt: skip
    return None


def order_loss(x: ClearingState, i: int, lots: int, limit_ticks: int) -> int:
    """Numeraire units that a fill of signed ``lots`` at its limit loses at once, fee included.

    The value at the limit beyond the value at the mark, if that is a loss, rounded up, and the
    dearer of both fees on the value at the limit, rounded up.  No fill within the limit costs
    more: a fee is at most a tenth of the value, so that a better price gains more than its fee.
    An option that is bought is no collateral: its whole premium is lost.  For one that is sold the
    margin of the short is asked in full, and the premium comes in.
    """
    form, unit = x.instruments.form[i], x.instruments.unit[i]
    value = int(value_of(form, unit, limit_ticks, lots))
    behind = value
    if x.instruments.style[i] != Style.PREMIUM:
        behind -= int(value_of(form, unit, x.marks.mark[i], lots))
    rate = max(int(x.instruments.maker_fee_ppm[i]), int(x.instruments.taker_fee_ppm[i]))
    price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
    return math.ceil(max(behind, 0) * price) + math.ceil(int(trade_fee(value, rate)) * price)


def _amount_refusal(x: ClearingState, account: int, i: int, lots: int, held: int) -> Refusal | None:
    """Whether 64 bits hold what the account's orders hold, and all its positions at any price."""
    held += int(x.accounts.open_order_hold[account])
    if held > AMOUNT_MAX:
        # The number itself may not fit into the journal.
        return Refusal(No.AMOUNT_TOO_LARGE, min(held, 2**62), AMOUNT_MAX)
    gross = gross_reserved(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), account, i,
        max(lots, 0), max(-lots, 0),
    )  # fmt: skip
    if gross > AMOUNT_MAX:
        return Refusal(No.AMOUNT_TOO_LARGE, int(gross), AMOUNT_MAX)
    return None


def _only_reduces(x: ClearingState, account: int, i: int, lots: int) -> bool:
    """Whether an order, with the open ones of its side, does no more than close the position."""
    row = int(row_of(x.positions.arrays(), account, i))
    if row < 0:
        return False
    p = x.positions
    held = int(p.lots[row])
    same_side = int(p.buy_lots[row]) if lots > 0 else -int(p.sell_lots[row])
    return held * lots < 0 and abs(lots + same_side) <= abs(held)


def _released(x: ClearingState, account: int, i: int, lots: int) -> int:
    """Maintenance margin that closing signed ``lots`` at the mark frees, numeraire units."""
    value = value_of(x.instruments.form[i], x.instruments.unit[i], x.marks.mark[i], lots)
    after = assess_changed(
        x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
        account, i, lots, value, 0, 0,
    )  # fmt: skip
    return x.assess(account).maintenance - int(after[MAINTENANCE])


def _order_refusal(x: ClearingState, account: int, i: int, lots: int, limit: int) -> Refusal | None:
    """Checks of a reservation that need no margin."""
    accounts = x.accounts
    if account >= accounts.count or accounts.role[account] not in MARGIN_ROLES:
        return Refusal(No.UNKNOWN_ACCOUNT, account, accounts.count - 1)
    if i >= x.instruments.count:
        return Refusal(No.UNKNOWN_INSTRUMENT, i, x.instruments.count - 1)
    most = int(x.instruments.lots_max[i])
    if lots == 0 or abs(lots) > most:
        return Refusal(No.LOTS_OUT_OF_RANGE, lots, most)
    if not 0 < limit <= x.instruments.ticks_max[i]:
        return Refusal(No.PRICE_OUT_OF_RANGE, limit, int(x.instruments.ticks_max[i]))
    if x.instruments.status[i] != InstrumentStatus.ACTIVE:
        return Refusal(No.INSTRUMENT_NOT_ACTIVE, int(x.instruments.status[i]), 1)
    if accounts.status[account] > AccountStatus.CALLED:
        return Refusal(No.ACCOUNT_NOT_OPEN, int(accounts.status[account]), AccountStatus.CALLED)
    held, elsewhere = _worst_side(x, account, i, lots)
    if held > most:
        return Refusal(No.POSITION_LIMIT, held, most)
    if elsewhere >= 0 and accounts.mode[account] == MarginMode.ISOLATED:
        return Refusal(No.ISOLATED_ELSEWHERE, i, elsewhere)
    if x.marks.mark[i] <= 0 or x.assets.unit_price[x.instruments.settlement_asset[i]] <= 0.0:
        return Refusal(No.MARK_MISSING, 0, 1)
    return None


def _worst_side(x: ClearingState, account: int, i: int, lots: int) -> tuple[int, int]:
    """Lots held if all orders of one side fill, and the last other instrument in use or -1."""
    p = x.positions
    held, elsewhere = 0, -1
    row = int(x.accounts.head[account])
    while row >= 0:
        if p.instrument[row] == i:
            side = int(p.buy_lots[row]) if lots > 0 else -int(p.sell_lots[row])
            held = abs(int(p.lots[row]) + side + lots)
        elif p.lots[row] or p.buy_lots[row] or p.sell_lots[row]:
            elsewhere = max(elsewhere, int(p.instrument[row]))
        row = int(p.link[row])
    return held, elsewhere


def apply_margin_reserved(x: ClearingState, row: dict[str, Any]) -> None:
    """Book the reservation, its open lots, and what it holds."""
    number = x.reservations.append()
    for name in ("account", "instrument", "lots", "limit_ticks", "open_order_hold"):
        getattr(x.reservations, name)[number] = row[name]
    x.accounts.open_order_hold[row["account"]] += row["open_order_hold"]
    x.positions.reserve(1, x.accounts)
    position = hold(x, row["account"], row["instrument"])
    if row["lots"] > 0:
        x.positions.buy_lots[position] += row["lots"]
    else:
        x.positions.sell_lots[position] -= row["lots"]


def hold(x: ClearingState, account: int, instrument: int) -> int:
    """Return the position row of a pair, made if it is new."""
    return int(hold_row(x.positions.arrays(), x.accounts.head, account, instrument))


def decide_release_margin(x: ClearingState, row: dict[str, Any], emit: Emit) -> Refusal | None:
    """Release what is left of a reservation."""
    number = row["reservation"]
    if not 0 < number <= x.reservations.count or x.reservations.lots[number - 1] == 0:
        return Refusal(ReleaseMarginRefusal.UNKNOWN_RESERVATION, number, x.reservations.count)
    emit(event.MARGIN_RELEASED, reservation=number)
    return None


def apply_margin_released(x: ClearingState, row: dict[str, Any]) -> None:
    """Take the rest of the reservation off its position and its account."""
    number = row["reservation"] - 1
    reservations = x.reservations
    position = hold(x, int(reservations.account[number]), int(reservations.instrument[number]))
    lots = int(reservations.lots[number])
    if lots > 0:
        x.positions.buy_lots[position] -= lots
    else:
        x.positions.sell_lots[position] += lots
    reservations.lots[number] = 0
    x.accounts.open_order_hold[reservations.account[number]] -= reservations.open_order_hold[number]
    reservations.open_order_hold[number] = 0


def apply_lapse(x: ClearingState, instrument: int) -> None:
    """End every reservation of an expired contract; its positions carry no open lots any more."""
    of_it = x.reservations.used("instrument") == instrument
    held = x.reservations.used("open_order_hold")
    np.subtract.at(x.accounts.open_order_hold, x.reservations.used("account")[of_it], held[of_it])
    held[of_it] = 0
    x.reservations.used("lots")[of_it] = 0


def release_all(x: ClearingState, account: int, emit: Emit) -> None:
    """Release every open reservation of an account, in order of number."""
    mine = (x.reservations.used("account") == account) & (x.reservations.used("lots") != 0)
    for number in np.flatnonzero(mine):
        emit(event.MARGIN_RELEASED, reservation=int(number) + 1)
