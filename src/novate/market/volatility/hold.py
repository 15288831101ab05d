"""The last fit of a surface: as many quotes between bid and ask as raw SVI slices can hold.

The first fit stays near the mids and spreads what five parameters cannot follow over many quotes,
each a little outside.  A quote says that volatility lies between its bid and its ask, and nothing
more; so it is better to miss a few and hold the rest.  Which to give up is a search for the largest
set of inequalities that can be met together.  Chinneck's elastic filter answers it well: give up
the quote without which the others cost least, fit again, until the rest is inside (J. Chinneck,
*Feasibility and Infeasibility in Optimization*, 2008, chapter 7).  A quote that comes to lie inside
is taken back.

Whatever is found is only used when it holds more weight of quotes *and* has neither butterfly nor
calendar arbitrage; so the search can lose nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from novate.market.volatility.calendar import (
    between,
    check_calendar,
    fit_together,
    settle_surface,
)
from novate.market.volatility.chain import F64, I64, Mask
from novate.market.volatility.slice_data import (
    HALF_MIN,
    INSIDE,
    Corridor,
    SliceData,
    open_corridor,
)
from novate.market.volatility.svi import RawSvi, check_butterfly, refine

EDGE = 0.97
"""Half spreads from the middle up to which a quote counts as held while others are given up."""

CUT = 0.02
"""Share of its weight that a quote keeps once it is given up."""

CANDIDATES = 8
"""Worst quotes of which the one to give up is chosen."""

ROUNDS = 12
"""Quotes given up at most: of a slice alone, and of all slices together."""

SOFTNESS = (2.0, 1.0, 0.5, 0.25, 0.1)
"""Half spreads outside at which a quote loses most of its weight, in turn."""

HARD = 1e4
FIRM = (1e6, 1e8)
"""Weights of the hinges: while searching, and for what is found."""

TOGETHER = (1.0, 1e2)
TOGETHER_FIRM = (1e4, 1e6)
"""The same for all slices at once; soft at first, so that wings can pass each other."""

STEPS_TOGETHER = 25
PASSES = 2


def distances(data: SliceData, raw: RawSvi) -> F64:
    """Return distances from the middle of bid and ask in half spreads; infinite without level."""
    variance = raw.variance(data.k)
    level = np.sqrt(np.maximum(variance, 0.0) / data.years)
    distance = np.abs(level - data.vol) / np.maximum(data.half, HALF_MIN)
    return np.asarray(np.where(variance > 0.0, distance, np.inf), np.float64)


def held(data: SliceData, raw: RawSvi) -> float:
    """Return the weight of the quotes whose bid and ask hold the model, rounded once."""
    variance = raw.variance(data.k)
    level = np.sqrt(np.maximum(variance, 0.0) / data.years)
    inside = (variance > 0.0) & (np.abs(level - data.vol) <= data.half)
    return math.fsum(data.weights[inside].tolist())


def total_held(data: Sequence[SliceData], slices: Sequence[RawSvi]) -> float:
    """Return the weight that all slices hold."""
    return math.fsum(held(one, raw) for one, raw in zip(data, slices, strict=True))


def _has_all(data: SliceData, raw: RawSvi) -> bool:
    return held(data, raw) >= math.fsum(data.weights.tolist())


def _dispensable(data: SliceData, kept: Mask, distance: F64) -> I64:
    """Return the full-weight quotes outside that are not given up yet, the worst first."""
    is_heavy = data.weights >= 0.5 * data.weights.max()
    found = np.flatnonzero(kept & is_heavy & (distance > EDGE))
    return np.asarray(found[np.argsort(-distance[found], kind="stable")], np.int64)


def _without(data: SliceData, kept: Mask) -> SliceData:
    return replace(data, weight=np.where(kept, data.weights, CUT * data.weights))


@dataclass(slots=True)
class _Search:
    """The best slice so far that ``is_free`` of arbitrage."""

    data: SliceData
    corridor: Corridor
    is_free: Callable[[RawSvi], bool]
    best: RawSvi
    most: float

    def offer(self, data: SliceData, raw: RawSvi) -> None:
        """Take a slice that holds more, once it is firm; ``data`` has the weights it was fit to."""
        if held(self.data, raw) <= self.most:
            return
        for hard in FIRM:
            if self.is_free(raw):
                break
            raw, _ = refine(data, self.corridor, raw, hard, INSIDE)
        weight = held(self.data, raw)
        if weight > self.most and self.is_free(raw):
            self.best, self.most = raw, weight

    def give_up(self, raw: RawSvi) -> None:
        """Give up one quote after the other, each time the one that costs the others most."""
        data, corridor = self.data, self.corridor
        kept = np.ones(len(data.k), np.bool_)
        raw, _ = refine(data, corridor, raw, HARD, INSIDE)
        self.offer(data, raw)
        for _ in range(ROUNDS):
            outside = _dispensable(data, kept, distances(data, raw))[:CANDIDATES]
            least, gone = math.inf, -1
            for at in outside.tolist():
                kept[at] = False
                trial, cost = refine(_without(data, kept), corridor, raw, HARD, INSIDE)
                kept[at] = True
                if cost < least:
                    least, gone, found = cost, at, trial
            if gone < 0:
                break
            kept[gone] = False
            raw = found
            self.offer(_without(data, kept), raw)

    def soften(self, raw: RawSvi) -> None:
        """Weigh quotes by how far outside they are, ever less: what is hopeless stops pulling."""
        for soft in SOFTNESS:
            excess = np.maximum(distances(self.data, raw) - EDGE, 0.0)
            share = (soft * soft / (soft * soft + excess * excess)) ** 2
            data = replace(self.data, weight=self.data.weights * share)
            raw, _ = refine(data, self.corridor, raw, HARD, INSIDE)
            self.offer(data, raw)


def hold_slice(
    data: SliceData, corridor: Corridor, start: RawSvi, is_free: Callable[[RawSvi], bool]
) -> RawSvi:
    """Return the slice that holds most weight of quotes and is free of arbitrage, or the start.

    Parameters
    ----------
    data, corridor
        Quotes, and the total variances to stay between.
    start
        Free of arbitrage.
    is_free
        Whether a slice may be used.
    """
    search = _Search(data, corridor, is_free, start, held(data, start))
    if _has_all(data, start):
        return start
    search.give_up(start)
    search.soften(start)
    return search.best


def _has_no_butterfly(raw: RawSvi) -> bool:
    return check_butterfly(raw).holds


def hold_each(slices: Sequence[RawSvi], data: Sequence[SliceData]) -> list[RawSvi]:
    """Let one slice after the other hold more, between its neighbours as they are."""
    found = list(slices)
    for _ in range(PASSES):
        before = list(found)
        for j, own in enumerate(data):
            early = found[j - 1] if j else None
            late = found[j + 1] if j + 1 < len(found) else None

            def is_free(
                raw: RawSvi, early: RawSvi | None = early, late: RawSvi | None = late
            ) -> bool:
                return (
                    check_butterfly(raw).holds
                    and (early is None or check_calendar(early, raw).holds)
                    and (late is None or check_calendar(raw, late).holds)
                )

            found[j] = hold_slice(own, between(own, early, late), found[j], is_free)
        if found == before:
            break
    return found


def hold_together(
    slices: Sequence[RawSvi], data: Sequence[SliceData]
) -> tuple[list[RawSvi], list[SliceData]]:
    """Refit all slices with hinges between them, and give up the worst quote of all in turn.

    Returns
    -------
    tuple
        The slices, nearly free of arbitrage, and the quotes with the weights that were left.
    """
    kept = [distances(one, raw) <= EDGE for one, raw in zip(data, slices, strict=True)]
    left = [_without(one, own) for one, own in zip(data, kept, strict=True)]
    current = fit_together(slices, left, TOGETHER, INSIDE, STEPS_TOGETHER)
    best, weights, most = current, left, -1.0
    for _ in range(ROUNDS):
        total = total_held(data, current)
        if total > most:
            best, weights, most = current, left, total
        worst, gone = -math.inf, (-1, -1)
        for j, (own, raw) in enumerate(zip(data, current, strict=True)):
            distance = distances(own, raw)
            kept[j] = kept[j] | (distance <= EDGE)
            outside = _dispensable(own, kept[j], distance)[:1]
            if len(outside) and distance[outside[0]] > worst:
                worst, gone = float(distance[outside[0]]), (j, int(outside[0]))
        if gone[0] < 0:
            break
        kept[gone[0]][gone[1]] = False
        left = [_without(one, own) for one, own in zip(data, kept, strict=True)]
        current = fit_together(current, left, TOGETHER[-1:], INSIDE, STEPS_TOGETHER)
    return fit_together(best, weights, TOGETHER_FIRM, INSIDE, STEPS_TOGETHER), weights


def hold_surface(
    first: Sequence[RawSvi], settled: Sequence[RawSvi], data: Sequence[SliceData]
) -> list[RawSvi]:
    """Return slices without arbitrage that hold as much weight of quotes as can be found.

    Parameters
    ----------
    first
        Each slice fitted alone, without butterfly arbitrage.
    settled
        The same without calendar arbitrage: what is returned when nothing holds more.
    data
        Quotes; those of half the largest weight and more are the ones that may be given up.
    """
    if all(_has_all(own, raw) for own, raw in zip(data, settled, strict=True)):
        return list(settled)
    found = hold_each(settled, data)
    if all(_has_all(own, raw) for own, raw in zip(data, found, strict=True)):
        return found
    alone = [
        hold_slice(own, open_corridor(own.scale), raw, _has_no_butterfly)
        for own, raw in zip(data, first, strict=True)
    ]
    if not all(check_calendar(*pair).holds for pair in pairwise(alone)):
        together, left = hold_together(alone, data)
        alone, _ = settle_surface(together, left)
    other = hold_each(alone, data)
    return other if total_held(data, other) > total_held(data, found) else found
