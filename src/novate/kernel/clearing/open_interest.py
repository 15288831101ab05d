"""What the holders of an asset's contracts could owe one another at any accepted price.

The lots of a contract count as they would be if all open orders of the worse side filled, each at
the largest value that an accepted price gives a lot.  While their sum over the contracts that are
settled in one asset is at most `AMOUNT_MAX`, so is what any one account can hold, whatever is taken
over by whom.  Each contract keeps a share of it that no other one can use up.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.bound import AMOUNT_MAX, COST_STOP, reach_of
from novate.kernel.clearing.position import find_position
from novate.kernel.clearing.trade_code import NO_RESERVATION
from novate.kernel.codes import InstrumentStatus
from novate.kernel.jit import inlined, kernel

_ACTIVE = int(InstrumentStatus.ACTIVE)


@kernel
def fill_committed(positions, instruments, count, committed):  # type: ignore[no-untyped-def]
    """Fill ``committed`` (assets) with the reach of the committed lots, `COST_STOP` at most."""
    committed[:] = 0
    for i in range(count):
        lots = max(positions.long_lots[i], positions.short_lots[i])
        if lots > 0 and instruments.status[i] == _ACTIVE:
            asset = instruments.settlement_asset[i]
            committed[asset] = min(committed[asset] + reach_of(instruments, i, lots), COST_STOP)


@inlined
def _moved(positions, account, i, lots, buys, sells):  # type: ignore[no-untyped-def]
    """What a change of an account adds to the long and to the short lots of a contract."""
    row = find_position(positions, account, i)
    held, bought, sold = np.int64(0), np.int64(0), np.int64(0)
    if row >= 0:
        held += positions.lots[row]
        bought += positions.buy_lots[row]
        sold += positions.sell_lots[row]
    longs = max(held + lots + bought + buys, 0) - max(held + bought, 0)
    shorts = max(sold + sells - held - lots, 0) - max(sold - held, 0)
    return longs, shorts


@inlined
def _with_shares(positions, instruments, count, i, own):  # type: ignore[no-untyped-def]
    """What an asset's contracts come to if each had its share at least, and ``i`` came to ``own``.

    Nothing where ``own`` is no more than a share: half of `AMOUNT_MAX` in equal parts for the
    active contracts of the asset.
    """
    asset, sharers = instruments.settlement_asset[i], 0
    for j in range(count):
        sharers += instruments.status[j] == _ACTIVE and instruments.settlement_asset[j] == asset
    share = AMOUNT_MAX // (2 * max(sharers, 1))
    if own <= share:
        return np.int64(0)
    total = np.int64(own)
    for j in range(count):
        if j != i and instruments.status[j] == _ACTIVE and instruments.settlement_asset[j] == asset:
            lots = max(positions.long_lots[j], positions.short_lots[j])
            reach = reach_of(instruments, j, lots) if lots > 0 else np.int64(0)
            total = min(total + max(reach, share), np.int64(COST_STOP))
    return total


@inlined
def _beyond(positions, instruments, count, i, longs, shorts, committed):  # type: ignore[no-untyped-def]
    """What an asset's contracts come to with more lots in one, if it is too much; else 0."""
    before = max(positions.long_lots[i], positions.short_lots[i])
    after = max(positions.long_lots[i] + longs, positions.short_lots[i] + shorts)
    if after <= before:
        return np.int64(0)
    own = reach_of(instruments, i, after)
    total = committed[instruments.settlement_asset[i]] + own - reach_of(instruments, i, before)
    total = max(total, _with_shares(positions, instruments, count, i, own))
    if total <= AMOUNT_MAX:
        return np.int64(0)
    return np.int64(COST_STOP if total > COST_STOP else total)


@kernel
def open_interest_beyond(  # type: ignore[no-untyped-def]
    positions, instruments, count, buyer, seller, i, lots, buyer_reserved, seller_reserved,
    committed,
):  # fmt: skip
    """What a trade brings an asset's contracts to, if it adds to them beyond `AMOUNT_MAX`; else 0.

    ``buyer_reserved`` and ``seller_reserved`` say whether a side uses open lots of its own: those
    are counted already.  ``committed`` is filled anew.
    """
    fill_committed(positions, instruments, count, committed)
    longs, shorts = _moved(positions, buyer, i, lots, -lots if buyer_reserved else 0, 0)
    more, less = _moved(positions, seller, i, -lots, 0, -lots if seller_reserved else 0)
    return _beyond(positions, instruments, count, i, longs + more, shorts + less, committed)


@inlined
def commit(  # type: ignore[no-untyped-def]
    positions, instruments, count, buyer, seller, i, lots, buyer_reservation, seller_reservation,
    committed,
):  # fmt: skip
    """Count a trade that is about to be booked; returns `open_interest_beyond` if it may not be.

    ``committed`` is never less than what the contracts of each asset come to, so that most trades
    cost a comparison; it is filled anew for those that may be too much.  Up to half of the bound
    nothing is: all shares together are the other half.
    """
    asset, reach = instruments.settlement_asset[i], reach_of(instruments, i, lots)
    if committed[asset] + reach > AMOUNT_MAX // 2:
        beyond = open_interest_beyond(
            positions, instruments, count, buyer, seller, i, lots,
            buyer_reservation != NO_RESERVATION, seller_reservation != NO_RESERVATION, committed,
        )  # fmt: skip
        if beyond > 0:
            return beyond
    committed[asset] += reach
    return np.int64(0)


@kernel
def open_order_beyond(  # type: ignore[no-untyped-def]
    positions, instruments, count, account, i, buys, sells, committed
):
    """As `open_interest_beyond`, of an order for more lots on one side."""
    fill_committed(positions, instruments, count, committed)
    longs, shorts = _moved(positions, account, i, 0, buys, sells)
    return _beyond(positions, instruments, count, i, longs, shorts, committed)


@kernel
def sum_open(positions, longs, shorts):  # type: ignore[no-untyped-def]
    """Add up the lots long and short by instrument as if open orders of the side had filled."""
    for row in range(positions.size[0]):
        i = positions.instrument[row]
        longs[i] += max(positions.lots[row] + positions.buy_lots[row], 0)
        shorts[i] += max(positions.sell_lots[row] - positions.lots[row], 0)
