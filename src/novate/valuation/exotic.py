"""Prices and Greeks beyond calls and puts, for scalars and arrays.

Conventions of every function here:

- Inputs broadcast against one another.  Results are float64 of the common shape, scalars where
  every input is one, with one `novate.kernel.codes.PricingStatus` (int8) per element: 0 is OK.  An
  element that has no price is NaN and says why; it never raises and never touches another one.
- ``cp`` is +1 for a call and -1 for a put.  ``S`` and ``F`` are spot and forward, ``K`` and ``H``
  strike and barrier in quote currency per unit; ``T`` is in years of 365 days, ``vol`` per year,
  ``rate`` and ``yield_`` continuously compounded per year.
- Prices and Greeks are those of one long unit: in the quote currency or, with ``in_coin``, in coin.
  Vega is per 1.00 of volatility, rho per 1.00 of rate, theta per *year* of passing time.
- ``T = 0`` and ``vol = 0`` are limits, not errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from novate.instrument.digital import TouchForm
from novate.instrument.valued import Valuation, matrix, valued
from novate.kernel.codes import BarrierPayoff, BarrierState, Monitoring
from novate.kernel.pricing.barrier_greeks import barrier_greeks
from novate.kernel.pricing.digital import digital_greeks
from novate.kernel.pricing.double_barrier import double_barrier_greeks
from novate.kernel.pricing.perpetual import perpetual_values
from novate.kernel.pricing.sabr import sabr_volatilities

if TYPE_CHECKING:
    from novate.instrument.valued import Number
    from novate.kernel.clearing.columns import F64, I8

__all__ = [
    "BarrierPayoff",
    "BarrierState",
    "FairPrices",
    "Monitoring",
    "TouchForm",
    "Valuation",
    "Volatilities",
    "barrier",
    "digital",
    "double_barrier",
    "perpetual_price",
    "sabr",
    "touch",
]


class FairPrices(NamedTuple):
    """Fair prices of perpetuals.

    Attributes
    ----------
    price
        f, quote currency per unit.
    delta
        df/dS = f/S.
    basis
        f/S - 1.
    status
        `PricingStatus` per element.
    """

    price: F64
    delta: F64
    basis: F64
    status: I8


class Volatilities(NamedTuple):
    """Lognormal volatilities per year, and why an element has none."""

    vol: F64
    status: I8


def digital(  # noqa: PLR0913 - the terms of a formula are its arguments
    cp: Number,
    *,
    F: Number,
    K: Number,
    T: Number,
    vol: Number,
    rate: Number = 0.0,
    amount: Number = 1.0,
    pays_asset: Number = False,
    in_coin: Number = False,
) -> Valuation:
    """Return price and Greeks of a European digital; Greeks by *forward*, rate held.

    ``amount`` is quote currency, or units of the underlying where ``pays_asset``.  See
    `novate.kernel.pricing.digital` for the formulas.

    Examples
    --------
    >>> digital(-1, F=100.0, K=80.0, T=0.75, vol=0.35, rate=0.06, amount=10.0).price.round(3)
    np.float64(2.671)
    """
    shape, at = matrix(cp, pays_asset, in_coin, amount, F, K, T, vol, rate)
    return valued(digital_greeks, shape, at)


def barrier(  # noqa: PLR0913 - the terms of a formula are its arguments
    cp: Number,
    *,
    direction: Number,
    is_in: Number,
    S: Number,
    K: Number,
    H: Number,
    T: Number,
    vol: Number,
    monitoring: Number,
    rate: Number = 0.0,
    yield_: Number = 0.0,
    interval: Number = 0.0,
    rebate: Number = 0.0,
    payoff: Number = BarrierPayoff.VANILLA,
    amount: Number = 1.0,
    in_coin: Number = False,
    state: Number = BarrierState.ALIVE,
) -> Valuation:
    """Return price and Greeks by spot of an option with one barrier.

    ``direction`` is +1 (up) or -1 (down); ``monitoring`` has no default, because it makes another
    product; ``interval`` is the years between observations of a schedule.  See
    `novate.kernel.pricing.barrier` for rebates, states, settlement in coin and limits.

    Examples
    --------
    >>> terms = {"direction": -1, "monitoring": Monitoring.CONTINUOUS, "rebate": 3.0}
    >>> market = {"S": 100.0, "K": 90.0, "T": 0.5, "vol": 0.25, "rate": 0.08, "yield_": 0.04}
    >>> barrier(1, is_in=[False, True], H=95.0, **terms, **market).price.round(4)
    array([9.0246, 7.7627])
    """
    shape, at = matrix(
        cp, direction, is_in, payoff, S, K, H, amount, rebate, T, vol, rate, yield_, monitoring,
        interval, state, in_coin,
    )  # fmt: skip
    return valued(barrier_greeks, shape, at, False)


def touch(  # noqa: PLR0913 - the terms of a formula are its arguments
    direction: Number,
    *,
    S: Number,
    H: Number,
    T: Number,
    vol: Number,
    form: Number,
    rate: Number = 0.0,
    yield_: Number = 0.0,
    amount: Number = 1.0,
    pays_asset: Number = False,
    monitoring: Number = Monitoring.CONTINUOUS,
    interval: Number = 0.0,
    state: Number = BarrierState.ALIVE,
) -> Valuation:
    """Return price and Greeks by spot of a one-touch or no-touch; ``form`` is a `TouchForm`.

    Examples
    --------
    >>> terms = {"S": 95.0, "H": 100.0, "T": 0.5, "vol": 0.2, "rate": 0.1, "amount": 15.0}
    >>> touch(1, form=[TouchForm.AT_HIT, TouchForm.AT_EXPIRY], **terms).price.round(4)
    array([11.6553, 11.2223])
    """
    codes, size = np.asarray(form, np.float64), np.asarray(amount, np.float64)
    is_hit = codes == TouchForm.AT_HIT
    is_asset = np.asarray(pays_asset, np.float64)
    payoff = BarrierPayoff.CASH_ANYWHERE + is_asset  # a flag that is neither becomes no payoff
    # A form that does not exist becomes a flag that does not exist.
    is_in = np.where(is_hit, 0.0, TouchForm.NO_TOUCH - codes)
    shape, at = matrix(
        1.0, direction, is_in, payoff, S, H, H, np.where(is_hit, 0.0, size),
        np.where(is_hit, size, 0.0), T, vol, rate, yield_, monitoring, interval, state, 0.0,
    )  # fmt: skip
    return valued(barrier_greeks, shape, at, False)


def double_barrier(  # noqa: PLR0913 - the terms of a formula are its arguments
    cp: Number,
    *,
    is_in: Number,
    S: Number,
    K: Number,
    lower: Number,
    upper: Number,
    T: Number,
    vol: Number,
    rate: Number = 0.0,
    yield_: Number = 0.0,
    in_coin: Number = False,
    state: Number = BarrierState.ALIVE,
) -> Valuation:
    """Return price and Greeks by spot of an option with two barriers, watched continuously.

    Examples
    --------
    >>> market = {"S": 100.0, "K": 100.0, "T": 0.25, "vol": 0.15, "rate": 0.1}
    >>> double_barrier(1, is_in=False, lower=50.0, upper=150.0, **market).price.round(4)
    np.float64(4.3515)
    """
    shape, at = matrix(cp, is_in, S, K, lower, upper, T, vol, rate, yield_, state, in_coin)
    return valued(double_barrier_greeks, shape, at, False)


def perpetual_price(  # noqa: PLR0913 - the terms of a formula are its arguments
    *,
    S: Number,
    funding: Number,
    interest: Number = 0.0,
    rate: Number = 0.0,
    yield_: Number = 0.0,
    period_years: Number = 0.0,
    form: Number = 0,
    is_at_end: Number = False,
    covariance: Number = 0.0,
) -> FairPrices:
    """Return the fair price of a perpetual: ``form`` 0 linear, 1 inverse, 2 quanto.

    The long pays ``funding * (f - S) + interest * S`` per period of ``period_years`` or, at 0, per
    year continuously.  See `novate.kernel.pricing.perpetual`.

    Examples
    --------
    >>> perpetual_price(S=1e4, funding=0.2, interest=0.005, rate=0.04, yield_=0.02).price.round(4)
    np.float64(10833.3333)
    """
    shape, at = matrix(
        form, S, rate, yield_, funding, interest, period_years, is_at_end, covariance
    )
    out, status = np.empty((3, at.shape[1])), np.empty(at.shape[1], np.int8)
    perpetual_values(at, out, status)
    price, delta, basis = (row.reshape(shape)[()] for row in out)
    return FairPrices(price, delta, basis, status.reshape(shape)[()])


def sabr(  # noqa: PLR0913 - the terms of a formula are its arguments
    *,
    F: Number,
    K: Number,
    T: Number,
    alpha: Number,
    beta: Number,
    rho: Number,
    nu: Number,
) -> Volatilities:
    """Return Hagan's lognormal SABR volatility; see `novate.kernel.pricing.sabr` for its range.

    Examples
    --------
    >>> sabr(F=0.039, K=0.03, T=1.0, alpha=0.3, beta=0.6, rho=0.01, nu=0.02).vol.round(8)
    np.float64(1.16725837)
    """
    shape, at = matrix(F, K, T, alpha, beta, rho, nu)
    vol, status = np.empty(at.shape[1]), np.empty(at.shape[1], np.int8)
    sabr_volatilities(at[0], at[1], at[2], at[3], at[4], at[5], at[6], vol, status)
    return Volatilities(vol.reshape(shape)[()], status.reshape(shape)[()])
