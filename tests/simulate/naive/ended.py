"""A stream about contracts that are suspended, delisted, and settled by the decision of two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from novate.canonical import Run
from novate.message import command as c
from novate.message.parameter import HOUR, MINUTE, SECOND, Parameter, set_parameters
from tests.simulate.naive.workload import (
    FUTURE,
    INVERSE,
    LINEAR,
    OPTIONS,
    UNKNOWN,
    Workload,
    post,
    reserve,
    smiles,
    trades,
)

DAY = 24 * HOUR
EXPIRED = OPTIONS + 1
E8 = 10**8


@dataclass
class Ended(Workload):
    """One small story, refusals among it."""

    def batches(self) -> Iterator[list[Run]]:
        """Yield the batches of the story."""
        yield self._early()
        yield self._accounts()
        yield [c.ADVANCE_TIME.row(instant_ns=self.now)]
        yield self._declarations()
        yield [*self._rules(), *self._contracts()]
        yield [
            set_parameters(
                {
                    Parameter.TRADE_COLLAR_PPM: 0,
                    Parameter.INDEX_STALENESS_NS: 10 * MINUTE,
                    Parameter.SETTLEMENT_RANGE_NS: HOUR,
                    Parameter.CALL_GRACE_NS: HOUR,
                }
            )
        ]
        yield [post([(t, 0, 50_000 * 10**6) for t in self.traders])]
        yield self._at(8_000)
        yield self._deals()
        for price in (8_100, 7_900, 8_000):
            yield self._at(price, after_ns=20 * MINUTE)
        yield from self._suspended()
        yield from self._delisted()
        yield from self._settled()

    def _at(self, price: int, after_ns: int = SECOND) -> list[Run]:
        """All sources of the coin agree, and the other asset is worth 1."""
        self.now += after_ns
        columns = {
            "source": [*range(len(self.sources))],
            "price_e8": [price * E8 if asset == 1 else E8 for asset in self.sources],
            "observed_ns": [self.now] * len(self.sources),
        }
        rows = [
            (1, expiry, 0, 50_000, 5_000, 0, 0, 10**8, self.now)
            for expiry in sorted(set(self.expiry.values()))
            if expiry > self.now
        ]
        return [
            c.ADVANCE_TIME.row(instant_ns=self.now),
            c.REPORT_PRICE.run(columns),
            *([smiles(rows)] if rows else []),
            c.ASSESS_MARGIN.row(instant_ns=self.now),
        ]

    def _silent(self, after_ns: int) -> list[Run]:
        self.now += after_ns
        return [
            c.ADVANCE_TIME.row(instant_ns=self.now),
            c.ASSESS_MARGIN.row(instant_ns=self.now),
        ]

    def _deal(self, i: int, *, back: bool = False) -> tuple[Any, ...]:
        sides = self.traders[:2][::-1] if back else self.traders[:2]
        return (*sides, i, self._ticks(i, 0.0), 2, True, 0, 0)

    def _deals(self) -> list[Run]:
        return [trades([self._deal(i) for i in (LINEAR, INVERSE, FUTURE, OPTIONS, EXPIRED)])]

    def _of(self, message: Any, *instruments: int) -> Run:
        return message.run({"instrument": list(instruments)})  # type: ignore[no-any-return]

    def _suspended(self) -> Iterator[list[Run]]:
        """A suspended contract is only reduced; it is marked as ever."""
        yield [
            self._of(c.RESUME_CONTRACT, UNKNOWN, LINEAR),
            self._of(c.SUSPEND_CONTRACT, UNKNOWN, LINEAR, LINEAR, OPTIONS),
            trades([self._deal(LINEAR), self._deal(OPTIONS), self._deal(LINEAR, back=True)]),
            reserve([(self.traders[0], LINEAR, 1, 20_000)]),
        ]
        yield self._at(8_050)
        yield [self._of(c.RESUME_CONTRACT, LINEAR, OPTIONS), trades([self._deal(LINEAR)])]

    def _delist(self, i: int, suspend: int, expiry: int, window: int = 0) -> Run:
        names = [field.name for field in c.DELIST_CONTRACT.fields]
        return c.DELIST_CONTRACT.row(
            **dict(zip(names, (i, self.now + suspend, self.now + expiry, window), strict=True))
        )

    def _delisted(self) -> Iterator[list[Run]]:
        """A perpetual gets an end, and a future another one, until its window has begun."""
        yield [
            self._delist(UNKNOWN, MINUTE, HOUR),
            self._delist(OPTIONS, MINUTE, HOUR),
            self._delist(LINEAR, 0, HOUR),
            self._delist(LINEAR, MINUTE, 30 * SECOND),
            self._delist(LINEAR, MINUTE, 367 * DAY),
            self._delist(LINEAR, MINUTE, HOUR, DAY + 1),
            self._delist(LINEAR, MINUTE, 25 * MINUTE, 10 * MINUTE),
            self._delist(FUTURE, MINUTE, 30 * DAY),
            trades([self._deal(LINEAR)]),
        ]
        yield self._at(8_020, after_ns=2 * MINUTE)
        yield [self._of(c.RESUME_CONTRACT, LINEAR), trades([self._deal(LINEAR)])]
        for price in (8_040, 8_060):
            yield self._at(price, after_ns=9 * MINUTE)
        yield [self._delist(LINEAR, SECOND, 2 * SECOND)]
        yield self._at(8_080, after_ns=9 * MINUTE)
        yield [
            self._of(c.SUSPEND_CONTRACT, LINEAR),
            self._of(c.RESUME_CONTRACT, LINEAR),
            self._delist(LINEAR, MINUTE, HOUR),
        ]

    def _settled(self) -> Iterator[list[Run]]:
        """While the index is there, nobody names a price; then one proposes and another agrees."""
        price = 8_000 * E8
        yield [_propose(INVERSE, price, "Ann"), _approve(INVERSE, price, "Ben")]
        yield self._silent(15 * MINUTE)
        yield [
            *[
                make(i, at, name)
                for make in (_propose, _approve)
                for i, at, name in (
                    (UNKNOWN, price, "Ann"),
                    (LINEAR, price, "Ann"),
                    (INVERSE, price, " "),
                    (INVERSE, 7_899 * E8, "Ann"),
                    (INVERSE, 8_101 * E8, "Ann"),
                )
            ],
            _approve(INVERSE, price, "Ben"),
            _propose(INVERSE, price, "Ann"),
            _approve(INVERSE, price + 1, "Ben"),
            _approve(INVERSE, price, " aNN"),
        ]
        yield self._silent(HOUR + 1)
        yield [
            _approve(INVERSE, price, "Ben"),
            _propose(INVERSE, price, "Ann"),
            _approve(INVERSE, price, "Ben"),
            _propose(EXPIRED, 8_010 * E8, "Ben"),
            _approve(EXPIRED, 8_010 * E8, "Ann"),
        ]
        yield self._at(8_000)


def _propose(i: int, price_e8: int, name: str) -> Run:
    return c.PROPOSE_SETTLEMENT.row(instrument=i, price_e8=price_e8, proposer=name)


def _approve(i: int, price_e8: int, name: str) -> Run:
    return c.APPROVE_SETTLEMENT.row(instrument=i, price_e8=price_e8, approver=name)
