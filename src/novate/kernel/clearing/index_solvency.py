"""What an account is worth when every contract comes back to its index (rules 7.90 to 7.93).

A last price moves the mark of a contract away from its index, and margin is asked at the mark.  An
account that trades, or is granted an order, must also be able to pay what the way back costs, and
the funding that has accrued.  That is looked at for few: `IndexBound` says how much both can be at
most for the margin that is asked, so that figures at the mark show of most accounts that they have
enough.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from novate.kernel.clearing.assess import EQUITY, INITIAL, SHORTS, TOTAL_MAX
from novate.kernel.clearing.columns import I64, InstrumentArrays
from novate.kernel.clearing.group import first_of_group, net_row, next_of_group
from novate.kernel.clearing.requirement import asked_units
from novate.kernel.clearing.value import contract_value, funding_payment
from novate.kernel.codes import Style
from novate.kernel.jit import inlined, kernel

_PREMIUM = int(Style.PREMIUM)

ACCRUED_MAX = 2**60
"""Limit of the accrued funding of a margin group, so that what rule 7.90 asks fits 64 bits."""


class IndexBound(NamedTuple):
    """How far the marks are from the index and what funding has accrued, beside margin.

    Attributes
    ----------
    at_index
        Price of each contract at its index in ticks (rule 5.112), 0 where it is the mark, and of
        options; shape (instruments,).
    share
        The most that the way back costs, orders included, as a part of the initial margin that the
        standard model asks without open-order holds; 0 if every mark is at its index.
    long_e9, short_e9
        Rate at which lots long, and short, of each contract would pay funding now, 1e-9, not
        negative (rule 7.93); as long as the columns of instruments.
    asked
        The most that the way back costs and funding has accrued, as such a part of initial margin.
    most
        Such initial margin, numeraire units, from which a worth may count as 2**60 and less than it
        is: the shares say nothing then.
    slack
        What rounding adds, numeraire units.
    work
        Where `at_index_of` writes prices; as long as the columns of instruments.
    """

    at_index: I64
    share: float
    long_e9: I64
    short_e9: I64
    asked: float
    most: float
    slack: int
    work: I64


@kernel
def at_index_of(instruments, bound):  # type: ignore[no-untyped-def]
    """Instruments with every contract at its index, and options at their marks.

    The prices are those of ``bound.work``, until the next call.
    """
    c, mark, at_index = instruments, bound.work, bound.at_index
    for i in range(mark.size):
        is_away = i < at_index.size and at_index[i] > 0
        mark[i] = at_index[i] if is_away else c.mark[i]
    return InstrumentArrays(
        c.form, c.style, c.status, c.settlement_asset, c.underlying, c.unit, c.maker_fee_ppm,
        c.taker_fee_ppm, c.lots_max, c.ticks_max, mark, c.slow, c.suspense, c.tier_floor,
        c.maintenance_rate, c.maintenance_deduction, c.initial_rate, c.initial_deduction,
        c.short_initial, c.short_maintenance, c.entry_counts, c.lots_sum, c.pending_sum,
    )  # fmt: skip


@inlined
def held_for_orders(accounts, account):  # type: ignore[no-untyped-def]
    """What the open orders of an account's group set aside, numeraire units."""
    hold = accounts.open_order_hold[account]
    other = accounts.group_link[account]
    while other >= 0 and other != account:
        hold += accounts.open_order_hold[other]
        other = accounts.group_link[other]
    return hold


@inlined
def is_solvent_by(bound, equity, initial, shorts, hold):  # type: ignore[no-untyped-def]
    """Whether figures at the mark show that an account is solvent at the index too.

    True is certain, for margin of the standard model; false is not.  Accrued funding included.
    ``initial`` and ``hold`` with what orders set aside, numeraire units.
    """
    base = initial - hold
    beyond = equity - hold - min(shorts, base) - bound.slack
    return base < bound.most and beyond >= bound.asked * base


@inlined
def is_solvent_at_mark(accounts, account, bound, out):  # type: ignore[no-untyped-def]
    """`is_solvent_by` the assessment in ``out`` of a group."""
    hold = held_for_orders(accounts, account)
    return is_solvent_by(bound, out[EQUITY], out[INITIAL], out[SHORTS], hold)


@inlined
def order_gap(instruments, assets, mark, i, lots, limit):  # type: ignore[no-untyped-def]
    """What the fill of an order loses more at a price in ``mark`` than at that of instruments.

    Numeraire units, rounded up and not negative; 0 of an option, which is paid whole either way.
    """
    here, there = instruments.mark[i], mark[i]
    if instruments.style[i] == _PREMIUM or here <= 0 or here == there:
        return np.int64(0)
    form, unit = instruments.form[i], instruments.unit[i]
    paid = contract_value(form, unit, limit, lots)
    more = max(paid - contract_value(form, unit, there, lots), 0)
    more -= max(paid - contract_value(form, unit, here, lots), 0)
    return asked_units(max(more, 0), assets.unit_price[instruments.settlement_asset[i]])


