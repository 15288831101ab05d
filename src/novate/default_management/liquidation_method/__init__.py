"""Liquidation methods: how the positions of an account are closed, listed by hand.

The number of a method stands in journals: it is never changed and never used again.
"""

from __future__ import annotations

from novate.default_management.liquidation_method.full import Full
from novate.default_management.liquidation_method.method import LiquidationMethod, by_number
from novate.default_management.liquidation_method.slices import Slices

CATALOGUE: tuple[LiquidationMethod, ...] = (Slices(), Full())
"""In order of number."""

__all__ = ["CATALOGUE", "LiquidationMethod", "by_number"]
