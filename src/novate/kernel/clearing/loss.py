"""Sharing of losses, one after another: the prefunded layers, and the haircut of gains.

Each loss sees balances and gains as the losses before it left them.  All amounts are numeraire
ledger units.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.bound import require_balance
from novate.kernel.clearing.ledger import add_balance
from novate.kernel.jit import inlined, kernel, muldiv_floor

ALL, OWN, OTHERS = range(3)
"""Whose accounts of a layer pay: all, those of the members that failed, or the others."""


@kernel
def share_pro_rata(amount, weights, shares):  # type: ignore[no-untyped-def]
    """Split ``amount`` by ``weights`` (>= 0, of which it is at most the sum) into ``shares``.

    Each share is floor(amount * weight / total); the units lost to flooring go one each to the
    largest weights, ties to the first.
    """
    total = weights.sum()
    shares[:] = 0
    left = amount
    if amount == 0:
        return
    for k in range(weights.size):
        shares[k] = muldiv_floor(amount, weights[k], total)
        left -= shares[k]
    if left > 0:
        for k in np.argsort(-weights, kind="mergesort")[:left]:
            shares[k] += 1


@kernel
def bear_prefunded(  # type: ignore[no-untyped-def]
    accounts, layers, is_of_layer, payers, payer_members, failed_members, liquidator,
    members, amounts, left,
):  # fmt: skip
    """Take losses through the prefunded ``layers`` and book what is paid to the liquidator.

    Parameters
    ----------
    accounts
        `AccountArrays`; balances of the numeraire are changed.
    layers
        The layers in their order: number, and whose accounts pay (`ALL`, `OWN` or `OTHERS`).
    is_of_layer
        Whether a payer stands in a layer; shape (layers, payers).
    payers, payer_members
        Accounts that may pay, in order of number, and the member of each.
    failed_members
        Sorted members that answer for a loss of the liquidator.
    liquidator
        Its account.
    members
        Member of the defaulter of each loss, -1 for the liquidator.
    amounts
        Losses.
    left
        What nobody of these bears of each loss; filled.

    Returns
    -------
    ndarray
        Rows of (place of the loss, layer, payer, amount), in the order in which they are paid.
    """
    paid = np.empty((amounts.size + 16, 4), np.int64)
    count = 0
    weights = np.empty(payers.size, np.int64)
    shares = np.empty(payers.size, np.int64)
    is_failed = np.zeros(payers.size, np.bool_)
    for p in range(payers.size):
        is_failed[p] = payer_members[p] in failed_members
    for k in range(amounts.size):
        rest = amounts[k]
        for at in range(len(layers)):
            if rest <= 0:
                break
            layer, whose = layers[at, 0], layers[at, 1]
            funds = np.int64(0)
            for p in range(payers.size):
                is_own = is_failed[p] if members[k] < 0 else payer_members[p] == members[k]
                stands = is_of_layer[at, p] and (whose == ALL or is_own == (whose == OWN))
                weights[p] = max(accounts.balance[payers[p], 0], 0) if stands else 0
                funds += weights[p]
            if funds == 0:
                continue
            share_pro_rata(min(rest, funds), weights, shares)
            for p in range(payers.size):
                if shares[p] == 0:
                    continue
                if count == len(paid):
                    wider = np.empty((2 * count, 4), np.int64)
                    wider[:count] = paid
                    paid = wider
                paid[count] = k, layer, payers[p], shares[p]
                count += 1
                add_balance(accounts, payers[p], 0, -shares[p])
                add_balance(accounts, liquidator, 0, shares[p])
                require_balance(accounts.balance[liquidator, 0])
                rest -= shares[p]
        left[k] = rest
    return paid[:count]


@inlined
def _sort_again(winners, spare):  # type: ignore[no-untyped-def]
    """Put nearly sorted winners in the order of size again, ties by number."""
    for k in range(1, winners.size):
        account, most = winners[k], spare[k]
        at = k
        while at > 0 and (
            spare[at - 1] < most or (spare[at - 1] == most and winners[at - 1] > account)
        ):
            winners[at] = winners[at - 1]
            spare[at] = spare[at - 1]
            at -= 1
        winners[at] = account
        spare[at] = most


@kernel
def cut_gains(accounts, winners, spare, liquidator, wanted, taken, total, count):  # type: ignore[no-untyped-def]
    """Cut gains pro rata for one loss after another; winners pay the liquidator in cash.

    Each pays floor(taken * spare / total); the units lost to flooring go one each to the largest,
    ties to the lower number.  What is paid leaves the window gain, and what a winner can still
    bear: a cut lowers its gain, its equity and so both bounds by the same amount.

    Parameters
    ----------
    accounts
        `AccountArrays`; balances of the numeraire and window gains are changed.
    winners, spare
        Accounts that can bear something, and how much (> 0): largest first, ties by number;
        changed.
    liquidator
        Its account.
    wanted
        What each loss still needs.
    taken, total, count
        What each takes, of what all could bear, and how many could; filled.
    """
    rest = spare.sum()
    for k in range(wanted.size):
        total[k] = rest
        taken[k] = min(wanted[k], rest)
        count[k] = 0
        if rest == 0:
            continue
        lost = taken[k]
        for w in range(winners.size):
            if spare[w] == 0:
                break
            count[k] += 1
            share = muldiv_floor(taken[k], spare[w], rest)
            lost -= share
            spare[w] -= share
            add_balance(accounts, winners[w], 0, -share)
            accounts.window_gain[winners[w]] -= share
        for w in range(lost):
            spare[w] -= 1
            add_balance(accounts, winners[w], 0, -1)
            accounts.window_gain[winners[w]] -= 1
        _sort_again(winners, spare)
        rest -= taken[k]
        add_balance(accounts, liquidator, 0, taken[k])
        require_balance(accounts.balance[liquidator, 0])
