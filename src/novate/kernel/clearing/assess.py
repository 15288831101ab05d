"""Exact assessment of the margin group of an account, and of those of all accounts.

Everything that is added up is an integer number of ledger units, so the order of rows, the number
of threads and the state of any cache cannot change a result.  Per position and per asset one
float64 expression is rounded once: a requirement up, a credit down.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from novate.kernel.clearing.group import first_of_group, net_row, next_of_group
from novate.kernel.clearing.requirement import (
    asked_units,
    short_requirement,
    tier_requirement,
)
from novate.kernel.clearing.value import WORTH_MAX, contract_value
from novate.kernel.codes import Style
from novate.kernel.jit import inlined, kernel, parallel_kernel

(
    EQUITY, NET, INITIAL, MAINTENANCE, NOTIONAL, GAIN, UNPROVEN, DEBT_INITIAL, DEBT_MAINTENANCE,
    SHORTS,
) = range(10)  # fmt: skip
"""Columns of an assessment, all in numeraire ledger units:

* ``EQUITY``: collateral after haircuts plus unsettled profit and loss
* ``NET``: the same without haircuts, and with the value of options
* ``INITIAL``: initial margin, open orders on their worst side, and what they hold for their loss
* ``MAINTENANCE``: maintenance margin of the positions held
* ``NOTIONAL``: gross notional at the mark
* ``GAIN``: unsettled profit and loss at the mark, of options beyond their entry cost
* ``UNPROVEN``: part of the unsettled and settled gain on open positions above the slow average
* ``DEBT_INITIAL``, ``DEBT_MAINTENANCE``: parts of initial and maintenance margin, what debts in
  other assets than the numeraire ask for
