"""Figures of an option market: risk, gamma over prices, pins, and profit explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from novate.insight.option_observer import TERMS, Moment, OptionObserver
from novate.kernel.clearing.columns import I64
from novate.valuation.book_risk import book_risk, expiry_buckets
from novate.valuation.gamma_acceleration import doubling_years, pin_list
from novate.valuation.gamma_profile import gamma_profile
from novate.valuation.holding import unit_risk

Rows = list[dict[str, Any]]
BUCKET_DAYS = (1, 10, 40)
BUCKETS = ("no expiry", "up to 1 day", "2 to 10 days", "11 to 40 days", "over 40 days")
LADDER = np.linspace(0.50, 1.30, 81)
YEAR_MINUTES = 365 * 1440


class MomentFigures:
    """Figures of the option market at one instant.

    Parameters
    ----------
    moment
        The option market at that instant.
    coins
        Names of the underlyings, by asset.
    names
        Names of the groups of holders.
    maker
        The group whose gamma is shown over prices.
    """

    def __init__(
        self, moment: Moment, coins: Mapping[int, str], names: Mapping[int, str], maker: int
    ) -> None:
        self.moment, self.coins, self.names, self.maker = moment, coins, names, maker
        self.table, self.market = moment.contracts, moment.market

    def risk_rows(self) -> Rows:
        """Value and Greeks by group of holders, underlying and expiry bucket."""
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
                "holder": self.names[int(risk.keys["member"][k])],
                "underlying": self.coins[int(risk.keys["underlying"][k])],
                "bucket": BUCKETS[int(risk.keys["bucket"][k])],
                "positions": int(risk.positions[k]),
                **{name: float(risk[name][k]) * factor for name, factor in scale.items()},
            }
            for k in range(len(risk))
        ]

    def gamma_rows(self) -> Rows:
        """Gamma of the makers over a ladder of spots, one block per underlying."""
        makers = self.moment.quantity(self.maker)
        written: Rows = []
        for asset, coin in self.coins.items():
            options: I64 = np.flatnonzero(
                (self.table.underlying == asset) & (self.table.expiry_ns > self.market.as_of_ns)
            )
            now = float(self.market.spot[options][0])
            profile = gamma_profile(
                self.table.take(options), self.market.take(options), makers[options], now * LADDER
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
        makers = self.moment.quantity(self.maker)
        pins = pin_list(table, market, unit_risk(table, market), makers, days=1.0)
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


def profit_rows(watch: OptionObserver, names: Mapping[int, str]) -> Rows:
    """Cumulative profit by group of holders and term, numeraire."""
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
        for group, holder in names.items()
    ]
