"""Seeded streams of commands for a small, badly behaved clearing house.

A stream is a list of batches.  A toy market answers the orders that the house sent out, so a stream
is drawn while a house runs; recorded once, it can be given to any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from novate.canonical import Run
from novate.kernel.codes import OrderKind, Role
from novate.message import command as c
from novate.message.parameter import (
    HOUR,
    MINUTE,
    SECOND,
    Parameter,
    Scope,
    set_parameter,
    set_parameters,
)

DAY = 24 * HOUR
START = 1_584_000_000 * SECOND
Event = tuple[str, dict[str, Any]]
LINEAR, INVERSE, FUTURE, AT_CLOSE, COIN_AT_CLOSE = range(5)
OPTIONS = 5  # their first number
SPREAD, COIN_SPREAD = (OPTIONS, OPTIONS + 11), (OPTIONS + 2, OPTIONS + 12)  # calls, two strikes
SINGLE = (
    Role.INSURANCE_FUND,
    Role.SKIN_IN_THE_GAME,
    Role.LIQUIDATOR,
    Role.FEES,
    Role.RESIDUE,
    Role.SETTLEMENT,
    Role.CUSTODY,
    Role.EXTERNAL_MARKET,
)
MEMBERS = 3
UNKNOWN = 999


@dataclass
class Workload:
    """One stream: a generator of batches that reads the events of the batches before."""

    seed: int
    steps: int = 45
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    reservations: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = np.random.default_rng(self.seed)
        self.now = START + self._between(0, 7200) * SECOND
        self.price = {1: 8_000.0, 2: 1.0}
        self.seen: dict[int, int] = {}
        self.sources: list[int] = []
        self.quotes: dict[int, tuple[int, bool]] = {}  # source to its quote asset, and if inverted
        self.traders: list[int] = []
        self.funds: list[int] = []
        self.instruments = 0
        self.expiry: dict[int, int] = {}  # of options, by number
        self.marks: dict[int, int] = {}  # of options
        self.level, self.lean = 1.0, -0.2  # of the volatility surface
        self.aside = np.random.default_rng((self.seed, 1))  # of what came later: see `_transfers`
        self.later = np.random.default_rng((self.seed, 2))  # likewise of debts and takeovers
        self.taken: dict[int, int] = {}  # groups that were taken over, and what they owe
        self.late = np.random.default_rng((self.seed, 2))  # of prices that no assessment sees
        self.feeds = np.random.default_rng((self.seed, 51))  # of what sources do beside prices
        self.moneys = np.random.default_rng((self.seed, 71))  # in which sources quote
        self.named: dict[str, int] = {}  # accounts by reference
        self.pairs: list[tuple[int, int]] = []  # accounts of one holder
        self.outside = np.random.default_rng((self.seed, 2))  # of the external market's cash
        self.owed: dict[int, int] = {}  # by the external market
        self.lots: dict[tuple[int, int], int] = {}  # by account and instrument, about

    # --- dice ------------------------------------------------------------------------------

    def _between(self, low: int, high: int) -> int:
        return int(self.dice.integers(low, high + 1))

    def _chance(self, share: float) -> bool:
        return bool(self.dice.random() < share)

    def _pick(self, values: Sequence[Any]) -> Any:
        return values[self._between(0, len(values) - 1)]

    # --- the stream ------------------------------------------------------------------------

    def batches(self) -> Iterator[list[Run]]:
        """Yield batches; call `learn` with the events of each before asking for the next."""
        yield self._early()
        yield self._accounts()
        # Before the clock is set.
        yield [
            c.LIST_INSTRUMENT.row(**self.terms()),
            *self._rules(),
            c.LIST_OPTION.row(**self.option_terms()),
        ]
        yield [c.ADVANCE_TIME.row(instant_ns=self.now)]
        yield self._declarations()
        yield self._contracts()
        yield self._terms()
        yield self._deposits()
        yield self._last_member()
        yield self._second_accounts()
        yield self._second_deposits()
        yield [reserve([(self.traders[0], 0, 1, 1)])]  # before there is a mark
        for _ in range(self.steps):
            yield self._prices()
            yield self._sources()
            yield self._answers()
            for _ in range(self._between(0, 3)):
                yield self._business()
            if self._chance(0.4):
                yield self._bad()
            yield self._standing()
            yield self._transfers()
            yield self._spreads()
            yield self._owing()
            yield self._outside_pays()
            yield self._unassessed()
        yield [c.ADVANCE_TIME.row(instant_ns=self.now + 3 * HOUR)]

    def learn(self, events: Sequence[Event]) -> None:
        """Keep the outbox and the reservations in step."""
        for name, row in events:
            if name == "OrderPlaced":
                self.orders[row["order"]] = dict(row)
            elif name in ("OrderFilled", "AssetConverted"):
                done = row["lots"] if name == "OrderFilled" else row["amount"]
                self.orders[row["order"]]["quantity"] -= done
            elif name == "OrderClosed":
                del self.orders[row["order"]]
            elif name == "OptionMarked":
                self.marks[row["instrument"]] = row["mark"]
            elif name == "MarginReserved":
                self.reservations[row["reservation"]] = (
                    row["account"],
                    row["instrument"],
                    row["lots"],
                )
            elif name == "AccountTakenOver":
                self.taken[row["account"]] = max(-row["equity"], 0)
            elif name == "AccountReopened":
                del self.taken[row["account"]]
            self._learn_holders(name, row)

    def _learn_holders(self, name: str, row: dict[str, Any]) -> None:
        """Keep accounts and, about, their lots in step."""
        if name == "TradeNovated":
            self._held(row["buyer"], row["instrument"], row["lots"])
            self._held(row["seller"], row["instrument"], -row["lots"])
        elif name == "PositionTransferred":
            self._held(row["sender"], row["instrument"], -row["lots"])
            self._held(row["receiver"], row["instrument"], row["lots"])
        elif name in ("AccountOpened", "SubAccountOpened"):
            self.named[row["reference"]] = row["account"]
            if "holder" in row:
                self.pairs.append((row["holder"], row["account"]))

        elif name == "ExternalMarketCalled":
            self.owed[row["asset"]] = row["amount"]

    def _held(self, account: int, instrument: int, lots: int) -> None:
        key = account, instrument
        self.lots[key] = self.lots.get(key, 0) + lots

    # --- setting up ------------------------------------------------------------------------

    def _early(self) -> list[Run]:
        """Before the clock: assets."""
        return [
            c.DECLARE_ASSET.row(symbol="USDT", decimals=6, haircut_bps=100),
            c.DECLARE_ASSET.row(symbol="USDT", decimals=6, haircut_bps=0),
            c.DECLARE_ASSET.row(symbol="BTC", decimals=8, haircut_bps=500),
        ]

    def _declarations(self) -> list[Run]:
        weights = [self._between(1, 3) for _ in range(5)]
        self.sources = [1, 1, 1, 2, 2]
        return [
            c.DECLARE_ASSET.row(
                symbol="USDE", decimals=self._between(4, 9), haircut_bps=self._between(0, 2000)
            ),
            c.DECLARE_SOURCE.run(
                {
                    "symbol": [f"s{k}" for k in range(5)],
                    "asset": self.sources,
                    "weight": weights,
                }
            ),
            self._waterfall(),
        ]

    def _waterfall(self) -> Run:
        layers = self._pick(((1, 2, 3, 4), (1, 3, 2, 4), (1, 2, 4, 3)))
        names = ("first", "second", "third", "fourth")
        return c.DECLARE_WATERFALL.row(
            **dict(zip(names, layers, strict=True)), last=self._pick((5, 6))
        )

    def _accounts(self) -> list[Run]:
        rows = [self._account(role.name, role) for role in SINGLE]
        for m in range(MEMBERS):
            member = len(rows)
            rows.append(self._account(f"m{m}", Role.MEMBER))
            self.funds.append(len(rows))
            rows.append(self._account(f"m{m}-fund", Role.DEFAULT_FUND, member))
            for k in range(4):
                role = Role.CLIENT if k else Role.HOUSE
                self.traders.append(len(rows))
                mode = 2 if self._chance(0.25) else 1
                shortfall_policy = 2 if self._chance(0.4) else 1
                rows.append(self._account(f"m{m}-{k}", role, member, mode, shortfall_policy))
        names = rows[0].keys()
        return [c.OPEN_ACCOUNT.run({name: [row[name] for row in rows] for name in names})]

    def _account(
        self, reference: str, role: Role, parent: int = -1, mode: int = 1, shortfall_policy: int = 1
    ) -> dict[str, Any]:
        return {
            "reference": reference,
            "role": int(role),
            "parent": parent,
            "segregation": self._between(0, 4),
            "mode": mode,
            "shortfall_policy": shortfall_policy,
        }

    def terms(self, **given: Any) -> dict[str, Any]:
        """Terms of a contract: a linear one unless told."""
        return {
            "symbol": "X",
            "form": 1,
            "style": 1,
            "underlying": 1,
            "settlement_asset": 0,
            "tick_e8": 50_000_000,
            "unit": 500,
            "ticks_max": 200_000,
            "lots_max": 200_000,
            "maker_fee_ppm": -100,
            "taker_fee_ppm": 450,
            "cycle_ns": HOUR,
            "funding_ns": 2 * HOUR,
            "expiry_ns": 0,
            "settlement_window_ns": 0,
            "basis_clamp_ppm": 10_000,
            "funding_cap_e9": 3_000_000,
            "funding_damper_e9": 500_000,
            "interest_e9": 100_000,
            **given,
        }

    def _contracts(self) -> list[Run]:
        coin = {"form": 2, "settlement_asset": 1, "unit": 200_000_000, "lots_max": 10_000_000}
        expiry = self.now + self._between(2, 9) * HOUR + self._between(0, 3) * MINUTE
        contracts = [
            self.terms(symbol="LIN"),
            self.terms(symbol="INV", **coin, cycle_ns=self._pick((HOUR, 40 * MINUTE))),
            self.terms(
                symbol="FUT",
                funding_ns=0,
                expiry_ns=expiry,
                settlement_window_ns=self._between(0, 90) * MINUTE,
                cycle_ns=self._pick((HOUR, 25 * MINUTE)),
            ),
            self.terms(symbol="ATC", style=2, cycle_ns=0, tick_e8=7_000_000, unit=70),
            self.terms(symbol="CATC", style=2, cycle_ns=0, **coin, funding_ns=20 * MINUTE),
        ]
        options = self._options()
        for first, second in (SPREAD, COIN_SPREAD):
            for name in ("expiry_ns", "settlement_window_ns"):
                options[second - OPTIONS][name] = options[first - OPTIONS][name]
        self.instruments = len(contracts) + len(options)
        self.expiry = {OPTIONS + k: terms["expiry_ns"] for k, terms in enumerate(options)}
        contracts[3]["ticks_max"] = 2_000_000
        tiers = []
        for k in range(len(contracts)):
            tiers.append((k, 0, self._between(40_000, 120_000), self._between(10_000, 40_000)))
            if self._chance(0.7):
                tiers.append((k, self._between(20_000, 90_000) * 10**6, 150_000, 75_000))
        names = ("instrument", "floor", "initial_ppm", "maintenance_ppm")
        return [
            *[c.LIST_INSTRUMENT.row(**terms) for terms in contracts],
            *[c.LIST_OPTION.row(**terms) for terms in options],
            c.SET_TIER.run({n: [t[j] for t in tiers] for j, n in enumerate(names)}),
        ]

    def _rules(self) -> list[Run]:
        """Rules for shorts: those of two venues, and one that asks for more before expiry."""
        window_ns = self._between(1, 4) * HOUR
        rows = [
            ("plain", 150_000, 100_000, 75_000, 0, 75_000, 0, False, 0, 0),
            ("entries", 150_000, 100_000, 30_000, 30_000, 30_000, 2_000, True, 0, 0),
            ("window", 120_000, 60_000, 50_000, 10_000, 20_000, 1_000, self._chance(0.5),
             window_ns, self._between(1, 100_000)),
        ]  # fmt: skip
        return [rules(rows)]

    def option_terms(self, **given: Any) -> dict[str, Any]:
        """Terms of an option on a thousandth of a coin: a quote-settled call unless told."""
        return {
            "symbol": "OPTION",
            "kind": 1,
            "side": 1,
            "underlying": 1,
            "settlement_asset": 0,
            "strike_e8": 8_000 * 10**8,
            "payout_ticks": 0,
            "tick_e8": 10**6,
            "unit": 10,
            "ticks_max": 10**7,
            "lots_max": 200_000,
            "maker_fee_ppm": -100,
            "taker_fee_ppm": 3_000,
            "expiry_ns": self.now + self._between(2, 12) * HOUR + self._between(0, 3) * MINUTE,
            "settlement_window_ns": self._between(0, 2) * 40 * MINUTE,
            "margin_rule": self._between(1, 3),
            "barrier": 0,
            "barrier_e8": 0,
            "monitoring": 0,
            "observation_ns": 0,
            "rebate_ticks": 0,
            **given,
        }

    def _second_strikes(self, near: list[int], coin: dict[str, Any]) -> list[dict[str, Any]]:
        """Calls that are settled with the first ones, at another strike each."""
        return [
            self.option_terms(symbol="CALL-2", strike_e8=near[0] + 400 * 10**8),
            self.option_terms(symbol="COIN-CALL-2", strike_e8=near[2] + 400 * 10**8, **coin),
        ]

    def _options(self) -> list[dict[str, Any]]:
        """Calls and puts paid in quote and in coin, and a digital of each."""
        near = [self._between(70, 130) * 80 * 10**8 for _ in range(6)]
        at = self._between(101, 125) * 80 * 10**8
        under = self._between(75, 99) * 80 * 10**8
        watched = {"monitoring": 2, "observation_ns": self._pick((10 * MINUTE, HOUR))}
        coin = {"settlement_asset": 1, "tick_e8": 10**4, "ticks_max": 50_000}
        return [
            self.option_terms(symbol="CALL", strike_e8=near[0]),
            self.option_terms(symbol="PUT", strike_e8=near[1], side=-1),
            self.option_terms(symbol="COIN-CALL", strike_e8=near[2], **coin),
            self.option_terms(symbol="COIN-PUT", strike_e8=near[3], side=-1, **coin),
            self.option_terms(symbol="DIGITAL", strike_e8=near[4], kind=2, payout_ticks=200_000),
            self.option_terms(
                symbol="COIN-DIGITAL",
                strike_e8=near[5],
                kind=2,
                payout_ticks=2_500,
                side=-1,
                **coin,
            ),
            self.option_terms(symbol="UP-IN", barrier=1, barrier_e8=at, monitoring=1),
            self.option_terms(
                symbol="UP-OUT", barrier=2, barrier_e8=at, rebate_ticks=5_000, **watched
            ),
            self.option_terms(
                symbol="DOWN-IN", barrier=3, barrier_e8=under, side=-1, rebate_ticks=100,
                **coin, **watched,
            ),
            self.option_terms(
                symbol="DOWN-OUT", barrier=4, barrier_e8=under, monitoring=1, rebate_ticks=300,
                **coin,
            ),
            self.option_terms(
                symbol="AT-END", barrier=self._between(1, 4), barrier_e8=under, monitoring=3,
                rebate_ticks=7_000, kind=2, payout_ticks=200_000,
            ),
            *self._second_strikes(near, coin),
            self.option_terms(
                symbol="ONE-TOUCH", barrier=1, barrier_e8=at, monitoring=1, kind=2, strike_e8=1,
                payout_ticks=150_000,
            ),
        ]  # fmt: skip

    def _spreads(self) -> list[Run]:
        """Somebody sells one call and buys another of the same settlement, or undoes some of it."""
        if not self.marks or self.aside.random() < 0.4:
            return []
        pair = self._aside((SPREAD, COIN_SPREAD))
        one, other = (int(x) for x in self.aside.choice(self.traders, 2, replace=False))
        lots = max(int(float(self.aside.lognormal(8.5, 1.3)) / self.price[1] * 1000), 1)
        sold, bought = pair if self.aside.random() < 0.5 else pair[::-1]
        rows = [(one, other, bought, lots), (other, one, sold, lots)]
        held = [(a, i, n) for (a, i), n in self.lots.items() if i in pair and n > 0]
        if held and self.aside.random() < 0.6:
            account, option, n = self._aside(held)
            buyer = self._aside([t for t in self.traders if t != account])
            rows.append((buyer, account, option, max(n // 2, 1)))
        deals = [
            (buyer, seller, i, self.marks.get(i, 100), n, True, 0, 0)
            for buyer, seller, i, n in rows
        ]
        orders = [(a, i, -max(n // 3, 1), self.marks.get(i, 100)) for a, i, n in held[:2]]
        return [trades(deals), *([reserve(orders)] if orders else [])]

    def _smiles(self) -> list[Run]:
        """Smiles of what has not expired, most of the time."""
        rows = []
        for expiry in sorted(set(self.expiry.values())):
            left = (expiry - self.now) / (365 * 86_400 * 10**9)
            if left <= 0 or self._chance(0.3):
                continue
            level, lean = float(self.dice.uniform(0.4, 1.6)), float(self.dice.uniform(-0.6, 0.3))
            if level < 1.5:  # else a smile of its own, that may cross others
                # One surface a step, which moves little; its expiries do not cross.
                share = 0.2 if not rows else 0.0
                self.level += share * (level - self.level)
                self.lean += share * (lean - self.lean)
                level, lean = self.level, self.lean
            theta = level**2 * left
            rho, root = lean, theta**0.5
            numbers = (0.01 * left, 0.8 * theta, 0.1 * root, rho, 0.1 * root, 2.0 * root)
            scaled = [round(number * 1e9) for number in numbers]
            rows.append((1, expiry, *scaled, self.now - self._between(0, 5) * 10**6))
        return [smiles(rows)] if rows else []

    def _terms(self) -> list[Run]:
        values = {
            Parameter.CALL_GRACE_NS: self._pick((0, 10 * MINUTE, HOUR)),
            Parameter.SLICE_PPM: self._pick((100_000, 400_000, 1_000_000)),
            Parameter.SLICE_INTERVAL_NS: self._pick((30 * SECOND, 5 * MINUTE)),
            Parameter.LIQUIDATION_FEE_PPM: self._pick((0, 5_000, 20_000)),
            Parameter.TAKEOVER_PPM: self._pick((100_000, 333_333, 700_000)),
            Parameter.GAINS_WINDOW_NS: self._pick((2 * HOUR, 24 * HOUR)),
            Parameter.INDEX_STALENESS_NS: self._pick((20 * MINUTE, 2 * HOUR)),
            Parameter.INDEX_OUTLIER_PPM: self._pick((30_000, 100_000)),
            Parameter.INDEX_SOURCES_MIN: self._pick((1, 1, 2)),
            Parameter.ORDER_LIFE_NS: self._pick((0, 2 * MINUTE, 10 * MINUTE, HOUR)),
            Parameter.SURFACE_STALENESS_NS: self._pick((20 * MINUTE, 2 * HOUR)),
            Parameter.SMILE_MOVE_PPM: self._pick((0, 0, 0, 100_000)),
            Parameter.SLICE_FLOOR: self._pick((0, 500 * 10**6, 10_000 * 10**6)),
        }
        kept = {p: v for p, v in values.items() if self._chance(0.8)}
        # Most of these houses let trades be far from the mark: there is more to see.
        kept[Parameter.TRADE_COLLAR_PPM] = self._pick((0, 0, 0, 100_000))
        return [set_parameters({**kept, **self._pauses()})]

    def _pauses(self) -> dict[Parameter, int]:
        """When a move is a jump, and how fast prices leave it: in half of the houses at once."""
        dice = np.random.default_rng((self.seed, 2))
        values = {
            Parameter.JUMP_PPM: (0, 0, 50_000, 200_000),
            Parameter.JUMP_QUORUM: (1, 2, 2),
            Parameter.JUMP_CONFIRM_NS: (0, 10 * SECOND, 10 * MINUTE),
            Parameter.JUMP_PAUSE_NS: (0, 5 * MINUTE, HOUR),
            Parameter.HALT_MIN_NS: (0, 10 * MINUTE, HOUR),
            Parameter.RAMP_PPM: (0, 0, 5_000, 20_000),
            Parameter.RAMP_GRACE_NS: (0, MINUTE, 30 * MINUTE),
        }
        return {p: options[int(dice.integers(len(options)))] for p, options in values.items()}

    def _deposits(self) -> list[Run]:
        rows = [(fund, 0, self._between(0, 3_000) * 10**6) for fund in self.funds]
        rows += [(0, 0, self._between(1, 4_000) * 10**6), (1, 0, self._between(1, 2_000) * 10**6)]
        for trader in self.traders:
            rows.append((trader, 0, self._between(500, 20_000) * 10**6))
            if self._chance(0.5):
                rows.append((trader, 1, self._between(1, 20) * 10**7))
            if self._chance(0.3):
                rows.append((trader, 2, self._between(10**6, 10**9)))
        return [post(rows)]

    # --- living ----------------------------------------------------------------------------

    def _prices(self) -> list[Run]:
        """Time goes on; sources report, some badly or not at all; the venue trades."""
        self.now += self._pick((1, 30, 300, 1200, 2400)) * SECOND + self._between(0, 999) * 10**6
        jump = self._pick((0.0, 0.0, 0.0, 0.0, -0.2, 0.25)) if self._chance(0.25) else 0.0
        self.price[1] *= float(np.exp(self.dice.normal(jump, 0.03)))
        self.price[1] = min(max(self.price[1], 500.0), 60_000.0)
        self.price[2] *= float(np.exp(self.dice.normal(0.0, 0.01)))
        rows = []
        is_silent = self._chance(0.1)
        for source, asset in enumerate(self.sources):
            if is_silent or self._chance(0.15):
                continue
            wrong = self._pick((0.5, 1.04, 1.3)) if self._chance(0.08) else 1.0
            noisy = self.price[asset] * wrong * (1 + 0.001 * float(self.dice.normal()))
            seen = max(self.now - self._between(0, 20) * SECOND, self.seen.get(source, 0))
            self.seen[source] = seen
            rows.append((source, self._told(source, noisy), seen))
        runs = [c.ADVANCE_TIME.row(instant_ns=self.now)]
        names = ("source", "price_e8", "observed_ns")
        if rows:
            runs.append(c.REPORT_PRICE.run({n: [r[k] for r in rows] for k, n in enumerate(names)}))
        lasts = [(k, self._ticks(k, 0.01)) for k in range(self.instruments) if self._chance(0.7)]
        if lasts:
            columns = {"instrument": [k for k, _ in lasts], "ticks": [t for _, t in lasts]}
            runs.append(c.REPORT_LAST.run(columns))
        return [*runs, *self._smiles(), c.ASSESS_MARGIN.row(instant_ns=self.now)]

    def _told(self, source: int, price: float) -> int:
        """What a source reports when its asset costs so much numeraire."""
        quote, is_inverted = self.quotes.get(source, (0, False))
        there = price / self.price.get(quote, 1.0)
        return max(int((1 / there if is_inverted else there) * 10**8), 1)

    def _sources(self) -> list[Run]:
        """Sources contradict themselves, are reweighted and retired; assets change the method."""
        dice = self.feeds
        runs = []
        if dice.random() < 0.15:
            source = int(dice.integers(len(self.sources)))
            price = self._told(source, self.price[self.sources[source]])
            prices = [price, price + 1, price][: int(dice.integers(1, 4))]
            seen = max(self.seen.get(source, 0), self.now - int(dice.integers(0, 2)) * SECOND)
            self.seen[source] = seen
            rows = {"source": [source] * len(prices), "price_e8": prices}
            runs.append(c.REPORT_PRICE.run({**rows, "observed_ns": [seen] * len(prices)}))
        if dice.random() < 0.1:
            weights = dice.choice((0, 1, 1, 2, 3, 20), len(self.sources)).tolist()
            columns = {"source": list(range(len(self.sources))), "weight": weights}
            runs.append(c.SET_SOURCE_WEIGHT.run(columns))
        if dice.random() < 0.05:
            method, asset = int(dice.integers(2)), int(dice.integers(1, 3))
            runs.append(c.SET_INDEX_METHOD.row(asset=asset, method=method))
        if dice.random() < 0.05:
            share = int(dice.choice((0, 300_000, 500_000, 900_000)))
            runs.append(set_parameter(Parameter.INDEX_WEIGHT_MIN_PPM, share))
        if dice.random() < 0.05:
            collar = int(dice.choice((0, 20_000, 100_000, 1_000_000)))
            runs.append(set_parameter(Parameter.CONVERSION_COLLAR_PPM, collar))
        if dice.random() < 0.4:
            runs.append(c.ASSESS_MARGIN.row(instant_ns=self.now))
        if self.moneys.random() < 0.1:
            source = int(self.moneys.integers(len(self.sources)))
            quote = int(self.moneys.integers(self.sources[source]))
            self.quotes[source] = quote, bool(self.moneys.integers(2))
            row = {"source": source, "quote": quote, "is_inverted": self.quotes[source][1]}
            runs.append(c.SET_SOURCE_QUOTE.row(**row))
        return runs

    def _ticks(self, instrument: int, spread: float) -> int:
        if instrument >= OPTIONS:
            mark = self.marks.get(instrument, 100)
            return max(int(mark * (1 + 5 * spread * float(self.dice.normal()))), 1)
        tick = 0.07 if instrument == AT_CLOSE else 0.5
        price = self.price[1] * (1 + spread * float(self.dice.normal()))
        return max(int(price / tick), 1)

    def _answers(self) -> list[Run]:
        """The outside market answers open orders: badly, in part, or not at all."""
        rows = []
        for number, order in self.orders.items():
            if self._chance(0.25):
                continue
            share = self._pick((0.0, 0.3, 1.0, 1.0))
            quantity = int(abs(order["quantity"]) * share)
            is_sale = order["quantity"] < 0
            slip = float(self.dice.normal(0.0, 0.02)) + self._pick((0.0, 0.03, 0.15))
            if order["kind"] == OrderKind.POSITION:
                now = self._ticks(order["subject"], 0.0)
            else:
                now = int(self.price[order["subject"]] * 10**8)
            price = max(int(now * (1 - slip if is_sale else 1 + slip)), 1)
            rows.append((number, quantity, price, self._chance(0.3)))
        names = ("order", "quantity", "price", "is_final")
        columns = {n: [r[k] for r in rows] for k, n in enumerate(names)}
        return [c.REPORT_FILL.run(columns)] if rows else []

    def _business(self) -> list[Run]:
        return self._pick(
            (
                self._trades,
                self._trades,
                self._trades,
                self._reserve,
                self._use,
                self._release,
                self._withdraw,
                self._top_up,
                self._retune,
                self._scoped,
                self._tables,
                self._gifts,
                self._models,
                self._add_ons,
            )
        )()  # type: ignore[no-any-return]

    def _lots(self, instrument: int) -> int:
        notional = float(self.dice.lognormal(9.5, 1.3))
        if instrument in (INVERSE, COIN_AT_CLOSE):
            return max(int(notional), 1)
        return max(int(notional / self.price[1] * 1000), 1)

    def _trades(self) -> list[Run]:
        return [trades([self._trade() for _ in range(self._between(1, 12))])]

    def _models(self) -> list[Run]:
        """Some groups get another margin model or liquidation method, some an old one again."""
        groups = [self._pick(self.traders) for _ in range(self._between(1, 6))]
        models = [self._between(0, 2) for _ in groups]
        methods = [(group + model) % 3 for group, model in zip(groups, models, strict=True)]
        columns = {
            "account": [*groups, SINGLE.index(Role.LIQUIDATOR)],
            "method": [*methods, sum(groups) % 3],
        }
        return [
            c.SET_MARGIN_MODEL.run({"group": groups, "model": models}),
            c.SET_LIQUIDATION_METHOD.run(columns),
        ]

    def _add_ons(self) -> list[Run]:
        """Some groups get or lose add-ons; concentration may get other terms, for some or all."""
        groups = [self._pick(self.traders) for _ in range(self._between(1, 6))]
        numbers = [self._between(0, 1) for _ in groups]
        is_on = [self._chance(0.8) for _ in groups]
        terms = []
        for parameter, values in (
            (Parameter.CONCENTRATION_FLOOR, (0, 1_000 * 10**6, 30_000 * 10**6)),
            (Parameter.CONCENTRATION_PPM, (0, 10_000, 123_457)),
        ):
            scope = self._pick((Scope.HOUSE, Scope.GROUP))
            subject = self._pick(self.traders) if scope == Scope.GROUP else 0
            terms.append((int(parameter), self._pick(values), int(scope), subject, 0))
        return [
            c.SET_ADD_ON.run({"group": groups, "add_on": numbers, "is_on": is_on}),
            parameters(terms),
        ]

    def _gifts(self) -> list[Run]:
        """One lot of some option from everybody, for half of what it is worth, without a collar."""
        rows = []
        free = [(int(Parameter.TRADE_COLLAR_PPM), 0, int(Scope.INSTRUMENT), option, 0)
                for option in self.expiry]  # fmt: skip
        for seller in self.traders if self.expiry else []:
            buyer = self._pick([t for t in self.traders if t != seller])
            option = self._pick(sorted(self.expiry))
            held = [i for (a, i), n in self.lots.items() if a == seller and n > 0]
            option = next((i for i in held if i in self.expiry), option)
            ticks = max(self.marks.get(option, 100) // 2, 1)
            rows.append((buyer, seller, option, ticks, 1, self._chance(0.5), 0, 0))
        return [parameters(free), trades(rows)] if rows else []

    def _trade(self) -> tuple[Any, ...]:
        buyer, seller = (int(x) for x in self.dice.choice(self.traders, 2, replace=False))
        if self._chance(0.03):
            seller = SINGLE.index(self._pick((Role.EXTERNAL_MARKET, Role.LIQUIDATOR)))
        instrument = self._between(0, self.instruments - 1)
        ticks = self._ticks(instrument, 0.004 if self._chance(0.9) else 0.1)
        lots = self._lots(instrument)
        return (buyer, seller, instrument, ticks, lots, self._chance(0.5), 0, 0)

    def _reserve(self) -> list[Run]:
        rows = []
        for _ in range(self._between(1, 4)):
            instrument = self._between(0, self.instruments - 1)
            sign = 1 if self._chance(0.5) else -1
            lots = sign * self._lots(instrument)
            limit = self._ticks(instrument, self._pick((0.0, 0.005, 0.05)))
            rows.append((self._pick(self.traders), instrument, lots, limit))
        return [reserve(rows)]

    def _use(self) -> list[Run]:
        """Trade on reservations, some of them gone or too small by now."""
        rows = []
        for number in list(self.reservations)[-4:]:
            account, instrument, lots = self.reservations[number]
            other = self._pick([t for t in self.traders if t != account])
            size = max(int(abs(lots) * self._pick((0.4, 1.0, 1.0, 1.5))), 1)
            ticks, maker = self._ticks(instrument, 0.004), self._chance(0.5)
            if lots > 0:
                rows.append((account, other, instrument, ticks, size, maker, number, 0))
            else:
                rows.append((other, account, instrument, ticks, size, maker, 0, number))
        return [trades(rows)] if rows else []

    def _release(self) -> list[Run]:
        if not self.reservations:
            return []
        number = self._pick(list(self.reservations))
        return [c.RELEASE_MARGIN.run({"reservation": [number, UNKNOWN]})]

    def _withdraw(self) -> list[Run]:
        rows = []
        for _ in range(self._between(1, 5)):
            asset = self._pick((0, 0, 0, 1, 2))
            amount = int(float(self.dice.lognormal((21, 17, 16)[asset], 1.5)))
            rows.append((self._pick(self.traders), asset, max(amount, 1)))
        return [withdraw(rows)]

    def _top_up(self) -> list[Run]:
        rows = [
            (self._pick(self.traders), 0, self._between(1, 4_000) * 10**6)
            for _ in range(self._between(1, 3))
        ]
        return [post(rows)]

    def _retune(self) -> list[Run]:
        """Rules change while the house runs."""
        parameter = self._pick((Parameter.SLICE_PPM, Parameter.TAKEOVER_PPM))
        return [
            c.SET_HAIRCUT.row(asset=2, haircut_bps=self._between(0, 3000)),
            c.SET_HAIRCUT_RULE.row(asset=2, rule=0),
            c.SET_INDEX_METHOD.row(asset=1, method=0),
            set_parameter(parameter, self._between(100_000, 900_000)),
            self._waterfall(),
        ]

    def _tables(self) -> list[Run]:
        """New tables of tiers and another rule for an option, at once or later."""
        instants = (0, 0, self.now + 10 * MINUTE, self.now + HOUR)
        rows = []
        for _ in range(self._between(1, 3)):
            instrument, at = self._pick((LINEAR, INVERSE, AT_CLOSE)), self._pick(instants)
            initial = self._between(40_000, 160_000)
            rows.append((instrument, 0, initial, self._between(10_000, 39_000), at))
            if self._chance(0.6):
                floor = self._between(10_000, 90_000) * 10**6
                rows.append((instrument, floor, 170_000, 85_000, at))
        found = [tier_tables(rows)]
        if self.expiry:
            columns = {
                "instrument": [self._pick(sorted(self.expiry)) for _ in range(2)],
                "margin_rule": [self._between(1, 3) for _ in range(2)],
                "effective_ns": [0, self.now + self._pick((10 * MINUTE, HOUR))],
            }
            found.append(c.REPLACE_MARGIN_RULE.run(columns))
        return found

    def _scoped(self) -> list[Run]:
        """A parameter of one subject, at once or later, sometimes twice for the same instant."""
        values = {
            Parameter.SLICE_PPM: (100_000, 400_000, 1_000_000),
            Parameter.SLICE_FLOOR: (0, 500 * 10**6, 10_000 * 10**6),
            Parameter.LIQUIDATION_FEE_PPM: (0, 5_000, 20_000),
            Parameter.TRADE_COLLAR_PPM: (0, 2_000, 100_000),
            Parameter.RISK_REDUCING_SALE_PPM: (0, 300_000),
            Parameter.BASIS_AVERAGE_NS: (SECOND, HOUR),
            Parameter.LIQUIDATION_COST_PPM: (0, 50_000),
            Parameter.SLICE_INTERVAL_NS: (30 * SECOND, 5 * MINUTE),
            Parameter.TAKEOVER_PPM: (100_000, 700_000),
            Parameter.RELEASE_PPM: (1_000_000, 1_600_000),
            Parameter.CALL_GRACE_NS: (0, 10 * MINUTE, HOUR),
            Parameter.GAINS_WINDOW_NS: (2 * HOUR, 3 * HOUR),
            Parameter.ORDER_LIFE_NS: (0, 2 * MINUTE, HOUR),
        }
        instants = (0, self.now + MINUTE, self.now + 20 * MINUTE, self.now + HOUR)
        rows = []
        for _ in range(self._between(1, 4)):
            parameter = self._pick(list(values))
            scope = self._pick((Scope.HOUSE, *parameter.setting.scopes))
            subject = 0 if scope == Scope.HOUSE else self._pick(self.traders)
            if scope == Scope.INSTRUMENT:
                subject = self._between(0, self.instruments - 1)
            value, at = self._pick(values[parameter]), self._pick(instants)
            rows.append((int(parameter), value, int(scope), subject, at))
            if self._chance(0.2):
                value = self._pick(values[parameter])
                rows.append((int(parameter), value, int(scope), subject, at))
        return [parameters(rows)]

    # --- holders with several accounts ---------------------------------------------------------
    #
    # Drawn from dice of their own, so that the rest of a stream is what it was without them.

    def _aside(self, values: Sequence[Any]) -> Any:
        return values[int(self.aside.integers(len(values)))]

    def _last_member(self) -> list[Run]:
        """A member that will default."""
        return [c.OPEN_ACCOUNT.row(**self._bare_account("m3", Role.MEMBER), parent=-1)]

    def _second_accounts(self) -> list[Run]:
        """A client of that member, and another account of some holders, each alone."""
        holders = self.traders[:6]
        client = {**self._bare_account("m3-1", Role.CLIENT), "parent": self.named["m3"]}
        refused = [("second0", holders[0], 1), ("x", UNKNOWN, 1), ("x", holders[0], 3)]
        rows = [*((f"second{k}", holder, 1 + (k == 2)) for k, holder in enumerate(holders))]
        names = ("reference", "account", "mode")
        columns = {n: [row[k] for row in (*rows, *refused)] for k, n in enumerate(names)}
        alone = [-1] * len(columns["mode"])
        return [
            c.OPEN_ACCOUNT.row(**client),
            c.OPEN_SUB_ACCOUNT.run({**columns, "group": alone, "netting_set": alone}),
        ]

    def _second_deposits(self) -> list[Run]:
        last = self.named["m3-1"]
        seconds = [self.named[f"second{k}"] for k in range(6)]
        sub = {"reference": "m3-2", "account": last, "mode": 1, "group": -1, "netting_set": -1}
        rows = [
            (second, asset, int(self.aside.integers(1, 9)) * size)
            for second in seconds
            for asset, size in ((0, 500 * 10**6), (1, 10**6), (2, 10**6))
            if asset == 0 or self.aside.random() < 0.3
        ]
        return [c.OPEN_SUB_ACCOUNT.row(**sub), post([*rows, (last, 0, 5_000 * 10**6)])]

    def _standing(self) -> list[Run]:
        """A member is suspended and soon active again; the last one defaults some day."""
        member, last = self.named[self._aside(("m0", "m1"))], self.named["m3"]
        runs: list[Run] = []
        draw = float(self.aside.random())
        if draw < 0.12:
            statuses = [(member, 5), (member, 5), (UNKNOWN, 5), (0, 5), (member, 9)]
            runs.append(standing(statuses))
            runs += self._of_suspended(member)
        if draw < 0.06 or draw > 0.5:
            runs.append(standing([(self.named["m0"], 1), (self.named["m1"], 1)]))
        if 0.2 < draw < 0.23:
            runs.append(standing([(last, 6), (last, 1)]))
            runs += self._of_suspended(last)
        return runs

    def _of_suspended(self, member: int) -> list[Run]:
        """What accounts of a member try while it is not active."""
        own = member + 2 if member != self.named["m3"] else self.named["m3-1"]
        other = next(t for t in self.traders if not member < t < member + 6)
        i = self._aside((LINEAR, INVERSE))
        ticks = self._ticks_aside(i)
        sign = -1 if self.lots.get((own, i), 0) > 0 else 1
        sides = (own, other) if sign > 0 else (other, own)
        return [
            c.OPEN_ACCOUNT.row(**{**self._bare_account("late", Role.CLIENT), "parent": member}),
            c.OPEN_SUB_ACCOUNT.row(
                reference="late", account=own, mode=1, group=-1, netting_set=-1
            ),
            withdraw([(own, 0, 1)]),
            reopen([*sorted(self.taken), UNKNOWN]),
            reserve([(own, i, sign, ticks), (own, i, -sign, ticks)]),
            trades([(*sides, i, ticks, 1, True, 0, 0), (*sides[::-1], i, ticks, 1, True, 0, 0)]),
            collateral_transfers([(a, b, 0, 1) for a, b in self.pairs]),
        ]  # fmt: skip

    # --- debts, takeovers and what comes after ---------------------------------------------------

    def _owing(self) -> list[Run]:
        """What debts cost changes; some pay what a takeover left owed, and are open again."""
        runs: list[Run] = []
        if self.later.random() < 0.15:
            runs.append(parameters([self._debt_terms() for _ in range(3)]))
        groups = sorted(self.taken)
        if groups and self.later.random() < 0.3:
            paid = [(group, 0, self._repaid(group)) for group in groups]
            runs.append(post([*paid, *[(group, 1, 1) for group in groups]]))
        if groups and self.later.random() < 0.5:
            amounts = [int(float(self.later.lognormal(17, 3))) + 1 for _ in groups]
            assets = [int(asset) for asset in self.later.integers(0, 3, len(groups))]
            runs.append(withdraw(list(zip(groups, assets, amounts, strict=True))))
        if self.later.random() < 0.3:
            runs.append(reopen([*groups, self.traders[0], UNKNOWN, self.funds[0]]))
        for group in groups[:1]:
            row = {"reference": "joins", "account": group, "mode": 1, "group": group}
            runs.append(c.OPEN_SUB_ACCOUNT.row(**row, netting_set=-1))
        return runs or [reopen([UNKNOWN])]

    def _repaid(self, group: int) -> int:
        share = float(self.later.choice([0.5, 1.0, 1.0, 1.5]))
        return int(self.taken[group] * share) + int(self.later.integers(1, 10**9))

    def _debt_terms(self) -> tuple[int, int, int, int, int]:
        """A parameter of debts or takeovers, of the house or of one subject."""
        values = {
            Parameter.DEBT_INITIAL_PPM: (0, 123_457, 500_000),
            Parameter.DEBT_MAINTENANCE_PPM: (0, 77_777, 300_000),
            Parameter.CLOSE_OUT_CHARGE_PPM: (0, 3_333, 60_000),
            Parameter.CLOSE_OUT_DEPTH: (0, 700 * 10**6, 10**12),
            Parameter.CONVERSION_CHARGE_PPM: (0, 333_333, 1_000_000),
            Parameter.DEBT_INTEREST_PPM: (0, 80_000, 1_000_000),
            Parameter.INTEREST_INTERVAL_NS: (0, 20 * MINUTE, 2 * HOUR),
        }
        parameter = list(values)[int(self.later.integers(len(values)))]
        scopes = (Scope.HOUSE, *parameter.setting.scopes)
        scope = scopes[int(self.later.integers(len(scopes)))]
        subject = 0 if scope == Scope.HOUSE else self.traders[int(self.later.integers(12))]
        if scope == Scope.INSTRUMENT:
            subject = int(self.later.integers(self.instruments))
        value = values[parameter][int(self.later.integers(3))]
        return int(parameter), value, int(scope), subject, 0

    def _bare_account(self, reference: str, role: Role) -> dict[str, Any]:
        kinds = {"segregation": 0, "mode": 1, "shortfall_policy": 1}
        return {"reference": reference, "role": int(role), **kinds}

    def _ticks_aside(self, instrument: int) -> int:
        return max(int(self.price[1] / 0.5), 1)

    def _transfers(self) -> list[Run]:
        """Cash and lots go back and forth between accounts of a holder; the second ones trade."""
        cash, lots, deals = [], [], []
        for at in self.aside.permutation(len(self.pairs))[:12]:
            first, second = self.pairs[int(at)]
            pair = (first, second) if self.aside.random() < 0.5 else (second, first)
            for _ in range(int(self.aside.integers(0, 4))):
                asset = self._aside((0, 0, 0, 1, 2))
                amount = int(self.aside.lognormal((21, 17, 16)[asset], 1.5))
                cash.append((*pair, asset, max(amount, 1)))
            held = {i: n for (a, i), n in self.lots.items() if a == pair[0] and n}
            for i, n in held.items():
                if self.aside.random() < 0.4:
                    some = int(n * self._aside((0.3, 0.5, 1.0, 1.0))) or n
                    lots.append((*pair, i, some))
        if self.aside.random() < 0.5:
            second = self._aside(self.pairs)[1]
            other = self._aside([t for t in self.traders if t != second])
            i = self._aside((LINEAR, AT_CLOSE, INVERSE, COIN_AT_CLOSE))
            sides = (second, other) if self.aside.random() < 0.5 else (other, second)
            ticks = self._ticks_aside(i) if i != AT_CLOSE else max(int(self.price[1] / 0.07), 1)
            deals.append((*sides, i, ticks, self._lots_aside(i), True, 0, 0))
        if self.aside.random() < 0.05:
            cash += self._bad_cash()
            lots += self._bad_lots()
        return [collateral_transfers(cash), position_transfers(lots), trades(deals)]

    def _outside_pays(self) -> list[Run]:
        """The external market pays what it was called for, all, some or too much, or is paid."""
        rows = []
        for asset, owed in self.owed.items():
            if owed and self.outside.random() < 0.6:
                share = float(self.outside.choice((0.4, 1.0, 1.0, 1.0, 1.2)))
                rows.append((asset, max(int(owed * share), 1)))
        if self.outside.random() < 0.1:
            asset = int(self.outside.integers(0, 3))
            rows.append((asset, -int(self.outside.lognormal((19, 15, 14)[asset], 1.5))))
        if self.outside.random() < 0.05:
            rows += [(UNKNOWN, 1), (0, 0), (0, 2**62)]
        return [outside_payments(rows)] if rows else []

    def _unassessed(self) -> list[Run]:
        """Prices are reported and not assessed; then some want to take money out."""
        draw = float(self.late.random())
        if draw > 0.9:
            return self._waits()
        if draw > 0.15:
            return []
        runs: list[Run] = []
        kind = int(self.late.integers(4))
        if kind in (0, 3):
            source = int(self.late.integers(len(self.sources)))
            moved = self.price[self.sources[source]] * (0.97 + 0.06 * float(self.late.random()))
            self.seen[source] = self.now
            runs.append(
                c.REPORT_PRICE.row(
                    source=source, price_e8=self._told(source, moved), observed_ns=self.now
                )
            )
        if kind in (1, 3):
            i = (LINEAR, INVERSE)[int(self.late.integers(2))]
            runs.append(c.REPORT_LAST.row(instrument=i, ticks=max(int(self.price[1] / 0.5), 1)))
        if kind == 2:  # a smile
            runs += self._late_smile()
        pairs = [self.pairs[int(at)] for at in self.late.permutation(len(self.pairs))[:6]]
        lots = [
            (*pair, i, 1 if n > 0 else -1)
            for pair in pairs
            for (a, i), n in self.lots.items()
            if a == pair[0] and n
        ]
        cash = [(*pair, 0, 1) for pair in pairs]
        taken = [(t, 0, 1) for t in self.traders]
        return [*runs, withdraw(taken), collateral_transfers(cash), position_transfers(lots)]

    def _waits(self) -> list[Run]:
        """How long settlement waits for prices, and how much of a window it wants."""
        values = {
            Parameter.SETTLEMENT_WAIT_NS: (0, 20 * MINUTE, 3 * HOUR, DAY),
            Parameter.STALE_ADD_ON_PPM: (0, 200_000, 1_000_000),
            Parameter.STALE_HORIZON_NS: (0, 2 * HOUR, 6 * HOUR, DAY),
            Parameter.SETTLEMENT_COVERAGE_PPM: (1, 300_000, 900_000, 1_000_000),
        }
        rows = []
        for parameter, some in values.items():
            subject = int(self.late.integers(self.instruments))
            scopes = (Scope.HOUSE, *parameter.setting.scopes)
            scope = scopes[int(self.late.integers(len(scopes)))]
            value = some[int(self.late.integers(len(some)))]
            subject = subject if scope == Scope.INSTRUMENT else 0
            rows.append((int(parameter), value, int(scope), subject, 0))
        return [parameters(rows)]

    def _late_smile(self) -> list[Run]:
        """A flat smile of the next expiry, if there is one."""
        expiries = [at for at in set(self.expiry.values()) if at > self.now]
        if not expiries:
            return []
        left = (min(expiries) - self.now) / (365 * 86_400 * 10**9)
        return [smiles([(1, min(expiries), 0, round(left * 1e9), 0, 0, 0, 10**8, self.now)])]

    def _lots_aside(self, instrument: int) -> int:
        notional = float(self.aside.lognormal(7.5, 1.3))
        if instrument in (INVERSE, COIN_AT_CLOSE):
            return max(int(notional), 1)
        return max(int(notional / self.price[1] * 1000), 1)

    def _bad_cash(self) -> list[tuple[int, int, int, int]]:
        a, b = self.pairs[0]
        other = self.named["m3-1"]
        return [(UNKNOWN, b, 0, 1), (a, 0, 0, 1), (a, a, 0, 1), (a, other, 0, 1),
                (a, b, UNKNOWN, 1), (a, b, 0, 0), (a, b, 0, 2**62)]  # fmt: skip

    def _bad_lots(self) -> list[tuple[int, int, int, int]]:
        a, b = self.pairs[0]
        other = self.named["m3-1"]
        return [(UNKNOWN, b, 0, 1), (a, 0, 0, 1), (a, a, 0, 1), (a, other, 0, 1),
                (a, b, UNKNOWN, 1), (a, b, 0, 0), (a, b, 0, 2**62)]  # fmt: skip

    # --- commands that must be refused -------------------------------------------------------

    def _bad(self) -> list[Run]:
        family: Callable[[], list[Run]] = self._pick(
            (
                self._bad_assets,
                self._bad_contracts,
                self._bad_options,
                self._bad_rules,
                self._bad_models,
                self._bad_accounts,
                self._bad_collateral,
                self._bad_prices,
                self._bad_trades,
                self._bad_reservations,
                self._bad_others,
            )
        )
        return family()

    def _bad_assets(self) -> list[Run]:
        return [
            c.DECLARE_ASSET.run(
                {"symbol": ["BTC", "A", "B", "C"], "decimals": [8, 13, -1, 8],
                 "haircut_bps": [0, 0, 0, 10_001]}
            ),
            c.SET_HAIRCUT.run({"asset": [UNKNOWN, 1, 0], "haircut_bps": [0, -1, 5]}),
            c.SET_HAIRCUT_RULE.run({"asset": [UNKNOWN, 0, 1, 1], "rule": [0, 0, -1, UNKNOWN]}),
            c.SET_INDEX_METHOD.run({"asset": [UNKNOWN, 0, 1, 1], "method": [0, 0, -1, UNKNOWN]}),
            c.DECLARE_SOURCE.run(
                {"symbol": ["x", "y"], "asset": [UNKNOWN, 1], "weight": [1, 0]}
            ),
            c.SET_SOURCE_QUOTE.run(
                {"source": [UNKNOWN, 0, 0, 4], "quote": [0, 1, UNKNOWN, 2],
                 "is_inverted": [False, True, False, True]}
            ),
            c.SET_SOURCE_WEIGHT.run({"source": [UNKNOWN, 0, 0], "weight": [1, -1, 10**6 + 1]}),
        ]  # fmt: skip

    def _bad_contracts(self) -> list[Run]:
        wrong: list[dict[str, Any]] = [
            {"symbol": "LIN"},
            {"form": 3},
            {"style": 0},
            {"style": 3},
            {"underlying": UNKNOWN},
            {"settlement_asset": UNKNOWN},
            {"tick_e8": 0},
            {"unit": 0},
            {"lots_max": 2**60},
            {"taker_fee_ppm": 10**9},
            {"cycle_ns": -1},
            {"cycle_ns": 1},
            {"expiry_ns": START - 1},
            {"basis_clamp_ppm": -1},
        ]
        tiers = [
            (UNKNOWN, 0, 10, 10),
            (0, 0, 200_000, 100_000),
            (0, 10**14, 10**9, 10**9),
            (0, 10**14, 1, 1),
            (0, 10**14, 200_000, 200_001),
            *[(COIN_AT_CLOSE, 10**15 + k, 150_000, 75_000) for k in range(17)],
        ]
        names = ("instrument", "floor", "initial_ppm", "maintenance_ppm")
        return [
            *[c.LIST_INSTRUMENT.row(**self.terms(**terms)) for terms in wrong],
            c.SET_TIER.run({n: [t[k] for t in tiers] for k, n in enumerate(names)}),
            *self._bad_tables(),
        ]

    def _bad_tables(self) -> list[Run]:
        """Tables that are refused for one of their rows, beside one that is not."""
        good = (LINEAR, 0, 100_000, 50_000, 0)
        rows = [
            (UNKNOWN, *good[1:]),
            *[(LINEAR, k, 100_000, 50_000, 0) for k in range(17)],
            (INVERSE, 5, 100_000, 50_000, 0),
            good, (LINEAR, 9, 100_000, 50_000, 0), (LINEAR, 9, 100_000, 50_000, 0),
            (LINEAR, 0, 1_000_001, 50_000, 0),
            good, (LINEAR, 9, 99_000, 50_000, 0),
            (LINEAR, 0, 50_000, 50_000, 0),
            (OPTIONS, *good[1:]),
            (*good[:4], self.now), (*good[:4], -1),
            good,
        ]  # fmt: skip
        rules = [
            (UNKNOWN, 1, 0), (LINEAR, 1, 0), (OPTIONS, 0, 0), (OPTIONS, UNKNOWN, 0),
            (OPTIONS, 1, self.now),
        ]  # fmt: skip
        names = ("instrument", "margin_rule", "effective_ns")
        return [
            tier_tables(rows),
            c.REPLACE_MARGIN_RULE.run({n: [r[k] for r in rules] for k, n in enumerate(names)}),
        ]

    def _bad_options(self) -> list[Run]:
        wrong: list[dict[str, Any]] = [
            {"symbol": "CALL"},
            {"kind": 0},
            {"side": 0},
            {"underlying": UNKNOWN},
            {"settlement_asset": 2},
            {"strike_e8": 0},
            {"payout_ticks": 1},
            {"tick_e8": 0},
            {"unit": 0},
            {"lots_max": 2**60},
            {"taker_fee_ppm": 10**9},
            {"settlement_window_ns": -1},
            {"expiry_ns": self.now},
            {"margin_rule": 0},
            {"barrier": 5},
            {"barrier": 1, "monitoring": 0},
            {"monitoring": 1},
            {"barrier": 1, "barrier_e8": 0, "monitoring": 1},
            {"barrier": 2, "barrier_e8": 1, "monitoring": 2},
            {"rebate_ticks": 1},
            {"barrier": 3, "barrier_e8": 10**16, "monitoring": 1},
        ]
        base = (1, self.now + DAY, 0, 400_000, 2_000_000, 0, 0, 40_000_000, self.now)
        rows = [
            (UNKNOWN, *base[1:]),
            (*base[:8], self.now + 1),
            (1, self.now, *base[2:]),
            *[(*base[:k], value, *base[k + 1 :])
              for k, value in ((2, 2 * 10**9), (4, -1), (5, 10**9), (7, 0))],
            (*base[:4], 1_500_000_000, 900_000_000, *base[6:]),
            (*base[:4], 1_900_000_000, 0, 0, 1_000, self.now),
            (1, self.now + HOUR, 0, 2_000_000_000, *base[4:]),
            base,
            (*base[:8], self.now - 1),
        ]  # fmt: skip
        fair = ("bad", 150_000, 100_000, 75_000, 0, 75_000, 0, False, HOUR, 1)
        unfair = [(*fair[:k], value, *fair[k + 1 :])
                  for k, value in ((0, "plain"), (0, ""), (1, 0), (2, 150_001), (3, 0), (4, -1),
                                   (5, 10**7), (6, -1), (8, 31 * DAY), (8, 0), (9, 0))]  # fmt: skip
        tier = {"floor": 0, "initial_ppm": 200_000, "maintenance_ppm": 100_000}
        return [
            *[c.LIST_OPTION.row(**self.option_terms(**terms)) for terms in wrong],
            smiles(rows),
            rules(unfair),
            c.SET_TIER.row(instrument=OPTIONS, **tier),
        ]

    def _bad_rules(self) -> list[Run]:
        layers = [(0, 2, 3, 4, 5), (1, 1, 3, 4, 5), (4, 2, 3, 1, 5), (1, 2, 3, 4, 4)]
        names = ("first", "second", "third", "fourth", "last")
        return [
            parameters(
                [
                    (UNKNOWN, 1, 0, 0, 0),
                    (-1, 1, 0, 0, 0),
                    (1, 0, 0, 0, 0),
                    (1, 1_000_001, 0, 0, 0),
                    (1, 1, 4, 0, 0),
                    (1, 1, -1, 0, 0),
                    (int(Parameter.ORDER_LIFE_NS), 0, int(Scope.INSTRUMENT), 0, 0),
                    (1, 1, int(Scope.INSTRUMENT), UNKNOWN, 0),
                    (1, 1, int(Scope.ACCOUNT), -1, 0),
                    (1, 1, 0, 1, 0),
                    (1, 1, 0, 0, self.now),
                    (1, 1, 0, 0, -1),
                ]
            ),
            c.DECLARE_WATERFALL.run({n: [r[k] for r in layers] for k, n in enumerate(names)}),
        ]

    def _bad_models(self) -> list[Run]:
        rows = [
            (UNKNOWN, 0),
            (self.funds[0], 1),
            (self._pick(self.traders), 3),
            (self._pick(self.traders), -1),
        ]
        columns = {name: [row[k] for row in rows] for k, name in enumerate(("group", "model"))}
        numbers = [row[1] - 1 if row[1] > 0 else row[1] for row in rows]
        bad = {"group": columns["group"], "add_on": numbers, "is_on": [True] * len(rows)}
        accounts, methods = columns.values()
        return [
            c.SET_MARGIN_MODEL.run(columns),
            c.SET_ADD_ON.run(bad),
            c.SET_LIQUIDATION_METHOD.run({"account": accounts, "method": methods}),
        ]

    def _bad_accounts(self) -> list[Run]:
        member = len(SINGLE)
        wrong = [
            self._account("m0", Role.MEMBER),
            self._account("a", Role.MEMBER) | {"role": 13},
            self._account("b", Role.CUSTODY),
            self._account("c", Role.CLIENT, UNKNOWN),
            self._account("d", Role.CLIENT),
            self._account("e", Role.CLIENT, member) | {"mode": 0},
            self._account("f", Role.CLIENT, member) | {"shortfall_policy": 0},
            self._account("g", Role.CLIENT, member) | {"segregation": 5},
            self._account("h", Role.DEFAULT_FUND, member),
        ]
        return [c.OPEN_ACCOUNT.run({n: [row[n] for row in wrong] for n in wrong[0]})]

    def _bad_collateral(self) -> list[Run]:
        trader = self._pick(self.traders)
        rows = [
            (UNKNOWN, 0, 1),
            (SINGLE.index(Role.CUSTODY), 0, 1),
            (trader, UNKNOWN, 1),
            (self.funds[0], 1, 1),
            (trader, 0, 0),
            (trader, 0, 2**62),
        ]
        return [post(rows), withdraw([*rows, *[(t, 0, 1) for t in self.traders]]),
                post([(t, 0, 1) for t in self.traders])]  # fmt: skip

    def _bad_prices(self) -> list[Run]:
        source = self._between(0, len(self.sources) - 1)
        rows = [(UNKNOWN, 1, self.now), (source, 0, self.now), (source, 1, self.now + 1),
                (source, 1, START - HOUR)]  # fmt: skip
        names = ("source", "price_e8", "observed_ns")
        return [
            c.REPORT_PRICE.run({n: [r[k] for r in rows] for k, n in enumerate(names)}),
            c.REPORT_LAST.run({"instrument": [UNKNOWN, 0, FUTURE], "ticks": [1, 0, 9_000]}),
        ]

    def _bad_trades(self) -> list[Run]:
        a, b = (int(x) for x in self.dice.choice(self.traders, 2, replace=False))
        fees, ticks = SINGLE.index(Role.FEES), self._ticks(0, 0.0)
        rows = [
            (UNKNOWN, b, 0, ticks, 1, True, 0, 0),
            (fees, b, 0, ticks, 1, True, 0, 0),
            (a, UNKNOWN, 0, ticks, 1, True, 0, 0),
            (a, b, UNKNOWN, ticks, 1, True, 0, 0),
            (a, a, 0, ticks, 1, True, 0, 0),
            (a, b, 0, ticks, 0, True, 0, 0),
            (a, b, 0, ticks, 200_001, True, 0, 0),
            (a, b, 0, 0, 1, True, 0, 0),
            (a, b, 0, 200_001, 1, True, 0, 0),
            (a, b, FUTURE, ticks, 1, True, 0, 0),
            (a, b, 0, ticks, 200_000, True, 0, 0),
            (a, b, 0, ticks, 1, True, UNKNOWN, 0),
            (a, b, 0, ticks, 1, True, 0, 1),
            *[(t, self._pick([u for u in self.traders if u != t]), 1, ticks, 1, True, 0, 0)
              for t in self.traders],
        ]  # fmt: skip
        return [trades(rows)]

    def _bad_reservations(self) -> list[Run]:
        a = self._pick(self.traders)
        rows = [
            (UNKNOWN, 0, 1, 1),
            (SINGLE.index(Role.FEES), 0, 1, 1),
            (a, UNKNOWN, 1, 1),
            (a, 0, 0, 1),
            (a, 0, 200_001, 1),
            (a, 0, 1, 0),
            (a, 0, -1, 200_001),
            (a, FUTURE, 1, 1),
            (a, 0, 200_000, 1),
            *[(t, k, 1, 10_000) for t in self.traders for k in (0, 1)],
        ]
        return [reserve(rows)]

    def _bad_others(self) -> list[Run]:
        order = next(iter(self.orders), UNKNOWN)
        quantity = self.orders.get(order, {"quantity": 1})["quantity"]
        rows = [(UNKNOWN, 0, 0, False), (1, 0, 0, False), (order, 2 * abs(quantity), 1, False),
                (order, -1, 1, False), (order, abs(quantity), 0, False)]  # fmt: skip
        names = ("order", "quantity", "price", "is_final")
        return [
            c.REPORT_FILL.run({n: [r[k] for r in rows] for k, n in enumerate(names)}),
            c.ADVANCE_TIME.row(instant_ns=self.now - 1),
            c.ADVANCE_TIME.row(instant_ns=2**62 + 1),
            c.ASSESS_MARGIN.row(instant_ns=self.now - 1),
            c.SETTLE_CYCLE.row(instrument=0, cycle=1),
            c.TAKE_OVER.run({"account": self.traders[:2]}),
        ]


def post(rows: Sequence[tuple[int, int, int]]) -> Run:
    """Deposits of (account, asset, amount)."""
    names = ("account", "asset", "amount")
    return c.POST_COLLATERAL.run({n: [r[k] for r in rows] for k, n in enumerate(names)})


def outside_payments(rows: Sequence[tuple[int, int]]) -> Run:
    """Payments of the external market: (asset, amount)."""
    columns = {name: [row[k] for row in rows] for k, name in enumerate(("asset", "amount"))}
    return c.SETTLE_EXTERNAL_MARKET.run(columns)


def standing(rows: Sequence[tuple[int, int]]) -> Run:
    """Standing of members: (member, status)."""
    columns = {name: [row[k] for row in rows] for k, name in enumerate(("member", "status"))}
    return c.SET_MEMBER_STATUS.run(columns)


def collateral_transfers(rows: Sequence[tuple[int, int, int, int]]) -> Run:
    """Transfers of (sender, receiver, asset, amount)."""
    names = [f.name for f in c.TRANSFER_COLLATERAL.fields]
    return c.TRANSFER_COLLATERAL.run({n: [r[k] for r in rows] for k, n in enumerate(names)})


def position_transfers(rows: Sequence[tuple[int, int, int, int]]) -> Run:
    """Transfers of (sender, receiver, instrument, lots)."""
    names = [f.name for f in c.TRANSFER_POSITION.fields]
    return c.TRANSFER_POSITION.run({n: [r[k] for r in rows] for k, n in enumerate(names)})


def tier_tables(rows: Sequence[tuple[int, int, int, int, int]]) -> Run:
    """Tables of tiers with the columns of ReplaceTiers in order."""
    names = [f.name for f in c.REPLACE_TIERS.fields]
    return c.REPLACE_TIERS.run({n: [r[k] for r in rows] for k, n in enumerate(names)})


def parameters(rows: Sequence[tuple[int, int, int, int, int]]) -> Run:
    """Parameters with the columns of SetParameter in order."""
    names = [f.name for f in c.SET_PARAMETER.fields]
    return c.SET_PARAMETER.run({n: [r[k] for r in rows] for k, n in enumerate(names)})


def smiles(rows: Sequence[tuple[int, ...]]) -> Run:
    """Smiles with the columns of ReportSurface in order."""
    names = [f.name for f in c.REPORT_SURFACE.fields]
    return c.REPORT_SURFACE.run({n: [r[k] for r in rows] for k, n in enumerate(names)})


def rules(rows: Sequence[tuple[Any, ...]]) -> Run:
    """Rules for shorts with the columns of DeclareOptionMargin in order."""
    names = [f.name for f in c.DECLARE_OPTION_MARGIN.fields]
    return c.DECLARE_OPTION_MARGIN.run({n: [r[k] for r in rows] for k, n in enumerate(names)})


def reopen(groups: Sequence[int]) -> Run:
    """Margin groups that are to be open again."""
    return c.REOPEN_ACCOUNT.run({"account": list(groups)})


def withdraw(rows: Sequence[tuple[int, int, int]]) -> Run:
    """Withdrawals of (account, asset, amount)."""
    names = ("account", "asset", "amount")
    return c.WITHDRAW_COLLATERAL.run({n: [r[k] for r in rows] for k, n in enumerate(names)})


def reserve(rows: Sequence[tuple[int, int, int, int]]) -> Run:
    """Reservations of (account, instrument, lots, limit_ticks)."""
    names = ("account", "instrument", "lots", "limit_ticks")
    return c.RESERVE_MARGIN.run({n: [r[k] for r in rows] for k, n in enumerate(names)})


def trades(rows: Sequence[tuple[Any, ...]]) -> Run:
    """Trades with the columns of SubmitTrade in order."""
    names = [f.name for f in c.SUBMIT_TRADE.fields]
    return c.SUBMIT_TRADE.run({n: [r[k] for r in rows] for k, n in enumerate(names)})
