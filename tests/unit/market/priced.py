"""A market of one asset with a few sources, without a house."""

from __future__ import annotations

from typing import Any

import numpy as np

from novate.market.state import MarketState
from novate.message.parameter import Parameter
from tests.unit.clearing import MINUTE, START


def market(*sources: tuple[int, int]) -> MarketState:
    """Numeraire and one asset, with sources of (price, age) that count alike."""
    state = MarketState()
    state.now_ns = START
    state.parameters[Parameter.INDEX_STALENESS_NS] = MINUTE
    state.parameters[Parameter.INDEX_SOURCES_MIN] = 1
    state.assets.append()
    state.assets.append()
    for price, age_ns in sources:
        source = state.sources.append()
        state.sources.asset[source] = 1
        state.sources.weight[source] = 1
        state.sources.price_e8[source] = price
        state.sources.observed_ns[source] = START - age_ns
    return state


def by_column(row: dict[str, Any]) -> dict[str, Any]:
    """Make columns of one row of an event."""
    return {name: np.array([value]) for name, value in row.items()}
