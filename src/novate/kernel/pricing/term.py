"""One term e^G N(Z) of a closed form, and every derivative of it that makes a Greek.

Prices of digitals and barriers are sums of such terms.  With x the logarithm of the spot, G and Z
are linear in x, so that with E = e^G N'(Z), g = G_x, z = Z_x and w = g - z Z

    f_x = g f + z E,    f_xx = g f_x + z w E,    f_xxx = g f_xx + z (w^2 - z^2) E

and along any other input y, which need not be linear,

    f_y = G_y f + Z_y E,    f_xy = g_y f + G_y f_x + (z_y + Z_y w) E,
    f_xxy = 2 g_y f_x + G_y f_xx + (2 z_y w + Z_y (w^2 - z^2)) E.

No difference is taken.  E is given by the caller, who adds the exponents of G and N' before taking
the exponential.  A *jet* is a term with its derivatives:

    (f, x, xx, xxx, y, xy, xxy, yy, t, xt, xxt, r)

where y is the logarithm of volatility, t that of time and r the total discount: logarithms, so that
nothing is divided by volatility or time before the last line, `fill_greeks`.

Time passes, and the rate moves, with the yield held or with the forward held, as the caller says by
the derivatives of the carry ``C_t`` and ``C_r`` that it gives.
"""

from __future__ import annotations

from novate.kernel.jit import inlined
from novate.kernel.pricing.black import (
    CHARM,
    COLOUR,
    DELTA,
    GAMMA,
    GREEKS,
    PRICE,
    RHO,
    SPEED,
    THETA,
    VANNA,
    VEGA,
    VOLGA,
    ZOMMA,
)
from novate.kernel.pricing.passage import ratio_mills
from novate.kernel.pricing.special import INV_SQRT_2PI, exp

__all__ = ["CHARM", "COLOUR", "DELTA", "GAMMA", "GREEKS", "PRICE", "RHO", "SPEED", "THETA", "VANNA",
           "VEGA", "VOLGA", "ZOMMA"]  # fmt: skip

NOTHING = (0.0,) * 12
"""The jet of zero."""

SPREAD_MIN = 1e-40
"""Least total volatility that derivatives divide by: its cube and more stay in range."""

INPUT_MIN = 1e-100
"""Least volatility and time that Greeks divide by; below it an option is at its limit."""


@inlined
def add(total, weight, jet):  # type: ignore[no-untyped-def]
    """Return ``total + weight * jet``."""
    return (
        total[0] + weight * jet[0],
        total[1] + weight * jet[1],
        total[2] + weight * jet[2],
        total[3] + weight * jet[3],
        total[4] + weight * jet[4],
        total[5] + weight * jet[5],
        total[6] + weight * jet[6],
        total[7] + weight * jet[7],
        total[8] + weight * jet[8],
        total[9] + weight * jet[9],
        total[10] + weight * jet[10],
        total[11] + weight * jet[11],
    )


@inlined
def jet_of(  # type: ignore[no-untyped-def]
    f, E, Z, g, z, G_y, Z_y, g_y, z_y, G_yy, Z_yy, G_t, Z_t, g_t, z_t, G_r, Z_r
):
    """Return the jet of a term from its value, its density E and the derivatives of G and Z."""
    w = g - z * Z
    bend = w * w - z * z
    f_x = g * f + z * E
    f_xx = g * f_x + z * w * E
    f_y = G_y * f + Z_y * E
    return (
        f,
        f_x,
        f_xx,
        g * f_xx + z * bend * E,
        f_y,
        g_y * f + G_y * f_x + (z_y + Z_y * w) * E,
        2.0 * g_y * f_x + G_y * f_xx + (2.0 * z_y * w + Z_y * bend) * E,
        G_yy * f + G_y * f_y + (Z_yy + Z_y * (G_y - Z * Z_y)) * E,
        G_t * f + Z_t * E,
        g_t * f + G_t * f_x + (z_t + Z_t * w) * E,
        2.0 * g_t * f_x + G_t * f_xx + (2.0 * z_t * w + Z_t * bend) * E,
        G_r * f + Z_r * E,
    )


@inlined
def valued(G, density, Z):  # type: ignore[no-untyped-def]
    """Return e^G N(Z), given e^G N'(Z)."""
    tail = density * ratio_mills(Z)
    return tail if Z < 0.0 else exp(G) - tail


@inlined
def image_jet(  # type: ignore[no-untyped-def]
    flip, c, c_x, c_y, a, a_x, a_y, C, half, s, g0, C_t, C_r, L_t, L_r
):
    """Return the jet of e^(M c/v) N(flip (M + c - a)/s), M = C + half v, v = s^2.

    That is the chance that the image displaced by ``c`` ends above ``a`` (below, for ``flip`` -1).
    ``c_x`` and ``a_x`` are derivatives to x; ``c_y`` and ``a_y`` to the logarithm of volatility,
    to which both are exponential.  A factor in front has logarithm L, with derivatives g0 (to x),
    L_t and L_r; its value is the caller's.
    """
    v, inverse = s * s, 1.0 / s
    M = C + half * v
    A, A_x, A_y = a - c, a_x - c_x, a_y - c_y
    away = M - a
    density = INV_SQRT_2PI * exp(-0.5 * (away * away + c * (c - 2.0 * a)) / v)
    Z = flip * (M - A) * inverse
    z = -flip * A_x * inverse
    C_s, A_s, A_ys, half_s = C * inverse, A * inverse, A_y * inverse, half * s
    C_v = C_s * inverse
    m = C_v + half
    m_y, m_yy, m_t = -2.0 * C_v, 4.0 * C_v, (C_t - C) * inverse * inverse
    return jet_of(
        valued(c * m, density, Z), density, Z,
        c_x * m + g0, z,
        c * m_y + c_y * m, flip * (half_s - C_s + A_s - A_ys),
        c_x * m_y, -z,
        c * m_yy + 2.0 * c_y * m_y + c_y * m, flip * (C_s + half_s - A_s + A_ys),
        c * m_t + L_t, flip * (C_t * inverse + 0.5 * (half_s - C_s + A_s)),
        c_x * m_t, -0.5 * z,
        c * C_r * inverse * inverse + L_r, flip * C_r * inverse,
    )  # fmt: skip


@inlined
def lead_jet(g0, L_t, L_r):  # type: ignore[no-untyped-def]
    """Return the jet of a factor alone: one, with a logarithm that has these derivatives."""
    return jet_of(
        1.0, 0.0, 0.0, g0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, L_t, 0.0, 0.0, 0.0, L_r, 0.0
    )  # fmt: skip


@inlined
def fill_greeks(jet, spot, vol, years, out, k):  # type: ignore[no-untyped-def]
    """Fill all rows of column ``k`` of ``out[GREEKS, n]`` but the price, from the sum of terms."""
    _, x, xx, xxx, y, xy, xxy, yy, t, xt, xxt, r = jet
    per, per_vol, per_time = 1.0 / spot, 1.0 / vol, -1.0 / years
    out[DELTA, k] = x * per
    out[GAMMA, k] = (xx - x) * per * per
    out[VEGA, k] = y * per_vol
    out[THETA, k] = t * per_time
    out[RHO, k] = r * years
    out[VANNA, k] = xy * per * per_vol
    out[VOLGA, k] = (yy - y) * per_vol * per_vol
    out[CHARM, k] = xt * per * per_time
    out[SPEED, k] = (xxx - 3.0 * xx + 2.0 * x) * per * per * per
    out[COLOUR, k] = (xxt - xt) * per * per * per_time
    out[ZOMMA, k] = (xxy - xy) * per * per * per_vol
