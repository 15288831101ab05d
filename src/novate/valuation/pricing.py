"""Prices and Greeks of options, for scalars and arrays.

>>> from novate import pricing
>>> pricing.black76(+1, F=100.0, K=100.0, T=0.25, vol=0.6).price.round(6)
np.float64(11.923538)
>>> pricing.black76([1, -1], F=100.0, K=[90.0, -1.0], T=0.25, vol=0.6).status
array([0, 4], dtype=int8)

Conventions of every function here:

- Inputs broadcast against one another.  Results are float64 of the common shape, scalars where
  every input is one, with one `novate.kernel.codes.PricingStatus` (int8) per element: 0 is OK.  An
  element that has no price is NaN and says why; it never raises and never touches another one.
- ``cp`` is +1 for a call and -1 for a put.  ``F``, ``K`` and ``S`` are forward, strike and spot in
  quote currency per unit of the underlying; ``T`` is in years of 365 days, ``vol`` per year,
  ``rate`` and ``yield_`` continuously compounded per year.
- Prices and Greeks are those of one long unit.  Greeks are plain derivatives: vega per 1.00 of
  volatility, rho per 1.00 of rate, theta, charm and colour per *year* of passing time.
- ``T = 0`` and ``vol = 0`` are limits, not errors: the discounted intrinsic value.  Exactly at the
  strike, `PricingStatus.AT_KINK` says that some Greeks have no limit and are given as 0.

The same inputs give the same bits on every machine; accuracy is tabulated in `docs/accuracy.md`.
The loops release the interpreter lock: a large batch may be split over threads, with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import F64
from novate.kernel.pricing import black as _black
from novate.kernel.pricing import inverse as _inverse
from novate.valuation.batch import I8, columns, shaped, shaped_status
from novate.valuation.exotic import (
    BarrierPayoff,
    BarrierState,
    FairPrices,
    Monitoring,
    TouchForm,
    Valuation,
    Volatilities,
    barrier,
    digital,
    double_barrier,
    perpetual_price,
    sabr,
    touch,
)
from novate.valuation.implied import Implied, implied_volatility, implied_volatility_inverse

__all__ = [
    "BarrierPayoff",
    "BarrierState",
    "FairPrices",
    "Forwards",
    "Greeks",
    "Implied",
    "InverseGreeks",
    "Monitoring",
    "Prices",
    "TouchForm",
    "Valuation",
    "Volatilities",
    "barrier",
    "black76",
    "digital",
    "double_barrier",
    "forward",
    "greeks",
    "implied_volatility",
    "implied_volatility_inverse",
    "inverse",
    "inverse_greeks",
    "perpetual_price",
    "sabr",
    "touch",
    "year_fraction",
]

YEAR_NS = 365 * 86_400 * 10**9
"""Nanoseconds of a year, as the venues count: 365 days (ACT/365)."""


class Prices(NamedTuple):
    """Prices, and why an element has none."""

    price: F64
    status: I8


class Forwards(NamedTuple):
    """Forwards, and why an element has none."""

    forward: F64
    status: I8


class Greeks(NamedTuple):
    """Price V and Greeks of options in quote currency per unit; D is the discount factor.

    Attributes
    ----------
    price
        V = D c (F N(c d1) - K N(c d2)), quote currency.
    delta
        dV/dF, discounted, units of the underlying: 0 to D for a call, -D to 0 for a put.  The spot
        delta is delta * F / S.
    gamma
        d2V/dF2, at least 0.
    vega
        dV/dsigma per 1.00 of volatility, at least 0.
    theta
        -dV/dT per year, forward and rate held; usually negative.
    rho
        dV/dr per 1.00 of rate, forward held: -T V.
    vanna
        d2V/dF dsigma.
    volga
        d2V/dsigma2.
    charm
        d(delta)/dt per year.
    speed
        d3V/dF3.
    colour
        d(gamma)/dt per year.
    zomma
        d3V/dF2 dsigma.
    status
        `PricingStatus` of the element.
    """

    price: F64
    delta: F64
    gamma: F64
    vega: F64
    theta: F64
    rho: F64
    vanna: F64
    volga: F64
    charm: F64
    speed: F64
    colour: F64
    zomma: F64
    status: I8


class InverseGreeks(NamedTuple):
    """Price p and Greeks of coin-settled options, in coin per coin of notional.

    Attributes
    ----------
    price
        p = c (N(c d1) - K/F N(c d2)), coin.
    delta
        dp/dF, coin per unit of quote currency: what the coin price gains as the forward rises by
        1.00.
    net_delta
        Net transaction delta, coin: black delta less p, which is c K/F N(c d2) = F dp/dF.
    gamma
        d2p/dF2; may be negative.
    vega
        dp/dsigma per 1.00 of volatility, coin.
    theta
        -dp/dT per year, coin; at most 0.
    vanna, volga, charm, speed, colour, zomma
        As in `Greeks`, of p.
    status
        `PricingStatus` of the element.
    """

    price: F64
    delta: F64
    net_delta: F64
    gamma: F64
    vega: F64
    theta: F64
    vanna: F64
    volga: F64
    charm: F64
    speed: F64
    colour: F64
    zomma: F64
    status: I8


# --- time and forward ---------------------------------------------------------------------------


def year_fraction(from_ns: npt.ArrayLike, to_ns: npt.ArrayLike) -> F64:
    """Return the years of 365 days between instants in nanoseconds since 1970 UTC.

    The difference is taken exactly, in integers.  It is negative where ``to_ns`` comes first, which
    a price then refuses as `PricingStatus.TIME_NEGATIVE`.
    """
    between = np.asarray(to_ns, np.int64) - np.asarray(from_ns, np.int64)
    years: F64 = np.true_divide(between, YEAR_NS)
    return years


def forward(
    S: npt.ArrayLike, rate: npt.ArrayLike, yield_: npt.ArrayLike, T: npt.ArrayLike
) -> Forwards:
    """Return the forward ``S exp((rate - yield_) T)`` of a spot.

    Parameters
    ----------
    S
        Spot, quote currency per unit.
    rate
        Rate of the quote currency, continuous per year.
    yield_
        Yield of the underlying (staking, lending, dividend), continuous per year.
    T
        Years to the forward's date.
    """
    shape, (spot, r, q, years) = columns(S, rate, yield_, T)
    value = np.empty(spot.size)
    _black.forward_prices(spot, r, q, years, value)
    one, none = np.ones(spot.size), np.zeros(spot.size)
    status = _status([one, spot, one, years, none, q - r])
    _run(_black.mark_overflows, value, status)
    return Forwards(shaped(shape, value), shaped_status(shape, status))


# --- European options -----------------------------------------------------------------------------


def black76(
    cp: npt.ArrayLike,
    F: npt.ArrayLike,
    K: npt.ArrayLike,
    T: npt.ArrayLike,
    vol: npt.ArrayLike,
    rate: npt.ArrayLike = 0.0,
) -> Prices:
    """Return Black-76 prices of European options on a forward, quote currency per unit.

    Source: F. Black, The pricing of commodity contracts, Journal of Financial Economics 3 (1976).
    An option on a spot is priced with `forward` of that spot.
    """
    shape, flat = columns(cp, F, K, T, vol, rate)
    price = np.empty(flat[0].size)
    _run(_black.black_prices, *flat, price)
    status = _status(flat)
    _run(_black.mark_overflows, price, status)
    return Prices(shaped(shape, price), shaped_status(shape, status))


def greeks(
    cp: npt.ArrayLike,
    F: npt.ArrayLike,
    K: npt.ArrayLike,
    T: npt.ArrayLike,
    vol: npt.ArrayLike,
    rate: npt.ArrayLike = 0.0,
) -> Greeks:
    """Return Black-76 prices and every Greek, in one pass; units and signs are those of `Greeks`.

    At ``T = 0`` or ``vol = 0`` an option away from its strike has a delta of 0 or c D, and a gamma
    of 0.  Exactly at the strike the status is AT_KINK and delta the mean of the two sides, c D / 2;
    gamma, speed, colour and zomma, and at ``T = 0`` what passing time makes of theta and charm,
    have no limit and are 0.
    """
    shape, flat = columns(cp, F, K, T, vol, rate)
    rows = np.empty((_black.GREEKS, flat[0].size))
    _run(_black.all_greeks, *flat, rows)
    status = _greek_status(flat, rows)
    return Greeks._make((*(shaped(shape, row) for row in rows), shaped_status(shape, status)))


# --- coin-settled (inverse) options ---------------------------------------------------------------


def inverse(
    cp: npt.ArrayLike,
    F: npt.ArrayLike,
    K: npt.ArrayLike,
    T: npt.ArrayLike,
    vol: npt.ArrayLike,
) -> Prices:
    """Return prices of coin-settled options in coin per coin of notional: Black-76 over F, D = 1.

    The payoff of a call is max(S - K, 0) / S coins, which is below one coin; a put pays
    max(K - S, 0) / S coins, which has no bound.
    """
    shape, flat = columns(cp, F, K, T, vol)
    price = np.empty(flat[0].size)
    _run(_inverse.inverse_prices, *flat, price)
    status = _status([*flat, np.zeros(flat[0].size)])
    _run(_black.mark_overflows, price, status)
    return Prices(shaped(shape, price), shaped_status(shape, status))


def inverse_greeks(
    cp: npt.ArrayLike,
    F: npt.ArrayLike,
    K: npt.ArrayLike,
    T: npt.ArrayLike,
    vol: npt.ArrayLike,
) -> InverseGreeks:
    """Return coin prices and Greeks in one pass; units and signs are those of `InverseGreeks`.

    Exactly at the strike, at ``T = 0`` or ``vol = 0``, the status is AT_KINK: delta, gamma and
    speed are the means of their two sides, and what has no limit is 0, as in `greeks`.
    """
    shape, flat = columns(cp, F, K, T, vol)
    rows = np.empty((_inverse.GREEKS, flat[0].size))
    _run(_inverse.inverse_greeks, *flat, rows)
    status = _greek_status([*flat, np.zeros(flat[0].size)], rows)
    return InverseGreeks._make(
        (*(shaped(shape, row) for row in rows), shaped_status(shape, status))
    )


def _run(kernel: Callable[..., None], *arguments: npt.NDArray[Any]) -> None:
    """Call a kernel on as many columns as it takes: their number is not in the type of a list."""
    kernel(*arguments)


def _status(flat: list[F64]) -> I8:
    """Return the `PricingStatus` of each element of c, F, K, T, vol, R."""
    status = np.empty(flat[0].size, np.int8)
    _run(_black.black_status, *flat, status)
    return status


def _greek_status(flat: list[F64], rows: F64) -> I8:
    """Return statuses where Greeks are asked for; an infinite price takes its Greeks with it."""
    status = _status(flat)
    if _black.mark_overflows(rows[_black.PRICE], status):
        rows[:, np.isnan(rows[_black.PRICE])] = np.nan
    _run(_black.mark_kinks, *flat[1:5], status)
    return status
