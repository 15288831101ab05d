"""The weighted median of the usable sources.

It takes half the weight to move it, and no source has more than half: one that lies, or two of
five, cannot.  A median between two prices that are far apart is neither of them, so there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from novate.market.price_source.method import Index
from novate.market.source_state import SourceState
from novate.message.parameter import Parameter
from novate.units import PPM

NO_PRICE = 0


@dataclass(frozen=True, slots=True)
class WeightedMedian:
    """The method of an asset that names no other."""

    name: str = "weighted-median"

    def index(self, state: SourceState, asset: int) -> Index:
        """Return the median of the usable sources: `combine`."""
        return combine(*reports_of(state, asset))


class Reports(NamedTuple):
    """What the usable sources of an asset say, in order of number, and how it is judged."""

    prices: list[int]  # 1e-8 numeraire
    weights: list[int]
    apart_ppm: int  # distance beyond which two prices disagree, 1e-6
    sources_min: int  # sources without which there is no index


def reports_of(state: SourceState, asset: int) -> Reports:
    """Return what the usable sources of an asset say now."""
    sources = state.sources
    usable = state.usable_sources(asset)
    return Reports(
        [state.quoted_e8(source) for source in usable],
        [int(sources.weight[source]) for source in usable],
        state.parameter(Parameter.INDEX_OUTLIER_PPM),
        state.parameter(Parameter.INDEX_SOURCES_MIN),
    )


def combine(prices: list[int], weights: list[int], apart_ppm: int, sources_min: int) -> Index:
    """Return index, sources used, and how many of them are far from it; index 0 without one.

    Far is further than ``apart_ppm`` of the index: such a source counts, and is told.
    """
    if len(prices) < max(sources_min, 1):
        return Index(NO_PRICE, len(prices), 0)
    index = weighted_median(prices, weights, apart_ppm)
    far = sum([is_far(price, index, apart_ppm) for price in prices]) if index else 0
    return Index(index, len(prices), far)


def is_far(price: int, other: int, apart_ppm: int) -> bool:
    """Whether a price is further from another than a share of that other one."""
    return abs(price - other) * PPM > apart_ppm * other


def weighted_median(prices: list[int], weights: list[int], apart_ppm: int) -> int:
    """Return the price at which half the weight is reached (rules 5.6, 5.60 and 5.61).

    A source counts for no more than the others together.  At an exact half it is the mean of the
    two prices beside it, rounded down; `NO_PRICE` if they are further apart than ``apart_ppm`` of
    the lower one.

    Parameters
    ----------
    prices, weights
        Of the sources, in order of number; both above 0, at least one.
    """
    total = sum(weights)
    if len(weights) > 1:
        weights = [min(weight, total - weight) for weight in weights]
        total = sum(weights)
    order = sorted(zip(prices, weights, strict=True))
    running = 0
    for at, (price, weight) in enumerate(order):
        running += weight
        if 2 * running == total:
            high, _ = order[at + 1]
            return NO_PRICE if is_far(high, price, apart_ppm) else (price + high) // 2
        if 2 * running > total:
            return price
    return order[-1][0]
