"""Value of one option at several indices, from raw SVI: what marks are made of.

Not discounted.  Quote-settled values are in the currency of the strike; coin-settled ones in coin:
the quote value over the forward.

An option is settled at the mean of the index over its settlement window.  That mean is taken as
lognormal: its forward weights what has been added up (``known``) and the forward of the index
(``rest``), and its variance is that of the mean of the rest of the window (``spread`` years of the
volatility), to leading order in the total variance of the window (Kemna and Vorst, *A pricing
method for options based on average asset values*, 1990; Turnbull and Wakeman 1991 for a window that
has begun).
"""

from __future__ import annotations

import math

from novate.kernel.codes import BarrierPayoff, Kind, Monitoring
from novate.kernel.jit import inlined, kernel
from novate.kernel.pricing.barrier import alive_worth, watched_barrier
from novate.kernel.pricing.black import black_price, sides
from novate.kernel.pricing.special import exp, log, normal_pdf
from novate.kernel.pricing.svi import svi_slope, svi_variance

_DIGITAL = int(Kind.DIGITAL)
_AT_EXPIRY = int(Monitoring.AT_EXPIRY)
_VANILLA = int(BarrierPayoff.VANILLA)
_CASH = int(BarrierPayoff.CASH)
_ASSET = int(BarrierPayoff.ASSET)
_CASH_ANYWHERE = int(BarrierPayoff.CASH_ANYWHERE)
_ASSET_ANYWHERE = int(BarrierPayoff.ASSET_ANYWHERE)


FLAT_MIN = 1e-250
"""Probability below which none is put in relation to it."""


@inlined
def digital_shares(side, forward, strike, left, vol, slope, is_coin):  # type: ignore[no-untyped-def]
    """Value of a payout of one in the money: at the volatility of the strike alone, and whole.

    A payout in quote is the limit of ever tighter call spreads, -dC/dK along the smile: N(c d2)
    less c n(d2) times the slope of the total volatility in log-strike (``slope``).  One in coin is
    the limit of calls and cash over the forward: the same at d1.  No smile without butterfly
    arbitrage takes it out of 0 to 1; beyond where that was looked at it is held there.
    """
    _, _, d1, d2, _, n1, n2 = sides(side, forward, strike, left, vol)
    flat = n1 if is_coin else n2
    whole = flat - side * normal_pdf(d1 if is_coin else d2) * slope
    return flat, min(max(whole, 0.0), 1.0)


