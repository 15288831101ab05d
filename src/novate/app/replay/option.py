"""Tables of the option book that lives beside a generated day, for the report.

The options are valued beside the engine: their surface follows the day's index and their book
belongs to the day's accounts, but their premiums and margins are not in the journal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from novate.app.replay.option_smile import smile_rows
from novate.kernel.columns import F64, I64
from novate.stress import population
from novate.stress.crash_day import CrashDay
from novate.stress.option_book import OptionBook, generate_option_book
from novate.stress.option_day import TERMS, OptionDay, option_day
from novate.stress.option_market import DEMO_SMILES, SurfacePath, surface_path
from novate.stress.option_terms import (
    EXPIRY_OFFSETS_NS,
    HOUR_NS,
    TRADER_NAMES,
    Trader,
    list_options,
)
from novate.stress.option_value import contract_table, market_at
from novate.units import MINUTE
from novate.valuation.book_risk import Positions, book_risk, expiry_buckets
from novate.valuation.gamma_acceleration import doubling_years, pin_list
from novate.valuation.gamma_profile import gamma_profile
from novate.valuation.holding import Contracts, unit_risk

Rows = list[dict[str, Any]]
BUCKET_DAYS = (1, 10, 40)
BUCKETS = ("no expiry", "up to 1 day", "2 to 10 days", "11 to 40 days", "over 40 days")
LADDER = np.linspace(0.50, 1.30, 81)
PIN_NS = HOUR_NS
YEAR_MINUTES = 365 * 1440


def option_tables(
    day: CrashDay, book: population.Book, seed: int, start_ns: int
) -> tuple[dict[str, Rows], Rows]:
    """Generate the option book of a day and measure it.

    Returns
    -------
    tables, calibration
        Rows of the tables whose names begin with `option_`, and calibration rows as text.
    """
    coins = tuple(terms.symbol for terms in DEMO_SMILES)
    expiry_ns = start_ns + np.array(EXPIRY_OFFSETS_NS, dtype=np.int64)
    instants = start_ns + np.arange(1, len(day.index_e8) + 1, dtype=np.int64) * MINUTE
    paths = tuple(
        surface_path(
            terms, day.index_e8[:, day.prices.symbols.index(terms.symbol)], instants, expiry_ns
        )
        for terms in DEMO_SMILES
    )
    options = generate_option_book(
        list_options(coins, np.array([path.spot_e8[0] for path in paths])),
        paths,
        kind=book.accounts.kind,
        size=book.gross_notional(),
        perpetual_interest=_perpetual_interest(book, coins),
    )
    lived = option_day(options, paths)
    trough = int(paths[0].spot_e8.argmin())
    pinned = int(np.searchsorted(instants, expiry_ns[0] - PIN_NS))
    scene = _Scene(options, paths)
    tables = {
        "option_pnl": _pnl_rows(lived),
        "option_risk": [row for at in (0, trough) for row in scene.risk_rows(at)],
        "option_gamma": [row for at in (0, trough) for row in scene.gamma_rows(at)],
        "option_pins": [row for at in (0, pinned) for row in scene.pin_rows(at)],
        **smile_rows(options, paths, (0, trough), seed),
    }
    return tables, [row.shown() for row in options.calibration]


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
    """The resting book, looked at in single instants."""

    def __init__(self, book: OptionBook, paths: tuple[SurfacePath, ...]) -> None:
        self.book, self.paths = book, paths
        rows = np.arange(len(book.contracts))
        self.table: Contracts = contract_table(book.contracts, paths[0].expiry_ns, len(paths)).take(
            rows
        )
        self.rows = rows
        self.coins = [path.terms.symbol for path in paths]

    def risk_rows(self, at: int) -> Rows:
        """Value and Greeks by kind of holder, underlying and expiry bucket."""
        book, market = self.book, market_at(self.book.contracts, self.paths, at).take(self.rows)
        size = book.contracts.lots_size()
        held = Positions(
            account=book.account.astype(np.int32),
            contract=book.contract.astype(np.int32),
            quantity=book.lots * size[book.contract],
        )
        member = np.full(int(book.account.max()) + 1, -1, dtype=np.int32)
        member[book.account] = book.trader
        risk = book_risk(
            held,
            self.table,
            unit_risk(self.table, market),
            member=member,
            bucket=expiry_buckets(self.table.expiry_ns, market.as_of_ns, BUCKET_DAYS),
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
                "instant_ns": market.as_of_ns,
                "holder": TRADER_NAMES[Trader(int(risk.keys["member"][k]))],
                "underlying": self.coins[int(risk.keys["underlying"][k])],
                "bucket": BUCKETS[int(risk.keys["bucket"][k])],
                "positions": int(risk.positions[k]),
                **{name: float(risk[name][k]) * factor for name, factor in scale.items()},
            }
            for k in range(len(risk))
        ]

    def gamma_rows(self, at: int) -> Rows:
        """Gamma of the makers over a ladder of spots, one block per underlying."""
        market = market_at(self.book.contracts, self.paths, at).take(self.rows)
        held = self.book.coins_of(Trader.MARKET_MAKER)
        written: Rows = []
        for number, coin in enumerate(self.coins):
            mine: I64 = np.flatnonzero(
                (self.table.underlying == number) & (self.table.expiry_ns > market.as_of_ns)
            )
            now = float(market.spot[mine][0])
            profile = gamma_profile(
                self.table.take(mine), market.take(mine), held[mine], now * LADDER
            )
            near = profile.zero_gamma[np.argsort(np.abs(profile.zero_gamma - now))]
            written += [
                {
                    "instant_ns": market.as_of_ns,
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

    def pin_rows(self, at: int) -> Rows:
        """Strikes within one deviation of the forward shortly before they expire."""
        market = market_at(self.book.contracts, self.paths, at).take(self.rows)
        held = self.book.coins_of(Trader.MARKET_MAKER)
        pins = pin_list(self.table, market, unit_risk(self.table, market), held, days=1.0)
        written: Rows = []
        for k in range(len(pins)):
            one = np.flatnonzero(
                (self.table.underlying == pins.underlying[k])
                & (self.table.expiry_ns == pins.expiry_ns[k])
                & (self.table.strike == pins.strike[k])
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


def _pnl_rows(day: OptionDay) -> Rows:
    """Cumulative profit by kind of holder and term, numeraire."""
    terms, actual = day.terms.cumsum(axis=0), day.actual.cumsum(axis=0)
    return [
        {
            "instant_ns": int(instant),
            "holder": TRADER_NAMES[trader],
            **{name: int(terms[step, trader, k]) / 1e6 for k, name in enumerate(TERMS)},
            "actual": int(actual[step, trader]) / 1e6,
        }
        for step, instant in enumerate(day.instant_ns.tolist())
        for trader in Trader
    ]
