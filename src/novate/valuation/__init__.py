"""Exposure sets: positions and collateral under a market, valued together."""

from __future__ import annotations

from novate.valuation.exposure import Assessment, Exposure
from novate.valuation.headroom import Headroom

__all__ = ["Assessment", "Exposure", "Headroom"]
