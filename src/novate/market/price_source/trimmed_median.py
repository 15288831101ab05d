"""The weighted median of the sources that are near the weighted median of all.

It was the only method until engine version 2, and is that of the assets declared until then.  The
second median is the reason why it is no longer the first choice: a source that is pushed out of
the distance moves the index by leaving.
"""

from __future__ import annotations

from dataclasses import dataclass

from novate.market.price_source.method import Index
from novate.market.price_source.weighted_median import (
    NO_PRICE,
    is_far,
    reports_of,
    weighted_median,
)
from novate.market.source_state import SourceState


@dataclass(frozen=True, slots=True)
class TrimmedMedian:
    """The median after outliers are left out (rule 5.7)."""

    name: str = "trimmed-median"

    def index(self, state: SourceState, asset: int) -> Index:
        """Return the median of the usable sources that are no outliers: `trim`."""
        return trim(*reports_of(state, asset))


def trim(prices: list[int], weights: list[int], outlier_ppm: int, sources_min: int) -> Index:
    """Return index, sources used and outliers left out; index 0 when too few are usable.

    Outliers are sources further from the weighted median than ``outlier_ppm``; with fewer than
    three sources nobody can be called the outlier.
    """
    if len(prices) < max(sources_min, 1):
        return Index(NO_PRICE, len(prices), 0)
    middle = weighted_median(prices, weights, outlier_ppm)
    if middle == NO_PRICE or len(prices) < 3:
        return Index(middle, len(prices), 0)
    kept = [k for k in range(len(prices)) if not is_far(prices[k], middle, outlier_ppm)]
    outliers = len(prices) - len(kept)
    if len(kept) < max(sources_min, 1):
        return Index(NO_PRICE, len(kept), outliers)
    near, share = [prices[k] for k in kept], [weights[k] for k in kept]
    return Index(weighted_median(near, share, outlier_ppm), len(kept), outliers)
