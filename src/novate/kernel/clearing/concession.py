"""What one side of a trade concedes to the other against the mark (rules 7.80 to 7.84).

A gain that the slow index has not confirmed does not leave by a withdrawal.  Lost on purpose to
another account, in a trade off the mark, it would leave all the same: so what is not proven of the
one side stays not proven with the other.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.clearing.assess import SUM_MAX, UNPROVEN, assess_group
from novate.kernel.clearing.bound import AMOUNT_MAX
from novate.kernel.clearing.requirement import asked_units
from novate.kernel.clearing.trade_margin import is_one_group
from novate.kernel.clearing.value import WORTH_MAX, contract_value
from novate.kernel.codes import Style
from novate.kernel.jit import inlined

_PREMIUM = int(Style.PREMIUM)


@inlined
def group_encumbered(accounts, account):  # type: ignore[no-untyped-def]
    """Encumbered gains of the margin group of an account, at most `AMOUNT_MAX` (rule 6.35)."""
    total = accounts.encumbered[account]
    other = accounts.group_link[account]
    while other >= 0 and other != account:
        total = min(total + accounts.encumbered[other], AMOUNT_MAX)
        other = accounts.group_link[other]
    return total


@inlined
def unproven_up_to(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, account, most, scratch, out
):
    """Return the unproven and encumbered gains of an account's group, counted up to ``most``.

    A position gains by the mark being off the slow average or it does not: of most books a look at
    both, and at the sign of the lots, says that there is nothing.
    """
    total = group_encumbered(accounts, account)
    if total >= most:
        return most
    if accounts.group_link[account] >= 0:
        assess_group(
            accounts, positions, instruments, assets, account, -1, 0, 0, 0, 0, 0, -1, 0, 0, 0,
            scratch, out,
        )  # fmt: skip
        return min(total + out[UNPROVEN], most)
    row = accounts.head[account]
    while row >= 0 and total < most:
        lots, i = positions.lots[row], positions.instrument[row]
        mark, slow = instruments.mark[i], instruments.slow[i]
        is_option = instruments.style[i] == _PREMIUM
        # A short option counts as it does in an assessment: where the slow mark is the higher one.
        leads = (lots < 0 and slow > mark) if is_option else (lots > 0) == (mark > slow)
        if lots != 0 and mark > 0 and slow != mark and leads and (slow > 0 or is_option):
            unit, price = instruments.unit[i], assets.unit_price[instruments.settlement_asset[i]]
            if is_option:
                ahead = asked_units(unit * -lots * (slow - mark), price)
            else:
                form = instruments.form[i]
                lead = contract_value(form, unit, mark, lots)
                lead -= contract_value(form, unit, slow, lots)
                ahead = np.int64(math.ceil(min(max(lead, 0) * price, WORTH_MAX)))
            total += min(ahead, SUM_MAX)
        row = positions.link[row]
    return min(total, most)


@inlined
def concession(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, receiver, conceder, i, gained, scratch, out
):
    """Return what is not proven of what a side conceded, numeraire units, not negative (rule 7.81).

    ``gained`` is what the receiver gains by the trade against the mark, above zero, settlement
    units.
    """
    if is_one_group(accounts, receiver, conceder):
        return np.int64(0)
    price = assets.unit_price[instruments.settlement_asset[i]]
    worth = np.int64(math.ceil(min(gained * price, WORTH_MAX)))
    return unproven_up_to(accounts, positions, instruments, assets, conceder, worth, scratch, out)


@inlined
def unproven_moved(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, assets, buyer, seller, i, lots, value, buyer_fee, seller_fee,
    scratch, out,
):  # fmt: skip
    """What is not proven and goes over with a trade: to the buyer, or negative, to the seller."""
    mark = instruments.mark[i]
    if mark <= 0:
        return np.int64(0)
    paid = value - contract_value(instruments.form[i], instruments.unit[i], mark, lots)
    if -paid - buyer_fee > 0:
        return concession(
            accounts, positions, instruments, assets, buyer, seller, i, -paid - buyer_fee, scratch,
            out,
        )  # fmt: skip
    if paid - seller_fee > 0:
        return -concession(
            accounts, positions, instruments, assets, seller, buyer, i, paid - seller_fee, scratch,
            out,
        )  # fmt: skip
    return np.int64(0)


@inlined
def move_unproven(accounts, receiver, conceder, amount, had, was):  # type: ignore[no-untyped-def]
    """Book what went over: the receiver's encumbered grows by it, the conceder's falls.

    ``had`` and ``was``: encumbered of receiver and conceder before the trade.  What closing lots
    added to the receiver's in the same trade (rule 7.20) counts as a part of it.
    """
    grown = accounts.encumbered[receiver] - had
    more = accounts.encumbered[receiver] + max(amount - grown, 0)
    accounts.encumbered[receiver] = min(more, AMOUNT_MAX)
    accounts.encumbered[conceder] -= min(amount, was)
