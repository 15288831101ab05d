"""The health of every account at the speed of memory, and of the holders of one instrument.

`sweep` gives equity, initial and maintenance margin exactly as `kernel.assess` defines them: it
adds the same integers, rounded by the same expressions.  What makes it fast is that rows lie
sorted by account, so that memory is read in order, and that all an instrument needs is worked out
once.  Rows that are not *plain* (inverse, settled in another asset than the numeraire, without a
mark, or with lots reserved by orders) go through `add_position`, one by one.

`shift_holders` brings the same three numbers from the marks of before to those of now for one
instrument: the contribution of a row at the old mark leaves, that at the new one enters.  Both are
integers, so nothing drifts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from novate.kernel.assess import (
    EQUITY,
    INITIAL,
    MAINTENANCE,
    WIDTH,
    add_position,
    assess_account,
    tier_margin,
)
from novate.kernel.columns import F64, I32, I64, U8
from novate.kernel.jit import inlined, kernel, parallel_kernel
from novate.kernel.value import LINEAR, contract_value

BLOCK = 1024
"""Accounts that one task of a thread takes."""


class TermArrays(NamedTuple):
    """What a sweep needs of each instrument; derived, valid for one set of marks and tiers."""

    plain: U8  # 1 when value is step * lots and one unit of value is one numeraire unit
    step: I64  # value of one lot at the mark, ledger units
    floor: F64  # [instrument, tier] notional where the next tier starts, infinity after the last
    rate: F64  # [instrument, tier, 4] maintenance rate and deduction, initial rate and deduction


class RowIndex(NamedTuple):
    """Where the rows of an account lie: one range of the sorted part, and a list of the rest."""

    start: I64  # [accounts + 1] first row of each account in the sorted part
    tail_head: I32  # [accounts] last row behind the sorted part, -1 for none
    tail_link: I32  # [rows behind the sorted part] the one before it
    sorted_rows: int


@kernel
def describe_terms(instruments, assets, count, terms):  # type: ignore[no-untyped-def]
    """Fill ``terms`` for instruments 0 .. count-1."""
    tiers = instruments.tier_floor.shape[1]
    for i in range(count):
        mark = instruments.mark[i]
        terms.plain[i] = (
            instruments.form[i] == LINEAR
            and mark > 0
            and instruments.settlement_asset[i] == 0
            and assets.unit_price[0] == 1.0
            and instruments.maintenance_deduction[i, 0] == 0.0
            and instruments.initial_deduction[i, 0] == 0.0
        )
        terms.step[i] = instruments.unit[i] * mark if terms.plain[i] else 0
        for tier in range(tiers):
            terms.floor[i, tier] = instruments.tier_floor[i, tier + 1] if tier < tiers - 1 else np.inf
            terms.rate[i, tier, 0] = instruments.maintenance_rate[i, tier]
            terms.rate[i, tier, 1] = instruments.maintenance_deduction[i, tier]
            terms.rate[i, tier, 2] = instruments.initial_rate[i, tier]
            terms.rate[i, tier, 3] = instruments.initial_deduction[i, tier]


@kernel
def index_rows(positions, accounts_count, sorted_rows, start, tail_head, tail_link):  # type: ignore[no-untyped-def]
    """Fill a `RowIndex` for a table whose first ``sorted_rows`` rows ascend by account."""
    start[:] = 0
    tail_head[:] = -1
    for row in range(sorted_rows):
        start[positions.account[row] + 1] += 1
    for account in range(accounts_count):
        start[account + 1] += start[account]
    for row in range(sorted_rows, positions.size[0]):
        account = positions.account[row]
        tail_link[row - sorted_rows] = tail_head[account]
        tail_head[account] = row


@kernel
def ascending_rows(positions):  # type: ignore[no-untyped-def]
    """Return how many rows from the first on ascend by account."""
    count = positions.size[0]
    for row in range(1, count):
        if positions.account[row] < positions.account[row - 1]:
            return row
    return count


@inlined
def _close_health(accounts, assets, account, unsettled):  # type: ignore[no-untyped-def]
    """Equity of an account from balances and unsettled profit; as `assess._close_account`."""
    equity = accounts.balance[account, 0] + unsettled[0]
    for asset in range(1, unsettled.size):
        total = accounts.balance[account, asset] + unsettled[asset]
        if total > 0:
            price = assets.unit_price[asset] * assets.keep[asset]
            equity += np.int64(math.floor(total * price))
        elif total < 0:
            equity += np.int64(math.floor(total * assets.unit_price[asset]))
    return equity


@parallel_kernel
def sweep(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, terms, index, count, equity, initial, maintenance
):
    """Fill equity, initial and maintenance margin of accounts 0 .. count-1 (numeraire units)."""
    blocks = (count + BLOCK - 1) // BLOCK
    has_tail = index.tail_link.size > 0
    for block in numba.prange(blocks):
        unsettled = np.zeros(accounts.balance.shape[1], np.int64)
        out = np.zeros(WIDTH, np.int64)
        for account in range(block * BLOCK, min(count, block * BLOCK + BLOCK)):
            unsettled[:] = 0
            out[INITIAL] = 0
            out[MAINTENANCE] = 0
            profit = np.int64(0)
            held_initial = np.int64(0)
            held_maintenance = np.int64(0)
            for row in range(np.uint64(index.start[account]), np.uint64(index.start[account + 1])):
                i = np.uint64(positions.instrument[row])
                lots = positions.lots[row]
                cost = positions.settlement_cost[row]
                buys = positions.buy_lots[row]
                sells = positions.sell_lots[row]
                if terms.plain[i] == 0 or (buys | sells) != 0:
                    add_position(
                        instruments, assets, i, lots, cost, buys, sells, unsettled, out
                    )
                    continue
                value = terms.step[i] * lots
                profit += value - cost
                notional = np.float64(abs(value))
                tier = np.uint64(0)
                while notional >= terms.floor[i, tier]:
                    tier += np.uint64(1)
                held_maintenance += np.int64(
                    math.ceil(notional * terms.rate[i, tier, 0] - terms.rate[i, tier, 1])
                )
                held_initial += np.int64(
                    math.ceil(notional * terms.rate[i, tier, 2] - terms.rate[i, tier, 3])
                )
            if has_tail:
                row = index.tail_head[account]
                while row >= 0:
                    add_position(
                        instruments, assets, positions.instrument[row], positions.lots[row],
                        positions.settlement_cost[row], positions.buy_lots[row],
                        positions.sell_lots[row], unsettled, out,
                    )  # fmt: skip
                    row = index.tail_link[row - index.sorted_rows]
            unsettled[0] += profit
            equity[account] = _close_health(accounts, assets, account, unsettled)
            initial[account] = held_initial + out[INITIAL]
            maintenance[account] = held_maintenance + out[MAINTENANCE]
