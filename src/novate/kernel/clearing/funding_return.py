"""Who may have paid funding with what the way back to the index costs (rules 8.71 to 8.74).

Every payer of a funding is looked at, and of most its figures at the mark show that it has enough
at the index too.  Those that are left are candidates: what is returned is decided from the state.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.assess import EQUITY, INITIAL, SCRATCH, SHORTS, WIDTH, assess_account
from novate.kernel.clearing.bound import require_balance
from novate.kernel.clearing.index_solvency import has_open_lots, held_for_orders
from novate.kernel.clearing.ledger import add_balance
from novate.kernel.clearing.value import contract_value, funding_payment
from novate.kernel.clearing.window_gain import add_window_gain
from novate.kernel.jit import kernel


@kernel
def find_lacking(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, at_index, assets, bound, rate, rows, is_lacking
):
    """Mark the payers whose groups may lack something at the index that they have at the mark.

    A lack is that of rule 8.72.  Some that are marked lack nothing; nobody that does is left out,
    whatever its margin model: what its model asks is not counted here.

    Parameters
    ----------
    at_index
        Instruments with every contract at its index, and options at their marks.
    bound
        How far the marks are from the index, an `IndexBound`.
    rate
        Funding rate; longs pay a positive one.
    rows
        Position rows of the contract.
    is_lacking
        Filled; shape (rows,).

    Returns
    -------
    int
        How many were marked.
    """
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    out = np.zeros(WIDTH, np.int64)
    found = 0
    for k in range(rows.size):
        lots = positions.lots[rows[k]]
        is_lacking[k] = False
        if lots == 0 or (lots > 0) != (rate > 0):
            continue
        account = np.int64(positions.account[rows[k]])
        assess_account(accounts, positions, instruments, assets, account, scratch, out)
        hold = held_for_orders(accounts, account)
        base = out[INITIAL] - hold
        needed = hold + out[SHORTS] + bound.slack
        if base < bound.most and out[EQUITY] - needed >= bound.share * base:
            continue
        assess_account(accounts, positions, at_index, assets, account, scratch, out)
        if out[EQUITY] >= needed and not has_open_lots(accounts, positions, account):
            continue
        is_lacking[k] = True
        found += 1
    return found


@kernel
def funding_payments(positions, instruments, i, ticks, rate, rows, payments):  # type: ignore[no-untyped-def]
    """Fill in what each row of a contract pays (negative: receives), settlement units."""
    form, unit = instruments.form[i], instruments.unit[i]
    for k in range(rows.size):
        lots = positions.lots[rows[k]]
        payments[k] = funding_payment(contract_value(form, unit, ticks, lots), lots, rate)


@kernel
def book_returned(accounts, assets, asset, account, amount):  # type: ignore[no-untyped-def]
    """Move what is returned, settlement units; window gains follow in numeraire units (8.75)."""
    price = assets.unit_price[asset]
    for k in range(account.size):
        add_balance(accounts, account[k], asset, amount[k])
        require_balance(accounts.balance[account[k], asset])
        add_window_gain(accounts, account[k], amount[k] * price)
