"""Value of one option at several indices, from raw SVI: what marks are made of.

Not discounted.  Quote-settled values are in the currency of the strike; coin-settled ones in coin:
the quote value over the forward.
"""

from __future__ import annotations

import math

from novate.kernel.barrier import alive_worth, watched_barrier
from novate.kernel.black import black_price, sides
from novate.kernel.codes import BarrierPayoff, Kind, Monitoring
from novate.kernel.jit import inlined, kernel
from novate.kernel.special import exp, log
from novate.kernel.svi import svi_variance

_DIGITAL = int(Kind.DIGITAL)
_AT_EXPIRY = int(Monitoring.AT_EXPIRY)
_VANILLA = int(BarrierPayoff.VANILLA)
_CASH = int(BarrierPayoff.CASH)
_ASSET = int(BarrierPayoff.ASSET)


@inlined
def digital_value(side, forward, strike, left, vol, payout, is_coin):  # type: ignore[no-untyped-def]
    """Value of a fixed payout in the money: its probability under the measure of what it pays in.

    A payout in quote has probability N(c d2), one in coin N(c d1).
    """
    _, _, _, _, _, n1, n2 = sides(side, forward, strike, left, vol)
    return payout * (n1 if is_coin else n2)


@inlined
def barrier_worth(  # type: ignore[no-untyped-def]
    side, strike, payout, is_coin, up, is_in, barrier, monitoring, interval, rebate,
    spot, carry, left, vol, plain,
):  # fmt: skip
    """Value while the barrier counts as not touched; ``plain`` is that without a barrier.

    Beyond a barrier that is watched, the option is worth what a touch makes of it.  ``carry`` is
    ln(F/S).  Without its rebate it is never worth less than nothing, nor more than the plain one.
    """
    u = 1.0 if up else -1.0
    edge = watched_barrier(u, barrier, vol, monitoring, interval)
    if monitoring != _AT_EXPIRY and u * (edge - spot) <= 0.0:
        return plain if is_in else rebate
    payoff = _VANILLA
    if payout > 0.0:
        payoff = _ASSET if is_coin else _CASH
    value = alive_worth(
        side, u, is_in, payoff, spot, strike, edge, payout, rebate, vol * math.sqrt(left),
        carry, carry if is_coin else 0.0, monitoring, is_coin,
    )  # fmt: skip
    return min(max(value, 0.0), plain + rebate)


@kernel
def option_values(  # type: ignore[no-untyped-def]
    kind, side, strike, payout, is_coin, up, is_in, barrier, monitoring, interval, rebate,
    left, span, carry, a, b, rho, m, sigma, spots, values,
):  # fmt: skip
    """Fill ``values`` at each of ``spots`` (index, positive).

    ``left`` years to expiry now, ``span`` years when the smile was fitted (positive): the smile's
    total variance over ``span`` is the squared volatility, and the carry over it the drift of the
    forward.  ``payout`` and ``rebate`` in the settlement asset, ``interval`` in years.  A
    ``barrier`` of 0 is none, or one that has been touched already.
    """
    for k in range(spots.size):
        ahead = carry * (left / span)
        forward = spots[k] * exp(ahead)
        moneyness = log(strike / forward)
        vol = math.sqrt(max(svi_variance(moneyness, a, b, rho, m, sigma), 0.0) / span)
        if kind == _DIGITAL:
            value = digital_value(side, forward, strike, left, vol, payout, is_coin)
        else:
            value = black_price(side, forward, strike, left, vol, 1.0)
            value = value / forward if is_coin else value
        if barrier > 0.0:
            value = barrier_worth(
                side, strike, payout, is_coin, up, is_in, barrier, monitoring, interval, rebate,
                spots[k], ahead, left, vol, value,
            )  # fmt: skip
        values[k] = value
