from __future__ import annotations

from dataclasses import replace

import numpy as np

from novate.market.volatility.forward import estimate_forwards
from novate.market.volatility.liquid import LiquidTerms, liquid_quotes
from novate.market.volatility.quote import clean_quotes
from tests.unit.market.volatility.synthetic import chain


def test_liquid_is_narrow_held_and_near() -> None:
    quotes = clean_quotes(chain(), estimate_forwards(chain()))
    assert liquid_quotes(quotes).all()
    assert not liquid_quotes(quotes, LiquidTerms(spread_max=0.019)).any()
    assert not liquid_quotes(quotes, LiquidTerms(spread_share_max=0.01)).any()
    assert not liquid_quotes(quotes, LiquidTerms(open_interest_min=11.0)).any()
    near = liquid_quotes(quotes, LiquidTerms(deviations_max=1.0))
    assert near.any()
    assert not near.all()
    unknown = replace(quotes, open_interest=np.full(len(quotes), np.nan))
    assert not liquid_quotes(unknown).any()
