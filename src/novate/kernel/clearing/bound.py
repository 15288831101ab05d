"""Bounds that keep 64-bit arithmetic exact: what may be booked, and what stops the engine.

A command that could bring a number of the book beyond `AMOUNT_MAX` is refused.  What cannot be
refused (a cycle, funding, a takeover) moves one balance by less than ``2**62`` at a time, and a
balance that reaches `BALANCE_STOP` raises at once: ``2**62 + 2**62`` still fits, so that nothing
ever wraps before it is seen, and the record is never journaled.
"""

from __future__ import annotations

from novate.errors import InvariantError
from novate.kernel.clearing.position import find_position
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Style
from novate.kernel.jit import inlined, kernel

_AT_CLOSE = int(Style.AT_CLOSE)
_PREMIUM = int(Style.PREMIUM)

AMOUNT_MAX = 2**60
"""Largest size that a command may bring a balance, a cost or the gross of an account to."""

COST_STOP = 2**61
"""A trade that cannot be refused and could bring a number to this size stops the engine.

Costs, entries and reaches stay below it, so that one of each and a balance fit into 64 bits.
"""

BALANCE_STOP = 2**62
"""A balance of this size stops the engine: the next movement could leave 64 bits."""


@inlined
def reach_of(instruments, i, lots):  # type: ignore[no-untyped-def]
    """Largest size of the value of ``lots`` at any accepted price; `COST_STOP` if not below it."""
    per_lot = instruments.unit[i]
    if instruments.form[i] == LINEAR:
        per_lot *= instruments.ticks_max[i]
    size = abs(lots)
    if float(size) * float(per_lot) >= COST_STOP:
        return COST_STOP
    return size * per_lot


@inlined
def turnover_of(positions, account, i, value):  # type: ignore[no-untyped-def]
    """What a trade of ``value`` can realise at most: its value and the cost of what it closes."""
    row = find_position(positions, account, i)
    return abs(value) + (abs(positions.entry_cost[row]) if row >= 0 else 0)


@inlined
def booked_size(accounts, positions, instruments, account, i, value, fee):  # type: ignore[no-untyped-def]
    """Largest number that a trade could leave in the books of one side, settlement units.

    The sizes of value, fee and entry cost, and the larger of those of settlement cost and balance:
    below 2**63 while each of them is below its stop.
    """
    size = abs(accounts.balance[account, instruments.settlement_asset[i]])
    row = find_position(positions, account, i)
    if row >= 0:
        size = max(size, abs(positions.settlement_cost[row]))
        size += abs(positions.entry_cost[row])
    return size + abs(value) + abs(fee)


@kernel
def gross_elsewhere(accounts, positions, instruments, account):  # type: ignore[no-untyped-def]
    """`gross_of` the other accounts of a margin group, added up."""
    gross = 0
    other = accounts.group_link[account]
    while other >= 0 and other != account:
        row = accounts.head[other]
        while row >= 0 and gross <= AMOUNT_MAX:
            held = positions.lots[row]
            worst = max(abs(held + positions.buy_lots[row]), abs(held - positions.sell_lots[row]))
            gross += abs(positions.settlement_cost[row])
            gross += reach_of(instruments, positions.instrument[row], worst)
            row = positions.link[row]
        other = accounts.group_link[other]
    return gross


@inlined
def gross_of(accounts, positions, instruments, account, i, lots, value, buys, sells):  # type: ignore[no-untyped-def]
    """Sum over a group's positions of the size of cost and the reach, with a change in ``i``.

    No price makes what the group is owed or owes exceed it.  Counting ends beyond `AMOUNT_MAX`.
    """
    gross = 0
    seen = False
    row = accounts.head[account]
    while row >= 0 and gross <= AMOUNT_MAX:
        other = positions.instrument[row]
        held = positions.lots[row]
        cost = positions.settlement_cost[row]
        bought = positions.buy_lots[row]
        sold = positions.sell_lots[row]
        if other == i:
            seen = True
            held += lots
            cost += value
            bought += buys
            sold += sells
        worst = max(abs(held + bought), abs(held - sold))
        gross += abs(cost) + reach_of(instruments, other, worst)
        row = positions.link[row]
    if not seen:
        gross += abs(value) + reach_of(instruments, i, max(abs(lots + buys), abs(lots - sells)))
    if accounts.group_link[account] >= 0:
        gross += gross_elsewhere(accounts, positions, instruments, account)
    return gross


@inlined
def oversize(  # type: ignore[no-untyped-def]
    accounts, positions, instruments, ccp_fees, buyer, seller, i, lots, value, buyer_fee,
    seller_fee,
):  # fmt: skip
    """First number beyond `AMOUNT_MAX` that a trade could leave anywhere in the books, or 0.

    Buyer, seller, the fees, and what the settlement account advances to *at close* contracts.
    """
    # The value of an option is booked to the balance and leaves nothing pending.
    pending = 0 if instruments.style[i] == _PREMIUM else value
    for account, sign, fee in ((buyer, 1, buyer_fee), (seller, -1, seller_fee)):
        size = booked_size(accounts, positions, instruments, account, i, value, fee)
        if size > AMOUNT_MAX:
            return size
        gross = gross_of(
            accounts, positions, instruments, account, i, sign * lots, sign * pending, 0, 0
        )
        if gross > AMOUNT_MAX:
            return gross
    asset = instruments.settlement_asset[i]
    size = abs(accounts.balance[ccp_fees, asset]) + abs(buyer_fee) + abs(seller_fee)
    if instruments.style[i] == _AT_CLOSE and size <= AMOUNT_MAX:
        suspense = instruments.suspense[i]
        size = max(
            abs(accounts.balance[positions.account[suspense], asset]),
            abs(positions.settlement_cost[suspense]),
        )
        size += turnover_of(positions, buyer, i, value) + turnover_of(positions, seller, i, value)
    return size if size > AMOUNT_MAX else 0


@inlined
def require_balance(balance):  # type: ignore[no-untyped-def]
    """Stop when a balance reaches its limit; it has not wrapped."""
    if abs(balance) >= BALANCE_STOP:
        raise InvariantError("no balance reaches 2**62")


@inlined
def load_of(accounts, positions, instruments, account, asset):  # type: ignore[no-untyped-def]
    """Sizes of a balance and of the settlement costs in its asset, `BALANCE_STOP` at most."""
    size = min(abs(accounts.balance[account, asset]), BALANCE_STOP)
    row = accounts.head[account]
    while row >= 0:
        if instruments.settlement_asset[positions.instrument[row]] == asset:
            size = min(size + abs(positions.settlement_cost[row]), BALANCE_STOP)
        row = positions.link[row]
    return size


@inlined
def require_room(accounts, positions, instruments, account, i, lots, value):  # type: ignore[no-untyped-def]
    """Stop before a trade that cannot be refused leaves what 64 bits can hold."""
    row = find_position(positions, account, i)
    held = positions.lots[row] if row >= 0 else 0
    used = max(
        booked_size(accounts, positions, instruments, account, i, value, 0),
        reach_of(instruments, i, held + lots),
    )
    if instruments.style[i] == _AT_CLOSE:
        suspense = instruments.suspense[i]
        asset = instruments.settlement_asset[i]
        used = max(
            used,
            abs(accounts.balance[positions.account[suspense], asset]),
            abs(positions.settlement_cost[suspense]),
        )
    if used >= BALANCE_STOP:
        raise InvariantError("no trade brings a number of the book to 2**62")
