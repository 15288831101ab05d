"""Whether the books of the liquidator and of the settlement account have room for a takeover.

All sums are of sizes and count as `BALANCE_STOP` at most: their order does not matter.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.bound import BALANCE_STOP, COST_STOP
from novate.kernel.clearing.position import find_position
from novate.kernel.clearing.value import contract_value
from novate.kernel.jit import inlined, kernel


@inlined
def _add(total, asset, size):  # type: ignore[no-untyped-def]
    total[asset] = min(total[asset] + min(size, BALANCE_STOP), BALANCE_STOP)


@kernel
def _fill_own(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, count, liquidator, settlement, used
):
    """Fill ``used`` (assets) with what stands in the books of the house before a takeover."""
    entries = np.zeros(used.size, np.int64)
    for asset in range(used.size):
        used[asset] = min(abs(accounts.balance[liquidator, asset]), BALANCE_STOP)
    row = accounts.head[liquidator]
    while row >= 0:
        asset = instruments.settlement_asset[positions.instrument[row]]
        _add(used, asset, abs(positions.settlement_cost[row]))
        _add(entries, asset, abs(positions.entry_cost[row]))
        row = positions.link[row]
    for asset in range(used.size):
        used[asset] = max(used[asset], abs(accounts.balance[settlement, asset]))
    for i in range(count):
        row = find_position(positions, settlement, i)
        if row >= 0:
            asset = instruments.settlement_asset[i]
            used[asset] = max(used[asset], abs(positions.settlement_cost[row]))
    for asset in range(used.size):
        _add(used, asset, entries[asset])


@kernel
def fit_takeovers(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, count, subjects, place, liquidator, settlement, fits,
):  # fmt: skip
    """Fill ``fits`` (groups): what a takeover and those before it move leaves room.

    ``subjects`` are the accounts of the groups, group by group, ``place`` the group of each.
    """
    used = np.zeros(accounts.balance.shape[1], np.int64)
    _fill_own(accounts, positions, instruments, count, liquidator, settlement, used)
    moved = np.zeros(used.size, np.int64)
    at = 0
    for group in range(fits.size):
        moved[:] = 0
        while at < subjects.size and place[at] == group:
            account = subjects[at]
            for asset in range(used.size):
                _add(moved, asset, abs(accounts.balance[account, asset]))
            row = accounts.head[account]
            while row >= 0:
                i = np.int64(positions.instrument[row])
                asset = instruments.settlement_asset[i]
                if positions.lots[row] != 0:
                    value = contract_value(
                        instruments.form[i], instruments.unit[i], max(instruments.mark[i], 1),
                        positions.lots[row],
                    )  # fmt: skip
                    _add(moved, asset, 3 * min(abs(value), BALANCE_STOP // 4))
                _add(moved, asset, abs(positions.settlement_cost[row]))
                _add(moved, asset, abs(positions.entry_cost[row]))
                row = positions.link[row]
            at += 1
        fits[group] = True
        for asset in range(used.size):
            if moved[asset] > 0 and used[asset] + moved[asset] > COST_STOP:
                fits[group] = False
        if fits[group]:
            for asset in range(used.size):
                _add(used, asset, moved[asset])


@kernel
def pending_room(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, count, liquidator, settlement
):
    """Largest number in any asset that settling what the liquidator has pending could leave."""
    used = np.zeros(accounts.balance.shape[1], np.int64)
    _fill_own(accounts, positions, instruments, count, liquidator, settlement, used)
    pending = np.zeros(used.size, np.int64)
    row = accounts.head[liquidator]
    while row >= 0:
        asset = instruments.settlement_asset[positions.instrument[row]]
        _add(pending, asset, abs(positions.settlement_cost[row]))
        row = positions.link[row]
    return (used + pending).max()
