"""Index methods: how the reports of many sources become one price.

The number of a method is its place in `CATALOGUE`, and journals hold it: new ones come last.
"""

from __future__ import annotations

from novate.market.price_source.method import Index, IndexMethod
from novate.market.price_source.trimmed_median import TrimmedMedian
from novate.market.price_source.weighted_median import WeightedMedian

CATALOGUE: tuple[IndexMethod, ...] = (TrimmedMedian(), WeightedMedian())

TRIMMED_MEDIAN, FIRST_METHOD = 0, 1
"""Numbers of the method of assets declared by earlier releases, and of that which an asset has
until it names another one."""

__all__ = ["CATALOGUE", "FIRST_METHOD", "TRIMMED_MEDIAN", "Index", "IndexMethod"]
