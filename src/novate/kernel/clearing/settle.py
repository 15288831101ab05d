"""Settlement over the holders of one instrument: cycles, funding, expiry, early settlement.

The event carries the cause (instrument, price, rate); these kernels expand it over the holders.
What rounding leaves over is booked to the residue account, so every asset still sums to zero.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.assess import SCRATCH, WIDTH, assess_account, assess_with
from novate.kernel.clearing.bound import (
    AMOUNT_MAX,
    gross_of,
    load_of,
    require_balance,
    require_room,
)
from novate.kernel.clearing.ledger import add_balance, add_lots, add_open_lots, add_pending
from novate.kernel.clearing.position import (
    REALISED_MAX,
    entry_change,
    find_position,
    hold_position,
)
from novate.kernel.clearing.trade import book_trade
from novate.kernel.clearing.value import contract_value, fee_of, funding_payment
from novate.kernel.clearing.window_gain import add_window_gain
from novate.kernel.codes import Style
from novate.kernel.jit import inlined, kernel

_PREMIUM = int(Style.PREMIUM)


@kernel
def apply_cycle(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, residue, i, ticks, rows
):
    """Pay variation margin to every holder at ``ticks``; returns what went to the residue account.

    A holder receives value at the settlement price minus ``settlement_cost``, which then becomes
    that value: a second cycle at the same price pays nothing.
    """
    form = instruments.form[i]
    unit = instruments.unit[i]
    asset = instruments.settlement_asset[i]
    price = assets.unit_price[asset]
    paid = np.int64(0)
    for row in rows:
        value = contract_value(form, unit, ticks, positions.lots[row])
        margin = value - positions.settlement_cost[row]
        if margin == 0:
            continue
        account = positions.account[row]
        add_pending(positions, instruments, row, i, margin)
        add_balance(accounts, account, asset, margin)
        require_balance(accounts.balance[account, asset])
        add_window_gain(accounts, account, margin * price)
        paid += margin
    add_balance(accounts, residue, asset, -paid)
    require_balance(accounts.balance[residue, asset])
    return -paid


@kernel
def apply_expiry(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, residue, i, ticks, rows
):
    """Settle every holder at the final price and close all positions of the instrument."""
    form = instruments.form[i]
    is_paid = instruments.style[i] == _PREMIUM
    unit = instruments.unit[i]
    asset = instruments.settlement_asset[i]
    price = assets.unit_price[asset]
    paid = np.int64(0)
    for row in rows:
        value = contract_value(form, unit, ticks, positions.lots[row])
        margin = value - positions.settlement_cost[row]
        account = positions.account[row]
        add_balance(accounts, account, asset, margin)
        require_balance(accounts.balance[account, asset])
        # An option was paid at the trade: its gain is the payoff beyond the entry cost.
        gain = value - positions.entry_cost[row] if is_paid else margin
        add_window_gain(accounts, account, gain * price)
        realised = positions.realised[row] + value - positions.entry_cost[row]
        positions.realised[row] = min(max(realised, -REALISED_MAX), REALISED_MAX)
        add_open_lots(positions, row, i, -positions.buy_lots[row], -positions.sell_lots[row])
        add_lots(positions, instruments, row, i, -positions.lots[row])
        positions.entry_cost[row] = 0
        add_pending(positions, instruments, row, i, -positions.settlement_cost[row])
        paid += margin
    add_balance(accounts, residue, asset, -paid)
    require_balance(accounts.balance[residue, asset])
    return -paid


@kernel
def funding_fits(accounts, positions, instruments, i, ticks, rate, rows):  # type: ignore[no-untyped-def]
    """Whether no balance of a holder reaches `AMOUNT_MAX` in size by a funding."""
    form, unit = instruments.form[i], instruments.unit[i]
    asset = instruments.settlement_asset[i]
    for row in rows:
        lots = positions.lots[row]
        payment = funding_payment(contract_value(form, unit, ticks, lots), lots, rate)
        left = accounts.balance[positions.account[row], asset] - payment
        if payment != 0 and abs(left) >= AMOUNT_MAX:
            return False
    return True


@kernel
def apply_funding(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, residue, i, ticks, rate, rows
):
    """Exchange funding between the holders at ``ticks``; longs pay a positive rate.

    The balance of a payer may fall below zero: the receiver is paid in full, and the next
    assessment counts the debt.  Returns what went to the residue account, settlement units, not
    negative.
    """
    form = instruments.form[i]
    unit = instruments.unit[i]
    asset = instruments.settlement_asset[i]
    kept = np.int64(0)
    for row in rows:
        lots = positions.lots[row]
        value = contract_value(form, unit, ticks, lots)
        payment = funding_payment(value, lots, rate)
        add_balance(accounts, positions.account[row], asset, -payment)
        require_balance(accounts.balance[positions.account[row], asset])
        kept += payment
    add_balance(accounts, residue, asset, kept)
    require_balance(accounts.balance[residue, asset])
    return kept


@kernel
def count_funding(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, i, ticks, rate, rows
):
    """Count what `apply_funding` moves in the window gain of each holder.

    Payers lose and receivers gain the numeraire units of their payment, rounded down: it is cash
    that others paid in this window.
    """
    form = instruments.form[i]
    unit = instruments.unit[i]
    price = assets.unit_price[instruments.settlement_asset[i]]
    for row in rows:
        lots = positions.lots[row]
        payment = funding_payment(contract_value(form, unit, ticks, lots), lots, rate)
        add_window_gain(accounts, positions.account[row], -payment * price)


@inlined
def settle_early(accounts, positions, instruments, row):  # type: ignore[no-untyped-def]
    """Pay a position's pending cash now; the settlement account carries it to the next cycle."""
    i = positions.instrument[row]
    asset = instruments.settlement_asset[i]
    suspense = instruments.suspense[i]
    pending = positions.settlement_cost[row]
    add_balance(accounts, positions.account[row], asset, -pending)
    require_balance(accounts.balance[positions.account[row], asset])
    add_balance(accounts, positions.account[suspense], asset, pending)
    require_balance(accounts.balance[positions.account[suspense], asset])
    add_pending(positions, instruments, suspense, i, pending)
    require_balance(positions.settlement_cost[suspense])
    add_pending(positions, instruments, row, i, -pending)


