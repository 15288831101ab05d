"""The position table: open addressing, one linked list of rows per account, cost bookkeeping."""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.ledger import add_lots, add_pending
from novate.kernel.clearing.value import LINEAR, contract_value
from novate.kernel.jit import JIT_ENABLED, inlined, kernel, muldiv_floor

REALISED_MAX = 2**61
"""A realised profit counts as this much at most in size: it informs, and decides nothing."""

_MIX = 0x9E3779B97F4A7C15


def _spread_readable(account, instrument):  # type: ignore[no-untyped-def]
    """Twin of `spread` with unbounded integers."""
    key = (int(account) << 32) | int(instrument)
    return ((key * _MIX) & 0xFFFFFFFFFFFFFFFF) >> 32


def _spread(account, instrument):  # type: ignore[no-untyped-def]
    key = (np.uint64(account) << np.uint64(32)) | np.uint64(instrument)
    return np.int64((key * np.uint64(_MIX)) >> np.uint64(32))


spread = inlined(_spread) if JIT_ENABLED else _spread_readable


@inlined
def find_position(positions, account, instrument):  # type: ignore[no-untyped-def]
    """Return the row of a pair, or -1 - slot where it belongs."""
    mask = positions.slot.size - 1
    at = spread(account, instrument) & mask
    while True:
        row = positions.slot[at]
        if row < 0:
            return -1 - at
        if positions.account[row] == account and positions.instrument[row] == instrument:
            return row
        at = (at + 1) & mask


@inlined
def hold_position(positions, head, account, instrument):  # type: ignore[no-untyped-def]
    """Return the row of a pair, made if it is new; the caller has ensured capacity."""
    found = find_position(positions, account, instrument)
    if found >= 0:
        return found
    row = positions.size[0]
    positions.size[0] = row + 1
    positions.slot[-1 - found] = row
    positions.account[row] = account
    positions.instrument[row] = instrument
    positions.link[row] = head[account]
    head[account] = row
    return row


@kernel
def rebuild_index(positions, head):  # type: ignore[no-untyped-def]
    """Rebuild the hash index and the links from the rows; lists run in row order."""
    positions.slot[:] = -1
    head[:] = -1
    for back in range(positions.size[0]):
        row = positions.size[0] - 1 - back
        account = positions.account[row]
        found = find_position(positions, account, positions.instrument[row])
        positions.slot[-1 - found] = row
        positions.link[row] = head[account]
        head[account] = row


@kernel
def rows_of_accounts(positions, head, accounts, start):  # type: ignore[no-untyped-def]
    """Return the rows of some accounts, one account after the other, by instrument.

    ``start`` (accounts + 1) is filled with where the rows of each account begin.
    """
    count = 0
    for k in range(accounts.size):
        start[k] = count
        row = head[accounts[k]]
        while row >= 0:
            count += 1
            row = positions.link[row]
    start[accounts.size] = count
    rows = np.empty(count, np.int64)
    for k in range(accounts.size):
        at = start[k]
        row = head[accounts[k]]
        while row >= 0:
            rows[at] = row
            at += 1
            row = positions.link[row]
        mine = rows[start[k] : at]
        if mine.size > 1:
            mine[:] = mine[np.argsort(positions.instrument[mine])]
    return rows


@kernel
def copy_rows(positions, rows, out, out_head):  # type: ignore[no-untyped-def]
    """Copy rows into another table; the list of an account runs in their order."""
    for back in range(rows.size):
        row = rows[rows.size - 1 - back]
        at = hold_position(out, out_head, positions.account[row], positions.instrument[row])
        out.lots[at] = positions.lots[row]
        out.entry_cost[at] = positions.entry_cost[row]
        out.settlement_cost[at] = positions.settlement_cost[row]
        out.realised[at] = positions.realised[row]
        out.buy_lots[at] = positions.buy_lots[row]
        out.sell_lots[at] = positions.sell_lots[row]


