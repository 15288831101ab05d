"""Which open orders are to be looked at again, in one pass over their table."""

from __future__ import annotations

from novate.kernel.jit import kernel


@kernel
def orders_due(  # type: ignore[no-untyped-def]
    number, instrument, lots, hold, seen_number, seen_lots, seen_hold, has_moved, out
):
    """List open orders that are new or changed, or whose instrument moved; returns how many.

    ``seen_*`` are number, lots and hold of the rows when they were last looked at, of the first
    rows of the table; ``has_moved[instrument]``.  ``out`` takes the rows, ascending, and has room
    for all of them.
    """
    due = 0
    for row in range(number.size):
        if lots[row] == 0:
            continue
        if (
            row >= seen_number.size
            or number[row] != seen_number[row]
            or lots[row] != seen_lots[row]
            or hold[row] != seen_hold[row]
            or has_moved[instrument[row]]
        ):
            out[due] = row
            due += 1
    return due
