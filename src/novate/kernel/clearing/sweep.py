"""Equity and margin of every account in one pass over memory.

*Health* is equity, initial and maintenance margin, the same integers as `assess` gives:
they are sums of the same terms, each rounded by the same expression.  What makes `sweep` fast:

- rows lie sorted by account, so that memory is read in order;
- all that an instrument needs at its present mark is worked out once, in `TermArrays`;
- each row remembers in which margin tier it was last (`tier_hint`).  The hint may be wrong:
  it is checked against the bounds of the tier on every use, and a wrong one only costs time;
- terms lie tier by tier: most rows are in the lowest ones, whose terms fit the nearest cache;
- rows are fetched ahead a few accounts at a time: more at once would wait for memory, not work.

An account goes the slow way, term by term, when a hint is wrong or a row is not *plain*: inverse,
an option, settled in another asset than the numeraire, without a mark, with lots reserved by
orders, larger than 2**53 ledger units, or behind the sorted part of the table; or when it has a
debt in another asset than the numeraire.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np

from novate.kernel.clearing.assess import (
    EQUITY,
    INITIAL,
    MAINTENANCE,
    SCRATCH,
    TOTAL_MAX,
    WIDTH,
    add_position,
    assess_account,
    close_account,
    within,
)
from novate.kernel.clearing.columns import (
    F64,
    I32,
    I64,
    U8,
    AccountArrays,
    AssetArrays,
    InstrumentArrays,
    PositionArrays,
)
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Style
from novate.kernel.jit import inlined, kernel, parallel_kernel, prefetch

HEALTH_EQUITY, HEALTH_INITIAL, HEALTH_MAINTENANCE = range(3)
"""Columns of a health array, numeraire ledger units."""
HEALTH_WIDTH = 3

BLOCK = 1024
"""Accounts that a thread takes at a time."""

PARALLEL_ROWS = 1_000_000
"""Positions from which a second thread saves more than it takes to wake it on a busy computer."""

_PREMIUM = int(Style.PREMIUM)

_GROUP = 8
"""Accounts whose rows are fetched together in a sweep; a divisor of `BLOCK`."""

_AHEAD = 128
"""Rows between those that a sweep fetches and those that it works on."""

EXACT = 2.0**53
"""Up to here a float64 holds every integer."""


class TermArrays(NamedTuple):
    """What a sweep needs of each instrument at its present mark; derived from the columns.

    ``reach`` and ``rate`` are flat over (tier, instrument), with room for a power of two of
    instruments.  A row whose instrument is not plain is within reach of no tier.
    """

    plain: U8  # 1 when the value of a row is step * lots numeraire units
    step: I64  # [room] value of one lot at the mark
    reach: I64  # [tier * room + instrument, 2] lowest notional of the tier, width of the tier
    rate: F64  # [..., 4] maintenance rate and deduction, initial rate and deduction


class RowIndex(NamedTuple):
    """Where the rows of an account lie: one range of the sorted part, and a list of the rest."""

    start: I64  # [accounts + 1] first row of each account in the sorted part
    tail_head: I32  # [accounts] last row behind the sorted part, -1 for none
    tail_link: I32  # [rows behind the sorted part] the row of the same account before it
    tier_hint: U8  # [rows of the sorted part]
    size: I64  # [rows of the sorted part]


def empty_terms(count: int, tiers: int) -> TermArrays:
    """Make room for the terms of ``count`` instruments with up to ``tiers`` tiers each."""
    room = 1 << max(count - 1, 0).bit_length()
    return TermArrays(
        np.zeros(room, np.uint8),
        np.zeros(room, np.int64),
        np.zeros((tiers * room, 2), np.int64),
        np.zeros((tiers * room, 4)),
    )


@inlined
def is_plain(instruments, assets, i):  # type: ignore[no-untyped-def]
    """Whether rows of an instrument add whole numeraire units that need no rounding."""
    return (
        instruments.form[i] == LINEAR
        and instruments.style[i] != _PREMIUM
        and instruments.mark[i] > 0
        and instruments.settlement_asset[i] == 0
        and assets.unit_price[0] == 1.0
    )


@kernel
def describe_terms(instruments, assets, count, terms):  # type: ignore[no-untyped-def]
    """Fill ``terms`` for instruments 0 .. count-1."""
    tiers = instruments.tier_floor.shape[1]
    for i in range(count):
        plain = (
            is_plain(instruments, assets, i)
            and instruments.maintenance_deduction[i, 0] == 0.0
            and instruments.initial_deduction[i, 0] == 0.0
        )
        terms.plain[i] = plain
        terms.step[i] = instruments.unit[i] * instruments.mark[i] if plain else 0
        for tier in range(tiers):
            at = tier * terms.step.size + i
            low = instruments.tier_floor[i, tier] if tier else 0.0
            high = instruments.tier_floor[i, tier + 1] if tier < tiers - 1 else EXACT
            # A notional is a whole number: it reaches the tier from the ceiling of its floor on.
            terms.reach[at, 0] = np.int64(math.ceil(min(low, EXACT)))
            width = np.int64(math.ceil(min(high, EXACT))) - terms.reach[at, 0]
            terms.reach[at, 1] = max(width, 0) if plain else 0
            terms.rate[at, 0] = instruments.maintenance_rate[i, tier]
            terms.rate[at, 1] = instruments.maintenance_deduction[i, tier]
            terms.rate[at, 2] = instruments.initial_rate[i, tier]
            terms.rate[at, 3] = instruments.initial_deduction[i, tier]


@kernel
def ascending_rows(positions):  # type: ignore[no-untyped-def]
    """Return how many rows, from the first on, ascend by account."""
    for row in range(1, positions.size[0]):
        if positions.account[row] < positions.account[row - 1]:
            return row
    return positions.size[0]


@kernel
def index_start(positions, index):  # type: ignore[no-untyped-def]
    """Fill the ranges of a `RowIndex` from its sorted part."""
    index.start[:] = 0
    for row in range(index.size[0]):
        index.start[positions.account[row] + 1] += 1
    for account in range(index.start.size - 1):
        index.start[account + 1] += index.start[account]


@kernel
def index_tail(positions, index, known):  # type: ignore[no-untyped-def]
    """Link the rows behind the sorted part, those after the first ``known`` of them."""
    for row in range(index.size[0] + known, positions.size[0]):
        account = positions.account[row]
        index.tail_link[row - index.size[0]] = index.tail_head[account]
        index.tail_head[account] = row


@inlined
def _health_of(accounts, assets, account, scratch, out, health):  # type: ignore[no-untyped-def]
    """Close an account whose rows have been added, and store its health."""
    close_account(accounts, assets, account, scratch, out)
    health[account, HEALTH_EQUITY] = out[EQUITY]
    health[account, HEALTH_INITIAL] = out[INITIAL]
    health[account, HEALTH_MAINTENANCE] = out[MAINTENANCE]


@inlined
def _sweep_one(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, terms, index, account, tier_hint, scratch, out,
    health,
):  # fmt: skip
    """Health of one account, term by term; tier hints are put right on the way."""
    out[:] = 0
    scratch[:] = 0
    tiers, room = instruments.tier_floor.shape[1], terms.step.size
    first, last = index.start[account], index.start[account + 1]
    tail = index.tail_head[account]
    row = first
    while row < last or tail >= 0:
        here = row if row < last else np.int64(tail)
        i = np.int64(positions.instrument[here])
        add_position(
            instruments, assets, i, positions.lots[here], positions.settlement_cost[here],
            positions.entry_cost[here], positions.buy_lots[here], positions.sell_lots[here],
            scratch, out,
        )  # fmt: skip
        if row < last:
            size = abs(terms.step[i] * positions.lots[here])
            tier = 0
            while tier < tiers - 1 and size >= terms.reach[(tier + 1) * room + i, 0]:
                tier += 1
            tier_hint[here] = tier
            row += 1
        else:
            tail = index.tail_link[tail - index.size[0]]
    _health_of(accounts, assets, account, scratch, out, health)


@inlined
def _quick_block(  # type: ignore[no-untyped-def]
    start, tail_head, tier_hint, instrument, lots, cost, buy_lots, sell_lots,
    step, reach, rate, bits, balance, assets, unit_price, discounted, block, health, left,
):  # fmt: skip
    """Fill ``health`` of the accounts of a block that can go the fast way; returns how many cannot.

    Plain arrays, flat where they can be, and no calls: passing tuples of arrays to a function in
    the loop would cost more than the arithmetic.  Rows fetched behind the end do no harm.
    ``left[block]`` lists the accounts left over.
    """
    skipped = 0
    end = min(health.size // HEALTH_WIDTH, block * BLOCK + BLOCK)
    for group in range(block * BLOCK, end, _GROUP):
        behind = min(end, group + _GROUP)
        first, last = np.uint64(start[group] + _AHEAD), np.uint64(start[behind] + _AHEAD)
        for row in range(first, last, np.uint64(8)):
            prefetch(lots, row)
            prefetch(cost, row)
            prefetch(buy_lots, row)
            prefetch(sell_lots, row)
        for row in range(first, last, np.uint64(32)):
            prefetch(instrument, row)
            prefetch(instrument, row + np.uint64(16))
            prefetch(tier_hint, row)
        for account in range(np.uint64(group), np.uint64(behind)):
            profit = np.int64(0)
            # Whole numbers: exact while the sum stays below 2**53, which is tested at the end.
            initial = 0.0
            maintenance = 0.0
            fast = tail_head[account] < 0
            for row in range(np.uint64(start[account]), np.uint64(start[account + np.uint64(1)])):
                i = np.uint64(np.uint32(instrument[row]))
                value = step[i] * lots[row]
                profit += value - cost[row]
                size = abs(value)
                at = (np.uint64(tier_hint[row]) << bits) | i
                two = at << np.uint64(1)
                # Unsigned: a size below the tier wraps around to a large number.
                if (
                    np.uint64(size) - reach[two] >= reach[two + np.uint64(1)]
                    or (buy_lots[row] | sell_lots[row]) != 0
                ):
                    fast = False
                    break
                notional = np.float64(size)
                at <<= np.uint64(2)
                maintenance += np.ceil(notional * rate[at] - rate[at + np.uint64(1)])
                initial += np.ceil(notional * rate[at + np.uint64(2)] - rate[at + np.uint64(3)])
            at = account * np.uint64(assets)
            equity = balance[at] + profit
            for asset in range(np.uint64(1), np.uint64(assets)):
                total = balance[at + asset]
                price = discounted[asset] if total > 0 else unit_price[asset]
                worth = np.floor(total * price)
                fast = fast and 0.0 <= worth < EXACT  # a debt asks for margin
                equity += np.int64(worth)
            whole = initial < EXACT and maintenance < EXACT and abs(equity) <= TOTAL_MAX
            if not (fast and whole):
                left[block, skipped] = account
                skipped += 1
                continue
            at = account * np.uint64(HEALTH_WIDTH)
            health[at] = equity
            health[at + np.uint64(HEALTH_INITIAL)] = np.int64(initial)
            health[at + np.uint64(HEALTH_MAINTENANCE)] = np.int64(maintenance)
    return skipped


@kernel
def quick_blocks(  # type: ignore[no-untyped-def]
    start, tail_head, tier_hint, instrument, lots, cost, buy_lots, sell_lots,
    step, reach, rate, bits, balance, assets, unit_price, discounted, health, left, left_count,
):  # fmt: skip
    """Take all blocks on this thread."""
    for block in range(left_count.size):
        left_count[block] = _quick_block(
            start, tail_head, tier_hint, instrument, lots, cost, buy_lots, sell_lots,
            step, reach, rate, bits, balance, assets, unit_price, discounted, block, health, left,
        )  # fmt: skip


@parallel_kernel
def quick_blocks_parallel(  # type: ignore[no-untyped-def]
    start, tail_head, tier_hint, instrument, lots, cost, buy_lots, sell_lots,
    step, reach, rate, bits, balance, assets, unit_price, discounted, health, left, left_count,
):  # fmt: skip
    """Deal the blocks to all threads."""
    for block in numba.prange(left_count.size):
        left_count[block] = _quick_block(
            start, tail_head, tier_hint, instrument, lots, cost, buy_lots, sell_lots,
            step, reach, rate, bits, balance, assets, unit_price, discounted, block, health, left,
        )  # fmt: skip


@kernel
def slow_blocks(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, terms, index, left, left_count, tier_hint, health
):
    """Fill ``health`` of the accounts left over, and put their tier hints right."""
    for block in range(left_count.size):
        scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
        out = np.zeros(WIDTH, np.int64)
        for at in range(left_count[block]):
            _sweep_one(
                accounts, positions, instruments, assets, terms, index,
                np.int64(left[block, at]), tier_hint, scratch, out, health,
            )  # fmt: skip


@parallel_kernel
def slow_blocks_parallel(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, terms, index, left, left_count, tier_hint, health
):
    """As `slow_blocks`, on all threads.

    What is written is an argument of its own: numba drops writes to a member of a tuple of arrays
    from the body of a ``prange``.
    """
    for block in numba.prange(left_count.size):
        scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
        out = np.zeros(WIDTH, np.int64)
        for at in range(left_count[block]):
            _sweep_one(
                accounts, positions, instruments, assets, terms, index,
                np.int64(left[block, at]), tier_hint, scratch, out, health,
            )  # fmt: skip


def sweep(
    accounts: AccountArrays,
    positions: PositionArrays,
    instruments: InstrumentArrays,
    assets: AssetArrays,
    terms: TermArrays,
    index: RowIndex,
    health: I64,
) -> None:
    """Fill ``health[account, 3]`` for all accounts; the result does not depend on the threads.

    ``health`` lies contiguous in memory.
    """
    blocks = (len(health) + BLOCK - 1) // BLOCK
    left = np.empty((blocks, BLOCK), np.int32)
    left_count = np.zeros(blocks, np.int64)
    is_large = positions.size[0] >= PARALLEL_ROWS
    take: Callable[..., None] = quick_blocks_parallel if is_large else quick_blocks
    take(
        index.start, index.tail_head, index.tier_hint, positions.instrument, positions.lots,
        positions.settlement_cost, positions.buy_lots, positions.sell_lots, terms.step,
        terms.reach.view(np.uint64).reshape(-1), terms.rate.reshape(-1),
        np.uint64(terms.step.size.bit_length() - 1), accounts.balance.reshape(-1),
        accounts.balance.shape[1], assets.unit_price, assets.unit_price * assets.collateral_factor,
        health.reshape(-1), left, left_count,
    )  # fmt: skip
    if left_count.any():
        take_slowly: Callable[..., None] = slow_blocks_parallel if is_large else slow_blocks
        take_slowly(
            accounts, positions, instruments, assets, terms, index, left, left_count,
            index.tier_hint, health,
        )  # fmt: skip


@kernel
def assess_some(accounts, positions, instruments, assets, subjects, health):  # type: ignore[no-untyped-def]
    """Assess the accounts in ``subjects`` anew into ``health``."""
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    out = np.zeros(WIDTH, np.int64)
    for account in subjects:
        assess_account(accounts, positions, instruments, assets, account, scratch, out)
        health[account, HEALTH_EQUITY] = out[EQUITY]
        health[account, HEALTH_INITIAL] = out[INITIAL]
        health[account, HEALTH_MAINTENANCE] = out[MAINTENANCE]


@kernel
def margin_totals(is_meant, health, slack, short, low):  # type: ignore[no-untyped-def]
    """Return number, breaches of maintenance margin, and sums of health of some accounts.

    ``is_meant`` says which: the account that each margin group began with.  ``short`` becomes those
    of them, ascending, whose equity is below initial or maintenance margin, and ``low`` those whose
    equity is not above maintenance margin by ``slack`` units and 2**-40 of it; with nothing to
    hold, those below zero.  How many each list has stands behind the sums: number, breaches,
    equity, initial margin, maintenance margin, short, low.
    """
    out = np.zeros(4 + HEALTH_WIDTH, np.int64)
    count, breaches, shorts, lows = 0, 0, 0, 0
    total_equity, total_initial, total_maintenance = np.int64(0), np.int64(0), np.int64(0)
    for account in range(is_meant.size):
        if is_meant[account]:
            count += 1
            equity = health[account, HEALTH_EQUITY]
            initial = health[account, HEALTH_INITIAL]
            maintenance = health[account, HEALTH_MAINTENANCE]
            breaches += equity < maintenance
            total_equity = within(total_equity + equity)
            total_initial = within(total_initial + initial)
            total_maintenance = within(total_maintenance + maintenance)
            above = maintenance + slack + (maintenance >> 40)
            if equity >= max(initial, above):
                continue
            if equity < max(initial, maintenance):
                short[shorts] = account
                shorts += 1
            if equity < (above if maintenance > 0 else 0):
                low[lows] = account
                lows += 1
    out[0], out[1], out[5], out[6] = count, breaches, shorts, lows
    out[2], out[3], out[4] = total_equity, total_initial, total_maintenance
    return out
