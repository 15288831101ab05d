"""The option market of a generated day: its book under the engine's numbers, and its tables.

Options are listed, traded, margined, liquidated and settled by the engine.  What the report shows
of them comes from the engine's state and events (`insight.option_observer`), but for the quotes to
which smiles are fitted: they are drawn around the day's surface as a market would show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from novate.app.replay.book import Book
from novate.app.replay.feed import Feed
from novate.app.replay.venue import Venue
from novate.canonical import Run
from novate.insight.option_figure import MomentFigures, Rows, profit_rows
from novate.insight.option_observer import HedgeTerms, OptionHolders, OptionObserver
from novate.insight.smile_figure import quote_rows, slice_rows
from novate.kernel.clearing.columns import F64
from novate.kernel.codes import Role
from novate.margin.contract_rule.short_option import ShortRule
from novate.market.volatility import SurfaceRefusal, fit_surface, realised_table
from novate.message import command
from novate.simulation.crash_day import CrashDay
from novate.simulation.options.book import generate_option_book
from novate.simulation.options.chain import quote_chain
from novate.simulation.options.command import OptionVenue, Underlying
from novate.simulation.options.market import DEMO_SMILES, SmileTerms, SurfacePath, surface_path
from novate.simulation.options.quote import option_quotes
from novate.simulation.options.terms import (
    EXPIRY_OFFSETS_NS,
    HOUR_NS,
    TRADER_NAMES,
    OptionTargets,
    Trader,
    list_options,
)
from novate.simulation.population import generate as population
from novate.units import MINUTE, PPM

PIN_NS = HOUR_NS
REALISED_MINUTES = (60, 360)
OTHERS = len(Trader)
HOLDERS: dict[int, str] = {
    **{int(t): TRADER_NAMES[t] for t in Trader},
    OTHERS: "Everybody else",
}


def option_market(venue: Venue, feed: Feed, book: Book, day: CrashDay) -> OptionVenue | None:
    """Generate the option book of a day, and number its contracts after those of the venue.

    Parameters
    ----------
    venue, feed, book
        The venue of the run, prices at the opening, and the generated accounts.
    day
        The day.

    Returns
    -------
    OptionVenue or None
        None where no rule for shorts is named, an underlying of options has no perpetual, or the
        book was not generated.
    """
    generated = book.generated
    perpetuals = {
        venue.assets[contract.asset]: k
        for k, contract in reversed(list(enumerate(venue.contracts)))
    }
    coins = tuple(smile.symbol for smile in DEMO_SMILES)
    terms = venue.parameters["options"]
    if generated is None or not terms["margin_rule"]:
        return None
    if any(coin not in perpetuals for coin in coins):
        return None
    paths = tuple(
        _path(smile, day, feed, int(feed.opening_e8[perpetuals[smile.symbol]]))
        for smile in DEMO_SMILES
    )
    options = generate_option_book(
        list_options(coins, np.array([path.spot_e8[0] for path in paths])),
        paths,
        kind=np.where(
            generated.accounts.mode == population.MarginMode.CROSS, generated.accounts.kind, -1
        ),
        size=generated.gross_notional(),
        perpetual_interest=_perpetual_interest(generated, coins),
        targets=OptionTargets(
            interest_share=terms["interest_share_ppm"] / PPM, accounts=terms["accounts"]
        ),
    )
    underlyings = []
    for coin in coins:
        asset, contract = venue.asset(coin), venue.contracts[perpetuals[coin]]
        underlyings.append(
            Underlying(
                asset=asset,
                decimals=venue.decimals[asset],
                haircut=venue.parameters["assets"][coin]["haircut_bps"] / 10_000,
                perpetual=perpetuals[coin],
                tick_e8=contract.tick_e8,
                lot_e8=contract.lot_e8,
            )
        )
    return OptionVenue(
        book=options,
        paths=paths,
        underlyings=tuple(underlyings),
        first_instrument=len(venue.contracts),
        first_account=int(book.accounts.numbers[0]),
        numeraire_decimals=venue.decimals[0],
        external_market=venue.house[Role.EXTERNAL_MARKET],
        margin_rule=venue.option_rules.index(terms["margin_rule"]) + 1,
        rule=_rule(venue.parameters["option_margin"][terms["margin_rule"]]),
        taker_fee_ppm=terms["taker_fee_ppm"],
        settlement_window_ns=terms["settlement_minutes"] * MINUTE,
        hedge_ns=terms["hedge_minutes"] * MINUTE,
    )


def _rule(terms: Mapping[str, Any]) -> ShortRule:
    """The shares of a rule of a parameter file."""
    names = (name for name in ShortRule._fields if name != "expiry_window_ns")
    shares = {name: terms[f"{name}_ppm"] / PPM for name in names}
    return ShortRule(expiry_window_ns=terms["expiry_window_hours"] * HOUR_NS, **shares)


def _path(terms: SmileTerms, day: CrashDay, feed: Feed, price_e8: int) -> SurfacePath:
    """Surface of one underlying: at the opening, then at the end of each minute."""
    index = day.index_e8[:, day.prices.symbols.index(terms.symbol)]
    start_ns = int(day.prices.open_ns[0])
    instants = start_ns + np.arange(len(index) + 1, dtype=np.int64) * MINUTE
    instants[0] = int(feed.instant_ns[0]) - 1
    return surface_path(
        terms,
        np.concatenate([[price_e8], index]),
        instants,
        start_ns + np.array(EXPIRY_OFFSETS_NS, dtype=np.int64),
    )


def option_opening(market: OptionVenue) -> list[Run]:
    """Return the commands that open an option market after the venue's own opening."""
    at_ns = int(market.paths[0].instant_ns[0])
    return [
        market.listing(),
        *market.smiles(at_ns),
        command.ASSESS_MARGIN.row(instant_ns=at_ns),
        market.deposits(),
        *market.trades(),
    ]


