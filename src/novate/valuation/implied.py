"""Implied volatility: from option prices to volatilities, for scalars and arrays.

The kernel is `novate.kernel.pricing.implied_volatility`; its error is tabulated in
`docs/accuracy_implied.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from novate.kernel.pricing.implied_volatility import discount_factors, implied_volatilities
from novate.valuation.batch import I8, columns, shaped, shaped_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from novate.kernel.clearing.columns import F64

__all__ = ["Implied", "implied_volatility", "implied_volatility_inverse"]


class Implied(NamedTuple):
    """Volatilities, and why an element has none.

    Attributes
    ----------
    vol
        Volatility per year; NaN where there is none, 0.0 for a price without time value.
    status
        `novate.kernel.codes.PricingStatus` of the element, 0 is OK.
    """

    vol: F64
    status: I8


def implied_volatility(
    price: npt.ArrayLike,
    F: npt.ArrayLike,
    K: npt.ArrayLike,
    T: npt.ArrayLike,
    cp: npt.ArrayLike,
    rate: npt.ArrayLike = 0.0,
) -> Implied:
    """Return the Black-76 volatility at which an option is worth its price.

    Inputs broadcast against one another; results have the common shape and are numpy scalars where
    every input is one.

    Parameters
    ----------
    price
        Present price, quote currency per unit of the underlying.  The price that is paid at expiry,
        or one divided by a discount factor of its own, goes with a rate of 0.
    F, K
        Forward and strike, quote currency per unit; positive.
    T
        Years of 365 days to expiry; at least 0.
    cp
        +1 for a call, -1 for a put.
    rate
        Continuous per year; the price is discounted by exp(-rate T).

    Returns
    -------
    Implied
        A price below its discounted intrinsic value is PRICE_BELOW_INTRINSIC; exactly the intrinsic
        value, as float64 has it, is a volatility of zero.  A price that reaches its maximum (the
        discounted forward of a call, strike of a put) has no finite volatility and is
        PRICE_ABOVE_MAXIMUM, as is one above the intrinsic value at ``T = 0``.  A time value below
        2.3e-308 times the lesser of forward and strike is NOT_CONVERGED, a discount factor that is
        zero or that no float64 holds PARAMETER_OUT_OF_RANGE.  No element touches another one.

    Raises
    ------
    ValueError
        If the shapes do not fit, or something is not a number.
    """
    shape, (paid, forward, strike, years, side, r) = columns(price, F, K, T, cp, rate)
    discount = np.empty(paid.size)
    discount_factors(r, years, discount)
    return _invert(shape, side, forward, strike, years, paid, discount)


def implied_volatility_inverse(
    price: npt.ArrayLike,
    F: npt.ArrayLike,
    K: npt.ArrayLike,
    T: npt.ArrayLike,
    cp: npt.ArrayLike,
) -> Implied:
    """Return the volatility of a coin-settled option from its price in coin.

    A coin price is Black-76 without discount over the forward, so that a call is worth less than
    one coin; ``price`` is coin per coin of notional, all else is as in `implied_volatility`.
    """
    shape, (paid, forward, strike, years, side) = columns(price, F, K, T, cp)
    with np.errstate(over="ignore", invalid="ignore"):  # such a row gets its status
        value = np.multiply(paid, forward)
    return _invert(shape, side, forward, strike, years, value, np.ones(paid.size))


def _invert(shape: tuple[int, ...], *inputs: F64) -> Implied:
    """Run the kernel on side, forward, strike, years, price and discount factor."""
    vol = np.empty(inputs[0].size)
    status = np.empty(vol.size, np.int8)
    invert: Callable[..., None] = implied_volatilities
    invert(*inputs, vol, status)
    return Implied(shaped(shape, vol), shaped_status(shape, status))
