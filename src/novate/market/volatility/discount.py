"""The discount factor that put-call parity implies, with its error, and whether it is used.

Let D be what one unit of the chain's price unit at expiry is worth today, in that unit.  With x =
K/F and prices in shares of F (quote unit) or in coin (coin unit)

    quote unit   (C - P)/F = D - D x          a call less a put pays S - K in quote currency
    coin unit     C - P    = D - D' x         it pays 1 - K/S in coin

In the coin unit 1 coin at expiry is worth D coin.  K/S coin at expiry buy K units of quote currency
then, worth K times the quote currency's factor today, or D K/F coin at the forward F of the coin:
so D' = D when F is right.  Where the F used is wrong by a share e, both equations still are lines
in x: the *slope* is -D in the quote unit whatever F is, and the *intercept* is D in the coin unit.
That is what is read off, so that no forward is assumed.

The line is fitted to the middles of the parity intervals by weights of one over their squared half
widths, robustly.  A value lies anywhere inside its interval, so that errors are stated with the
larger of the scatter found and that of a uniform error, 1/sqrt(3) half widths.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from novate.kernel.pricing.parity_line import (
    INTERCEPT,
    INTERCEPT_ERROR,
    SLOPE,
    SLOPE_ERROR,
    parity_line,
)
from novate.kernel.pricing.special import log
from novate.market.volatility.chain import F64, PriceUnit

UNIFORM = 1.0 / math.sqrt(3.0)
"""Standard deviation of a uniform error, in half widths."""

HALF_MIN = 1e-7
"""Least half width, in shares of the forward."""


class DiscountReason(IntEnum):
    """Whether the implied factor is used, and why not; in the order in which it is tested."""

    IMPLIED = 0  # used: significantly different from the given one
    FEW_STRIKES = 1  # with call and put quoted
    IMPRECISE = 2  # the standard error is too large to say anything
    INSIGNIFICANT = 3  # within a few standard errors of the given factor, which is kept
    ABSURD = 4  # a rate that nobody pays: the quotes are wrong, not the factor


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountTerms:
    """When an implied factor is used.

    Attributes
    ----------
    strikes_min
        Strikes with call and put quoted.
    error_max
        Largest standard error.
    deviations_min
        Least distance from the given factor in standard errors.
    rate_max
        Largest size of -ln D per year.
    """

    strikes_min: int = 6
    error_max: float = 0.01
    deviations_min: float = 4.0
    rate_max: float = 0.5


@dataclass(frozen=True, slots=True)
class ImpliedDiscount:
    """What parity implies: the factor, its standard error (NaN without), the strikes, the verdict.

    ``used`` is the factor to discount with.
    """

    value: float
    error: float
    strikes: int
    reason: DiscountReason
    used: float


def imply_discount(
    unit: PriceUnit, x: F64, low: F64, high: F64, years: float, given: float, terms: DiscountTerms
) -> ImpliedDiscount:
    """Return the discount factor of one expiry.

    Parameters
    ----------
    unit
        Price unit of the chain.
    x
        Float64 ``[n]``: strikes over a forward; in a coin chain any forward of the expiry will do.
    low, high
        Float64 ``[n]``: least and largest call less put, in coin or in shares of that forward.
    years
        Time to expiry.
    given
        Factor to keep unless the implied one is significantly different.
    terms
        Limits.
    """
    count = len(x)
    if count < max(terms.strikes_min, 3):
        return ImpliedDiscount(math.nan, math.nan, count, DiscountReason.FEW_STRIKES, given)
    line = np.empty(5)
    half = np.maximum(0.5 * (high - low), HALF_MIN)
    parity_line(x, 0.5 * (low + high), half, UNIFORM, np.empty(count), line)
    is_coin = unit is PriceUnit.COIN
    value = float(line[INTERCEPT]) if is_coin else -float(line[SLOPE])
    error = float(line[INTERCEPT_ERROR if is_coin else SLOPE_ERROR])
    if not error <= terms.error_max:
        reason = DiscountReason.IMPRECISE
    elif abs(value - given) <= terms.deviations_min * error:
        reason = DiscountReason.INSIGNIFICANT
    elif not (value > 0.0 and abs(log(value)) <= terms.rate_max * years):
        reason = DiscountReason.ABSURD
    else:
        reason = DiscountReason.IMPLIED
    used = value if reason is DiscountReason.IMPLIED else given
    return ImpliedDiscount(value, error, count, reason, used)