@kernel
def sum_positions(positions, reach, lots, cost):  # type: ignore[no-untyped-def]
    """Add lots and settlement cost of every row to the sums of its instrument.

    Returns the gross of the whole book as a float64: all costs, and ``reach`` (settlement units a
    lot) of all lots.  While it is small no sum over any account can leave 64 bits.
    """
    gross = 0.0
    for row in range(positions.size[0]):
        i = positions.instrument[row]
        lots[i] += positions.lots[row]
        cost[i] += positions.settlement_cost[row]
        gross += abs(float(positions.settlement_cost[row]))
        gross += abs(float(positions.lots[row])) * reach[i]
    return gross


@kernel
def largest_sizes(positions, reach, settlement, costs, reaches):  # type: ignore[no-untyped-def]
    """Add settlement costs and reaches of one asset's contracts to those of each account, float64.

    ``reach`` is that of a lot, negative of contracts in other assets.  The costs of the settlement
    account cancel and are left out.
    """
    for row in range(positions.size[0]):
        per_lot = reach[positions.instrument[row]]
        if per_lot >= 0.0:
            account = positions.account[row]
            reaches[account] += abs(float(positions.lots[row])) * per_lot
            if account != settlement:
                costs[account] += abs(float(positions.settlement_cost[row]))


@kernel
def largest_sizes_of(  # type: ignore[no-untyped-def]
    positions, head, accounts, form, unit, ticks_max, settlement_asset, settlement, assets
):
    """Return the largest reach and the largest costs of one of ``accounts`` in an asset, float64.

    As `largest_sizes`, over all assets.
    """
    reach_max, cost_max = 0.0, 0.0
    reaches, costs = np.zeros(assets), np.zeros(assets)
    for account in accounts:
        reaches[:] = 0.0
        costs[:] = 0.0
        row = head[account]
        while row >= 0:
            i = positions.instrument[row]
            asset = settlement_asset[i]
            per_lot = float(unit[i]) * (float(ticks_max[i]) if form[i] == LINEAR else 1.0)
            reaches[asset] += abs(float(positions.lots[row])) * per_lot
            reach_max = max(reach_max, reaches[asset])
            if account != settlement:
                costs[asset] += abs(float(positions.settlement_cost[row]))
                cost_max = max(cost_max, costs[asset])
            row = positions.link[row]
    return reach_max, cost_max


@kernel
def note_instruments(positions, head, accounts, is_held):  # type: ignore[no-untyped-def]
    """Set ``is_held`` of every instrument that one of ``accounts`` has a row of."""
    for account in accounts:
        row = head[account]
        while row >= 0:
            is_held[positions.instrument[row]] = True
            row = positions.link[row]


@inlined
def entry_change(held, cost, lots, value):  # type: ignore[no-untyped-def]
    """What `move_position` would add to the entry cost, of a linear contract."""
    if held == 0 or (held > 0) == (lots > 0):
        return value
    size = abs(held)
    if abs(lots) > size:
        # The value of a lot is exact, and what is left after the flip is opened at it.
        return (value // lots) * (held + lots) - cost
    closed = muldiv_floor(abs(cost), abs(lots), size)
    return closed if cost < 0 else -closed


@inlined
def move_position(positions, instruments, row, i, ticks, lots, value):  # type: ignore[no-untyped-def]
    """Add ``lots`` with signed ``value`` to a row of instrument ``i``; returns the realised profit.

    Average cost: a close takes ``floor(|cost| * closed / held)`` of the entry cost and the rest
    stays, so nothing is lost to rounding; a flip opens the remainder at the trade price.
    """
    held = positions.lots[row]
    cost = positions.entry_cost[row]
    add_pending(positions, instruments, row, i, value)
    add_lots(positions, instruments, row, i, lots)
    if held == 0 or (held > 0) == (lots > 0):
        positions.entry_cost[row] = cost + value
        return 0
    size = abs(held)
    if abs(lots) > size:
        closing = contract_value(instruments.form[i], instruments.unit[i], ticks, -held)
        realised = -closing - cost
        positions.entry_cost[row] = value - closing
    else:
        closed = muldiv_floor(abs(cost), abs(lots), size)
        if cost < 0:
            closed = -closed
        realised = -value - closed
        positions.entry_cost[row] = cost - closed
    positions.realised[row] = min(
        max(positions.realised[row] + realised, -REALISED_MAX), REALISED_MAX
    )
    return realised
