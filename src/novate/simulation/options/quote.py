"""Quotes of the listed options at one instant, as an exchange would show them.

Each option has a mid volatility near that of the day's surface (a drawn miss of up to half the
half-spread, so that a fit has something to smooth) and a spread in volatility around it; prices are
rounded outward to the tick, and a bid below one tick is no bid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.kernel.pricing.black import black_prices
from novate.simulation.options.book import OptionBook
from novate.simulation.options.market import FloatArray, SurfacePath, half_spread
from novate.simulation.options.value import contract_table, market_at
from novate.simulation.stream import Purpose, stream
from novate.valuation.holding import years_to_expiry


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionQuotes:
    """Quotes, one row per option; NaN where there is none.  Columns of shape (contracts,).

    Attributes
    ----------
    instant_ns
        When.
    bid, ask, mark
        Coin per coin for coin-settled options, else numeraire per coin.
    bid_size, ask_size
        Coins.
    volatility
        Mark volatility per year.
    forward, years
        What prices refer to; zero years once expired.
    """

    instant_ns: int
    bid: FloatArray
    ask: FloatArray
    mark: FloatArray
    bid_size: FloatArray
    ask_size: FloatArray
    volatility: FloatArray
    forward: FloatArray
    years: FloatArray


def option_quotes(
    book: OptionBook, paths: tuple[SurfacePath, ...], at: int, seed: int
) -> OptionQuotes:
    """Quote every option at one instant.

    Parameters
    ----------
    book
        What is listed.
    paths
        Surface of each underlying.
    at
        Row of the instant.
    seed
        Run seed; each instant has a stream of its own.
    """
    contracts = book.contracts
    rows = np.arange(len(contracts))
    market = market_at(contracts, paths, at).take(rows)
    table = contract_table(contracts, paths[0].expiry_ns, len(paths)).take(rows)
    years = np.maximum(years_to_expiry(table, market.as_of_ns), 0.0)
    rng = stream(seed, Purpose.OPTION_QUOTE, at)
    miss = rng.uniform(-0.5, 0.5, len(contracts))
    sizes = np.round(rng.lognormal(1.5, 0.8, (2, len(contracts))), 1) + 0.1
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.log(table.strike / market.forward) / (market.vol * np.sqrt(years))
    half = np.zeros(len(contracts))
    for number, path in enumerate(paths):
        mine = (table.underlying == number) & (years > 0.0)
        half[mine] = half_spread(path.terms, out[mine], years[mine])
    unit = np.where(table.is_coin, market.forward, 1.0)
    tick = contracts.ticks()
    columns = (table.side, market.forward, table.strike, years)
    mid = market.vol + miss * half
    low, mark, high = (
        _prices(columns, vol) / unit
        for vol in (np.maximum(mid - half, 0.0), market.vol, mid + half)
    )
    bid, ask = np.floor(low / tick) * tick, np.ceil(high / tick) * tick
    live = years > 0.0
    bid = np.where(live & (bid > 0.0), bid, np.nan)
    return OptionQuotes(
        instant_ns=market.as_of_ns,
        bid=bid,
        ask=np.where(live, ask, np.nan),
        mark=np.where(live, mark, np.nan),
        bid_size=np.where(np.isnan(bid), np.nan, sizes[0]),
        ask_size=np.where(live, sizes[1], np.nan),
        volatility=np.where(live, market.vol, np.nan),
        forward=market.forward,
        years=years,
    )


def _prices(
    columns: tuple[FloatArray, FloatArray, FloatArray, FloatArray], vol: FloatArray
) -> FloatArray:
    price = np.empty(len(vol))
    black_prices(*columns, vol, np.zeros(len(vol)), price)
    return price
