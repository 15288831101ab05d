"""Assessment, blocked prices, margin bindings and slices of accounts that are called or closed out.

``subjects`` are account numbers; prices, margin and worth are those of their margin groups.
``is_blocked[instrument]`` says whose price decides nothing.  Nothing here changes the books.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.clearing.assess import (
    INITIAL,
    SCRATCH,
    SUM_MAX,
    add_position,
    assess_account,
    close_account,
    units_of,
    within,
)
from novate.kernel.clearing.group import closable_lots, first_of_group, net_row, next_of_group
from novate.kernel.clearing.requirement import asked_units, tier_margin
from novate.kernel.clearing.value import WORTH_MAX, contract_value
from novate.kernel.codes import Style
from novate.kernel.jit import inlined, kernel

_PREMIUM = int(Style.PREMIUM)

_PPM = 1_000_000
_LARGE = float(2**62)


@kernel
def assess_subjects(accounts, positions, instruments, assets, subjects, out):  # type: ignore[no-untyped-def]
    """Assess the subjects into ``out[subject, WIDTH]``."""
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    for k in range(subjects.size):
        assess_account(accounts, positions, instruments, assets, subjects[k], scratch, out[k])


@kernel
def assess_without_orders(accounts, positions, instruments, assets, subjects, out):  # type: ignore[no-untyped-def]
    """Assess the groups of the subjects as if they had no open orders, into ``out``."""
    scratch = np.zeros((SCRATCH, accounts.balance.shape[1]), np.int64)
    for k in range(subjects.size):
        out[k] = 0
        scratch[:] = 0
        first = first_of_group(accounts, subjects[k])
        member, hold = first, np.int64(0)
        while member >= 0:
            hold += accounts.open_order_hold[member]
            row = accounts.head[member]
            while row >= 0:
                is_first, lots, cost, entry, _, _ = net_row(accounts, positions, row)
                if is_first:
                    add_position(
                        instruments, assets, positions.instrument[row], lots, cost, entry, 0, 0,
                        scratch, out[k],
                    )  # fmt: skip
                row = positions.link[row]
            member = next_of_group(accounts, first, member)
        close_account(accounts, assets, first, scratch, out[k])
        out[k, INITIAL] -= hold


@kernel
def look_at_prices(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, is_blocked, is_worthless, subjects, blocked,
    long_worth, short_worth,
):  # fmt: skip
    """Find blocked positions, and the worth of options that are not ``is_worthless``.

    ``blocked[k]`` is the lowest number of an open position whose price is blocked, long options
    aside (they are no collateral and ask for no margin), or -1.  ``long_worth[k]`` is the sum of
    their values in numeraire units, each rounded down, at most `TOTAL_MAX`; ``short_worth[k]``
    likewise of short options, not positive.
    """
    for k in range(subjects.size):
        first = np.int64(-1)
        worth, liability = np.int64(0), np.int64(0)
        begin = first_of_group(accounts, subjects[k])
        member = begin
        while member >= 0:
            at = accounts.head[member]
            while at >= 0:
                row = at
                at = positions.link[row]
                net = net_row(accounts, positions, row)
                if not net[0] or net[1] == 0:
                    continue
                lots, i = net[1], np.int64(positions.instrument[row])
                is_option = instruments.style[i] == _PREMIUM
                if is_option and not is_worthless[i]:
                    value = instruments.unit[i] * lots * instruments.mark[i]
                    price = assets.unit_price[instruments.settlement_asset[i]]
                    if lots > 0:
                        worth = within(worth + units_of(value * price))
                    else:
                        liability = within(liability + units_of(value * price))
                if is_blocked[i] and not (is_option and lots > 0) and (first < 0 or i < first):
                    first = i
            member = next_of_group(accounts, begin, member)
        blocked[k] = first
        long_worth[k] = worth
        short_worth[k] = liability


@inlined
def _maintenance_of(instruments, assets, i, lots):  # type: ignore[no-untyped-def]
    """Maintenance margin of one position at its mark, as `assess` adds it up."""
    price = assets.unit_price[instruments.settlement_asset[i]]
    mark = instruments.mark[i]
    if mark <= 0:
        return np.int64(0)
    if instruments.style[i] == _PREMIUM:
        short = instruments.unit[i] * max(-lots, 0)
        return asked_units(short * instruments.short_maintenance[i], price)
    value = contract_value(instruments.form[i], instruments.unit[i], mark, lots)
    return tier_margin(instruments, i, min(abs(value) * price, WORTH_MAX))[1]


@kernel
def find_binding(accounts, positions, instruments, assets, subjects, binding):  # type: ignore[no-untyped-def]
    """Fill ``binding[k]`` with the open position that asks for most maintenance margin.

    Ties go to the lower number; -1 without a position.
    """
    for k in range(subjects.size):
        most, at = np.int64(-1), np.int64(-1)
        first = first_of_group(accounts, subjects[k])
        member = first
        while member >= 0:
            row = accounts.head[member]
            while row >= 0:
                net = net_row(accounts, positions, row)
                if net[0] and net[1] != 0:
                    i = np.int64(positions.instrument[row])
                    asked = _maintenance_of(instruments, assets, i, net[1])
                    if asked > most or (asked == most and i < at):
                        most, at = asked, i
                row = positions.link[row]
            member = next_of_group(accounts, first, member)
        binding[k] = at


@kernel
def add_charges(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, subjects, ppm_of_subject, ppm_of_instrument,
    depth_of_instrument, charge,
):  # fmt: skip
    """Fill ``charge[k]`` with what closing the positions of a subject's group costs (rule 12.21).

    Numeraire units.  The rate is that of the subject or, where it is negative, of the instrument;
    a depth of 0 is none.  Long options are left out: they are taken like assets.
    """
    for k in range(subjects.size):
        total = np.int64(0)
        first = first_of_group(accounts, subjects[k])
        member = first
        while member >= 0:
            row = accounts.head[member]
            while row >= 0:
                i = np.int64(positions.instrument[row])
                net = net_row(accounts, positions, row)
                row = positions.link[row]
                if not net[0] or net[1] == 0 or instruments.mark[i] <= 0:
                    continue
                if net[1] > 0 and instruments.style[i] == _PREMIUM:
                    continue
                value = contract_value(
                    instruments.form[i], instruments.unit[i], instruments.mark[i], net[1]
                )
                price = assets.unit_price[instruments.settlement_asset[i]]
                notional = min(abs(value) * price, WORTH_MAX)
                ppm = ppm_of_subject[k] if ppm_of_subject[k] >= 0 else ppm_of_instrument[i]
                cost = notional * (ppm / 1e6)
                if depth_of_instrument[i] > 0:
                    cost *= 1.0 + notional / depth_of_instrument[i]
                asked = np.int64(math.ceil(min(cost, WORTH_MAX)))
                most = _maintenance_of(instruments, assets, i, net[1])
                total = np.int64(min(total + min(asked, most), SUM_MAX))
            member = next_of_group(accounts, first, member)
        charge[k] = total


@inlined
def _slice_of(instruments, assets, i, lots, slice_floor, slice_ppm):  # type: ignore[no-untyped-def]
    """Signed lots that close the next slice: all below the slice floor, else a share of them."""
    size = abs(lots)
    value = contract_value(instruments.form[i], instruments.unit[i], instruments.mark[i], lots)
    notional = np.ceil(abs(value) * assets.unit_price[instruments.settlement_asset[i]])
    if notional >= _LARGE or np.int64(notional) > slice_floor:
        # In two parts: the product of the whole could leave 64 bits.
        part = size % _PPM * slice_ppm
        size = size // _PPM * slice_ppm + (part + _PPM - 1) // _PPM
    return -size if lots > 0 else size


@inlined
def _sold_of(balance, debt, price):  # type: ignore[no-untyped-def]
    """Ledger units of an asset that pay a debt in the numeraire, at most what there is."""
    needed = np.ceil(debt / price)
    return balance if needed >= _LARGE else min(balance, np.int64(needed))


@inlined
def _want_conversions(  # type: ignore[no-untyped-def]
    accounts, assets, is_stale, account, sells_all, orders, count
):
    """Add the conversions of one account by asset; returns how many orders there are then.

    Debts in other assets are bought back.  Of what it has, the liquidator sells all, another as
    much as its debt in the numeraire needs.
    """
    debt = max(-accounts.balance[account, 0], 0)
    for asset in range(1, accounts.balance.shape[1]):
        balance = accounts.balance[account, asset]
        price = assets.unit_price[asset]
        if balance == 0 or price <= 0.0 or is_stale[asset]:
            continue
        quantity = -balance
        if balance > 0 and not sells_all:
            if debt <= 0:
                continue
            sold = _sold_of(balance, debt, price)
            debt -= np.int64(np.floor(min(sold * price, _LARGE)))
            quantity = -sold
        orders[count] = account, asset, quantity
        count += 1
    return count


@kernel
def want_conversions(accounts, assets, is_stale, subjects, liquidator):  # type: ignore[no-untyped-def]
    """Return what the subjects are to convert: rows of (account, asset, quantity), by asset each.

    Assets whose index was stale at the last assessment wait.
    """
    orders = np.empty((subjects.size * (accounts.balance.shape[1] - 1), 3), np.int64)
    count = 0
    for account in subjects:
        count = _want_conversions(
            accounts, assets, is_stale, account, account == liquidator, orders, count
        )
    return orders[:count]


@kernel
def want_slices(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, is_blocked, subjects,
    floor_of_subject, floor_of_instrument, ppm_of_subject, ppm_of_instrument,
):  # fmt: skip
    """Return the next slice of every position: rows of (account, instrument, lots), by instrument.

    Slice floor and share are those of the subject or, where these are negative, of the instrument.
    """
    most = 0
    for account in subjects:
        row = accounts.head[account]
        while row >= 0:
            most += positions.lots[row] != 0
            row = positions.link[row]
    orders = np.empty((most, 3), np.int64)
    rows = np.empty(max(most, 1), np.int64)
    count = 0
    for k, account in enumerate(subjects):
        held = 0
        row = accounts.head[account]
        while row >= 0:
            # What another account of the netting set offsets needs no market.
            if not is_blocked[positions.instrument[row]] and (
                closable_lots(accounts, positions, row) != 0
            ):
                rows[held] = row
                held += 1
            row = positions.link[row]
        # By instrument: the order of the list depends on the layout.
        for at in np.argsort(positions.instrument[rows[:held]]):
            i = np.int64(positions.instrument[rows[at]])
            floor, ppm = floor_of_subject[k], ppm_of_subject[k]
            lots = _slice_of(
                instruments, assets, i, closable_lots(accounts, positions, rows[at]),
                floor if floor >= 0 else floor_of_instrument[i],
                ppm if ppm >= 0 else ppm_of_instrument[i],
            )  # fmt: skip
            orders[count] = account, i, lots
            count += 1
    return orders[:count]
