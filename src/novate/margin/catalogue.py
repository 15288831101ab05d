"""The margin models of the engine, listed by hand.

A model is one file of this package, a class of `valuation.margin_model.MarginModel`, and one line
here.  Its number stands in journals: it is never changed or given to another model.
"""

from __future__ import annotations

from novate.margin.standard import Standard
from novate.valuation.margin_model import MarginModel

CATALOGUE: tuple[MarginModel, ...] = (Standard(),)
"""In order of number."""
