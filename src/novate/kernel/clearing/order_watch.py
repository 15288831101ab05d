"""Which open orders are to be looked at again, in one pass over their table."""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.index_solvency import held_for_orders, is_solvent_by
from novate.kernel.clearing.requirement import STANDARD
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


@kernel
def orders_unsure(accounts, reservations, bound, equity, initial, has_options, out):  # type: ignore[no-untyped-def]
    """List open orders of groups that ``bound`` does not say are solvent at the index.

    Groups below initial margin are left out.  ``equity`` and ``initial`` are those of margin groups
    at the mark, by the number of each; ``has_options``: short options may be a part of initial
    margin.  ``out`` takes the rows, ascending, and has room for all of them; returns how many.
    """
    found = 0
    for row in range(reservations.lots.size):
        if reservations.lots[row] == 0:
            continue
        group = np.int64(accounts.margin_group[reservations.account[row]])
        if equity[group] < initial[group]:
            continue
        hold = held_for_orders(accounts, group)
        shorts = initial[group] if has_options else np.int64(0)
        is_standard = accounts.margin_model[group] == STANDARD and accounts.add_ons[group] == 0
        if is_standard and is_solvent_by(bound, equity[group], initial[group], shorts, hold):
            continue
        out[found] = row
        found += 1
    return found