@inlined
def barrier_worth(  # type: ignore[no-untyped-def]
    kind, side, strike, payout, is_coin, up, is_in, barrier, monitoring, interval, rebate,
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
    if kind == _DIGITAL:
        payoff = _ASSET if is_coin else _CASH
    value = alive_worth(
        side, u, is_in, payoff, spot, strike, edge, payout, rebate, vol * math.sqrt(left),
        carry, carry if is_coin else 0.0, monitoring, is_coin,
    )  # fmt: skip
    return min(max(value, 0.0), plain + rebate)


@inlined
def averaged_barrier_worth(  # type: ignore[no-untyped-def]
    kind, side, strike, is_coin, up, is_in, barrier, monitoring, interval, rebate, spot, carry,
    left, vol, known, rest, plain,
):  # fmt: skip
    """`barrier_worth` of an option on a mean whose barrier watches the index itself.

    The barrier takes the share of ``plain`` that it takes of an option on the index, struck where
    the mean of the rest of the window must end for this one to pay: all that is not a path on which
    the barrier is never touched, where what was added up has decided already.
    """
    u = 1.0 if up else -1.0
    edge = watched_barrier(u, barrier, vol, monitoring, interval)
    if u * (edge - spot) <= 0.0:
        return plain if is_in else rebate
    total, rate_time = vol * math.sqrt(left), carry if is_coin else 0.0
    anywhere = _ASSET_ANYWHERE if is_coin else _CASH_ANYWHERE
    never = alive_worth(
        side, u, False, anywhere, spot, strike, edge, 1.0, 0.0, total, carry, rate_time, monitoring,
        is_coin,
    )  # fmt: skip
    never = min(max(never, 0.0), 1.0)
    share, ahead = never, strike - known
    if ahead > 0.0 and rest > 0.0:
        ahead, forward = ahead / rest, spot * exp(carry)
        payoff = _VANILLA
        if kind == _DIGITAL:
            payoff = _ASSET if is_coin else _CASH
            alone, _ = digital_shares(side, forward, ahead, left, vol, 0.0, is_coin)
        else:
            alone = black_price(side, forward, ahead, left, vol, 1.0)
            alone = alone / forward if is_coin else alone
        if alone > FLAT_MIN:
            out = alive_worth(
                side, u, False, payoff, spot, ahead, edge, 1.0, 0.0, total, carry, rate_time,
                monitoring, is_coin,
            )  # fmt: skip
            share = min(max(out / alone, 0.0), 1.0)
    alive = plain * share
    return plain - alive + rebate * never if is_in else alive + rebate * (1.0 - never)


@kernel
def option_values(  # type: ignore[no-untyped-def]
    kind, side, strike, payout, is_coin, up, is_in, barrier, monitoring, interval, rebate,
    left, spread, known, rest, span, carry, a, b, rho, m, sigma, spots, values,
):  # fmt: skip
    """Fill ``values`` at each of ``spots`` (index, positive).

    ``left`` years to expiry now, ``span`` years when the smile was fitted (positive): the smile's
    total variance over ``span`` is the squared volatility, and the carry over it the drift of the
    forward.  The settlement price is ``known + rest x`` a mean to come of the index, which has the
    variance of ``spread`` years; without a settlement window ``spread`` is ``left``, ``known`` 0
    and ``rest`` 1.  ``payout`` and ``rebate`` in the settlement asset, ``interval`` in years.  A
    ``barrier`` of 0 is none, or one that has been touched already.  Volatility is that of the
    strike; the price of a digital has the slope of the smile there as well.
    """
    for k in range(spots.size):
        ahead = carry * (left / span)
        coming = rest * (spots[k] * exp(ahead))
        forward = known + coming
        share = coming / forward
        time = spread * share * share
        moneyness = log(strike / forward)
        w = max(svi_variance(moneyness, a, b, rho, m, sigma), 0.0)
        vol, pays = math.sqrt(w / span), payout
        if kind == _DIGITAL:
            slope = 0.0
            if w > 0.0:
                slope = 0.5 * svi_slope(moneyness, b, rho, m, sigma) * math.sqrt(time / span / w)
            flat, whole = digital_shares(side, forward, strike, time, vol, slope, is_coin)
            value = payout * whole
            # A barrier takes the share of it that it takes of one without a slope: what a touch
            # makes of it, and one too far away to be touched, are then the whole.
            pays = payout * (whole / flat) if flat > FLAT_MIN else payout
        else:
            value = black_price(side, forward, strike, time, vol, 1.0)
            value = value / forward if is_coin else value
        if barrier > 0.0 and monitoring == _AT_EXPIRY:
            # Looked at once, by the settlement price itself.
            value = barrier_worth(
                kind, side, strike, pays, is_coin, up, is_in, barrier, monitoring, interval, rebate,
                forward, 0.0, time, vol, value,
            )  # fmt: skip
        elif barrier > 0.0 and (rest != 1.0 or spread != left):
            value = averaged_barrier_worth(
                kind, side, strike, is_coin, up, is_in, barrier, monitoring, interval, rebate,
                spots[k], ahead, left, vol, known, rest, value,
            )  # fmt: skip
        elif barrier > 0.0:
            value = barrier_worth(
                kind, side, strike, pays, is_coin, up, is_in, barrier, monitoring, interval, rebate,
                spots[k], ahead, left, vol, value,
            )  # fmt: skip
        values[k] = value


@kernel
def mark_values(  # type: ignore[no-untyped-def]
    kind, side, strike, payout, is_coin, up, is_in, barrier, monitoring, interval, rebate,
    left, spread, known, rest, span, carry, a, b, rho, m, sigma, spots, values,
):  # fmt: skip
    """Fill the rows of ``values`` ``[n, spots]``, one option in each row; see `option_values`."""
    for i in range(kind.size):
        option_values(
            kind[i], side[i], strike[i], payout[i], is_coin[i], up[i], is_in[i], barrier[i],
            monitoring[i], interval[i], rebate[i], left[i], spread[i], known[i], rest[i], span[i],
            carry[i], a[i], b[i], rho[i], m[i], sigma[i], spots[i], values[i],
        )  # fmt: skip
