"""What the ramp of a quote asset leaves of the assets that are quoted in it (rule 5.135).

A coin whose sources quote in dollars moves with the dollar.  While the dollar is led from the price
of before to its index, so are they: to the price that their sources tell in dollars of before.  How
much hangs on it is what the index itself makes of its sources and their weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from novate.market.state import MarketState


def inherited(state: MarketState, ramps: Mapping[int, int]) -> dict[int, int]:
    """Return the ramp prices that assets inherit, 1e-8 numeraire, by asset.

    Parameters
    ----------
    ramps
        Ramp prices of the assets that have their own, 1e-8 numeraire.
    """
    found: dict[int, int] = {}
    for asset in state.sources.quoted():
        quotes = state.sources.quotes(asset)
        moved = {q: price for q in quotes if (price := ramps.get(q, found.get(q, 0)))}
        if asset in ramps or not moved:
            continue
        here = state.present_index(asset).price_e8
        with _priced(state, moved):
            there = state.present_index(asset).price_e8
        if here and there and here != there:
            found[asset] = there
    return found


@contextmanager
def _priced(state: MarketState, prices: Mapping[int, int]) -> Iterator[None]:
    """Let some assets have another index, and theirs again."""
    column = state.assets.price_e8
    before = {asset: int(column[asset]) for asset in prices}
    try:
        for asset, price in prices.items():
            column[asset] = price
        yield
    finally:
        for asset, price in before.items():
            column[asset] = price
