"""Streams of a market in which contracts trade far away from the index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from novate.canonical import Run
from novate.message import command as c
from novate.message.parameter import HOUR, MINUTE
from tests.simulate.naive.ended import Ended
from tests.simulate.naive.grouped import Grouped
from tests.simulate.naive.workload import INVERSE, LINEAR, OPTIONS, reserve, trades, withdraw


class Away(Grouped):
    """A stream whose last prices, marks and trades stand a tenth away from the index."""

    basis_clamp_ppm = 100_000

    def _ticks(self, instrument: int, spread: float) -> int:
        away = 1.0 if instrument >= OPTIONS else (0.9, 1.1)[instrument % 2]
        return max(int(super()._ticks(instrument, spread) * away), 1)


@dataclass
class Insolvent(Ended):
    """One small story: a contract trades 30% above its index, and some want in."""

    basis_clamp_ppm = 300_000

    def _deals(self) -> list[Run]:
        return []

    def _suspended(self) -> Iterator[list[Run]]:
        """The return costs 2.4 a lot: 20,000 lots can be paid for by 50,000, and 25,000 not."""
        ticks = 20_800  # 30% above 8,000 of half a unit
        lasts = {"instrument": [LINEAR], "ticks": [ticks]}
        for _ in range(3):
            *early, assess = self._at(8_000, after_ns=6 * 60 * 10**9)
            yield [*early, c.REPORT_LAST.run(lasts), assess]
        buyer, seller = self.traders[:2]
        for lots in (25_000, 15_000):  # an order holds something besides
            yield [reserve([(buyer, LINEAR, lots, ticks)])]
        yield [c.RELEASE_MARGIN.row(reservation=1)]
        for lots in (25_000, 20_000):
            yield [trades([self._lots(buyer, seller, lots, ticks)])]
        yield [withdraw([(buyer, 0, 45_000 * 10**6)]), withdraw([(seller, 0, 10**6)])]
        yield [trades([self._lots(seller, buyer, 10_000, ticks)])]
        yield self._at(8_000)

    def _lots(self, buyer: int, seller: int, lots: int, ticks: int) -> tuple[Any, ...]:
        return (buyer, seller, LINEAR, ticks, lots, True, 0, 0)

    def _delisted(self) -> Iterator[list[Run]]:
        yield self._silent(1)

    def _settled(self) -> Iterator[list[Run]]:
        yield self._silent(1)


@dataclass
class Sheltered(Insolvent):
    """One small story: a contract is kept 30% above its index, and that falls below what some have.

    Some of their orders are filled at the index; then the last price is there, too.
    """

    def _suspended(self) -> Iterator[list[Run]]:
        ticks, (first, second, third, fourth) = 20_800, self.traders[:4]
        yield from self._kept_at(ticks, 8_000, 3)
        yield [
            trades([self._lots(first, second, 20_000, ticks)]),
            trades([self._lots(third, fourth, 19_000, ticks)]),
        ]
        yield from self._kept_at(ticks, 7_800, 12)  # the slow index is below 7,900 after 42 minutes
        yield from self._kept_at(ticks, 8_400, 1)  # the first stands again
        yield from self._kept_at(ticks, 7_800, 12)
        for number, order in list(self.orders.items()):
            lots = abs(order["quantity"])
            yield [c.REPORT_FILL.row(order=number, quantity=lots, price=15_600, is_final=True)]
        for away in range(20_000, 15_000, -150):
            yield from self._kept_at(away, 7_800, 1)

    def _kept_at(self, ticks: int, price: int, times: int) -> Iterator[list[Run]]:
        """The contract trades at some ticks while the index is a price, for six minutes each."""
        lasts = {"instrument": [LINEAR], "ticks": [ticks]}
        for _ in range(times):
            *early, assess = self._at(price, after_ns=6 * MINUTE)
            yield [*early, c.REPORT_LAST.run(lasts), assess]


@dataclass
class Drained(Insolvent):
    """One small story: some have less at the index for funding than what accrued as they bought."""

    def terms(self, **given: Any) -> dict[str, Any]:
        """A contract with funding of up to 2% every two hours."""
        return super().terms(**{"funding_cap_e9": 20_000_000, **given})

    def _suspended(self) -> Iterator[list[Run]]:
        """Two buy as much as they can pay the return and a funding for, and the index falls.

        One buys in two accounts, one in coin.
        """
        ticks, (first, second, third, fourth) = 20_800, self.traders[:4]
        lasts = {"instrument": [LINEAR, INVERSE], "ticks": [ticks] * 2}
        for _ in range(3):
            *early, assess = self._at(8_000, after_ns=6 * MINUTE)
            yield [*early, c.REPORT_LAST.run(lasts), assess]
        yield [reserve([(first, LINEAR, 100, ticks), (fourth, INVERSE, -100, ticks)])]
        other = self.traders[-1] + 1
        yield [
            c.OPEN_SUB_ACCOUNT.row(
                reference="other", account=first, mode=1, group=first, netting_set=-1
            )
        ]
        for k in range(17, 6, -1):
            buyer = (first, other)[k % 2]
            yield [
                trades(
                    [
                        (buyer, second, LINEAR, ticks, 1 << k, True, 0, 0),
                        (third, fourth, INVERSE, ticks, 1 << k, True, 0, 0),
                    ]
                )
            ]
        for _ in range(3 * 2 * HOUR // (6 * MINUTE)):  # past three fundings
            yield self._at(7_850, after_ns=6 * MINUTE)
