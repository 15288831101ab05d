"""Moving part of a position from one account to another, with its costs and without a trade."""

from __future__ import annotations

from novate.kernel.clearing.ledger import add_lots, add_pending, note_moved
from novate.kernel.clearing.position import find_position, hold_position, spread
from novate.kernel.jit import kernel


@kernel
def move_lots(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, sender, receiver, i, lots, entry_cost, settlement_cost
):
    """Move lots and costs of instrument ``i``; nothing is realised, and realised profit stays.

    Parameters
    ----------
    sender, receiver
        Accounts; the sender has a position row, room for one of the receiver is reserved.
    lots
        Signed lots, as the sender holds them.
    entry_cost, settlement_cost
        What goes along, settlement units, signed as the costs of a position.
    """
    source = find_position(positions, sender, i)
    target = hold_position(positions, accounts.head, receiver, i)
    add_lots(positions, instruments, source, i, -lots)
    add_lots(positions, instruments, target, i, lots)
    add_pending(positions, instruments, source, i, -settlement_cost)
    add_pending(positions, instruments, target, i, settlement_cost)
    positions.entry_cost[source] -= entry_cost
    positions.entry_cost[target] += entry_cost
    note_moved(accounts, sender)
    note_moved(accounts, receiver)


@kernel
def drop_last_row(accounts, positions):  # type: ignore[no-untyped-def]
    """Take out the position row that was made last; all of its numbers are zero.

    The index has not been rebuilt since it was made: then no other row lies where it does because
    its own place was taken, and the row is the first in the list of its account.
    """
    row = positions.size[0] - 1
    mask = positions.slot.size - 1
    at = spread(positions.account[row], positions.instrument[row]) & mask
    while positions.slot[at] != row:
        at = (at + 1) & mask
    positions.slot[at] = -1
    accounts.head[positions.account[row]] = positions.link[row]
    positions.size[0] = row