@kernel
def gap_of_order(instruments, assets, mark, i, lots, limit):  # type: ignore[no-untyped-def]
    """`order_gap` for callers outside a kernel."""
    return np.int64(order_gap(instruments, assets, mark, i, lots, limit))


@kernel
def has_open_lots(accounts, positions, account):  # type: ignore[no-untyped-def]
    """Whether an account of the group of one has lots in open orders."""
    first = first_of_group(accounts, account)
    member = first
    while member >= 0:
        row = accounts.head[member]
        while row >= 0:
            if positions.buy_lots[row] != 0 or positions.sell_lots[row] != 0:
                return True
            row = positions.link[row]
        member = next_of_group(accounts, first, member)
    return False


@kernel
def gap_of_orders(accounts, positions, instruments, assets, reservations, mark, account):  # type: ignore[no-untyped-def]
    """Sum of `order_gap` over the open orders of an account's group, at most `TOTAL_MAX`."""
    total = np.int64(0)
    if not has_open_lots(accounts, positions, account):
        return total
    first = first_of_group(accounts, account)
    for row in range(reservations.lots.size):
        lots = reservations.lots[row]
        owner = np.int64(reservations.account[row])
        if lots != 0 and first_of_group(accounts, owner) == first:
            more = order_gap(
                instruments, assets, mark, np.int64(reservations.instrument[row]), lots,
                reservations.limit_ticks[row],
            )  # fmt: skip
            total = np.int64(min(total + more, TOTAL_MAX))
    return total


@inlined
def accrued_on(instruments, assets, bound, i, lots, buys, sells):  # type: ignore[no-untyped-def]
    """Funding of a position that has accrued, numeraire units, rounded up (rule 7.93).

    ``buys`` and ``sells`` are its open lots: those of the side that pays count as filled.
    """
    long_rate, short_rate = bound.long_e9[i], bound.short_e9[i]
    longs, shorts = max(lots + buys, 0), max(sells - lots, 0)
    if (long_rate == 0 or longs == 0) and (short_rate == 0 or shorts == 0):
        return np.int64(0)
    form, unit, mark = instruments.form[i], instruments.unit[i], instruments.mark[i]
    paid = max(
        funding_payment(contract_value(form, unit, mark, longs), longs, long_rate),
        funding_payment(contract_value(form, unit, mark, -shorts), -shorts, -short_rate),
    )
    return asked_units(paid, assets.unit_price[instruments.settlement_asset[i]])


@kernel
def accrued_funding(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, bound, account, i, lots, buys, sells, other
):
    """Funding that a group would pay now, numeraire units, at most `ACCRUED_MAX` (rule 7.93).

    As if a trade of ``account`` and open orders in ``i``, negative for none, were booked: ``lots``
    signed, ``buys`` and ``sells`` not negative.  ``other``, negative for none, is the account of
    the group that has the other side of the trade.
    """
    total = np.int64(0)
    seen, seen_other = i < 0, other < 0
    is_one_set = other >= 0 and accounts.netting_set[other] == accounts.netting_set[account]
    first = first_of_group(accounts, account)
    member = first
    while member >= 0:
        row = accounts.head[member]
        while row >= 0:
            is_first, held, _, _, bought, sold = net_row(accounts, positions, row)
            at = np.int64(positions.instrument[row])
            if is_first:
                here = at == i and accounts.netting_set[member] == accounts.netting_set[account]
                there = at == i and other >= 0
                there = there and accounts.netting_set[member] == accounts.netting_set[other]
                seen, seen_other = seen or here, seen_other or there
                held += (lots if here else 0) - (lots if there else 0)
                bought, sold = bought + (buys if here else 0), sold + (sells if here else 0)
                more = accrued_on(instruments, assets, bound, at, held, bought, sold)
                total = np.int64(min(total + more, ACCRUED_MAX))
            row = positions.link[row]
        member = next_of_group(accounts, first, member)
    if not seen and not is_one_set:
        more = accrued_on(instruments, assets, bound, i, lots, buys, sells)
        total = np.int64(min(total + more, ACCRUED_MAX))
    if not seen_other and not is_one_set:
        more = accrued_on(instruments, assets, bound, i, -lots, 0, 0)
        total = np.int64(min(total + more, ACCRUED_MAX))
    return total
