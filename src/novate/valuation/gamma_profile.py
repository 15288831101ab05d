"""A book over a ladder of spots: value, delta, gamma and vega, and where gamma changes its sign.

Spot and forward move together (F/S held), no time passes, rates and prices of settlement assets
stay, except those that are the spot or its inverse (see `novate.valuation.holding`).  What
volatility does is a declared rule:

- *sticky strike*: each contract keeps its volatility;
- *sticky delta* (sticky moneyness): the smile moves with the forward.  A contract's volatility is
  read off the smile of its expiry at its new ln(K/F); the smile runs through the volatilities of
  the contracts that are given, monotone and smooth between strikes and flat beyond the outermost;
  where a fitted surface is given, it is the surface's.

A barrier that a spot of the ladder lies beyond counts as touched there.

Delta and gamma are total derivatives of the worth in reporting currency to spot *under the rule*:
under sticky delta they contain what volatility does as spot moves.  The bend of a smile through
contracts is taken over a tenth of a per cent of spot either way, see `monotone_cubic`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from novate.errors import InputError
from novate.kernel.clearing.columns import F64, I64
from novate.market.volatility.surface import Surface
from novate.valuation.fitted_smile import fitted_volatilities
from novate.valuation.holding import Contracts, Kind, Market, UnitRisk, moved_prices, unit_risk

STEP = 1e-3
"""Move of ln(K/F) either way over which a smile's bend is taken: a tenth of a per cent of spot."""

BISECTIONS = 60
"""Halvings of a bracket: from any ladder to the last bit."""


class Sticky(IntEnum):
    """What volatility does while spot moves."""

    STRIKE = 1
    DELTA = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaProfile:
    """A book over a ladder of spots, reporting currency.

    Attributes
    ----------
    spot
        The ladder, quote currency, ``[n]``.
    value
        Worth of the book.
    delta
        d(value)/dS under the rule, per 1.00 of spot.
    gamma
        d(delta)/dS under the rule.
    vega
        Per 1.00 of volatility, all volatilities together.
    zero_gamma
        Spots inside the ladder at which gamma changes its sign, increasing; empty if it does not.
    unpriced
        Contracts with a quantity that have no price and are left out.
    """

    spot: F64
    value: F64
    delta: F64
    gamma: F64
    vega: F64
    zero_gamma: F64
    unpriced: int


def moved(contracts: Contracts, market: Market, spot: float, vol: F64) -> Market:
    """Return the market after spot moved to one price, with F/S held and volatilities given."""
    ratio = spot / market.spot
    return replace(
        market,
        spot=np.full(len(market), spot),
        forward=market.forward * ratio,
        vol=vol,
        settlement_price=moved_prices(contracts, market, ratio),
    )


def sticky_delta(contracts: Contracts, market: Market, ratio: float) -> tuple[F64, F64, F64]:
    """Return volatilities after spot rose by a ratio, and their two derivatives to ln(spot).

    See the rule above, and `monotone_cubic`.  Of several contracts at a strike the first one gives
    the smile its volatility.  European options make the smile, or exotics where an expiry has no
    others.
    """
    vol = market.vol.copy()
    first, second = np.zeros((2, len(market)))
    is_quoted = contracts.kind == Kind.EUROPEAN
    is_option = is_quoted | (contracts.kind == Kind.VALUED)
    has_smile = (contracts.strike > 0.0) & (market.forward > 0.0) & np.isfinite(market.vol)
    rows = np.flatnonzero(is_option & has_smile)
    moneyness = np.log(contracts.strike[rows] / market.forward[rows])
    for expiry in np.unique(contracts.expiry_ns[rows]):
        is_here = contracts.expiry_ns[rows] == expiry
        here, x = rows[is_here], moneyness[is_here]
        own = is_quoted[here]
        among = np.flatnonzero(own) if own.any() else np.arange(here.size)
        nodes, place = np.unique(x[among], return_index=True)
        quoted = market.vol[here[among[place]]]
        smile = monotone_cubic(nodes, quoted, x - np.log(ratio))
        # An exotic keeps what its volatility is above the smile.
        above = market.vol[here] - monotone_cubic(nodes, quoted, x)[0]
        vol[here] = np.where(own, smile[0], np.maximum(smile[0] + above, 0.0))
        first[here], second[here] = -smile[1], smile[2]
    return vol, first, second


def monotone_cubic(x: F64, y: F64, at: F64) -> tuple[F64, F64, F64]:
    """Return the curve through points, and its first and second derivative, at other places.

    Cubic Hermite pieces between increasing ``x`` whose slopes at the points are weighted harmonic
    means of the neighbouring slopes, zero where those differ in sign and at both ends (Fritsch and
    Butland, SIAM J. Sci. Stat. Comput. 5, 1984): the curve never leaves the range of its two
    neighbours, so that a positive volatility stays positive.  Flat beyond the ends.

    The slope of such a curve has corners at its points, where today every contract is.  Its second
    derivative is therefore the central difference of the slope over `STEP` either way: that of both
    sides at a point, going over continuously into that of each piece, of which it is exact.
    """
    value, first = _hermite(x, y, at)
    after, before = (_hermite(x, y, at + step)[1] for step in (STEP, -STEP))
    return value, first, (after - before) / (2.0 * STEP)


