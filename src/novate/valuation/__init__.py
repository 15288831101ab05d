"""Exposure sets: positions and collateral under a market, valued together; option pricing."""

from __future__ import annotations

from novate.valuation import pricing
from novate.valuation.exposure import Assessment, Exposure
from novate.valuation.headroom import Headroom

__all__ = ["Assessment", "Exposure", "Headroom", "pricing"]
