"""The option market of a generated day: its book under the engine's numbers, and its tables.

Options are listed, traded, margined, liquidated and settled by the engine.  What the report shows
of them comes from the engine's state and events (`option_watch`), but for the quotes to which
smiles are fitted: they are drawn around the day's surface as a market would show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from novate.app.replay.feed import Feed
from novate.app.replay.option_smile import smile_rows
from novate.app.replay.option_watch import OTHERS, TERMS, Moment, OptionWatch
from novate.app.replay.venue import Contract, Venue
from novate.canonical import Run
from novate.kernel.clearing.columns import F64, I64
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Role
from novate.margin.contract_rule.short_option import ShortRule
from novate.market.volatility import realised_table
from novate.message import command
from novate.simulation.crash_day import CrashDay
from novate.simulation.options.book import generate_option_book
from novate.simulation.options.command import OptionVenue, Underlying
from novate.simulation.options.market import DEMO_SMILES, SmileTerms, SurfacePath, surface_path
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
from novate.valuation.book_risk import book_risk, expiry_buckets
from novate.valuation.gamma_acceleration import doubling_years, pin_list
from novate.valuation.gamma_profile import gamma_profile
from novate.valuation.holding import unit_risk

Rows = list[dict[str, Any]]
BUCKET_DAYS = (1, 10, 40)
BUCKETS = ("no expiry", "up to 1 day", "2 to 10 days", "11 to 40 days", "over 40 days")
LADDER = np.linspace(0.50, 1.30, 81)
PIN_NS = HOUR_NS
REALISED_MINUTES = (60, 360)
YEAR_MINUTES = 365 * 1440
HOLDERS: dict[int, str] = {
    **{int(t): TRADER_NAMES[t] for t in Trader},
    OTHERS: "Everybody else",
}


def option_venue(
    venue: Venue, day: CrashDay, book: population.Book, feed: Feed, first: int
) -> OptionVenue | None:
    """Generate the option book of a day, and number its contracts after those of the venue.

    Parameters
    ----------
    venue
        The venue of the run; its list of options is filled.
    day, book, feed
        The day, the generated accounts, and prices at the opening.
    first
        Engine number of the book's account 0.

    Returns
    -------
    OptionVenue or None
        None where no rule for shorts is named, or an underlying of options has no perpetual.
    """
    perpetuals = {
        venue.assets[contract.asset]: k
        for k, contract in reversed(list(enumerate(venue.contracts)))
    }
    coins = tuple(smile.symbol for smile in DEMO_SMILES)
    terms = venue.parameters["options"]
    if not terms["margin_rule"] or any(coin not in perpetuals for coin in coins):
        return None
    paths = tuple(
        _path(smile, day, feed, int(feed.recent_e8[-1, perpetuals[smile.symbol]]))
        for smile in DEMO_SMILES
    )
    options = generate_option_book(
        list_options(coins, np.array([path.spot_e8[0] for path in paths])),
        paths,
        kind=np.where(book.accounts.mode == population.MarginMode.CROSS, book.accounts.kind, -1),
        size=book.gross_notional(),
        perpetual_interest=_perpetual_interest(book, coins),
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
    market = OptionVenue(
        book=options,
        paths=paths,
        underlyings=tuple(underlyings),
        first_instrument=len(venue.contracts),
        first_account=first,
        numeraire_decimals=venue.decimals[0],
        external_market=venue.house[Role.EXTERNAL_MARKET],
        margin_rule=venue.option_rules.index(terms["margin_rule"]) + 1,
        rule=_rule(venue.parameters["option_margin"][terms["margin_rule"]]),
        taker_fee_ppm=terms["taker_fee_ppm"],
        settlement_window_ns=terms["settlement_minutes"] * MINUTE,
        hedge_ns=terms["hedge_minutes"] * MINUTE,
    )
    venue.options = _listed(market, venue)
    return market


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


def _listed(market: OptionVenue, venue: Venue) -> list[Contract]:
    """The options as the edges know contracts."""
    contracts = market.book.contracts
    return [
        Contract(
            symbol,
            "",
            market.underlyings[int(contracts.underlying[k])].asset,
            contracts.families[int(contracts.series[k])].tick_e8,
            int(contracts.lot_e8[k]),
            LINEAR,
            int(market.settlement[k]),
            f"{market.paths[int(contracts.underlying[k])].terms.symbol} options",
        )
        for k, symbol in enumerate(contracts.symbol)
    ]


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


def option_tables(
    market: OptionVenue, watch: OptionWatch, day: CrashDay, seed: int
) -> dict[str, Rows]:
    """Return the rows of the tables whose names begin with `option_`."""
    opening, trough, pinned = moments_of(market)
    rows = [int(np.searchsorted(market.paths[0].instant_ns, at)) for at in (opening, trough)]
    coins = {
        item.asset: path.terms.symbol
        for item, path in zip(market.underlyings, market.paths, strict=True)
    }
    scenes = {at: _Scene(watch.moments[at], coins) for at in (opening, trough, pinned)}
    return {
        "option_pnl": _pnl_rows(watch),
        "option_risk": [row for at in (opening, trough) for row in scenes[at].risk_rows()],
        "option_gamma": [row for at in (opening, trough) for row in scenes[at].gamma_rows()],
        "option_pins": [row for at in (opening, pinned) for row in scenes[at].pin_rows()],
        "option_realised": [
            row
            for at in (trough, int(market.paths[0].instant_ns[-1]))
            for path in market.paths
            for row in _realised_rows(day, path, at)
        ],
        **smile_rows(market.book, market.paths, (rows[0], rows[1]), seed),
    }


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


class _Scene:
    """The option market of the engine, looked at in one instant."""

    def __init__(self, moment: Moment, coins: dict[int, str]) -> None:
        self.moment, self.coins = moment, coins
        self.table, self.market = moment.contracts, moment.market

    def risk_rows(self) -> Rows:
        """Value and Greeks by kind of holder, underlying and expiry bucket."""
        risk = book_risk(
            self.moment.positions,
            self.table,
            unit_risk(self.table, self.market),
            member=self.moment.group,
            bucket=expiry_buckets(self.table.expiry_ns, self.market.as_of_ns, BUCKET_DAYS),
        ).by("member", "underlying", "bucket")
        scale = {
            "value": 1.0,
            "cash_delta": 1.0,
            "cash_gamma": 1e-2,
            "vega": 1e-2,
            "theta": 1 / 365,
        }
        return [
            {
                "instant_ns": self.market.as_of_ns,
                "holder": HOLDERS[int(risk.keys["member"][k])],
                "underlying": self.coins[int(risk.keys["underlying"][k])],
                "bucket": BUCKETS[int(risk.keys["bucket"][k])],
                "positions": int(risk.positions[k]),
                **{name: float(risk[name][k]) * factor for name, factor in scale.items()},
            }
            for k in range(len(risk))
        ]

    def gamma_rows(self) -> Rows:
        """Gamma of the makers over a ladder of spots, one block per underlying."""
        held = self.moment.quantity(Trader.MARKET_MAKER)
        written: Rows = []
        for asset, coin in self.coins.items():
            mine: I64 = np.flatnonzero(
                (self.table.underlying == asset) & (self.table.expiry_ns > self.market.as_of_ns)
            )
            now = float(self.market.spot[mine][0])
            profile = gamma_profile(
                self.table.take(mine), self.market.take(mine), held[mine], now * LADDER
            )
            near = profile.zero_gamma[np.argsort(np.abs(profile.zero_gamma - now))]
            written += [
                {
                    "instant_ns": self.market.as_of_ns,
                    "underlying": coin,
                    "spot": float(profile.spot[k]),
                    "now": now,
                    "value": float(profile.value[k]),
                    "delta": float(profile.delta[k]),
                    "gamma": float(profile.gamma[k] * profile.spot[k] ** 2 / 100),
                    "zero_gamma": float(near[0]) if len(near) else float("nan"),
                }
                for k in range(len(profile.spot))
            ]
        return written

    def pin_rows(self) -> Rows:
        """Strikes within one deviation of the forward shortly before they expire."""
        table, market = self.table, self.market
        held = self.moment.quantity(Trader.MARKET_MAKER)
        pins = pin_list(table, market, unit_risk(table, market), held, days=1.0)
        written: Rows = []
        for k in range(len(pins)):
            one = np.flatnonzero(
                (table.underlying == pins.underlying[k])
                & (table.expiry_ns == pins.expiry_ns[k])
                & (table.strike == pins.strike[k])
            )[:1]
            years = doubling_years(
                market.forward[one], pins.strike[[k]], pins.years[[k]], market.vol[one]
            )
            written.append(
                {
                    "instant_ns": market.as_of_ns,
                    "underlying": self.coins[int(pins.underlying[k])],
                    "expiry_ns": int(pins.expiry_ns[k]),
                    "strike": float(pins.strike[k]),
                    "forward": float(market.forward[one][0]),
                    "distance": float(pins.distance[k]),
                    "coins": float(pins.quantity[k]),
                    "gamma": float(pins.cash_gamma[k]) / 100,
                    "minutes": float(pins.years[k]) * YEAR_MINUTES,
                    "doubling_minutes": float(years[0]) * YEAR_MINUTES,
                }
            )
        return written


def _pnl_rows(watch: OptionWatch) -> Rows:
    """Cumulative profit by kind of holder and term, numeraire."""
    terms = np.array(watch.terms).cumsum(axis=0)
    actual = np.array(watch.actual).cumsum(axis=0)
    return [
        {
            "instant_ns": instant,
            "holder": holder,
            **{name: int(terms[step, k, group]) / 1e6 for k, name in enumerate(TERMS)},
            "actual": int(actual[step, group]) / 1e6,
        }
        for step, instant in enumerate(watch.instants)
        for group, holder in HOLDERS.items()
    ]
