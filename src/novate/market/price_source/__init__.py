"""Index methods: how the reports of many sources become one price.

The number of a method is its place in `CATALOGUE`, and journals hold it: new ones come last.
"""

from __future__ import annotations

from novate.market.price_source.method import Index, IndexMethod
from novate.market.price_source.weighted_median import WeightedMedian

CATALOGUE: tuple[IndexMethod, ...] = (WeightedMedian(),)

__all__ = ["CATALOGUE", "Index", "IndexMethod"]
