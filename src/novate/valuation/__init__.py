"""Exposure sets: positions and collateral under a market, valued together."""

from __future__ import annotations

from novate.valuation.exposure import Assessment, Exposure

__all__ = ["Assessment", "Exposure"]
