"""Volatility surfaces from raw quotes, and volatility realised by prices.

The way from a chain to a surface: `Chain` (raw columns) -> `estimate_forwards` -> `clean_quotes` ->
`fit_surface`, which does all three and answers a `Surface` or a `SurfaceRefusal`; `assess` reports
on either, `describe` puts the report into words.
"""

from __future__ import annotations

from novate.market.volatility.calendar import check_calendar
from novate.market.volatility.chain import Chain, PriceUnit
from novate.market.volatility.discount import DiscountReason, DiscountTerms
from novate.market.volatility.forward import (
    Doubt,
    ForwardCurve,
    ForwardTerms,
    estimate_forwards,
)
from novate.market.volatility.liquid import LiquidTerms
from novate.market.volatility.quality import Quality, assess, describe
from novate.market.volatility.quote import Quotes, QuoteTerms, Reject, clean_quotes
from novate.market.volatility.quoted import QuotedFault, QuotedKind, quoted_arbitrage
from novate.market.volatility.realised import (
    close_to_close,
    ewma,
    garman_klass,
    parkinson,
    rogers_satchell,
    yang_zhang,
)
from novate.market.volatility.realised_table import (
    RealisedRow,
    RealisedTable,
    at_the_money,
    realised_table,
)
from novate.market.volatility.slice_data import SliceData
from novate.market.volatility.ssvi import Ssvi, check_ssvi, fit_global
from novate.market.volatility.surface import (
    Slice,
    SliceSource,
    Surface,
    SurfaceReason,
    SurfaceRefusal,
    SurfaceTerms,
    fit_surface,
)
from novate.market.volatility.svi import (
    JumpWings,
    RawSvi,
    check_butterfly,
    fit_slice,
    from_jump_wings,
    repair_butterfly,
    to_jump_wings,
)

__all__ = [
    "Chain",
    "DiscountReason",
    "DiscountTerms",
    "Doubt",
    "ForwardCurve",
    "ForwardTerms",
    "JumpWings",
    "LiquidTerms",
    "PriceUnit",
    "Quality",
    "QuoteTerms",
    "QuotedFault",
    "QuotedKind",
    "Quotes",
    "RawSvi",
    "RealisedRow",
    "RealisedTable",
    "Reject",
    "Slice",
    "SliceData",
    "SliceSource",
    "Ssvi",
    "Surface",
    "SurfaceReason",
    "SurfaceRefusal",
    "SurfaceTerms",
    "assess",
    "at_the_money",
    "check_butterfly",
    "check_calendar",
    "check_ssvi",
    "clean_quotes",
    "close_to_close",
    "describe",
    "estimate_forwards",
    "ewma",
    "fit_global",
    "fit_slice",
    "fit_surface",
    "from_jump_wings",
    "garman_klass",
    "parkinson",
    "quoted_arbitrage",
    "realised_table",
    "repair_butterfly",
    "rogers_satchell",
    "to_jump_wings",
    "yang_zhang",
]