def moments_of(market: OptionVenue) -> tuple[int, int, int]:
    """Instants at which the book is measured: opening, trough of the first underlying, pin."""
    path = market.paths[0]
    trough = int(path.instant_ns[int(path.spot_e8.argmin())])
    return int(path.instant_ns[0]), trough, int(path.expiry_ns[0]) - PIN_NS


def option_holders(market: OptionVenue) -> OptionHolders:
    """Return who holds the options, and what hedges them, for whoever observes the run."""
    return OptionHolders(
        first_instrument=market.first_instrument,
        options=len(market.book.contracts),
        accounts=market.book.account + market.first_account,
        groups=market.book.trader,
        others=OTHERS,
        maker=int(Trader.MARKET_MAKER),
        hedges=tuple(
            HedgeTerms(
                asset=item.asset,
                perpetual=item.perpetual,
                tick_e8=item.tick_e8,
                lot_e8=item.lot_e8,
            )
            for item in market.underlyings
        ),
        external_market=market.external_market,
    )


def option_tables(
    market: OptionVenue, watch: OptionObserver, day: CrashDay, seed: int
) -> dict[str, Rows]:
    """Return the rows of the tables whose names begin with `option_`."""
    opening, trough, pinned = moments_of(market)
    coins = {
        item.asset: path.terms.symbol
        for item, path in zip(market.underlyings, market.paths, strict=True)
    }
    figures = {
        at: MomentFigures(watch.moments[at], coins, HOLDERS, int(Trader.MARKET_MAKER))
        for at in (opening, trough, pinned)
    }
    return {
        "option_pnl": profit_rows(watch, HOLDERS),
        "option_risk": [row for at in (opening, trough) for row in figures[at].risk_rows()],
        "option_gamma": [row for at in (opening, trough) for row in figures[at].gamma_rows()],
        "option_pins": [row for at in (opening, pinned) for row in figures[at].pin_rows()],
        "option_realised": [
            row
            for at in (trough, int(market.paths[0].instant_ns[-1]))
            for path in market.paths
            for row in _realised_rows(day, path, at)
        ],
        **smile_tables(market, (opening, trough), seed),
    }


def smile_tables(market: OptionVenue, instants: tuple[int, ...], seed: int) -> dict[str, Rows]:
    """Return quotes as volatilities, and fitted slices with their quality, at some instants.

    The chain of each underlying is its numeraire-settled options.  A chain that gets no surface has
    no rows.
    """
    quotes: Rows = []
    slices: Rows = []
    for instant_ns in instants:
        at = int(np.searchsorted(market.paths[0].instant_ns, instant_ns))
        shown = option_quotes(market.book, market.paths, at, seed)
        for number in range(len(market.paths)):
            chain = quote_chain(market.book, market.paths, shown, number)
            surface = fit_surface(chain)
            if isinstance(surface, SurfaceRefusal):
                continue
            quotes += quote_rows(chain, surface)
            slices += slice_rows(chain, surface)
    return {"option_quotes": quotes, "option_slices": slices}


def _realised_rows(day: CrashDay, path: SurfacePath, at_ns: int) -> Rows:
    """Realised volatility of the last bars beside implied, of one underlying at one instant."""
    coin = day.prices.symbols.index(path.terms.symbol)
    row = int(np.searchsorted(path.instant_ns, at_ns))
    names = ("open_e8", "high_e8", "low_e8", "close_e8")
    bars = np.stack([day.prices.grid(name)[:row, coin] / 1e8 for name in names], axis=1)
    expiries = np.arange(len(path.expiry_ns))
    implied = path.volatility(row, expiries, path.forward(row))
    table = realised_table(bars, MINUTE, at_ns, REALISED_MINUTES, path.expiry_ns, implied)
    return [
        {
            "instant_ns": at_ns,
            "underlying": path.terms.symbol,
            "estimator": one.estimator,
            "minutes": one.window,
            "realised": one.realised,
            "implied_nearest": one.implied[0],
            "implied_next": one.implied[1],
        }
        for one in table.rows
    ]


def _perpetual_interest(book: population.Book, coins: tuple[str, ...]) -> F64:
    """Long notional of the perpetuals of each coin, numeraire."""
    long = np.where(book.positions.lots > 0, book.position_notional(), 0)
    total = np.zeros(len(book.instruments))
    np.add.at(total, book.positions.instrument, long / population.LEDGER)
    names = [item.symbol for item in book.instruments]
    return np.array(
        [sum(total[k] for k, name in enumerate(names) if name.startswith(coin)) for coin in coins]
    )
