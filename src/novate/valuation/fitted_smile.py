"""Volatilities of contracts read off a fitted surface, and how they move with its forward.

A contract is read at its own ln(K/F) and time to expiry; total variance is linear in time between
the expiries of the surface at equal moneyness, as `Surface` states.  The smile is smooth and goes
on beyond the outermost strike, unlike one through the volatilities of the contracts themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from novate.kernel.clearing.columns import F64
from novate.kernel.pricing.svi import log_ratios
from novate.market.volatility.surface import Surface
from novate.valuation.holding import Contracts, Kind, Market, years_to_expiry


def smile_at(surface: Surface, k: F64, years: float) -> tuple[F64, F64, F64]:
    """Return volatility per year at log-moneyness ``k[n]``, and its two derivatives to k.

    ``years`` is positive and counts from where the contract is valued.
    """
    times = [one.years for one in surface.slices]
    right = int(np.searchsorted(times, years))
    if right == 0 or right == len(times):
        end = surface.slices[min(right, len(times) - 1)]
        w = end.raw.derivatives(k) / end.years
    else:
        early, late = surface.slices[right - 1], surface.slices[right]
        share = (years - early.years) / (late.years - early.years)
        w = (1.0 - share) * early.raw.derivatives(k) + share * late.raw.derivatives(k)
        w /= years
    vol = np.sqrt(w[0])
    first = w[1] / (2.0 * vol)
    return vol, first, (0.5 * w[2] - first * first) / vol


def fitted_volatilities(
    contracts: Contracts, market: Market, surface: Surface, ratio: float = 1.0
) -> tuple[F64, F64, F64]:
    """Return volatilities after spot rose by a ratio, and their two derivatives to ln(spot).

    The smile moves with the forward, F/S held: the volatility of an option is that of the surface
    at ln(K/(ratio F)).  Other contracts, and options that are over or have no forward, keep theirs,
    with derivatives of zero.
    """
    vol = market.vol.copy()
    first, second = np.zeros((2, len(market)))
    years = years_to_expiry(contracts, market.as_of_ns)
    has_smile = (contracts.strike > 0.0) & (market.forward > 0.0) & (years > 0.0)
    rows = np.flatnonzero((contracts.kind == Kind.EUROPEAN) & has_smile)
    k = np.empty(len(rows))
    log_ratios(contracts.strike[rows], market.forward[rows] * ratio, k)
    for time in np.unique(years[rows]).tolist():
        is_here = years[rows] == time
        here = rows[is_here]
        found = smile_at(surface, k[is_here], time)
        vol[here], first[here], second[here] = found[0], -found[1], found[2]
    return vol, first, second


def with_surfaces(contracts: Contracts, market: Market, surfaces: Mapping[int, Surface]) -> Market:
    """Return the market with the volatilities of fitted surfaces.

    Parameters
    ----------
    contracts, market
        Contracts, and where they are.
    surfaces
        By underlying; an underlying without one keeps the volatilities of ``market``.

    Notes
    -----
    `moves` between two such markets explains a profit by what the *surfaces* did: ``vega`` is the
    move of the fitted volatility of each contract.
    """
    vol = market.vol.copy()
    for underlying, surface in surfaces.items():
        rows = np.flatnonzero(contracts.underlying == underlying)
        vol[rows] = fitted_volatilities(contracts.take(rows), market.take(rows), surface)[0]
    return replace(market, vol=vol)