def _hermite(x: F64, y: F64, at: F64) -> tuple[F64, F64]:
    """Return value and slope of the curve of `monotone_cubic`."""
    if x.size == 1:
        return np.full(at.size, y[0]), np.zeros(at.size)
    h, rise = np.diff(x), np.diff(y) / np.diff(x)
    slope = np.zeros(x.size)
    left, right = 2.0 * h[1:] + h[:-1], h[1:] + 2.0 * h[:-1]
    bends = np.flatnonzero(rise[1:] * rise[:-1] > 0.0)
    slope[bends + 1] = (left + right)[bends] / (
        left[bends] / rise[bends] + right[bends] / rise[bends + 1]
    )
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.size - 2)
    t = np.clip(at, x[0], x[-1]) - x[k]
    is_inside = (at > x[0]) & (at < x[-1])
    b = (3.0 * rise[k] - 2.0 * slope[k] - slope[k + 1]) / h[k]
    c = (slope[k] + slope[k + 1] - 2.0 * rise[k]) / (h[k] * h[k])
    value: F64 = y[k] + t * (slope[k] + t * (b + t * c))
    value = np.where(at >= x[-1], y[-1], np.where(at <= x[0], y[0], value))
    first = np.where(is_inside, slope[k] + t * (2.0 * b + 3.0 * t * c), 0.0)
    return value, first


def gamma_profile(
    contracts: Contracts,
    market: Market,
    quantity: F64,
    spots: npt.ArrayLike,
    *,
    sticky: Sticky = Sticky.STRIKE,
    surface: Surface | None = None,
) -> GammaProfile:
    """Value a book on one underlying over a ladder of spots, and find its zero-gamma levels.

    Parameters
    ----------
    contracts, market
        Contracts of one underlying, and where they are now.
    quantity
        Net quantity of each contract, positive = long, float64 ``[contracts]``.
    spots
        Increasing positive prices, at least two.
    sticky
        What volatility does.
    surface
        Fitted surface of the underlying.  Options have its volatilities in place of the market's,
        and under *sticky delta* move along its smiles.

    Raises
    ------
    InputError
        If there is more than one underlying, or the ladder does not increase from above zero.
    """
    ladder = np.asarray(spots, np.float64)
    if ladder.ndim != 1 or ladder.size < 2 or not (np.diff(ladder, prepend=0.0) > 0.0).all():
        raise InputError("spots do not increase from above zero; allowed: at least two that do")
    if np.unique(contracts.underlying).size > 1:
        raise InputError("more than one underlying; allowed: contracts of one")
    book = _Book(contracts, market, quantity, sticky, surface)
    value, delta, gamma, vega = np.array([book.at(float(spot)) for spot in ladder]).T
    return GammaProfile(
        spot=ladder,
        value=value,
        delta=delta,
        gamma=gamma,
        vega=vega,
        zero_gamma=_zeros(book, ladder, gamma),
        unpriced=book.unpriced,
    )


class _Book:
    """A book that can be asked for its worth at a spot."""

    def __init__(
        self,
        contracts: Contracts,
        market: Market,
        quantity: F64,
        sticky: Sticky,
        surface: Surface | None,
    ) -> None:
        if surface is not None:
            market = replace(market, vol=fitted_volatilities(contracts, market, surface)[0])
        self.contracts, self.market, self.sticky = contracts, market, sticky
        self.surface = surface
        is_valued = unit_risk(contracts, market).is_priced
        self.unpriced = int((~is_valued & (quantity != 0.0)).sum())
        self.quantity = np.where(is_valued, quantity, 0.0)
        self.is_priced = is_valued

    def at(self, spot: float) -> tuple[float, float, float, float]:
        """Return value, delta, gamma and vega at a spot."""
        vol = self.market.vol
        first, second = np.zeros((2, len(vol)))
        if self.sticky == Sticky.DELTA:
            # One underlying has one spot; a contract without a price has none that could differ.
            now = self.market.spot[self.is_priced]
            ratio = spot / float(now[0]) if now.size else 1.0
            vol, first, second = (
                sticky_delta(self.contracts, self.market, ratio)
                if self.surface is None
                else fitted_volatilities(self.contracts, self.market, self.surface, ratio)
            )
        there = moved(self.contracts, self.market, spot, vol)
        risk = unit_risk(self.contracts, there, touches=True)
        rows = total_derivatives(risk, first, second, spot)
        value, delta, gamma, vega = np.where(self.is_priced, rows, 0.0) @ self.quantity
        return float(value), float(delta), float(gamma), float(vega)


def total_derivatives(risk: UnitRisk, first: F64, second: F64, spot: float) -> F64:
    """Return value, delta, gamma and vega ``[4, n]`` while volatility moves with ln(spot).

    With sigma' = first / S and sigma'' = (second - first) / S^2: delta = w_S + w_sigma sigma';
    gamma = w_SS + 2 w_S,sigma sigma' + w_sigma,sigma sigma'^2 + w_sigma sigma''.
    """
    slope, bend = first / spot, (second - first) / (spot * spot)
    vega = risk["vega"]
    gamma = risk["gamma"] + 2.0 * risk["vanna"] * slope + risk["volga"] * slope * slope
    return np.array([risk["value"], risk["delta"] + vega * slope, gamma + vega * bend, vega])


def _zeros(book: _Book, ladder: F64, gamma: F64) -> F64:
    """Halve every step of the ladder over which gamma changes its sign."""
    found = [float(spot) for spot, g in zip(ladder[1:-1], gamma[1:-1], strict=True) if g == 0.0]
    signs: I64 = np.sign(gamma).astype(np.int64)
    # A gamma of zero beside zeros is a book without options there, not a level.
    found = found if signs.any() else []
    for k in np.flatnonzero(signs[1:] * signs[:-1] < 0):
        low, high, sign = float(ladder[k]), float(ladder[k + 1]), signs[k]
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            if np.sign(book.at(middle)[2]) == sign:
                low = middle
            else:
                high = middle
        found.append(0.5 * (low + high))
    return np.array(sorted(found))
