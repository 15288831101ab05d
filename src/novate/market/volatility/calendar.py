"""Calendar arbitrage between expiries: where it is, and its repair.

At equal forward log-moneyness k total variance must not fall from one expiry to the next.  Two raw
SVI slices are compared on both of their test grids, 40 units of log-moneyness into either wing, and
by the slopes of their wings, which decide everything beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from novate.kernel.pricing.svi_fit import refine_slices
from novate.market.volatility.slice_data import (
    NEAR_MID,
    Aim,
    Corridor,
    SliceData,
    bounds,
    fit_terms,
    kernel_arrays,
    open_corridor,
)
from novate.market.volatility.svi import (
    HARDNESS,
    STEPS_MAX,
    RawSvi,
    check_butterfly,
    check_points,
    fit_raw,
    quote_cost,
    raw_from,
    settle_butterfly,
)

FLOOR_MARGIN = 1e-5
"""Share of the earlier variance by which a fit aims to stay above it."""

JOINT_HARDNESS = (1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6)
"""Weights of the hinges of the joint fit, in turn; at 1e4 one per cent of variance costs one."""

LIFTS = 8

NEAR = 0.05
"""Half spreads a quote by which a lift alone may move a slice before a refit is tried."""


@dataclass(frozen=True, slots=True)
class CalendarCheck:
    """Least gap of total variance from an expiry to the next, where it is, and that of slopes."""

    least: float
    at: float
    slope: float

    @property
    def holds(self) -> bool:
        """Whether total variance never falls."""
        return self.least >= 0.0 and self.slope >= 0.0


def check_calendar(
    early: RawSvi, late: RawSvi, low: float = -np.inf, high: float = np.inf
) -> CalendarCheck:
    """Compare two slices; ``low`` and ``high`` narrow the comparison to a range of moneyness."""
    points = np.union1d(check_points(early), check_points(late))
    points = points[(points >= low) & (points <= high)]
    slope = min(late.left_slope - early.left_slope, late.right_slope - early.right_slope)
    if not len(points):
        return CalendarCheck(np.inf, np.nan, slope)
    gap = late.variance(points) - early.variance(points)
    at = int(np.argmin(gap))
    return CalendarCheck(float(gap[at]), float(points[at]), slope)


def raised(late: RawSvi, early: RawSvi) -> RawSvi:
    """Return the later slice turned and lifted until it is nowhere below the earlier one.

    Steeper wings around the same vertex and a higher level only add variance.
    """
    left = max(late.left_slope, early.left_slope)
    right = max(late.right_slope, early.right_slope)
    if left > late.left_slope or right > late.right_slope:
        total = left + right
        late = replace(late, b=0.5 * total, rho=(right - left) / total)
        # b and rho were rounded: slopes may still be short by a bit.
        if check_calendar(early, late).slope < 0.0:
            late = replace(late, b=late.b * (1.0 + 1e-12))
    for _ in range(LIFTS):
        # The grid follows the slice, so that the next look may find a little more.
        lack = -check_calendar(early, late).least
        if lack <= 0.0:
            break
        late = replace(late, a=late.a + 1.01 * lack + 1e-9 * early.at_the_money)
    return late


def between(data: SliceData, before: RawSvi | None, after: RawSvi | None) -> Corridor:
    """Return the corridor that the neighbours of a slice leave it."""
    corridor = open_corridor(data.scale)
    floor, ceiling = corridor.floor, corridor.ceiling
    if before is not None:
        floor = before.variance(corridor.grid) * (1.0 + FLOOR_MARGIN)
    if after is not None:
        ceiling = after.variance(corridor.grid) * (1.0 - FLOOR_MARGIN)
    return Corridor(grid=corridor.grid, floor=floor, ceiling=ceiling)


def fit_together(
    slices: Sequence[RawSvi],
    data: Sequence[SliceData],
    hardness: Sequence[float],
    aim: Aim = NEAR_MID,
    steps_max: int = STEPS_MAX,
) -> list[RawSvi]:
    """Refit all slices together, with one weight of the hinges after the other."""
    corridors = [open_corridor(one.scale) for one in data]
    scales = [
        np.maximum(raw.variance(one.grid), 1e-12)
        for raw, one in zip(slices, corridors, strict=True)
    ]
    arrays = kernel_arrays(data, corridors, scales)
    limits = [bounds(one) for one in data]
    lower = np.concatenate([one[0] for one in limits])
    upper = np.concatenate([one[1] for one in limits])
    parameters = np.clip(np.concatenate([raw.array for raw in slices]), lower, upper)
    for hard in hardness:
        terms = fit_terms(hard, FLOOR_MARGIN, aim)
        refine_slices(*arrays, terms, lower, upper, steps_max, parameters)
    return [raw_from(row) for row in parameters.reshape(-1, 5)]


def relax(slices: Sequence[RawSvi], data: Sequence[SliceData]) -> list[RawSvi]:
    """Refit all slices together with ever harder hinges between them.

    What crosses is nearly always a far wing that no quote supports; fitted together, those slices
    yield whose quotes say nothing against it.
    """
    if all(check_calendar(*pair).holds for pair in pairwise(slices)):
        return list(slices)
    return fit_together(slices, data, JOINT_HARDNESS)


def settle_calendar(early: RawSvi, late: RawSvi, data: SliceData) -> tuple[RawSvi, bool]:
    """Return the later slice free of both arbitrages against the earlier, and whether it is a copy.

    Refits with ever harder hinges, each lifted by what is left, are candidates; the one nearest to
    the quotes is taken.  The last resort is the earlier slice itself: it has no butterfly arbitrage
    and leaves a gap of zero.
    """
    if check_butterfly(late).holds and check_calendar(early, late).holds:
        return late, False
    corridor = between(data, early, None)
    enough = quote_cost(data, late) + NEAR * len(data.k)
    best, best_cost = early, np.inf
    for hard in (0.0, *HARDNESS):
        trial = raised(fit_raw(data, corridor, hard, late) if hard else late, early)
        cost = quote_cost(data, trial)
        is_free = check_butterfly(trial).holds and check_calendar(early, trial).holds
        if is_free and cost < best_cost:
            best, best_cost = trial, cost
        if best_cost <= enough:
            break
    return best, best is early


def settle_surface(
    slices: Sequence[RawSvi], data: Sequence[SliceData]
) -> tuple[list[RawSvi], list[bool]]:
    """Return slices by ascending expiry without butterfly or calendar arbitrage.

    Returns
    -------
    tuple
        The slices, and for each whether it had to become a copy of the one before it.
    """
    relaxed = relax(slices, data)
    found: list[RawSvi] = []
    copied: list[bool] = []
    for raw, own in zip(relaxed, data, strict=True):
        safe = raw
        if not check_butterfly(raw).holds:
            corridor = between(own, found[-1] if found else None, None)
            safe = settle_butterfly(own, corridor, raw)
        is_copy = False
        if found:
            safe, is_copy = settle_calendar(found[-1], safe, own)
        found.append(safe)
        copied.append(is_copy)
    return found, copied
