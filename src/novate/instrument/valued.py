"""What every instrument of the catalogue shares: a market, a valuation, and checked terms.

Terms are fixed when a contract is made, so a wrong one raises `InputError`, which names the value
and what is allowed.  A market moves, so a wrong element of it gives NaN and a `PricingStatus` and
leaves the others alone.  Terms and market may be scalars or arrays that broadcast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from novate.errors import InputError
from novate.kernel.pricing.black import (
    CHARM,
    COLOUR,
    DELTA,
    GAMMA,
    GREEKS,
    RHO,
    SPEED,
    THETA,
    VANNA,
    ZOMMA,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from novate.kernel.clearing.columns import F64, I8

Number = npt.ArrayLike
"""A scalar or an array of numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What an instrument is valued under; every field broadcasts against the terms.

    Attributes
    ----------
    spot
        Index price of the underlying, quote currency per unit.
    years
        Time to expiry in years of 365 days; instruments without expiry ignore it.
    vol
        Lognormal volatility per year; instruments without optionality ignore it.
    rate, yield_
        Continuously compounded per year: the forward is ``spot * exp((rate - yield_) * years)``.
    is_forward_held
        What theta, charm, colour and rho hold besides the spot: the forward, as books do, or the
        yield.  One answer for all elements.
    """

    spot: Number
    years: Number = 0.0
    vol: Number = 0.0
    rate: Number = 0.0
    yield_: Number = 0.0
    is_forward_held: bool = False


class Valuation(NamedTuple):
    """Price and Greeks of one long unit, in the settlement currency; NaN where status is not OK.

    Attributes
    ----------
    price
        V, quote currency or, settled in coin, coins.
    delta, gamma
        dV/dS and d2V/dS2 by spot, F/S held.
    vega
        dV/dvol per 1.00 of volatility.
    theta
        -dV/dT per year of passing time, spot held, and the yield or the forward (see `Market`).
    rho
        dV/drate per 1.00, spot held, and the yield or the forward.
    vanna, volga
        d2V/dS dvol and d2V/dvol2.
    charm
        -d2V/dS dT per year of passing time; holds what theta holds.
    speed
        d3V/dS3.
    colour
        -d3V/dS2 dT per year of passing time; holds what theta holds.
    zomma
        d3V/dS2 dvol.
    status
        `novate.kernel.codes.PricingStatus` per element.
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


class Instrument(Protocol):
    """Frozen terms with one pricing call."""

    name: ClassVar[str]

    def value(self, market: Market) -> Valuation:
        """Value one long unit of each element."""
        ...


def real(value: npt.ArrayLike) -> F64:
    """Return numbers as float64.

    Raises
    ------
    ValueError
        If something is complex, or no number.
    """
    try:
        if np.asarray(value).dtype.kind != "c":
            return np.asarray(value, np.float64)
    except TypeError as error:
        raise ValueError(f"{error}; allowed: real numbers") from error
    raise ValueError("complex numbers; allowed: real ones")


def check(term: str, value: Number, holds: Callable[[F64], Any], allowed: str) -> None:
    """Raise unless every element of a term is finite and passes.

    Raises
    ------
    InputError
        With the first offending value and what is allowed.
    """
    array = np.atleast_1d(real(value))
    good = np.isfinite(array) & np.asarray(holds(array), np.bool_)
    if not good.all():
        place = int(np.argmin(good.reshape(-1)))
        offending = float(array.reshape(-1)[place])
        raise InputError(f"{term} {offending!r} (element {place}); allowed: {allowed}")


def check_side(term: str, value: Number) -> None:
    """Raise unless every element is +1 or -1."""
    check(term, value, lambda x: np.abs(x) == 1.0, "+1 or -1")


def check_positive(term: str, value: Number) -> None:
    """Raise unless every element is a positive finite number."""
    check(term, value, lambda x: x > 0.0, "a finite number above 0")


def check_not_negative(term: str, value: Number) -> None:
    """Raise unless every element is a finite number of at least 0."""
    check(term, value, lambda x: x >= 0.0, "a finite number of at least 0")


def check_flag(term: str, value: Number) -> None:
    """Raise unless every element is true or false."""
    check(term, value, lambda x: x * (1.0 - x) == 0.0, "True or False")


def check_code(term: str, value: Number, codes: type[Any]) -> None:
    """Raise unless every element is a member of an IntEnum."""
    members = [int(code) for code in codes]
    names = ", ".join(f"{code.name} ({int(code)})" for code in codes)
    check(term, value, lambda x: np.isin(x, members), names)


def matrix(*rows: Number) -> tuple[tuple[int, ...], F64]:
    """Broadcast inputs into the rows of one matrix.

    Returns
    -------
    tuple
        The common shape, and float64 ``[len(rows), elements]``, C-contiguous.
    """
    arrays = [real(row) for row in rows]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    at = np.empty((len(rows), *shape))
    for place, array in enumerate(arrays):
        at[place] = array
    return shape, at.reshape(len(rows), -1)


def valuation(shape: tuple[int, ...], rows: F64, status: I8) -> Valuation:
    """Give the rows of Greeks and the statuses the common shape; scalars where it is ()."""
    shaped = [row.reshape(shape)[()] for row in rows]
    return Valuation._make((*shaped, status.reshape(shape)[()]))


def valued(fill: Callable[..., Any], shape: tuple[int, ...], at: F64, *held: bool) -> Valuation:
    """Run a kernel that fills ``out[GREEKS, n]`` and ``status[n]`` from the matrix of inputs.

    ``held`` is what a kernel of Greeks by spot is told of `Market.is_forward_held`.
    """
    out = np.empty((GREEKS, at.shape[1]))
    status = np.empty(at.shape[1], np.int8)
    fill(at, *held, out, status)
    return valuation(shape, out, status)


def by_spot(rows: F64, spot: F64, forward: F64, years: F64, carry: F64, *, held: bool) -> F64:
    """Turn Greeks by forward (rate held) into Greeks by spot, in place.

    The forward is spot * exp(carry * years): dV/dS = dV/dF F/S.  Where the forward is not
    ``held``, what holds the spot lets it drift by carry with time and by years with the rate.
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        if not held:
            rows[THETA] -= forward * rows[DELTA] * carry
            rows[RHO] += forward * rows[DELTA] * years
            rows[CHARM] -= (rows[DELTA] + forward * rows[GAMMA]) * carry
            rows[COLOUR] -= (2.0 * rows[GAMMA] + forward * rows[SPEED]) * carry
        per_spot = forward / spot
        for power, names in (
            (1, (DELTA, VANNA, CHARM)),
            (2, (GAMMA, COLOUR, ZOMMA)),
            (3, (SPEED,)),
        ):
            for name in names:
                rows[name] *= per_spot**power
    return rows
