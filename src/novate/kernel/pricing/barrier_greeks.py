"""Greeks of options with one barrier: the terms of `passage` with all their derivatives.

Every region of payoff is a sum of at most four terms, bounded by the strike ``k`` and the barrier
``-h`` as seen from the barrier, two of them images; see `term`.  A rebate paid at the touch
is two terms with a root, rho^2 = M^2 + 2 r T v, in place of the drift.

All eleven Greeks are exact derivatives by spot S: no difference is taken.  Error against 40-digit
derivatives: below 1e-13 of their scale (`docs/accuracy.md`).  Near a root of zero a rebate paid at
the touch loses what 1e-16 s/rho says, and 1e-7 at the very point.

At zero volatility or time an option away from its strike and barrier has the Greeks of a known
path; exactly at them gamma, speed, colour and zomma have no limit and are of no use.
"""

from __future__ import annotations

import math

import numpy as np

from novate.kernel.jit import inlined, kernel
from novate.kernel.pricing.barrier import (
    AMOUNT,
    ASSET_ANYWHERE,
    AT_EXPIRY,
    BETA,
    CASH,
    CASH_ANYWHERE,
    DIRECTION,
    IN_COIN,
    INTERVAL,
    IS_IN,
    KNOCKED,
    MONITORING,
    PAYOFF,
    REBATE,
    SCHEDULE,
    SIDE,
    STATE,
    VANILLA,
    VOL,
    H,
    K,
    Q,
    R,
    S,
    T,
    status_of,
    value_of,
    watched_barrier,
)
from novate.kernel.pricing.passage import log_ratio
from novate.kernel.pricing.special import INV_SQRT_2PI, exp
from novate.kernel.pricing.term import (
    GREEKS,
    INPUT_MIN,
    NOTHING,
    PRICE,
    SPREAD_MIN,
    add,
    fill_greeks,
    image_jet,
    jet_of,
    lead_jet,
    valued,
)

ROOT_MIN = 1e-8
"""Least root of a touch in total volatilities: the two terms are even in it together, and alone
they divide by it."""

NO_STRIKE = -1e4
"""Bound of a region that has none: below any logarithm of a ratio."""


@inlined
def weights(is_in, w, k, h, M, has_image):  # type: ignore[no-untyped-def]
    """Return the flip of the plain terms, and the weights of those at k and -h and of the images.

    The probability of ``region_in`` or ``region_out`` of `passage` in its own terms: the
    same choice of the smaller tails.
    """
    beyond = k < -h
    both = -1.0 if k - h < 2.0 * M else 1.0  # the sum of the bounds of what lies between them
    if w > 0.0:
        if is_in:
            if beyond:
                return both, both, -both, 0.0, has_image
            return 1.0, 0.0, 0.0, has_image, 0.0
        if beyond:
            return 1.0, 0.0, 1.0, 0.0, -has_image
        return 1.0, 1.0, 0.0, -has_image, 0.0
    if is_in:
        if beyond:
            return -1.0, 1.0, 0.0, 0.0, 0.0
        return -1.0, 0.0, 1.0, -has_image, has_image
    if beyond:
        return 1.0, 0.0, 0.0, 0.0, 0.0
    return both, -both, both, has_image, -has_image


@inlined
def region_jet(  # type: ignore[no-untyped-def]
    total, factor, is_in, w, k, h, u, e, has_image, C, half, s, g0, C_t, C_r, L_t, L_r
):
    """Add ``factor`` times the probability of a region, times the lead, to a jet.

    ``e`` is the derivative of h to the logarithm of volatility, u that of k to x; C and half make
    the drift as seen from the barrier.
    """
    M = C + half * s * s
    flip, at_k, at_h, image_k, image_h = weights(is_in, w, k, h, M, has_image)
    for place in range(4):
        is_k, is_image = place % 2 == 0, place >= 2
        weight = image_k if is_k else image_h
        if not is_image:
            weight = at_k if is_k else at_h
        if weight == 0.0:
            continue
        a, a_x, a_y = (k, u, 0.0) if is_k else (-h, u, -e)
        c, c_x, c_y = (-2.0 * h, 2.0 * u, -2.0 * e) if is_image else (0.0, 0.0, 0.0)
        jet = image_jet(
            1.0 if is_image else flip, c, c_x, c_y, a, a_x, a_y, C, half, s, g0, C_t, C_r, L_t, L_r
        )
        total = add(total, factor * weight, jet)
    return total


