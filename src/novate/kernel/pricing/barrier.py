"""Options with one barrier: up or down, in or out, call, put, digital or touch, with a rebate.

Each price is built from the probabilities of `passage` under two measures, the one of cash
and the one of the underlying: an option pays ``c (S_T - K)`` where c (S_T - K) > 0 and the barrier
was touched (in) or was not (out), so V = c (S e^(-qT) P_asset - K e^(-rT) P_cash).  In plus out is
the vanilla to rounding.

Rebate: an *out* option pays it at the touch, an *in* option at expiry if the barrier was never
touched.

Monitoring is a term of the contract:

- CONTINUOUS: Reiner and Rubinstein 1991 (Haug 1998, 2.10.1), exact.
- SCHEDULE, every ``interval`` years (expiry over m for m observations): the continuous formula with
  the barrier moved away from the spot by exp(beta vol sqrt(interval)), beta = -zeta(1/2)/sqrt(2 pi)
  (Broadie, Glasserman and Kou 1997).  Its error is o(1/sqrt(m)); it is not small where the spot is
  within one observation's move of the barrier.  The value of the barrier that a touch pays at is
  the moved one, which accounts for the overshoot in the same way.
- AT_EXPIRY: the barrier is tested once, at expiry: a static payoff, exact; an out option then pays
  its rebate at expiry.

Settled in coin, a payoff X is X / S_T coins, paid when X would be: worth the same in quote, so the
coin price of the payoff is its quote price over the spot, path-dependent or not.  A rebate is then
a number of *coins*: its probability is taken under the measure of the underlying, and at the touch
it is worth rebate times barrier.  A coin is not discounted (the venues' convention): the rate of a
coin-settled element is its carry r - q and its yield 0.

State: ALIVE, TOUCHED (now, the rebate is due) or KNOCKED (before).  A touched or knocked *in*
option is the vanilla, a knocked out one is worth nothing.  ALIVE with the spot exactly on the
barrier counts as touched now; beyond it the state is contradicted: `BARRIER_CROSSED`, no price.
With a schedule the moved barrier is compared, because the price may be beyond between observations.

Greeks: `kernel.pricing.barrier_greeks`.

Limits: zero volatility is the deterministic path (where that path ends exactly on barrier or
strike, half of the jump); zero time is the payoff, with no rebate for an out option that was never
touched.  A knock-out rebate at a rate so negative that M^2 + 2 r T v < 0 is refused:
`PARAMETER_OUT_OF_RANGE`.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.codes import BarrierPayoff, BarrierState, Monitoring, PricingStatus
from novate.kernel.jit import inlined, kernel
from novate.kernel.pricing.passage import (
    TOTAL_MIN,
    at_hit,
    hit_over,
    log_ratio,
    region_in,
    region_out,
    tail_over,
)
from novate.kernel.pricing.special import exp

NOT_FINITE = int(PricingStatus.NOT_FINITE)
SIDE_UNKNOWN = int(PricingStatus.SIDE_UNKNOWN)
FORWARD_NOT_POSITIVE = int(PricingStatus.FORWARD_NOT_POSITIVE)
STRIKE_NOT_POSITIVE = int(PricingStatus.STRIKE_NOT_POSITIVE)
TIME_NEGATIVE = int(PricingStatus.TIME_NEGATIVE)
VOLATILITY_NEGATIVE = int(PricingStatus.VOLATILITY_NEGATIVE)
CROSSED = int(PricingStatus.BARRIER_CROSSED)
OUT_OF_RANGE = int(PricingStatus.PARAMETER_OUT_OF_RANGE)
SCHEDULE = int(Monitoring.SCHEDULE)
AT_EXPIRY = int(Monitoring.AT_EXPIRY)
KNOCKED = int(BarrierState.KNOCKED)
VANILLA = int(BarrierPayoff.VANILLA)
CASH = int(BarrierPayoff.CASH)
ASSET = int(BarrierPayoff.ASSET)
CASH_ANYWHERE = int(BarrierPayoff.CASH_ANYWHERE)
ASSET_ANYWHERE = int(BarrierPayoff.ASSET_ANYWHERE)

BETA = 0.5825971579390106
"""-zeta(1/2) / sqrt(2 pi): the mean overshoot of a random walk of standard normal steps."""

SHIFT_MAX = 200.0
"""Largest logarithm by which a schedule moves a barrier: nothing gets there, and e^200 is finite.
"""

(
    SIDE, DIRECTION, IS_IN, PAYOFF, S, K, H, AMOUNT, REBATE, T, VOL, R, Q, MONITORING, INTERVAL,
    STATE, IN_COIN,
) = range(17)  # fmt: skip
"""Rows of the inputs: c = +-1, up +1 or down -1, 1.0 for an in option, a `BarrierPayoff`, spot,
strike, barrier, amount of a digital, rebate, years, volatility, rate, yield, a `Monitoring`, years
between observations, a `BarrierState`, 1.0 for coin settlement."""
INPUTS = 17


@inlined
def paid(payoff, c, spot, strike, amount, cash, asset):  # type: ignore[no-untyped-def]
    """Return the value of a payoff from the two discounted probabilities of its region."""
    if payoff == VANILLA:
        return c * (spot * asset - strike * cash)
    if (payoff == CASH) | (payoff == CASH_ANYWHERE):
        return amount * cash
    return amount * spot * asset


@inlined
def touched_value(c, is_in, payoff, spot, strike, amount, rebate_due, s, M1, M2, D1, D2):  # type: ignore[no-untyped-def]
    """Return the value once the barrier is behind: the plain option, or the rebate that is due."""
    if not is_in:
        return rebate_due
    if payoff >= CASH_ANYWHERE:
        return paid(payoff, c, spot, strike, amount, D2, D1)
    a = c * log_ratio(strike, spot)
    asset = D1 * tail_over(a, c * M1, s)
    return paid(payoff, c, spot, strike, amount, D2 * tail_over(a, c * M2, s), asset)


@inlined
def alive_value(  # type: ignore[no-untyped-def]
    c, u, is_in, payoff, spot, strike, barrier, amount, rebate, rate_time, has_image, coin,
    s, M1, M2, D1, D2,
):  # fmt: skip
    """Return the value while the barrier is still to be touched, rebate included."""
    low = u * log_ratio(barrier, spot)
    w, k = -c * u, -u * log_ratio(strike, spot)
    if payoff >= CASH_ANYWHERE:
        w, k = 1.0, -1e4  # a region without bounds: below any logarithm of a ratio
    down1, down2 = -u * M1, -u * M2
    if is_in:
        asset = region_in(w, k, low, down1, s, has_image)
        cash = region_in(w, k, low, down2, s, has_image)
    else:
        asset = region_out(w, k, low, down1, s, has_image)
        cash = region_out(w, k, low, down2, s, has_image)
    value = paid(payoff, c, spot, strike, amount, D2 * cash, D1 * asset)
    if rebate == 0.0:
        return value
    has_asset_rebate = coin | (payoff == ASSET_ANYWHERE)
    M, D = (down1, D1 * spot) if has_asset_rebate else (down2, D2)
    if is_in:
        never = tail_over(-low, M, s) - has_image * hit_over(-low, low, M, s)
        return value + rebate * D * never
    if has_image == 0.0:
        return value + rebate * D * tail_over(low, -M, s)
    worth = rebate * barrier if has_asset_rebate else rebate
    return value + worth * at_hit(low, down2, s, rate_time)


@inlined
def watched_barrier(u, barrier, vol, monitoring, interval):  # type: ignore[no-untyped-def]
    """Return the barrier of the continuous formula: moved away from the spot on a schedule."""
    if monitoring == SCHEDULE and interval > 0.0:
        return barrier * exp(u * min(BETA * vol * math.sqrt(interval), SHIFT_MAX))
    return barrier


@kernel
def alive_worth(  # type: ignore[no-untyped-def]
    c, u, is_in, payoff, spot, strike, edge, amount, rebate, s, carry, rate_time, monitoring, coin
):
    """Return the price of an option that was not touched, in its settlement currency.

    From totals over its life: volatility ``s``, ``carry`` ln(F/S) and discount ``rate_time``, which
    is the carry where ``coin``.  ``edge`` is the barrier as the formula sees it.
    """
    s = TOTAL_MIN if s < TOTAL_MIN else s
    M2 = carry - 0.5 * s * s
    D1, D2 = exp(carry - rate_time), exp(-rate_time)
    has_image = 0.0 if monitoring == AT_EXPIRY else 1.0
    value = alive_value(
        c, u, is_in, payoff, spot, strike, edge, amount, rebate, rate_time, has_image, coin,
        s, M2 + s * s, M2, D1, D2,
    )  # fmt: skip
    return value / spot if coin else value


@kernel
def barrier_value(  # type: ignore[no-untyped-def]
    c, u, is_in, payoff, spot, strike, edge, amount, rebate, years, vol, r, q, monitoring,
    is_touched, is_paid, coin,
):  # fmt: skip
    """Return the price of one option, touched or not as the caller says.

    ``edge`` is the barrier as the formula sees it.
    """
    s = vol * math.sqrt(years)
    carry = (r - q) * years
    rate_time = carry if coin else r * years
    if not is_touched:
        return alive_worth(
            c, u, is_in, payoff, spot, strike, edge, amount, rebate, s, carry, rate_time,
            monitoring, coin,
        )  # fmt: skip
    s = TOTAL_MIN if s < TOTAL_MIN else s
    M2 = carry - 0.5 * s * s
    has_asset_rebate = coin or payoff == ASSET_ANYWHERE
    due = 0.0 if is_paid else rebate * (spot if has_asset_rebate else 1.0)
    D1, D2 = exp(carry - rate_time), exp(-rate_time)
    value = touched_value(
        c, is_in, payoff, spot, strike, amount, due, s, M2 + s * s, M2, D1, D2
    )  # fmt: skip
    return value / spot if coin else value


@inlined
def status_of(at, k):  # type: ignore[no-untyped-def]
    """Return the `PricingStatus` of column ``k``."""
    total = 0.0
    for row in range(INPUTS):
        total += at[row, k]
    if total - total != 0.0:
        return NOT_FINITE
    u, spot, vol = at[DIRECTION, k], at[S, k], at[VOL, k]
    if at[SIDE, k] * at[SIDE, k] != 1.0 or u * u != 1.0:
        return SIDE_UNKNOWN
    if spot <= 0.0:
        return FORWARD_NOT_POSITIVE
    if at[K, k] <= 0.0 or at[H, k] <= 0.0:
        return STRIKE_NOT_POSITIVE
    if at[T, k] < 0.0:
        return TIME_NEGATIVE
    if vol < 0.0:
        return VOLATILITY_NEGATIVE
    monitoring, state, payoff = at[MONITORING, k], at[STATE, k], at[PAYOFF, k]
    edge = watched_barrier(u, at[H, k], vol, monitoring, at[INTERVAL, k])
    if monitoring != AT_EXPIRY and state == 0.0 and u * (edge - spot) < 0.0:
        return CROSSED
    is_code = (
        (at[IS_IN, k] * (1.0 - at[IS_IN, k]) == 0.0)
        & (at[IN_COIN, k] * (1.0 - at[IN_COIN, k]) == 0.0)
        & (monitoring * (monitoring - 1.0) * (monitoring - 2.0) * (monitoring - 3.0) == 0.0)
        & (monitoring > 0.0)
        & (state * (state - 1.0) * (state - 2.0) == 0.0)
        & (payoff >= 0.0)
        & (payoff <= ASSET_ANYWHERE)
        & (payoff == math.floor(payoff))
    )
    is_amount = at[AMOUNT, k] >= 0.0 and at[REBATE, k] >= 0.0
    is_watched = (monitoring != SCHEDULE or at[INTERVAL, k] > 0.0) and (
        monitoring != AT_EXPIRY or state == 0.0
    )
    if not (is_code and is_amount and is_watched):
        return OUT_OF_RANGE
    if at[REBATE, k] > 0.0 and at[IS_IN, k] == 0.0 and monitoring != AT_EXPIRY:
        r = at[R, k] - (at[Q, k] if at[IN_COIN, k] == 1.0 else 0.0)
        q = 0.0 if at[IN_COIN, k] == 1.0 else at[Q, k]
        drift = r - q - 0.5 * vol * vol
        if drift * drift + 2.0 * r * vol * vol < 0.0:
            return OUT_OF_RANGE
    return 0


@inlined
def value_of(at, k):  # type: ignore[no-untyped-def]
    """Return the price of column ``k``."""
    u, monitoring, interval = at[DIRECTION, k], at[MONITORING, k], at[INTERVAL, k]
    edge = watched_barrier(u, at[H, k], at[VOL, k], monitoring, interval)
    is_at_edge = u * (edge - at[S, k]) <= 0.0 and monitoring != AT_EXPIRY
    return barrier_value(
        at[SIDE, k], u, at[IS_IN, k] == 1.0, at[PAYOFF, k], at[S, k], at[K, k], edge,
        at[AMOUNT, k], at[REBATE, k], at[T, k], at[VOL, k], at[R, k], at[Q, k], monitoring,
        at[STATE, k] != 0.0 or is_at_edge, at[STATE, k] == KNOCKED, at[IN_COIN, k] == 1.0,
    )  # fmt: skip


@kernel
def barrier_prices(at, price, status):  # type: ignore[no-untyped-def]
    """Fill prices and statuses from ``at[INPUTS, n]``, C-contiguous float64."""
    for k in range(status.size):
        status[k] = status_of(at, k)
        price[k] = np.nan
        if status[k] == 0:
            price[k] = value_of(at, k)
