"""Takeovers: failing groups of accounts go to the liquidator, one after another.

What a group is worth beyond its debts and the charge for closing its positions stays in it.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.assess import (
    NET,
    SCRATCH,
    WIDTH,
    assess_account,
    units_of,
    within,
)
from novate.kernel.clearing.bound import require_balance, require_room
from novate.kernel.clearing.group import closable_lots
from novate.kernel.clearing.ledger import add_balance
from novate.kernel.clearing.position import find_position
from novate.kernel.clearing.requirement import asked_units
from novate.kernel.clearing.settle import settle_early
from novate.kernel.clearing.trade import book_trade
from novate.kernel.clearing.value import contract_value
from novate.kernel.codes import OrderKind, Style
from novate.kernel.jit import inlined, kernel

_POSITION = int(OrderKind.POSITION)
_PREMIUM = int(Style.PREMIUM)
_LARGE = float(2**62)

_PENDING_MAX = 2**62
"""Losses on their way count as no more: with the net equity of an account they fit 64 bits."""


@inlined
def _give(accounts, account, liquidator, asset, amount):  # type: ignore[no-untyped-def]
    """Move signed ledger units of an asset from an account to the liquidator."""
    add_balance(accounts, liquidator, asset, amount)
    require_balance(accounts.balance[liquidator, asset])
    add_balance(accounts, account, asset, -amount)


@kernel
def _trade_at_mark(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum, row, lots, liquidator
):
    """Trade signed lots of a position to the liquidator at the mark; returns their value."""
    account, i = np.int64(positions.account[row]), np.int64(positions.instrument[row])
    ticks = instruments.mark[i]
    value = contract_value(instruments.form[i], instruments.unit[i], ticks, abs(lots))
    buyer, seller = (liquidator, account) if lots > 0 else (account, liquidator)
    require_room(accounts, positions, instruments, account, i, -lots, value)
    require_room(accounts, positions, instruments, liquidator, i, lots, value)
    book_trade(
        accounts, positions, instruments, assets, ccp_fees, checksum,
        buyer, seller, i, ticks, abs(lots), value, np.int64(0), np.int64(0),
    )  # fmt: skip
    return value


@kernel
def _rows_of(accounts, positions, members):  # type: ignore[no-untyped-def]
    """Return the position rows of some accounts: account by account, each by instrument.

    The order of their lists depends on the layout, and the checksum on the order of trades.
    """
    held = 0
    for account in members:
        row = accounts.head[account]
        while row >= 0:
            held += 1
            row = positions.link[row]
    rows = np.empty(held, np.int64)
    held = 0
    for account in members:
        begin = held
        row = accounts.head[account]
        while row >= 0:
            rows[held] = row
            held += 1
            row = positions.link[row]
        own = rows[begin:held].copy()
        rows[begin:held] = own[np.argsort(positions.instrument[own])]
    return rows


@kernel
def _take_positions(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum, rows, keeps_options, liquidator
):
    """Trade positions to the liquidator at the mark, and pay what is pending.

    With ``keeps_options`` long options stay, as far as nothing in their netting set offsets them.
    """
    kept = np.zeros(rows.size, np.int64)
    if keeps_options:
        for at in range(rows.size):
            row = rows[at]
            is_option = instruments.style[positions.instrument[row]] == _PREMIUM
            if is_option and positions.lots[row] > 0:
                kept[at] = closable_lots(accounts, positions, row)
    for at in range(rows.size):
        row = rows[at]
        lots = positions.lots[row] - kept[at]
        if lots != 0:
            _trade_at_mark(
                accounts, positions, instruments, assets, ccp_fees, checksum, row, lots, liquidator
            )
        if positions.settlement_cost[row] != 0:
            settle_early(accounts, positions, instruments, row)


@kernel
def _take_debts(accounts, assets, members, liquidator):  # type: ignore[no-untyped-def]
    """Move negative balances to the liquidator, with what others of the group have of the asset.

    Returns the worth of what is still owed, numeraire units, a debt rounded up.
    """
    rest = np.int64(0)
    for asset in range(accounts.balance.shape[1]):
        owed = np.int64(0)
        for account in members:
            balance = accounts.balance[account, asset]
            if balance < 0:
                owed = within(owed - balance)
                _give(accounts, account, liquidator, asset, balance)
        for account in members:
            paid = min(owed, max(accounts.balance[account, asset], 0))
            if paid > 0:
                _give(accounts, account, liquidator, asset, paid)
                owed -= paid
        if asset == 0:
            rest = owed
        elif owed > 0 and assets.unit_price[asset] > 0.0:
            rest = within(rest + asked_units(owed, assets.unit_price[asset]))
    return rest


@inlined
def _needed(held, rest, factor):  # type: ignore[no-untyped-def]
    """Units, of ``held`` (positive), that count for ``rest`` at ``factor`` each, rounded up."""
    if factor <= 0.0:
        return held
    units = np.ceil(rest / factor)
    return held if units >= _LARGE else min(held, np.int64(units))


@kernel
def _take_assets(  # type: ignore[no-untyped-def]
    accounts, assets, members, conversion_ppm, is_fresh, liquidator, rest
):
    """Move assets to the liquidator until they count for ``rest``; returns what is left of it.

    The numeraire first, then assets whose index is fresh, then those whose index is not, by number.
    """
    for account in members:
        taken = min(rest, max(accounts.balance[account, 0], 0))
        if taken > 0:
            _give(accounts, account, liquidator, 0, taken)
            rest -= taken
    for wanted in (1, 0):
        for asset in range(1, accounts.balance.shape[1]):
            price = assets.unit_price[asset]
            if price <= 0.0 or is_fresh[asset] != wanted:
                continue
            factor = price * (1.0 - assets.haircut_bps[asset] * conversion_ppm / 1e10)
            for account in members:
                held = accounts.balance[account, asset]
                if rest > 0 and held > 0:
                    taken = _needed(held, rest, factor)
                    _give(accounts, account, liquidator, asset, taken)
                    rest = max(rest - units_of(taken * factor), 0)
    return rest


@kernel
def _take_options(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum, rows, conversion_ppm, is_halted,
    liquidator, rest,
):  # fmt: skip
    """Move long options to the liquidator until they count for ``rest``.

    Each is traded at the mark, and the liquidator takes what it has just paid: no cash is left for
    the account.  Those that are not halted come first.
    """
    for wanted in (0, 1):
        for row in rows:
            i = np.int64(positions.instrument[row])
            held = positions.lots[row]
            if rest <= 0 or held <= 0 or is_halted[i] != wanted:
                continue
            asset = np.int64(instruments.settlement_asset[i])
            share = assets.unit_price[asset] * (1.0 - conversion_ppm / 1e6)
            factor = instruments.unit[i] * instruments.mark[i] * share
            lots = _needed(held, rest, factor)
            value = _trade_at_mark(
                accounts, positions, instruments, assets, ccp_fees, checksum, row, lots, liquidator
            )
            _give(accounts, np.int64(positions.account[row]), liquidator, asset, value)
            rest = max(rest - units_of(value * share), 0)


@kernel
def _take_over(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum, members, net, charge,
    conversion_ppm, is_fresh, is_halted, liquidator, scratch, out,
):  # fmt: skip
    """Take over the accounts of a group; returns the net that they keep, numeraire units.

    A group that is worth nothing hands over everything.  Of another one the liquidator takes the
    positions, the debts, and assets and long options that count for debts and charge.
    """
    rows = _rows_of(accounts, positions, members)
    _take_positions(
        accounts, positions, instruments, assets, ccp_fees, checksum, rows, net > 0, liquidator
    )
    if net > 0:
        rest = within(_take_debts(accounts, assets, members, liquidator) + charge)
        rest = _take_assets(accounts, assets, members, conversion_ppm, is_fresh, liquidator, rest)
        _take_options(
            accounts, positions, instruments, assets, ccp_fees, checksum, rows, conversion_ppm,
            is_halted, liquidator, rest,
        )  # fmt: skip
    else:
        for account in members:
            for asset in range(accounts.balance.shape[1]):
                _give(accounts, account, liquidator, asset, accounts.balance[account, asset])
    assess_account(accounts, positions, instruments, assets, members[0], scratch, out)
    if out[NET] <= 0:
        for account in members:
            accounts.window_gain[account] = 0
            accounts.encumbered[account] = 0
    return out[NET]


@kernel
def apply_takeovers(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum, members, begins, net, charge,
    conversion_ppm, is_fresh, is_halted, liquidator,
):  # fmt: skip
    """Take over groups in their order; parameters as of `decide_takeovers`."""
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    out = np.zeros(WIDTH, np.int64)
    for k in range(net.size):
        _take_over(
            accounts, positions, instruments, assets, ccp_fees, checksum,
            members[begins[k] : begins[k + 1]], net[k], charge[k], conversion_ppm[k], is_fresh,
            is_halted, liquidator, scratch, out,
        )  # fmt: skip


@kernel
def holds_nothing(accounts, positions, instruments, assets, account):  # type: ignore[no-untyped-def]
    """Whether an account has no lots and nothing but numeraire, paid or pending (rule 11.22).

    An asset without a price cannot be converted and does not count.
    """
    row = accounts.head[account]
    while row >= 0:
        if positions.lots[row] != 0:
            return False
        asset = instruments.settlement_asset[positions.instrument[row]]
        if positions.settlement_cost[row] != 0 and asset != 0:
            return False
        row = positions.link[row]
    for asset in range(1, accounts.balance.shape[1]):
        if accounts.balance[account, asset] != 0 and assets.unit_price[asset] > 0.0:
            return False
    return True


@inlined
def _is_excess(accounts, positions, account, kind, subject, quantity):  # type: ignore[no-untyped-def]
    """Whether an order does not reduce its holding, or is larger than it (rule 11.23)."""
    if kind == _POSITION:
        row = find_position(positions, account, subject)
        held = positions.lots[row] if row >= 0 else np.int64(0)
    else:
        held = accounts.balance[account, subject]
    return held == 0 or quantity == 0 or (held > 0) == (quantity > 0) or abs(quantity) > abs(held)


@kernel
def find_excess(accounts, positions, account, kind, subject, quantity, is_excess):  # type: ignore[no-untyped-def]
    """Fill ``is_excess`` of the open orders of one account, given by column."""
    for k in range(kind.size):
        is_excess[k] = _is_excess(accounts, positions, account, kind[k], subject[k], quantity[k])


@kernel
def decide_takeovers(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum, members, begins, net, charge,
    conversion_ppm, is_fresh, is_halted, liquidator, pending, order_kind, order_subject,
    order_quantity, closed_by, is_first, kept,
):  # fmt: skip
    """Take over groups in their order, and say what each finds, leaves, and ends.

    Parameters
    ----------
    members, begins
        Accounts of failing groups, group by group, ascending in each; where each group begins, and
        the number of all.
    net
        Net equity of each group, numeraire units: below zero it is a loss.
    charge, conversion_ppm
        Close-out charge of each, numeraire units, and the share of a haircut at which assets that
        are taken count for less, in 1e-6.
    is_fresh, is_halted
        By asset and by instrument, 1 or 0.
    liquidator
        Its account.
    pending
        Losses that are open or uncovered, numeraire units.
    order_kind, order_subject, order_quantity
        Open orders of the liquidator by number.
    closed_by
        Place of the takeover after which an order is in excess, -1 if it stays; filled.
    is_first
        Whether a takeover found the liquidator flat and not short; filled.
    kept
        Net that the accounts of a group keep, numeraire units; filled.
    """
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    out = np.zeros(WIDTH, np.int64)
    closed_by[:] = -1
    waiting = order_kind.size
    for k in range(net.size):
        is_first[k] = waiting == 0 and holds_nothing(
            accounts, positions, instruments, assets, liquidator
        )
        if is_first[k]:
            assess_account(accounts, positions, instruments, assets, liquidator, scratch, out)
            is_first[k] = out[NET] + min(pending, _PENDING_MAX) >= 0
        kept[k] = _take_over(
            accounts, positions, instruments, assets, ccp_fees, checksum,
            members[begins[k] : begins[k + 1]], net[k], charge[k], conversion_ppm[k], is_fresh,
            is_halted, liquidator, scratch, out,
        )  # fmt: skip
        for o in range(order_kind.size):
            if closed_by[o] < 0 and _is_excess(
                accounts, positions, liquidator, order_kind[o], order_subject[o], order_quantity[o]
            ):
                closed_by[o] = k
                waiting -= 1
        if net[k] < 0:
            pending = min(pending - net[k], _PENDING_MAX)
