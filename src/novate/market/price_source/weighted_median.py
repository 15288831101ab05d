"""The weighted median of the sources that reported lately, outliers left out.

It takes half the weight to move it: one source that lies, or two of five, cannot.
"""

from __future__ import annotations

from dataclasses import dataclass

from novate.market.price_source.method import Index
from novate.market.source_state import SourceState
from novate.message.parameter import Parameter
from novate.units import PPM


@dataclass(frozen=True, slots=True)
class WeightedMedian:
    """The method of an asset that names no other."""

    name: str = "weighted-median"

    def index(self, state: SourceState, asset: int) -> Index:
        """Return the median of the sources within the staleness limit: `combine`."""
        sources = state.sources
        limit = state.index_life_ns()
        usable = sources.usable(asset, state.now_ns, limit)
        return combine(
            [int(sources.price_e8[s]) for s in usable],
            [int(sources.weight[s]) for s in usable],
            state.parameter(Parameter.INDEX_OUTLIER_PPM),
            state.parameter(Parameter.INDEX_SOURCES_MIN),
        )


def weighted_median(prices: list[int], weights: list[int]) -> int:
    """Price at which half the weight is reached; at an exact half the mean of two, rounded down."""
    order = sorted(range(len(prices)), key=lambda k: (prices[k], k))
    total = sum(weights)
    running = 0
    for at, k in enumerate(order):
        running += weights[k]
        if 2 * running == total:
            return (prices[k] + prices[order[at + 1]]) // 2
        if 2 * running > total:
            return prices[k]
    return prices[order[-1]]


def combine(prices: list[int], weights: list[int], outlier_ppm: int, sources_min: int) -> Index:
    """Return index, sources used and outliers left out; index 0 when too few are usable.

    Outliers are sources further from the weighted median than ``outlier_ppm``; with fewer than
    three sources nobody can be called the outlier.
    """
    if len(prices) < max(sources_min, 1):
        return Index(0, len(prices), 0)
    middle = weighted_median(prices, weights)
    kept = list(range(len(prices)))
    if len(prices) >= 3:
        kept = [k for k in kept if abs(prices[k] - middle) * PPM <= outlier_ppm * middle]
    if len(kept) < max(sources_min, 1):
        return Index(0, len(kept), len(prices) - len(kept))
    index = weighted_median([prices[k] for k in kept], [weights[k] for k in kept])
    return Index(index, len(kept), len(prices) - len(kept))
