"""Valuation: clearing state, assessment, margin models, risk figures and option pricing."""

from __future__ import annotations

from novate.valuation import pricing
from novate.valuation.clearing_state import Assessment, ClearingState
from novate.valuation.margin_cache import MarginCache

__all__ = ["Assessment", "ClearingState", "MarginCache", "pricing"]
