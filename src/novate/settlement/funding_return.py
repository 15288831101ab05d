"""Funding that who paid it did not have, or did not bring about, comes back (8.71 to 8.79).

Margin is asked at the mark, which a last price moves away from the index.  An account that holds
no more than what a return of the mark costs has nothing of its own to pay funding from: whoever
received it would keep what a fund has to pay once the mark is back, or has to pay now because it is
back already.  And funding of the time before a liquidation is not owed by who took over the lots:
colluding accounts let one fail that held them, and a fund or a market would pay the others.

Sources: CPMI-IOSCO PFMI Principle 6: margin is computed from prices that are reliable.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.funding_return import (
    book_returned,
    find_lacking,
    funding_payments,
)
from novate.kernel.clearing.index_solvency import gap_of_order
from novate.kernel.clearing.loss import share_pro_rata
from novate.kernel.clearing.settle import value_of
from novate.kernel.clearing.value import funding_payment
from novate.kernel.clearing.way_out import conceded_of
from novate.kernel.codes import Role
from novate.margin.way_out import closing_orders
from novate.message import event
from novate.message.declare import Emit, Row
from novate.valuation import ClearingState
from novate.valuation.index_bound import index_bound
from novate.valuation.other_price import (
    Prices,
    index_prices,
    orders_gap,
    present_prices,
    priced_at,
)


class Funding(NamedTuple):
    """A funding that is paid.

    Attributes
    ----------
    instrument, ticks, rate_e9
        The contract, its mark, and the rate in 1e-9, positive when longs pay.
    premium_e9
        Average premium of the period in 1e-9 of the index, positive while the last price was above.
    periods
        How many periods are paid at once, more than one if it waited for its price (rule 8.40).
    liquidator_lots, market_lots
        What liquidator and external market took over since the funding before; signed.
    """

    instrument: int
    ticks: int
    rate_e9: int
    premium_e9: int
    periods: int
    liquidator_lots: int
    market_lots: int

    def paid_on(self, x: ClearingState, lots: int) -> int:
        """Return what signed lots pay, negative: receive; settlement units (rule 8.7)."""
        form, unit = x.instruments.form[self.instrument], x.instruments.unit[self.instrument]
        return int(funding_payment(value_of(form, unit, self.ticks, lots), lots, self.rate_e9))


def return_funding(x: ClearingState, funding: Funding, emit: Emit) -> None:
    """Emit `FundingReturned` of what payers do not have at the index, or did not bring about.

    Parameters
    ----------
    funding
        It has been applied.
    emit
        Takes the rows of all accounts together.
    """
    i, rate = funding.instrument, funding.rate_e9
    if rate == 0:
        return
    rows = x.holders(i)
    is_lacking = np.empty(rows.size, np.bool_)
    positions, instruments, prices = x.positions.arrays(), x.instrument_arrays(), index_prices(x)
    found = find_lacking(
        x.account_arrays(), positions, instruments, instruments._replace(mark=prices.mark),
        x.asset_arrays(), index_bound(x), rate, rows, is_lacking,
    )  # fmt: skip
    excused = _excused(x, funding)
    if not found and not excused:
        return
    payments = np.empty(rows.size, np.int64)
    funding_payments(positions, instruments, i, funding.ticks, rate, rows, payments)
    accounts = x.positions.account[rows].astype(np.int64)
    groups, place = np.unique(x.groups_of(accounts), return_inverse=True)
    net = np.zeros(groups.size, np.int64)
    np.add.at(net, place, payments)
    moved = np.array([excused.get(group, 0) for group in groups.tolist()], np.int64)
    average = _at_average(x, funding, prices)
    unit_price = float(x.assets.unit_price[x.instruments.settlement_asset[i]])
    for at in np.unique(place[is_lacking]).tolist():
        if net[at] > 0 and x.accounts.is_margined[groups[at]]:
            short = _shortfall(x, int(groups[at]), funding, prices, average)
            moved[at] = min(int(net[at]), max(math.ceil(short / unit_price), 0))
    if moved.any():
        residue = _give_back(groups, net, moved, x.single(Role.RESIDUE))
        amounts = _over_accounts(accounts, place, payments, moved)
        _tell(i, accounts, amounts, (x.single(Role.RESIDUE), residue), emit)


def _excused(x: ClearingState, funding: Funding) -> dict[int, int]:
    """Return what comes back to accounts that only took over lots of others (8.76 and 8.77).

    By number of the account, settlement units, positive.
    """
    lots = {
        x.single(Role.LIQUIDATOR): funding.liquidator_lots,
        x.single(Role.EXTERNAL_MARKET): funding.market_lots,
    }
    paid = {account: funding.paid_on(x, lots[account]) for account in lots}
    return {account: amount for account, amount in paid.items() if amount > 0}


def _at_average(x: ClearingState, funding: Funding, prices: Prices) -> Prices:
    """Return the marks, but of the contract the price of its average premium (8.78).

    Parameters
    ----------
    prices
        The index prices.
    """
    i, marks = funding.instrument, x.marks.mark.copy()
    index = int(prices.mark[i])
    premium = (index * funding.premium_e9 + 5 * 10**8) // 10**9
    band = index * int(x.instruments.basis_clamp_ppm[i]) // 10**6
    average = index + min(max(premium, -band), band)
    marks[i] = min(max(average, 1), int(x.instruments.ticks_max[i]))
    return present_prices(x)._replace(mark=marks)


def _shortfall(
    x: ClearingState, group: int, funding: Funding, prices: Prices, average: Prices
) -> int:
    """Return `L - B` of rule 8.73: the funding shortfall at the index less that elsewhere.

    Numeraire units, of either sign; rules 8.72, 8.78 and 8.79.  The shortfall is what equity is
    below the sum that rule 7.90 asks for, but for accrued funding.

    Parameters
    ----------
    prices, average
        The index prices, and those of rule 8.78.
    """
    marks, there = x.marks.mark, x.assess(group)
    hold = x.open_order_hold(group)
    needed = hold + min(there.shorts, there.initial - hold)
    with priced_at(x, prices):
        equity, gap = x.assess(group).equity, orders_gap(x, group, marks)
        spared = _spared(x, group, marks)
    with priced_at(x, average):
        away = max(x.assess(group).equity, there.equity)
    aside = max(needed - away, 0)
    if funding.periods > 1:
        aside = max(aside - max(-there.net, 0), 0)
    return max(needed + gap - spared - equity, 0) - aside


def _spared(x: ClearingState, group: int, marks: I64) -> int:
    """Return what closing orders hold beyond what they concede at the present prices (8.72).

    Numeraire units, not negative: what a position loses on the way there its closing does not lose
    once more.

    Parameters
    ----------
    marks
        Prices of the instruments that holds are made for, ticks.
    """
    table, assets, here = x.reservations, x.asset_arrays(), x.instrument_arrays()
    at_marks, total = here._replace(mark=marks), 0
    for row in closing_orders(x, group).tolist():
        i, lots = int(table.instrument[row]), int(table.lots[row])
        limit = int(table.limit_ticks[row])
        held = int(table.open_order_hold[row])
        held += int(gap_of_order(at_marks, assets, here.mark, i, lots, limit))
        total += max(held - int(conceded_of(here, assets, i, lots, limit)), 0)
    return total


def _give_back(groups: I64, net: I64, moved: I64, residue: int) -> int:
    """Share what is returned over who received, the residue account among them (rule 8.74).

    Parameters
    ----------
    groups, net
        Margin groups, ascending, and what each paid, negative of who received; shape (groups,).
    moved
        What each is returned; filled with what the others give back, negative.
    residue
        Number of the residue account; it received what is left of ``net``.

    Returns
    -------
    int
        What the residue account gives back, not negative; settlement units.
    """
    gives = np.flatnonzero(net < 0)
    weights = np.append(-net[gives], net.sum())
    order = np.argsort(np.append(groups[gives], residue))
    shares, sorted_shares = np.empty_like(weights), np.empty_like(weights)
    share_pro_rata(int(moved.sum()), weights[order], sorted_shares)
    shares[order] = sorted_shares
    moved[gives] = -shares[:-1]
    return int(shares[-1])


def _over_accounts(accounts: I64, place: I64, payments: I64, moved: I64) -> I64:
    """Share what groups are returned, or give back, over their accounts (rule 8.74).

    Pro rata to what each account paid, or received.

    Parameters
    ----------
    accounts, place, payments
        Holders, where in ``moved`` the group of each stands, and what each paid; shape (holders,).
    moved
        Settlement units by group, positive of what is returned.

    Returns
    -------
    ndarray
        Settlement units by holder, signed alike.
    """
    counts = np.bincount(place)
    amounts: I64 = np.where(counts[place] == 1, moved[place], 0)
    order = np.lexsort((accounts, place))
    ends = np.cumsum(counts)
    for group in np.flatnonzero((counts > 1) & (moved != 0)).tolist():
        rows = order[ends[group] - counts[group] : ends[group]]
        sign = 1 if moved[group] > 0 else -1
        shares = np.empty(rows.size, np.int64)
        share_pro_rata(sign * int(moved[group]), np.maximum(sign * payments[rows], 0), shares)
        amounts[rows] = sign * shares
    return amounts


def _tell(
    i: int, accounts: I64, amounts: I64, residue: tuple[int, int], emit: Emit
) -> None:  # fmt: skip
    """Emit what moves, by number of the account; the residue gives its share back."""
    accounts, amounts = np.append(accounts, residue[0]), np.append(amounts, -residue[1])
    order = np.argsort(accounts)
    order = order[amounts[order] != 0]
    emit.columns(
        event.FUNDING_RETURNED,
        instrument=np.full(order.size, i), account=accounts[order], amount=amounts[order],
    )  # fmt: skip


def apply_funding_returned(x: ClearingState, columns: Row) -> None:
    """Move what is returned between balances of the settlement asset, and in window gains (8.75).

    Parameters
    ----------
    columns
        ``instrument``, the same in all rows, ``account`` and ``amount``, settlement units: positive
        of who paid, negative of who received, zero together.
    """
    asset = int(x.instruments.settlement_asset[columns["instrument"][0]])
    book_returned(
        x.account_arrays(), x.asset_arrays(), asset, columns["account"].astype(np.int64),
        columns["amount"],
    )  # fmt: skip
