"""What the fits of slices take: quotes, bounds, and what a fit aims for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from novate.kernel.pricing.svi import wing_grid
from novate.kernel.pricing.svi_fit import RHO_MAX
from novate.market.volatility.chain import F64, I64

REACH = 40.0
"""Log-moneyness to which both wings are tested; beyond it only slopes matter."""

FIT_POINTS = 121
G_MARGIN = 2e-3
"""The least g that a fit aims for, so that a finer grid finds none below zero."""

SIGMA_MIN_SHARE = 0.05
"""Least curvature radius over the standard deviation at the money: no kinks between grid points."""

HALF_MIN = 5e-4
"""Least half spread in volatility: no quote is believed more closely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a fit makes of the room between bid and ask.

    Attributes
    ----------
    band
        Half spreads around the mid inside which a quote only pulls.
    pull
        Weight of that pull, relative to the excess beyond the band.
    lean
        Cost of a wing slope of one: where quotes leave the wings open, the flatter ones are taken.
    """

    band: float
    pull: float
    lean: float


NEAR_MID = Aim(band=0.6, pull=0.2, lean=0.5)
"""The first fit: near the mid of most quotes."""

INSIDE = Aim(band=0.9, pull=0.05, lean=0.02)
"""The last fit: between bid and ask of as many quotes as can be."""


def fit_terms(hard: float, rise: float = 0.0, aim: Aim = NEAR_MID) -> F64:
    """Return the terms of a fit as `refine_slices` takes them."""
    return np.array([G_MARGIN, rise, hard, aim.band, aim.pull, aim.lean])


@dataclass(frozen=True, slots=True, kw_only=True)
class Corridor:
    """Total variances that a slice must stay between, on a grid of log-moneyness; float64 ``[n]``.

    Zero and infinity where there is no bound.
    """

    grid: F64
    floor: F64
    ceiling: F64


def open_corridor(scale: float) -> Corridor:
    """Return the grid of a fit without bounds; ``scale`` is the standard deviation at the money."""
    grid = np.empty(FIT_POINTS)
    wing_grid(0.0, scale, REACH, grid)
    return Corridor(grid=grid, floor=np.zeros(FIT_POINTS), ceiling=np.full(FIT_POINTS, np.inf))


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceData:
    """What one slice is fitted to; float64 ``[n]``.

    Attributes
    ----------
    k, vol, half
        Log-moneyness, mid volatility, half spread in volatility.
    years
        Time to expiry.
    weight
        Of each quote's cost; None: all alike.
    """

    k: F64
    vol: F64
    half: F64
    years: float
    weight: F64 | None = None

    @property
    def weights(self) -> F64:
        """Weight of each quote, float64 ``[n]``."""
        return np.ones(len(self.k)) if self.weight is None else self.weight

    @property
    def scale(self) -> float:
        """Standard deviation to expiry of the quote that is nearest to the money."""
        nearest = int(np.argmin(np.abs(self.k)))
        return float(self.vol[nearest]) * math.sqrt(self.years)


def bounds(data: SliceData) -> tuple[F64, F64]:
    """Return the least and largest parameters that a fit may reach."""
    scale = data.scale
    low, high = float(data.k.min()), float(data.k.max())
    reach = max(high - low, 2.0 * scale)
    top = float((data.vol**2).max()) * data.years
    lower = np.array([-10.0 * top, 0.0, -RHO_MAX, low - reach, SIGMA_MIN_SHARE * scale])
    upper = np.array([2.0 * top, 2.0, RHO_MAX, high + reach, 3.0 * reach + 10.0 * scale])
    return lower, upper


def kernel_arrays(
    data: Sequence[SliceData], corridors: Sequence[Corridor], scales: Sequence[F64]
) -> tuple[F64, I64, F64, F64, F64]:
    """Return quotes, starts, years, grid and bounds as `refine_slices` takes them."""
    quotes = np.stack(
        [
            np.concatenate([one.k for one in data]),
            np.concatenate([one.vol for one in data]),
            np.maximum(np.concatenate([one.half for one in data]), HALF_MIN),
            np.concatenate([one.weights for one in data]),
        ]
    )
    starts = np.concatenate([[0], np.cumsum([len(one.k) for one in data])]).astype(np.int64)
    grid = np.stack([one.grid for one in corridors])
    bounds = np.stack(
        [
            np.stack([one.floor for one in corridors]),
            np.stack([one.ceiling for one in corridors]),
            np.stack(list(scales)),
        ]
    )
    return quotes, starts, np.array([one.years for one in data]), grid, bounds
