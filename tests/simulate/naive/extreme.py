"""Streams whose sizes lie where 64 bits end: what fits is booked, the rest is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from novate.canonical import Run
from novate.kernel.codes import OrderKind, Role
from novate.message import command as c
from novate.message.declare import rows_of
from novate.message.parameter import HOUR, Parameter, set_parameters
from tests.simulate.naive.workload import (
    MEMBERS,
    SINGLE,
    Workload,
    collateral_transfers,
    outside_payments,
    position_transfers,
    post,
    trades,
    withdraw,
)

LARGEST = 2**60
TICKS_MAX = 100
TICK_E8 = 10**11


@dataclass
class Extreme(Workload):
    """A house of few ticks and enormous lots; deposits fill custody to its limit."""

    limit: int = LARGEST // TICKS_MAX  # of a position in a linear contract

    def _contracts(self) -> list[Run]:
        # Who enters pays for accrued funding: with much of it few do.
        most = 10**9 if self.seed % 2 else 1_000
        wide = {
            "tick_e8": TICK_E8, "ticks_max": TICKS_MAX, "basis_clamp_ppm": 10**6,
            "funding_ns": int(self.aside.choice((HOUR, HOUR // 2))), "funding_cap_e9": 10**9,
            "interest_e9": int(self.aside.integers(-most, most)),
            "funding_damper_e9": int(self.aside.choice((0, 10**9))),
        }  # fmt: skip
        linear = {**wide, "unit": 1, "lots_max": self.limit}
        coin = {**wide, "form": 2, "settlement_asset": 1, "unit": 7, "lots_max": LARGEST // 7}
        contracts = [
            self.terms(symbol="LIN", **linear),
            self.terms(symbol="INV", **coin),
            self.terms(
                **{**linear, "symbol": "FUT", "funding_ns": 0, "expiry_ns": self.now + 9 * HOUR}
            ),
            self.terms(symbol="ATC", **linear, style=2, cycle_ns=0),
            self.terms(symbol="CATC", **coin, style=2, cycle_ns=0),
        ]
        self.instruments = len(contracts)
        return [
            *[c.LIST_INSTRUMENT.row(**terms) for terms in contracts],
            c.SET_TIER.run(
                {
                    "instrument": list(range(self.instruments)),
                    "floor": [0] * self.instruments,
                    "initial_ppm": [self._between(10_000, 500_000)] * self.instruments,
                    "maintenance_ppm": [self._between(5, 9_000)] * self.instruments,
                }
            ),
        ]

    def _terms(self) -> list[Run]:
        slices = {Parameter.SLICE_PPM: 10**6, Parameter.SLICE_FLOOR: 0}
        at_once = {Parameter.JUMP_PPM: 0, Parameter.RAMP_PPM: 0}
        return [set_parameters({**slices, **at_once})]

    def _size(self, largest: int) -> int:
        """A whole number of any magnitude up to ``largest``."""
        return max(int(largest * 2.0 ** -float(self.dice.exponential(4.0))), 1)

    def _lots(self, instrument: int) -> int:
        return self._size(LARGEST // (7 if instrument in (1, 4) else TICKS_MAX))

    def _ticks(self, instrument: int, spread: float) -> int:
        if spread and self._chance(0.2):
            return self._between(1, TICKS_MAX)
        return min(max(int(self.price[1] * 10**8 / TICK_E8), 1), TICKS_MAX)

    def _deposits(self) -> list[Run]:
        share = LARGEST // (len(self.traders) + 1)
        rows = [(fund, 0, self._between(1, 3_000) * 10**6) for fund in self.funds]
        rows += [(trader, 0, share) for trader in self.traders]
        rows += [(t, a, share) for t in self.traders for a in (1, 2) if self._chance(0.2)]
        return [post(rows)]

    def _trades(self) -> list[Run]:
        """Pairs that trade the same size again and again, so that costs add up."""
        row = self._trade()
        return [trades([row] * self._between(1, 10))]

    def _withdraw(self) -> list[Run]:
        return [withdraw([(self._pick(self.traders), self._pick((0, 1, 2)), self._size(LARGEST))])]

    def _top_up(self) -> list[Run]:
        return [post([(self._pick(self.traders), self._pick((0, 1, 2)), self._size(LARGEST))])]

    def _answers(self) -> list[Run]:
        """The market answers at any price: a conversion may cost more than there is."""
        rows = []
        for number, order in self.orders.items():
            is_position = order["kind"] == OrderKind.POSITION
            price = self._between(1, TICKS_MAX) if is_position else self._size(10**17)
            rows.append((number, self._size(abs(order["quantity"])), price, self._chance(0.3)))
        names = ("order", "quantity", "price", "is_final")
        columns: dict[str, Any] = {n: [r[k] for r in rows] for k, n in enumerate(names)}
        return [c.REPORT_FILL.run(columns)] if rows else []

    def _bad(self) -> list[Run]:
        return self._trades()


@dataclass
class Filled(Extreme):
    """Two accounts of a holder whose numbers leave no room for what the one would give the other.

    The second one is short of a contract with cycles and long of one without: a rise costs it cash
    that it has coming.
    """

    limit: int = 65 * LARGEST // TICKS_MAX // 100
    coin_settled: ClassVar[tuple[str, ...]] = ("FUT",)

    def _steps(self) -> Iterator[list[Run]]:
        first, *_, other, third = self.traders
        second = len(SINGLE) + 6 * MEMBERS
        part = LARGEST // 100
        size, more = 29 * part // TICKS_MAX, 41 * part // TICKS_MAX
        sub = {"reference": "sub", "account": first, "mode": 1, "group": -1, "netting_set": -1}
        yield [c.OPEN_SUB_ACCOUNT.row(**sub)]
        cash = [(first, 90), (second, 2), (other, 4), (third, 3)]
        yield [post([(account, 0, parts * part) for account, parts in cash])]
        yield self._at(8)
        deals = [(other, second, 0, size), (second, other, 3, size)]
        yield [trades([(b, s, i, 8, n, True, 0, 0) for b, s, i, n in deals])]
        for ticks in (20, 40, 60):
            yield self._at(ticks)
        self.now += HOUR
        yield self._at(60)
        yield [
            collateral_transfers([(first, second, 0, 88 * part)]),
            withdraw([(first, 0, 50 * part)]),
            trades([(third, first, 0, 60, more, True, 0, 0)]),
            position_transfers([(first, second, 0, -more), (first, second, 0, -more // 2)]),
        ]

    def batches(self) -> Iterator[list[Run]]:
        """Yield the batches of one small story."""
        yield self._early()
        yield self._accounts()
        yield [c.ADVANCE_TIME.row(instant_ns=self.now)]
        yield self._declarations()
        at_once = {Parameter.JUMP_PPM: 0, Parameter.RAMP_PPM: 0}
        yield [*self._contracts()[:-1], *self._tiers(), set_parameters(at_once)]
        yield from self._steps()

    def _contracts(self) -> list[Run]:
        """Some are paid in coin: fewer contracts share what those of the numeraire come to."""
        *contracts, tiers = super()._contracts()
        listed = [row for run in contracts for row in rows_of(run)]
        for row in listed:
            if row["symbol"] in self.coin_settled:
                row["settlement_asset"] = 1
        return [*(c.LIST_INSTRUMENT.row(**row) for row in listed), tiers]

    def _tiers(self) -> list[Run]:
        rates = {"floor": 0, "initial_ppm": 10_000, "maintenance_ppm": 5_000}
        return [c.SET_TIER.row(instrument=i, **rates) for i in range(self.instruments)]

    def _at(self, ticks: int) -> list[Run]:
        """All sources agree, and a cycle that was due before is paid at the mark of before."""
        price = {1: ticks * TICK_E8, 2: 10**8}
        columns = {
            "source": [*range(len(self.sources))],
            "price_e8": [price[asset] for asset in self.sources],
            "observed_ns": [self.now] * len(self.sources),
        }
        self.now += 1
        advance = c.ADVANCE_TIME.row(instant_ns=self.now)
        assess = c.ASSESS_MARGIN.row(instant_ns=self.now)
        return [advance, c.REPORT_PRICE.run(columns), assess]


@dataclass
class Unfunded(Filled):
    """A contract is settled in a coin that nobody deposited; one client and the market gain it."""

    coin_settled: ClassVar[tuple[str, ...]] = ()

    def _steps(self) -> Iterator[list[Run]]:
        first, second, third, *_ = self.traders
        market, lots, coin = SINGLE.index(Role.EXTERNAL_MARKET), 10**9, 1
        yield [post([(account, 0, 10**15) for account in (first, second, third)])]
        yield self._at(20)
        pairs = [(second, first), (third, market)]  # longs lose by a fall
        yield [trades([(buyer, seller, 1, 20, lots, True, 0, 0) for buyer, seller in pairs])]
        yield self._at(16)
        self.now += HOUR
        yield self._at(16)
        yield [withdraw([(first, coin, 1)]), outside_payments([(coin, -1)])]


class Spared(Filled):
    """The liquidator has gained much, and holds something, when another client fails.

    It gained from the short of the first at 23, and pays for the long of the second at 17.
    """

    coin_settled: ClassVar[tuple[str, ...]] = ()

    def _steps(self) -> Iterator[list[Run]]:
        short, long, *others = self.traders
        lots, future = 10**9, 2
        yield [post([(account, 0, 2 * lots) for account in (short, long)])]
        yield [post([(account, 0, 400 * lots) for account in others[:2]])]
        yield self._at(20)
        yield [trades([(others[0], short, 0, 20, lots, True, 0, 0)])]
        yield self._at(23)
        yield self._at(20)
        self.now += HOUR
        yield self._at(20)
        yield [trades([(long, others[1], future, 20, lots, True, 0, 0)])]
        yield self._at(17)
        yield self._at(16)


class Unborne(Filled):
    """A client loses to the market more than it has, no fund holds anything, and nobody gained."""

    coin_settled: ClassVar[tuple[str, ...]] = ()

    def _steps(self) -> Iterator[list[Run]]:
        loser, *others = self.traders
        market, lots = SINGLE.index(Role.EXTERNAL_MARKET), 10**9
        yield [post([(loser, 0, 5 * lots), *((account, 0, 40 * lots) for account in others[:3])])]
        yield self._at(20)
        yield [trades([(loser, market, 0, 20, lots, True, 0, 0)])]
        yield self._at(10)
        for _ in range(3):
            self.now += HOUR
            yield self._at(10)
