"""Movements of money, lots and pending cash, each with the running totals that are checked.

Debits equal credits in every asset, the lots of every contract sum to zero, and so does its pending
cash.  Every leg of a booking adds what it moves to the total of its asset or contract in the same
step: after a whole booking the totals are zero again, and a missing leg leaves them different from
zero.  Checking a record therefore costs nothing per account.  The totals are derived, and no part
of any digest.
"""

from __future__ import annotations

from novate.kernel.clearing.columns import ACCOUNT_BLOCK
from novate.kernel.jit import inlined


@inlined
def note_moved(accounts, account):  # type: ignore[no-untyped-def]
    """Mark the block of an account as moved: readers renew their copies of marked blocks."""
    accounts.moved_block[account // ACCOUNT_BLOCK] = 1


@inlined
def add_balance(accounts, account, asset, amount):  # type: ignore[no-untyped-def]
    """Add ledger units, of either sign, to one balance."""
    accounts.balance[account, asset] += amount
    accounts.balance_sum[asset] += amount
    note_moved(accounts, account)


@inlined
def add_lots(positions, instruments, row, i, lots):  # type: ignore[no-untyped-def]
    """Add signed lots to a position of instrument ``i``."""
    before = positions.lots[row]
    after = before + lots
    bought, sold = positions.buy_lots[row], positions.sell_lots[row]
    positions.long_lots[i] += max(after + bought, 0) - max(before + bought, 0)
    positions.short_lots[i] += max(sold - after, 0) - max(sold - before, 0)
    positions.lots[row] = after
    instruments.lots_sum[i] += lots


@inlined
def add_open_lots(positions, row, i, buys, sells):  # type: ignore[no-untyped-def]
    """Add lots of open orders on each side, of either sign, to a position of instrument ``i``."""
    held, bought, sold = positions.lots[row], positions.buy_lots[row], positions.sell_lots[row]
    positions.long_lots[i] += max(held + bought + buys, 0) - max(held + bought, 0)
    positions.short_lots[i] += max(sold + sells - held, 0) - max(sold - held, 0)
    positions.buy_lots[row] = bought + buys
    positions.sell_lots[row] = sold + sells


@inlined
def add_pending(positions, instruments, row, i, value):  # type: ignore[no-untyped-def]
    """Add settlement units to the settlement cost of a position of instrument ``i``."""
    positions.settlement_cost[row] += value
    instruments.pending_sum[i] += value