@kernel
def settle_pending(accounts, positions, instruments, account):  # type: ignore[no-untyped-def]
    """Settle early all pending cash of an account, of either sign."""
    row = accounts.head[account]
    while row >= 0:
        if positions.settlement_cost[row] != 0:
            settle_early(accounts, positions, instruments, row)
        row = positions.link[row]


@kernel
def apply_trade(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum,
    buyer, seller, i, ticks, lots, value, buyer_fee, seller_fee,
):  # fmt: skip
    """Book one trade: a liquidation fill or a deleveraging."""
    require_room(accounts, positions, instruments, buyer, i, lots, value)
    require_room(accounts, positions, instruments, seller, i, -lots, value)
    book_trade(
        accounts, positions, instruments, assets, ccp_fees, checksum,
        buyer, seller, i, ticks, lots, value, buyer_fee, seller_fee,
    )  # fmt: skip


@kernel
def assess_one(accounts, positions, instruments, assets, account):  # type: ignore[no-untyped-def]
    """Return the assessment of one account as an array of WIDTH integers."""
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    out = np.zeros(WIDTH, np.int64)
    assess_account(accounts, positions, instruments, assets, account, scratch, out)
    return out


@kernel
def assess_changed(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, account, i, lots, value, buys, sells
):
    """Assess an account as if a trade were booked, and more lots open, in an instrument.

    The entry cost of an option stays as it is: initial margin is right only without a trade.
    """
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    out = np.zeros(WIDTH, np.int64)
    assess_with(
        accounts, positions, instruments, assets, account, i, lots, value, 0, buys, sells,
        scratch, out,
    )  # fmt: skip
    return out


@kernel
def entry_of_trade(positions, account, i, lots, value):  # type: ignore[no-untyped-def]
    """`entry_change` of a trade that an account may make, for callers outside a kernel."""
    row = find_position(positions, account, i)
    if row < 0:
        return np.int64(value)
    return np.int64(entry_change(positions.lots[row], positions.entry_cost[row], lots, value))


@kernel
def gross_reserved(accounts, positions, instruments, account, i, buys, sells):  # type: ignore[no-untyped-def]
    """`gross_of` an account as if more lots were open on one side of an instrument."""
    return gross_of(accounts, positions, instruments, account, i, 0, 0, buys, sells)


@kernel
def load(accounts, positions, instruments, account, asset):  # type: ignore[no-untyped-def]
    """`load_of` for callers outside a kernel."""
    return load_of(accounts, positions, instruments, account, asset)


@kernel
def hold_row(positions, head, account, instrument):  # type: ignore[no-untyped-def]
    """`hold_position` for callers outside a kernel."""
    return hold_position(positions, head, account, instrument)


@kernel
def row_of(positions, account, instrument):  # type: ignore[no-untyped-def]
    """Position row of a pair, or a negative number."""
    return find_position(positions, account, instrument)


@kernel
def trade_fee(value, rate_ppm):  # type: ignore[no-untyped-def]
    """`fee_of` for callers outside a kernel."""
    return fee_of(value, rate_ppm)


@kernel
def value_of(form, unit, ticks, lots):  # type: ignore[no-untyped-def]
    """`contract_value` for callers outside a kernel."""
    return contract_value(form, unit, ticks, lots)


@kernel
def values_of(form, unit, ticks, lots, values):  # type: ignore[no-untyped-def]
    """`contract_value` of a column of lots, into ``values``."""
    for k in range(lots.size):
        values[k] = contract_value(form, unit, ticks, lots[k])
