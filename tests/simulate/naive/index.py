"""The index of an asset: many sources to one price."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from novate.message.parameter import Parameter

if TYPE_CHECKING:
    from tests.simulate.naive.world import World

TRIMMED, MEDIAN = 0, 1
"""Index methods."""

Quote = tuple[int, int, int]
"""Price, number and weight of a source."""


@pytest.mark.rule("5.60")
def at_most_the_others(quotes: list[Quote]) -> list[Quote]:
    """Nobody has more weight than all others together."""
    if len(quotes) == 1:
        return quotes
    total = sum(weight for _, _, weight in quotes)
    return [(price, k, min(weight, total - weight)) for price, k, weight in quotes]


@pytest.mark.rule("5.6", "5.61")
def weighted_median(w: World, quotes: list[Quote]) -> int:
    """Weighted median of some quotes; 0 for none, where it would be between far prices."""
    ordered = sorted(at_most_the_others(quotes))
    total = sum(weight for _, _, weight in ordered)
    running = 0
    for k, (price, _, weight) in enumerate(ordered):
        running += weight
        if 2 * running > total:
            return price
        if 2 * running == total:
            following = ordered[k + 1][0]
            limit = w.parameters[Parameter.INDEX_OUTLIER_PPM]
            disagree = Fraction(following - price, price) > Fraction(limit, 1_000_000)
            return 0 if disagree else (price + following) // 2
    raise AssertionError(quotes)


def far_from(w: World, middle: int, quotes: list[Quote]) -> list[Quote]:
    """Quotes further from a price than the outlier distance."""
    limit = w.parameters[Parameter.INDEX_OUTLIER_PPM]
    return [q for q in quotes if abs(q[0] - middle) * 1_000_000 > middle * limit]


@pytest.mark.rule("5.5", "5.7", "5.23")
def index_of(w: World, asset: int) -> tuple[int, int, int]:
    """The index that the sources make now, 0 for none; sources used, and those far from it."""
    minimum = w.parameters[Parameter.INDEX_SOURCES_MIN]
    quotes = [(w.price_told_by(k), k, w.sources[k].weight) for k in w.usable_sources(asset)]
    if len(quotes) < minimum:
        return 0, len(quotes), 0
    price = weighted_median(w, quotes)
    if not price:
        return 0, len(quotes), 0
    outliers = far_from(w, price, quotes)
    if w.assets[asset].method == MEDIAN:
        return price, len(quotes), len(outliers)
    if len(quotes) < 3:
        return price, len(quotes), 0
    near = [q for q in quotes if q not in outliers]
    price = weighted_median(w, near) if len(near) >= minimum else 0
    return price, len(near), len(outliers)
