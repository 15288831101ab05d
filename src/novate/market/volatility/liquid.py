"""Which quotes are liquid: the ones that a surface must hold between bid and ask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.market.volatility.chain import Mask
from novate.market.volatility.quote import Quotes


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidTerms:
    """What makes a usable quote liquid.

    Attributes
    ----------
    spread_max
        Largest ask less bid volatility.
    spread_share_max
        The same as a share of the mid volatility.
    open_interest_min
        Least open interest, in units of the underlying.
    deviations_max
        Largest distance from the forward in standard deviations to expiry, the size of ln(K/F) over
        volatility times root of time: beyond it a venue quotes in single ticks.
    """

    spread_max: float = 0.05
    spread_share_max: float = 0.1
    open_interest_min: float = 1.0
    deviations_max: float = 2.5


def liquid_quotes(quotes: Quotes, terms: LiquidTerms | None = None) -> Mask:
    """Return which usable quotes are liquid; an unknown open interest is not."""
    terms = terms or LiquidTerms()
    spread = 2.0 * quotes.half_spread
    deviations = np.abs(quotes.k) / (quotes.mid_vol * np.sqrt(quotes.years))
    is_narrow = (spread <= terms.spread_max) & (spread <= terms.spread_share_max * quotes.mid_vol)
    is_held = quotes.open_interest >= terms.open_interest_min
    return np.asarray(is_narrow & is_held & (deviations <= terms.deviations_max), np.bool_)
