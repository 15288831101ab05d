"""Smiles of the generated day, fitted to its quotes as a venue would fit its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from novate.kernel.clearing.columns import F64
from novate.market.volatility import (
    Chain,
    PriceUnit,
    Surface,
    SurfaceRefusal,
    assess,
    fit_surface,
)
from novate.simulation.options.book import OptionBook
from novate.simulation.options.market import SurfacePath
from novate.simulation.options.quote import OptionQuotes, option_quotes

Rows = list[dict[str, Any]]


def smile_rows(
    book: OptionBook, paths: tuple[SurfacePath, ...], instants: tuple[int, ...], seed: int
) -> dict[str, Rows]:
    """Return quotes as volatilities, and fitted slices with their quality, at some instants.

    The chain of each underlying is its numeraire-settled options.  A chain that gets no surface has
    no rows.
    """
    quotes: Rows = []
    slices: Rows = []
    for at in instants:
        shown = option_quotes(book, paths, at, seed)
        for number in range(len(paths)):
            chain = quote_chain(book, paths, shown, number)
            surface = fit_surface(chain)
            if isinstance(surface, SurfaceRefusal):
                continue
            quotes += _quote_rows(chain, surface)
            slices += _slice_rows(chain, surface)
    return {"option_quotes": quotes, "option_slices": slices}


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


def _fitted(surface: Surface) -> F64:
    """Volatility of the fit at each usable quote."""
    vol, _ = surface.volatility(surface.quotes.strike, surface.quotes.expiry_ns)
    return vol


def _quote_rows(chain: Chain, surface: Surface) -> Rows:
    quotes, fitted = surface.quotes, _fitted(surface)
    return [
        {
            "instant_ns": surface.instant_ns,
            "underlying": surface.underlying,
            "expiry_ns": int(quotes.expiry_ns[k]),
            "strike": float(quotes.strike[k]),
            "side": "call" if chain.side[row] > 0 else "put",
            "bid": float(chain.bid[row]),
            "ask": float(chain.ask[row]),
            "bid_vol": float(quotes.bid_vol[k]),
            "ask_vol": float(quotes.ask_vol[k]),
            "fit_vol": float(fitted[k]),
        }
        for k, row in enumerate(quotes.row.tolist())
    ]


def _slice_rows(chain: Chain, surface: Surface) -> Rows:
    quality = assess(chain, surface)
    written: Rows = []
    for one, good in zip(surface.slices, quality.slices, strict=True):
        atm, _ = surface.volatility(one.forward, one.expiry_ns)
        written.append(
            {
                "instant_ns": surface.instant_ns,
                "underlying": surface.underlying,
                "expiry_ns": one.expiry_ns,
                "forward": one.forward,
                "years": one.years,
                "atm_vol": float(atm),
                "a": one.raw.a,
                "b": one.raw.b,
                "rho": one.raw.rho,
                "m": one.raw.m,
                "sigma": one.raw.sigma,
                "least_density": good.least_g,
                "calendar_gap": good.calendar_gap,
                "source": good.source.name.lower(),
                "quotes": good.quotes,
                "rejected": sum(count for _, count in good.rejected),
                "inside": round(good.inside * good.quotes) if good.quotes else 0,
                "rms_vol": good.rms_vol,
            }
        )
    return written
