"""Haircut rules: how much of the worth of an asset counts as collateral.

The number of a rule is its place in `CATALOGUE`, and journals hold it: new ones come last.
"""

from __future__ import annotations

from novate.collateral.haircut.flat import Flat
from novate.collateral.haircut.rule import HaircutRule

CATALOGUE: tuple[HaircutRule, ...] = (Flat(),)

__all__ = ["CATALOGUE", "HaircutRule"]