@inlined
def hit_jet(  # type: ignore[no-untyped-def]
    total, factor, h, u, e, C, half, s, R, C_t, C_r, R_t, R_r, g0, L_y
):
    """Add ``factor`` times E[exp(-r tau); tau < T], times the lead, to a jet; see `passage.at_hit`.

    ``R`` is r T; the lead has derivatives g0 to x, and L_y, once and twice, to ln(volatility).
    """
    v, inverse = s * s, 1.0 / s
    per_v = inverse * inverse
    M, M_y, M_t = C + half * v, 2.0 * half * v, C_t + half * v
    square = M * M + 2.0 * R * v
    square_y = 2.0 * M * M_y + 4.0 * R * v
    square_yy = 2.0 * M_y * M_y + 4.0 * M * M_y + 8.0 * R * v
    least = ROOT_MIN * s
    size = math.sqrt(square if square > least * least else least * least)
    z = (h + M) * inverse
    density = INV_SQRT_2PI * exp(-0.5 * z * z - R)
    for branch in range(2):
        root = size if branch == 0 else -size
        per_root = 0.5 / root
        root_y = square_y * per_root
        root_yy = (square_yy - 2.0 * root_y * root_y) * per_root
        root_t = (2.0 * M * M_t + 2.0 * (R_t + R) * v) * per_root
        root_r = (2.0 * M * C_r + 2.0 * R_r * v) * per_root
        # M + root without cancellation where the two have different signs.
        n = 2.0 * R / (root - M) if M * root < 0.0 else (M + root) * per_v
        n_y = (M_y + root_y) * per_v - 2.0 * n
        n_yy = (2.0 * M_y + root_yy) * per_v - 4.0 * (n_y + n)
        n_t = (M_t + root_t) * per_v - n
        n_r = (C_r + root_r) * per_v
        Z = (root - h) * inverse
        Z_y = (root_y - e) * inverse - Z
        jet = jet_of(
            valued(-h * n, density, Z), density, Z,
            u * n + g0, u * inverse,
            L_y - e * n - h * n_y, Z_y,
            u * n_y, -u * inverse,
            L_y - e * n - 2.0 * e * n_y - h * n_yy, (root_yy - root_y) * inverse - Z_y,
            -h * n_t, root_t * inverse - 0.5 * Z,
            u * n_t, -0.5 * u * inverse,
            -h * n_r, root_r * inverse,
        )  # fmt: skip
        total = add(total, factor, jet)
    return total


@inlined
def payoff_factors(payoff, c, spot, strike, amount):  # type: ignore[no-untyped-def]
    """Return the factors of the probabilities of the underlying (per spot) and of cash."""
    if payoff == VANILLA:
        return c * spot, -c * strike
    if (payoff == CASH) | (payoff == CASH_ANYWHERE):
        return 0.0, amount
    return amount * spot, 0.0


@kernel
def alive_jet(  # type: ignore[no-untyped-def]
    c, u, is_in, payoff, spot, strike, edge, e, amount, rebate, s, C, R, C_t, C_r, R_t, R_r,
    monitoring, coin,
):  # fmt: skip
    """Return the jet of `barrier.alive_worth`."""
    h = u * log_ratio(edge, spot)
    strike_k, strike_w = -u * log_ratio(strike, spot), -c * u
    if payoff >= CASH_ANYWHERE:
        strike_k, strike_w = NO_STRIKE, 1.0
    has_image = 0.0 if monitoring == AT_EXPIRY else 1.0
    by_asset, by_cash = payoff_factors(payoff, c, spot, strike, amount)
    is_hit = rebate > 0.0 and not is_in and has_image == 1.0
    has_asset_rebate = coin or payoff == ASSET_ANYWHERE
    total = NOTHING
    for part in range(3):
        is_asset = part == 0 or (part == 2 and has_asset_rebate)
        inside, k, w, factor, image = is_in, strike_k, strike_w, by_cash, has_image
        if part == 0:
            factor = by_asset
        if part == 2:  # what an in option pays if it was never touched, an out option if it was
            factor = rebate * (spot if is_asset else 1.0)
            k, w, inside = NO_STRIKE, 1.0, False
            if not is_in and not is_hit:
                k, w, inside = -h, -1.0, True
        if factor == 0.0 or (part == 2 and is_hit):
            continue
        half, D, lead = (0.5, C - R, 1.0) if is_asset else (-0.5, -R, 0.0)
        L_t, L_r = (C_t - R_t, C_r - R_r) if is_asset else (-R_t, -R_r)
        per = 1.0
        if coin:
            lead, per = lead - 1.0, 1.0 / spot
        total = region_jet(
            total, factor * per * exp(D), inside, w, k, h, u, e, image, -u * C, -u * half, s, lead,
            -u * C_t, -u * C_r, L_t, L_r,
        )  # fmt: skip
    if is_hit:
        factor = rebate * (edge if has_asset_rebate else 1.0) / (spot if coin else 1.0)
        total = hit_jet(
            total, factor, h, u, e, -u * C, 0.5 * u, s, R, -u * C_t, -u * C_r, R_t, R_r,
            -1.0 if coin else 0.0, u * e if has_asset_rebate else 0.0,
        )  # fmt: skip
    return total


