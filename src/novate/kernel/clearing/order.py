"""What admission asks of the book before an order, and how an order is booked: one call each.

A call from outside takes every array of its tables apart, which costs more than what it looks up.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.bound import gross_of
from novate.kernel.clearing.group import lots_elsewhere
from novate.kernel.clearing.ledger import add_open_lots
from novate.kernel.clearing.open_interest import open_order_beyond
from novate.kernel.clearing.position import find_position, hold_position
from novate.kernel.jit import kernel


@kernel
def netted_lots_of(accounts, positions, account, i):  # type: ignore[no-untyped-def]
    """Signed lots, and open lots bought and sold, of a contract in an account's netting set."""
    lots, bought, sold = lots_elsewhere(accounts, positions, account, i)
    row = find_position(positions, account, i)
    if row >= 0:
        lots += positions.lots[row]
        bought += positions.buy_lots[row]
        sold += positions.sell_lots[row]
    return np.int64(lots), np.int64(bought), np.int64(sold)


@kernel
def look_at_order(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, instrument_count, account, i, buys, sells
):
    """Look at an account's book with more lots open on one side of an instrument.

    Returns
    -------
    tuple
        `gross_of` its group; what the contracts of the asset come to if that is too much, else 0;
        then of its netting set, without the order, signed lots and open lots bought and sold.
    """
    gross = gross_of(accounts, positions, instruments, account, i, 0, 0, buys, sells)
    committed = np.zeros(accounts.balance.shape[1], np.int64)
    beyond = open_order_beyond(
        positions, instruments, instrument_count, account, i, buys, sells, committed
    )
    return np.int64(gross), beyond, *netted_lots_of(accounts, positions, account, i)


@kernel
def hold_orders(positions, head, account, i, buys, sells):  # type: ignore[no-untyped-def]
    """Add lots of open orders on each side to a position, made if it is new."""
    row = hold_position(positions, head, account, i)
    add_open_lots(positions, row, i, buys, sells)
