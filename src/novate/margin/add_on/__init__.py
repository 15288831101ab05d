"""The add-ons of the engine, listed by hand.

An add-on is one file of this package, a class of `valuation.add_on.AddOn`, and one line here.  Its
number stands in journals: it is never changed and never used again.
"""

from __future__ import annotations

from novate.margin.add_on.concentration import Concentration
from novate.valuation.add_on import AddOn

CATALOGUE: tuple[AddOn, ...] = (Concentration(),)
"""In order of number."""

__all__ = ["CATALOGUE", "AddOn"]
