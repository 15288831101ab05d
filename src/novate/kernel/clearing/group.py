"""Margin groups of several accounts, and positions of one contract that count as one.

The accounts of a group are linked in a ring, ascending; `group_link` of an account that is a group
alone is negative.  In the accounts of one netting set, which lie in one group, the positions of a
contract are one position: lots, costs and open lots are added up.
"""

from __future__ import annotations

from novate.kernel.clearing.position import find_position
from novate.kernel.jit import inlined, kernel

GROUP_MAX = 64
"""Accounts of a margin group at most."""


@inlined
def first_of_group(accounts, account):  # type: ignore[no-untyped-def]
    """Return the lowest account of the margin group of an account."""
    while accounts.group_link[account] > account:
        account = accounts.group_link[account]
    return accounts.group_link[account] if accounts.group_link[account] >= 0 else account


@inlined
def next_of_group(accounts, first, account):  # type: ignore[no-untyped-def]
    """Return the account after one in the ring that began with ``first``, -1 at its end."""
    after = accounts.group_link[account]
    return -1 if after == first else after


@kernel
def net_row(accounts, positions, row):  # type: ignore[no-untyped-def]
    """Add up a position row and those of the same contract in its netting set.

    Returns
    -------
    tuple
        Whether no account of the set with a lower number has a row of the contract, so that each
        netted position is met once; then signed lots, settlement cost, entry cost, and open lots
        bought and sold.
    """
    is_first = True
    lots = positions.lots[row]
    cost = positions.settlement_cost[row]
    entry = positions.entry_cost[row]
    buys = positions.buy_lots[row]
    sells = positions.sell_lots[row]
    account = positions.account[row]
    other = accounts.group_link[account]
    while other >= 0 and other != account:
        if accounts.netting_set[other] == accounts.netting_set[account]:
            at = find_position(positions, other, positions.instrument[row])
            if at >= 0:
                is_first = is_first and other > account
                lots += positions.lots[at]
                cost += positions.settlement_cost[at]
                entry += positions.entry_cost[at]
                buys += positions.buy_lots[at]
                sells += positions.sell_lots[at]
        other = accounts.group_link[other]
    return is_first, lots, cost, entry, buys, sells


@kernel
def lots_elsewhere(accounts, positions, account, i):  # type: ignore[no-untyped-def]
    """Signed lots and open lots of a contract in the other accounts of a netting set.

    Returns
    -------
    tuple
        Signed lots, open lots bought, open lots sold.
    """
    lots, buys, sells = 0, 0, 0
    other = accounts.group_link[account]
    while other >= 0 and other != account:
        if accounts.netting_set[other] == accounts.netting_set[account]:
            at = find_position(positions, other, i)
            if at >= 0:
                lots += positions.lots[at]
                buys += positions.buy_lots[at]
                sells += positions.sell_lots[at]
        other = accounts.group_link[other]
    return lots, buys, sells


@kernel
def gross_lots_elsewhere(accounts, positions, account, i):  # type: ignore[no-untyped-def]
    """Lots of a contract, open ones on their worse side, in the other accounts of a group.

    They add up whatever their sign: opposite positions leave no more room for either.
    """
    lots = 0
    other = accounts.group_link[account]
    while other >= 0 and other != account:
        at = find_position(positions, other, i)
        if at >= 0:
            held = positions.lots[at]
            lots += max(abs(held + positions.buy_lots[at]), abs(held - positions.sell_lots[at]))
        other = accounts.group_link[other]
    return lots


@kernel
def closable_lots(accounts, positions, row):  # type: ignore[no-untyped-def]
    """Signed lots of a position that are not offset by others of its netting set.

    What is offset is given to the accounts in order of number, so that over the set these lots
    add up to the netted position.
    """
    account, i = positions.account[row], positions.instrument[row]
    held = positions.lots[row]
    net = held
    before = 0
    other = accounts.group_link[account]
    while other >= 0 and other != account:
        if accounts.netting_set[other] == accounts.netting_set[account]:
            at = find_position(positions, other, i)
            if at >= 0:
                net += positions.lots[at]
                if other < account and (positions.lots[at] > 0) == (held > 0):
                    before += positions.lots[at]
        other = accounts.group_link[other]
    if held == 0 or net == 0 or (net > 0) != (held > 0) or abs(before) >= abs(net):
        return held * 0
    rest = net - before
    return held if abs(held) < abs(rest) else rest


@kernel
def closable_of(accounts, positions, rows, lots):  # type: ignore[no-untyped-def]
    """Fill ``lots`` with the `closable_lots` of position rows."""
    for k in range(rows.size):
        lots[k] = closable_lots(accounts, positions, rows[k])