@kernel
def touched_jet(  # type: ignore[no-untyped-def]
    c, is_in, payoff, spot, strike, amount, due, s, C, R, C_t, C_r, R_t, R_r, coin
):
    """Return the jet of `barrier.touched_value`; ``due`` is a number of what the rebate is in."""
    if not is_in:
        is_spot = payoff == ASSET_ANYWHERE and not coin
        factor, lead = (due * spot, 1.0) if is_spot else (due, 0.0)
        return add(NOTHING, factor, lead_jet(lead, 0.0, 0.0))
    by_asset, by_cash = payoff_factors(payoff, c, spot, strike, amount)
    total = NOTHING
    for part in range(2):
        is_asset = part == 0
        factor = by_asset if is_asset else by_cash
        if factor == 0.0:
            continue
        half, D, lead = (0.5, C - R, 1.0) if is_asset else (-0.5, -R, 0.0)
        L_t, L_r = (C_t - R_t, C_r - R_r) if is_asset else (-R_t, -R_r)
        factor *= exp(D)
        if coin:
            lead, factor = lead - 1.0, factor / spot
        if payoff >= CASH_ANYWHERE:
            jet = lead_jet(lead, L_t, L_r)
        else:
            k = log_ratio(strike, spot)
            jet = image_jet(
                c, 0.0, 0.0, 0.0, k, -1.0, 0.0, C, half, s, lead, C_t, C_r, L_t, L_r
            )  # fmt: skip
        total = add(total, factor, jet)
    return total


@kernel
def barrier_jet(at, k, is_forward_held):  # type: ignore[no-untyped-def]
    """Return the jet of column ``k`` of the inputs of `kernel.pricing.barrier`."""
    spot, years, vol, r, q = at[S, k], at[T, k], at[VOL, k], at[R, k], at[Q, k]
    years = INPUT_MIN if years < INPUT_MIN else years
    coin, u, monitoring = at[IN_COIN, k] == 1.0, at[DIRECTION, k], at[MONITORING, k]
    s = vol * math.sqrt(years)
    s = SPREAD_MIN if s < SPREAD_MIN else s
    C = (r - q) * years
    C_t, C_r = (0.0, 0.0) if is_forward_held else (C, 1.0)
    # A coin is not discounted: its rate is the carry.
    rate_time, R_t, R_r = (C, C_t, C_r) if coin else (r * years, r * years, 1.0)
    edge = watched_barrier(u, at[H, k], vol, monitoring, at[INTERVAL, k])
    is_at_edge = u * (edge - spot) <= 0.0 and monitoring != AT_EXPIRY
    if at[STATE, k] != 0.0 or is_at_edge:
        due = 0.0 if at[STATE, k] == KNOCKED else at[REBATE, k]
        return touched_jet(
            at[SIDE, k], at[IS_IN, k] == 1.0, at[PAYOFF, k], spot, at[K, k], at[AMOUNT, k], due,
            s, C, rate_time, C_t, C_r, R_t, R_r, coin,
        )  # fmt: skip
    e = BETA * vol * math.sqrt(at[INTERVAL, k]) if monitoring == SCHEDULE else 0.0
    return alive_jet(
        at[SIDE, k], u, at[IS_IN, k] == 1.0, at[PAYOFF, k], spot, at[K, k], edge, e, at[AMOUNT, k],
        at[REBATE, k], s, C, rate_time, C_t, C_r, R_t, R_r, monitoring, coin,
    )  # fmt: skip


@kernel
def barrier_greeks(at, is_forward_held, out, status):  # type: ignore[no-untyped-def]
    """Fill ``out[GREEKS, n]`` and statuses from ``at[INPUTS, n]``; NaN where there is no price.

    ``is_forward_held``: whether theta, charm, colour and rho hold the forward or the yield.
    """
    for k in range(status.size):
        status[k] = status_of(at, k)
        if status[k] != 0:
            for row in range(GREEKS):
                out[row, k] = np.nan
            continue
        vol = INPUT_MIN if at[VOL, k] < INPUT_MIN else at[VOL, k]
        years = INPUT_MIN if at[T, k] < INPUT_MIN else at[T, k]
        out[PRICE, k] = value_of(at, k)
        fill_greeks(barrier_jet(at, k, is_forward_held), at[S, k], vol, years, out, k)
