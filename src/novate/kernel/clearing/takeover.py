"""Takeovers: positions and balances of failing accounts go to the liquidator, one after another."""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.assess import NET, SCRATCH, WIDTH, assess_account
from novate.kernel.clearing.bound import require_balance, require_room
from novate.kernel.clearing.ledger import add_balance
from novate.kernel.clearing.position import find_position
from novate.kernel.clearing.settle import settle_early
from novate.kernel.clearing.trade import book_trade
from novate.kernel.clearing.value import contract_value
from novate.kernel.codes import OrderKind
from novate.kernel.jit import inlined, kernel

_POSITION = int(OrderKind.POSITION)

_PENDING_MAX = 2**62
"""Losses on their way count as no more: with the net equity of an account they fit 64 bits."""


@kernel
def _take_over(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum, account, liquidator
):
    """Move everything an account holds to the liquidator: positions at the mark, then all cash.

    Afterwards the account is flat with zero balances; the liquidator is better off by the
    account's net equity, or worse by its shortfall.
    """
    # By instrument: the order of the list depends on the layout, and the checksum on the order.
    held = 0
    row = accounts.head[account]
    while row >= 0:
        held += 1
        row = positions.link[row]
    rows = np.empty(held, np.int64)
    for at in range(held):
        row = accounts.head[account] if at == 0 else positions.link[row]
        rows[at] = row
    for row in rows[np.argsort(positions.instrument[rows])]:
        lots = positions.lots[row]
        if lots != 0:
            i = np.int64(positions.instrument[row])
            ticks = instruments.mark[i]
            value = contract_value(instruments.form[i], instruments.unit[i], ticks, abs(lots))
            buyer, seller = (liquidator, account) if lots > 0 else (account, liquidator)
            require_room(accounts, positions, instruments, account, i, -lots, value)
            require_room(accounts, positions, instruments, liquidator, i, lots, value)
            book_trade(
                accounts, positions, instruments, assets, ccp_fees, checksum,
                buyer, seller, i, ticks, abs(lots), value, np.int64(0), np.int64(0),
            )  # fmt: skip
        if positions.settlement_cost[row] != 0:
            settle_early(accounts, positions, instruments, row)
    for asset in range(accounts.balance.shape[1]):
        left = accounts.balance[account, asset]
        add_balance(accounts, liquidator, asset, left)
        require_balance(accounts.balance[liquidator, asset])
        add_balance(accounts, account, asset, -left)
    accounts.window_gain[account] = 0
    accounts.encumbered[account] = 0


@kernel
def apply_takeovers(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, ccp_fees, checksum, subjects, liquidator
):
    """Take over the subjects in their order."""
    for account in subjects:
        _take_over(
            accounts, positions, instruments, assets, ccp_fees, checksum, account, liquidator
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
    accounts, positions, instruments, assets, ccp_fees, checksum, subjects, net, liquidator,
    pending, order_kind, order_subject, order_quantity, closed_by, is_first,
):  # fmt: skip
    """Take over the subjects in their order, and say what each finds and ends at the liquidator.

    Parameters
    ----------
    subjects, net
        Failing accounts and their net equity, numeraire units: below zero it is a loss.
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
    """
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    out = np.zeros(WIDTH, np.int64)
    closed_by[:] = -1
    waiting = order_kind.size
    for k in range(subjects.size):
        is_first[k] = waiting == 0 and holds_nothing(
            accounts, positions, instruments, assets, liquidator
        )
        if is_first[k]:
            assess_account(accounts, positions, instruments, assets, liquidator, scratch, out)
            is_first[k] = out[NET] + min(pending, _PENDING_MAX) >= 0
        _take_over(
            accounts, positions, instruments, assets, ccp_fees, checksum, subjects[k], liquidator
        )  # fmt: skip
        for o in range(order_kind.size):
            if closed_by[o] < 0 and _is_excess(
                accounts, positions, liquidator, order_kind[o], order_subject[o], order_quantity[o]
            ):
                closed_by[o] = k
                waiting -= 1
        if net[k] < 0:
            pending = min(pending - net[k], _PENDING_MAX)
