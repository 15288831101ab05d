"""What options of one expiry lose together at the worst of some settlement prices.

The caller has seen to it that everything fits: the sizes of all payoffs add up to less than 2**62,
and so do two ticks of a price where options are settled in coin.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.clearing.value import WORTH_MAX
from novate.kernel.jit import inlined, kernel, muldiv_floor

_E8 = 10**8

SIDE, STRIKE, TICK, TICKS_MAX, WEIGHT = range(5)
"""Columns of ``legs``: 1 call, -1 put; strike and tick in 1e-8; most ticks paid; signed units."""


@inlined
def _ticks_in_coin(inside, tick, price, most):  # type: ignore[no-untyped-def]
    """Ticks that a lot pays in coin, rounded half up, ``most`` at most."""
    if 2.0 * float(inside) * _E8 >= 2.0 * (float(most) + 2.0) * (float(tick) * float(price)):
        return most
    return min((muldiv_floor(2 * inside, _E8, tick * price) + 1) // 2, most)


@kernel
def worst_of(legs, prices, worth, rounding):  # type: ignore[no-untyped-def]
    """Return the largest loss at one of ``prices``, numeraire units, not negative.

    ``rounding`` units are added to each loss.  ``worth[price]`` is that of a unit, which a loss in
    coin is multiplied with and rounded up; empty where options are settled in the numeraire.
    """
    worst = np.int64(0)
    for k in range(prices.size):
        price = prices[k]
        loss = np.int64(rounding)
        for leg in range(legs.shape[0]):
            inside = legs[leg, SIDE] * (price - legs[leg, STRIKE])
            if inside <= 0:
                continue
            tick, most = legs[leg, TICK], legs[leg, TICKS_MAX]
            if worth.size:
                paid = _ticks_in_coin(inside, tick, price, most)
            else:
                paid = min((2 * inside + tick) // (2 * tick), most)
            loss -= legs[leg, WEIGHT] * paid
        if worth.size and loss > 0:
            loss = np.int64(math.ceil(min(float(loss) * worth[k], WORTH_MAX)))
        worst = max(worst, loss)
    return worst
