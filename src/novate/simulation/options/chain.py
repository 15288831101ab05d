"""Quotes of a generated day as the chain from which a venue fits its smiles."""

from __future__ import annotations

import numpy as np

from novate.market.volatility import Chain, PriceUnit
from novate.simulation.options.book import OptionBook
from novate.simulation.options.market import SurfacePath
from novate.simulation.options.quote import OptionQuotes


def quote_chain(
    book: OptionBook, paths: tuple[SurfacePath, ...], shown: OptionQuotes, coin: int
) -> Chain:
    """Return the quotes of one underlying's numeraire-settled options as a chain.

    Parameters
    ----------
    book
        What is listed, and the open interest.
    paths
        Surface of each underlying.
    shown
        Quotes of one instant.
    coin
        Row of the underlying.
    """
    contracts, path = book.contracts, paths[coin]
    rows = np.flatnonzero(
        (contracts.underlying == coin) & (contracts.is_coin_settled == 0) & (shown.years > 0.0)
    )
    at = int(np.searchsorted(path.instant_ns, shown.instant_ns))
    return Chain(
        underlying=path.terms.symbol,
        unit=PriceUnit.QUOTE,
        instant_ns=shown.instant_ns,
        spot=float(path.spot_e8[at]) / 1e8,
        expiry_ns=path.expiry_ns[contracts.expiry[rows]],
        strike_e8=contracts.strike_e8[rows],
        side=contracts.side[rows].astype(np.int8),
        bid=shown.bid[rows],
        ask=shown.ask[rows],
        bid_size=shown.bid_size[rows],
        ask_size=shown.ask_size[rows],
        open_interest=(book.lots_of() * contracts.lots_size())[rows],
        mark=shown.mark[rows],
        forward=shown.forward[rows],
        observed_ns=np.full(len(rows), shown.instant_ns),
    )
