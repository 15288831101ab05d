"""Margin that a side of a trade without a reservation is asked for, at the mark and at the index.

Each check returns a code, the number that broke and the number allowed; it changes nothing.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.assess import (
    EQUITY,
    INITIAL,
    SHORTS,
    assess_account,
    assess_group,
    assess_with,
)
from novate.kernel.clearing.group import first_of_group, lots_elsewhere
from novate.kernel.clearing.index_solvency import (
    accrued_funding,
    at_index_of,
    gap_of_orders,
    held_for_orders,
    is_solvent_at_mark,
)
from novate.kernel.clearing.offset import may_offset
from novate.kernel.clearing.position import entry_change, find_position
from novate.kernel.clearing.risk_reducing import AFTER, BEFORE, has_model, take_requirement
from novate.kernel.clearing.trade_code import (
    ACCEPTED,
    ASK,
    INSOLVENT_AT_INDEX,
    INSUFFICIENT_MARGIN,
    MARK_MISSING,
    ORDERS_UNCOVERED,
)
from novate.kernel.clearing.way_out import concession, look_at_way_out
from novate.kernel.codes import Style
from novate.kernel.jit import inlined, kernel

_PREMIUM = int(Style.PREMIUM)


@inlined
def is_one_group(accounts, account, other):  # type: ignore[no-untyped-def]
    """Whether two accounts are of one margin group."""
    if accounts.group_link[account] < 0 or accounts.group_link[other] < 0:
        return False
    return first_of_group(accounts, account) == first_of_group(accounts, other)


@kernel
def assess_both(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, account, i, lots, value, entry, fee, other, other_fee,
    scratch, out,
):  # fmt: skip
    """Assess a group as if a trade between two of its accounts were booked.

    ``lots`` and ``value`` are those of ``account``, ``entry`` what the trade adds to its entry
    cost.  Not inlined, so that trades between groups do not carry its code.
    """
    other_entry = np.int64(0)
    if instruments.style[i] == _PREMIUM:
        row = find_position(positions, other, i)
        held = positions.lots[row] if row >= 0 else np.int64(0)
        cost = positions.entry_cost[row] if row >= 0 else np.int64(0)
        other_entry += entry_change(held, cost, -lots, -value)
    assess_group(
        accounts, positions, instruments, assets, account, i, lots, value + fee, entry, 0, 0,
        other, -lots, other_fee - value, other_entry, scratch, out,
    )  # fmt: skip


@kernel
def look_at_index(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, reservations, bound, account, i, lots, value, entry,
    fee, other, other_fee, is_together, equity, initial, shorts, scratch, out,
):  # fmt: skip
    """Look at a side of a trade when every contract has come back to its index.

    ``equity``, ``initial`` and ``shorts`` are those of its group after the trade, at the mark.

    Returns
    -------
    tuple
        Equity after the trade at the index, what it must be without accrued funding, that funding
        (7.93), and what the side concedes at the index, a rebate of the other side included and its
        own fee left aside, numeraire units (rules 7.90 to 7.92); then whether a return of the marks
        costs something (7.91).
    """
    at = at_index_of(instruments, bound)
    conceded = np.int64(0)
    if is_together:
        assess_both(
            accounts, positions, at, assets, account, i, lots, value, entry, fee, other, other_fee,
            scratch, out,
        )  # fmt: skip
    else:
        conceded += concession(at, assets, i, lots, value, max(-other_fee, 0))
        assess_with(
            accounts, positions, at, assets, account, i, lots, value + fee, entry, 0, 0, scratch,
            out,
        )  # fmt: skip
    gap = gap_of_orders(
        accounts, positions, instruments, assets, reservations, at.mark, account
    )  # fmt: skip
    hold = held_for_orders(accounts, account)
    worth = out[EQUITY]
    assess_account(accounts, positions, at, assets, account, scratch, out)
    before = out[EQUITY]
    assess_account(accounts, positions, instruments, assets, account, scratch, out)
    accrued = accrued_funding(
        accounts, positions, instruments, assets, bound, account, i, lots, 0, 0,
        other if is_together else -1,
    )  # fmt: skip
    is_lost = worth - gap < equity or before > out[EQUITY]
    return worth, hold + gap + min(shorts, initial - hold), accrued, conceded, is_lost


@inlined
def margin_refusal(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, reservations, account, i, lots, value, fee, other,
    other_fee, side, asked, is_asked, bound, scratch, out,
):  # fmt: skip
    """Refuse a side for its margin after the trade (rules 7.8 to 7.10, then 7.90 to 7.92).

    A risk-reducing trade below initial margin is bounded by what it concedes, and by the orders
    that close the same position (rules 7.53 to 7.55).  Of a group with another margin model the
    requirements are those ``asked`` for this ``side``; so are those of one in which options may
    limit one another, unless it has enough without.  ``other`` is the account of the other side: in
    one group both sides are booked before it is asked (rule 6.45).  ``bound`` says of most groups
    without a look that they are solvent at the index.
    """
    if not accounts.is_margined[account]:
        return ACCEPTED, np.int64(0), np.int64(0)
    row = find_position(positions, account, i)
    held = positions.lots[row] if row >= 0 else np.int64(0)
    net = held
    if accounts.group_link[account] >= 0:
        net += lots_elsewhere(accounts, positions, account, i)[0]
    is_risk_reducing = net != 0 and (net > 0) != (lots > 0) and abs(lots) <= abs(net)
    if is_risk_reducing and instruments.mark[i] <= 0:
        return ACCEPTED, np.int64(0), np.int64(0)
    if instruments.mark[i] <= 0 or assets.unit_price[instruments.settlement_asset[i]] <= 0.0:
        return MARK_MISSING, np.int64(0), np.int64(1)
    entry = np.int64(0)
    if instruments.style[i] == _PREMIUM:
        entry += entry_change(held, positions.entry_cost[row] if row >= 0 else 0, lots, value)
    is_together = is_one_group(accounts, account, other)
    if is_together:
        assess_both(
            accounts, positions, instruments, assets, account, i, lots, value, entry, fee, other,
            other_fee, scratch, out,
        )  # fmt: skip
    else:
        assess_with(
            accounts, positions, instruments, assets, account, i, lots, value + fee, entry, 0, 0,
            scratch, out,
        )  # fmt: skip
    is_modelled = has_model(accounts, asked, account)
    if is_modelled:
        take_requirement(asked, side, AFTER, out)
    is_sure = bound.asked <= 0.0 or (
        not is_modelled and is_solvent_at_mark(accounts, account, bound, out)
    )
    if out[EQUITY] >= out[INITIAL] and is_sure:
        return ACCEPTED, np.int64(0), np.int64(0)
    if not is_modelled and may_offset(accounts, positions, instruments, account, i):
        if not is_asked:
            return ASK, np.int64(0), np.int64(0)
        is_modelled = True
        take_requirement(asked, side, AFTER, out)
    equity, initial, shorts = out[EQUITY], out[INITIAL], out[SHORTS]
    if is_modelled and lots < 0 and instruments.style[i] == _PREMIUM:
        # A long option that limits shorts is not sold as if nothing hung on it (rule 3.64).
        is_risk_reducing = is_risk_reducing and asked[side, AFTER] <= asked[side, BEFORE]
    wanted, rest = np.int64(0), np.int64(0)
    if equity < initial:
        if not is_risk_reducing:
            return INSUFFICIENT_MARGIN, equity, initial
        conceded, most, wanted, rest = look_at_way_out(
            accounts, positions, instruments, assets, reservations, account, i, lots, value, fee,
            other, is_together, other_fee, side, asked, is_modelled, scratch, out,
        )  # fmt: skip
        if wanted <= rest and conceded > most:
            return INSUFFICIENT_MARGIN, conceded, most
    if not is_sure:
        worth, needed, accrued, conceded, is_lost = look_at_index(
            accounts, positions, instruments, assets, reservations, bound, account, i, lots, value,
            entry, fee, other, other_fee, is_together, equity, initial, shorts, scratch, out,
        )  # fmt: skip
        accrued = np.int64(0) if is_risk_reducing else accrued
        is_out = is_risk_reducing and conceded == 0
        if worth < needed + accrued and (is_lost or accrued > 0) and not is_out:
            return INSOLVENT_AT_INDEX, worth, needed + accrued
    if equity < initial and wanted > rest:
        return ORDERS_UNCOVERED, wanted, rest
    return ACCEPTED, np.int64(0), np.int64(0)