* ``SHORTS``: worth of the options that are short when all open sells fill
"""
WIDTH = 10

UNSETTLED, OPTIONS, OPTION_GAIN = range(3)
"""Rows of the scratch of an assessment, settlement units per asset: unsettled profit and loss,
value of options at the mark, and that value beyond their entry cost."""
SCRATCH = 3

_PREMIUM = int(Style.PREMIUM)

SUM_MAX = 2**61
"""Limit of the sums of requirements of an account, the same in any order of the terms."""

TOTAL_MAX = 2**62 - 1
"""Equity, net and gain stay within this size: two of them still add up."""


@inlined
def add_option(  # type: ignore[no-untyped-def]
    instruments, assets, i, lots, cost, entry, buys, sells, scratch, out
):
    """Add an option, paid for at the trade: its value is in net, a long one asks for no margin.

    ``cost`` is what a trade under decision takes from the balance, in settlement units, and is no
    gain or loss; booked positions have none.
    """
    asset = instruments.settlement_asset[i]
    scratch[UNSETTLED, asset] -= cost
    scratch[OPTION_GAIN, asset] += cost
    mark = instruments.mark[i]
    worst = max(sells - lots, 0)
    if mark <= 0 or (lots == 0 and worst == 0):
        return
    unit = instruments.unit[i]
    price = assets.unit_price[asset]
    value = unit * lots * mark
    scratch[OPTIONS, asset] += value
    scratch[OPTION_GAIN, asset] += value - entry
    initial, maintenance = short_requirement(instruments, assets, i, lots, entry, worst)
    out[INITIAL] = min(out[INITIAL] + initial, SUM_MAX)
    out[MAINTENANCE] = min(out[MAINTENANCE] + maintenance, SUM_MAX)
    out[NOTIONAL] = min(out[NOTIONAL] + asked_units(abs(value), price), SUM_MAX)
    lead = unit * max(-lots, 0) * (instruments.slow[i] - mark)
    if lead > 0:
        out[UNPROVEN] = min(out[UNPROVEN] + asked_units(lead, price), SUM_MAX)
    if worst > 0:
        out[SHORTS] = min(out[SHORTS] + asked_units(unit * worst * mark, price), SUM_MAX)


@inlined
def add_position(  # type: ignore[no-untyped-def]
    instruments, assets, i, lots, cost, entry, buys, sells, scratch, out
):
    """Add one position to the sums of its account; ``entry`` is read of options only."""
    if instruments.style[i] == _PREMIUM:
        add_option(instruments, assets, i, lots, cost, entry, buys, sells, scratch, out)
        return
    mark = instruments.mark[i]
    if mark <= 0:
        # Without a mark only pending cash counts (rule 3.3).
        scratch[UNSETTLED, instruments.settlement_asset[i]] -= cost
        return
    form = instruments.form[i]
    unit = instruments.unit[i]
    asset = instruments.settlement_asset[i]
    price = assets.unit_price[asset]
    value = contract_value(form, unit, mark, lots)
    scratch[UNSETTLED, asset] += value - cost
    worst = max(abs(lots + buys), abs(lots - sells))
    if worst == 0:
        return
    notional = min(abs(value) * price, WORTH_MAX)
    initial, maintenance = tier_requirement(instruments, i, price, lots, worst, notional)
    out[INITIAL] = min(out[INITIAL] + initial, SUM_MAX)
    out[MAINTENANCE] = min(out[MAINTENANCE] + maintenance, SUM_MAX)
    out[NOTIONAL] = min(out[NOTIONAL] + np.int64(math.ceil(notional)), SUM_MAX)
    slow = instruments.slow[i]
    if slow > 0:
        lead = value - contract_value(form, unit, slow, lots)
        if lead > 0:
            ahead = np.int64(math.ceil(min(lead * price, WORTH_MAX)))
            out[UNPROVEN] = min(out[UNPROVEN] + ahead, SUM_MAX)


@inlined
def entry_of(positions, instruments, row):  # type: ignore[no-untyped-def]
    """Entry cost of a row that holds an option, else 0.

    Only options are asked for it, and what is not read is not waited for.
    """
    if instruments.style[positions.instrument[row]] == _PREMIUM:
        return positions.entry_cost[row]
    return np.int64(0)


@inlined
def units_of(worth):  # type: ignore[no-untyped-def]
    """Numeraire units of a worth, rounded down, limited to +-WORTH_MAX (rule 2.10).

    The limit keeps a product with an extreme price from leaving 64 bits and changing its sign.
    """
    return np.int64(math.floor(min(max(worth, -WORTH_MAX), WORTH_MAX)))


@inlined
def within(total):  # type: ignore[no-untyped-def]
    """A sum of worths, in order of assets or accounts, limited to +-TOTAL_MAX (rule 3.25)."""
    return min(max(total, -TOTAL_MAX), TOTAL_MAX)


DEBT_MAX = 2**60
"""Limit of the margin for the debts of an account."""


@inlined
def debt_shares(accounts, assets, account, asset):  # type: ignore[no-untyped-def]
    """Initial and maintenance margin of a debt in an asset, as parts of its worth (rule 3.50)."""
    initial_ppm, maintenance_ppm = assets.debt_ppm[0], assets.debt_ppm[1]
    for k in range(assets.debt_group.size):
        if assets.debt_group[k] == accounts.margin_group[account]:
            initial_ppm, maintenance_ppm = assets.debt_group_ppm[k, 0], assets.debt_group_ppm[k, 1]
    haircut_ppm = 100 * assets.haircut_bps[asset]
    return (
        max(initial_ppm, haircut_ppm) / 1_000_000,
        max(maintenance_ppm, haircut_ppm) / 1_000_000,
    )


@kernel
def add_debt(accounts, assets, account, asset, owed, out):  # type: ignore[no-untyped-def]
    """Add the margin for a debt of ``owed`` ledger units (positive) in an asset (rule 3.50).

    Not inlined: few accounts have a debt, and none of the others carries this code.
    """
    price = assets.unit_price[asset]
    initial_share, maintenance_share = debt_shares(accounts, assets, account, asset)
    initial = asked_units(owed, price * initial_share)
    maintenance = asked_units(owed, price * maintenance_share)
    out[DEBT_INITIAL] = min(out[DEBT_INITIAL] + initial, DEBT_MAX)
    out[DEBT_MAINTENANCE] = min(out[DEBT_MAINTENANCE] + maintenance, DEBT_MAX)


@inlined
def close_account(accounts, assets, account, scratch, out):  # type: ignore[no-untyped-def]
    """Turn balances and unsettled profit of each asset into equity, and add what orders hold.

    A debt in another asset than the numeraire asks for margin.

    ``account`` is the first of its group, the balances of which are added up.
    """
    out[INITIAL] += accounts.open_order_hold[account]
    other = accounts.group_link[account]
    while other >= 0 and other != account:
        out[INITIAL] += accounts.open_order_hold[other]
        other = accounts.group_link[other]
    for asset in range(scratch.shape[1]):
        cash = accounts.balance[account, asset]
        other = accounts.group_link[account]
        while other >= 0 and other != account:
            cash = within(cash + accounts.balance[other, asset])
            other = accounts.group_link[other]
        total = cash + scratch[UNSETTLED, asset]
        worth = total + scratch[OPTIONS, asset]
        gain = scratch[UNSETTLED, asset] + scratch[OPTION_GAIN, asset]
        price = assets.unit_price[asset]
        if asset == 0:
            out[NET] = within(worth)
            out[EQUITY] = within(total)
            out[GAIN] = within(gain)
        else:
            kept = price * assets.collateral_factor[asset] if total > 0 else price
            out[NET] = within(out[NET] + units_of(worth * price))
            out[EQUITY] = within(out[EQUITY] + units_of(total * kept))
            out[GAIN] = within(out[GAIN] + units_of(gain * price))
            if total < 0 and price > 0.0:
                add_debt(accounts, assets, account, asset, -total, out)
    out[INITIAL] += out[DEBT_INITIAL]
    out[MAINTENANCE] += out[DEBT_MAINTENANCE]


@kernel
def assess_group(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, account, i, lots, value, entry, buys, sells,
    other, other_lots, other_value, other_entry, scratch, out,
):  # fmt: skip
    """Assess a group of several accounts, as if something were booked in one or two of them.

    ``other`` is another account of the group with which ``account`` trades in ``i``, negative for
    none, and what the trade adds to it; the other parameters are those of `assess_with`.  Without
    a change ``i`` is negative.
    """
    out[:] = 0
    scratch[:] = 0
    seen, seen_other = i < 0, other < 0
    is_one_set = other >= 0 and accounts.netting_set[other] == accounts.netting_set[account]
    first = first_of_group(accounts, account)
    member = first
    while member >= 0:
        row = accounts.head[member]
        while row >= 0:
            is_first, held, cost, paid, bought, sold = net_row(accounts, positions, row)
            if is_first:
                changes = positions.instrument[row] == i
                here = changes and accounts.netting_set[member] == accounts.netting_set[account]
                there = changes and other >= 0
                there = there and accounts.netting_set[member] == accounts.netting_set[other]
                seen, seen_other = seen or here, seen_other or there
                add_position(
                    instruments, assets, positions.instrument[row],
                    held + (lots if here else 0) + (other_lots if there else 0),
                    cost + (value if here else 0) + (other_value if there else 0),
                    paid + (entry if here else 0) + (other_entry if there else 0),
                    bought + (buys if here else 0),
                    sold + (sells if here else 0),
                    scratch, out,
                )  # fmt: skip
            row = positions.link[row]
        member = next_of_group(accounts, first, member)
    if not seen:
        add_position(
            instruments, assets, i, lots + (other_lots if is_one_set else 0),
            value + (other_value if is_one_set else 0), entry + (other_entry if is_one_set else 0),
            buys, sells, scratch, out,
        )  # fmt: skip
    if not seen_other and not is_one_set:
        add_position(
            instruments, assets, i, other_lots, other_value, other_entry, 0, 0, scratch, out
        )
    close_account(accounts, assets, first, scratch, out)


@inlined
def assess_account(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, account, scratch, out
):
    """Fill ``out`` (WIDTH numbers) for the margin group of an account.

    ``scratch`` has shape (SCRATCH, assets).
    """
    if accounts.group_link[account] >= 0:
        assess_group(
            accounts, positions, instruments, assets, account, -1, 0, 0, 0, 0, 0, -1, 0, 0, 0,
            scratch, out,
        )  # fmt: skip
        return
    out[:] = 0
    scratch[:] = 0
    row = accounts.head[account]
    while row >= 0:
        add_position(
            instruments,
            assets,
            positions.instrument[row],
            positions.lots[row],
            positions.settlement_cost[row],
            entry_of(positions, instruments, row),
            positions.buy_lots[row],
            positions.sell_lots[row],
            scratch,
            out,
        )
        row = positions.link[row]
    close_account(accounts, assets, account, scratch, out)


@inlined
def assess_with(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, account, i, lots, value, entry, buys, sells, scratch,
    out,
):  # fmt: skip
    """Assess a group as if a trade of ``account`` and open orders in ``i`` were booked.

    ``lots``, ``value`` and ``entry`` (settlement units) are what the trade adds to lots, settlement
    cost (of an option: takes from the balance) and, of an option, entry cost; ``buys`` and
    ``sells`` what is added to the reserved lots; other instruments stay as they are.
    """
    if accounts.group_link[account] >= 0:
        assess_group(
            accounts, positions, instruments, assets, account, i, lots, value, entry, buys, sells,
            -1, 0, 0, 0, scratch, out,
        )  # fmt: skip
        return
    out[:] = 0
    scratch[:] = 0
    seen = False
    row = accounts.head[account]
    while row >= 0:
        here = positions.instrument[row] == i
        seen = seen or here
        add_position(
            instruments,
            assets,
            positions.instrument[row],
            positions.lots[row] + (lots if here else 0),
            positions.settlement_cost[row] + (value if here else 0),
            entry_of(positions, instruments, row) + (entry if here else 0),
            positions.buy_lots[row] + (buys if here else 0),
            positions.sell_lots[row] + (sells if here else 0),
            scratch,
            out,
        )
        row = positions.link[row]
    if not seen:
        add_position(instruments, assets, i, lots, value, entry, buys, sells, scratch, out)
    close_account(accounts, assets, account, scratch, out)


PARALLEL_MIN = 65_536
"""Accounts from which a sweep is worth waking a second thread for."""


@kernel
def assess_serial(accounts, positions, instruments, assets, count, out):  # type: ignore[no-untyped-def]
    """`assess_all` on the calling thread, for sweeps too small to be worth waking a second one."""
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    for account in range(count):
        assess_account(accounts, positions, instruments, assets, account, scratch, out[account])


@parallel_kernel
def assess_all(accounts, positions, instruments, assets, count, out):  # type: ignore[no-untyped-def]
    """Assess accounts 0 .. count-1 into ``out[account, WIDTH]``, blocks of accounts to threads."""
    blocks = (count + 255) // 256
    for block in numba.prange(blocks):
        scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
        for account in range(block * 256, min(count, block * 256 + 256)):
            assess_account(accounts, positions, instruments, assets, account, scratch, out[account])
