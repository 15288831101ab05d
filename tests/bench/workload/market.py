"""A large book in quiet times: trades, sweeps, ticks, a lone trade, forks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Run
from tests.bench.workload.house import DEALER, FIRST, UNIT, House, deal
from tests.bench.workload.spelling import I64
from tests.bench.workload.turn import Turn

if TYPE_CHECKING:
    from novate.engine.batch import Batch

DEPOSIT = 1_000_000 * UNIT
FORKS = 3


class Market:
    """``accounts`` clients with a position in each of ten contracts, a fifth with an open order.

    One more contract is held by ``few`` clients, against the dealer: the one whose mark ticks.
    """

    def __init__(self, accounts: int, batch: int, few: int = 200) -> None:
        rng = np.random.default_rng(1)
        self.house = House(MemoryJournal(), accounts, 11, DEPOSIT)
        for i in range(10):
            drawn = FIRST + rng.permutation(accounts)
            half = accounts // 2
            lots = rng.integers(1_000, 50_000, half)
            self.house.buy(drawn[:half], drawn[half : 2 * half], i, lots)
        few = min(few, accounts)
        self.house.buy(FIRST + np.arange(few), DEALER, 10, 10_000)
        self.house.leave_orders(1_000)
        self.house.step()
        there = self.pairs(rng, batch)
        self.batches = (deal(*there), deal(there[1], there[0], *there[2:]))
        lone = self.pairs(rng, 1)
        self.lone = (deal(*lone), deal(lone[1], lone[0], *lone[2:]))

    def pairs(self, rng: np.random.Generator, count: int) -> tuple[I64, I64, I64, I64]:
        """Draw buyers, sellers, contracts and lots."""
        buyer = rng.integers(0, self.house.clients, count)
        seller = (buyer + rng.integers(1, self.house.clients, count)) % self.house.clients
        return (
            FIRST + buyer, FIRST + seller, rng.integers(0, 10, count), rng.integers(1, 1_000, count)
        )  # fmt: skip

    def trade(self, there_and_back: tuple[Run, Run], times: int) -> list[Batch]:
        """Submit trades and their reverse in turn, so that the book stays as it was."""
        found: list[Batch] = []
        for k in range(times):
            found += self.house.engine.submit([there_and_back[k % 2]])
        return found

    def moves(self, which: I64, times: int) -> list[Batch]:
        """Move prices a tick up and down in turn, and assess."""
        found: list[Batch] = []
        for k in range(times):
            self.house.price_e8[which] += 10**6 * (1 - 2 * (k % 2))
            found += self.house.step(which)
        return found

    def fork(self) -> list[Batch]:
        """Fork; the twin is not kept."""
        self.house.engine.fork(MemoryJournal())
        return []

    def forks(self) -> list[Batch]:
        """Fork several times; the first one of a process pays for memory that others left cold."""
        for _ in range(FORKS):
            self.fork()
        return []

    def turns(self) -> dict[str, Turn]:
        """What is measured on this book."""
        size = len(self.batches[0].columns[0][1])
        return {
            "trades in batches": Turn(
                unit="trades", amount=10 * size, call=lambda: self.trade(self.batches, 10)
            ),
            "sweep after all marks moved": Turn(
                unit="accounts", amount=10 * self.house.clients,
                call=lambda: self.moves(np.arange(11), 10),
            ),
            "tick of a mark with few holders": Turn(
                unit="ticks", amount=50, call=lambda: self.moves(np.array([10]), 50)
            ),
            "one trade a submit": Turn(
                unit="trades", amount=100, call=lambda: self.trade(self.lone, 100)
            ),
            "fork": Turn(unit="forks", amount=FORKS, before=self.fork, call=self.forks),
        }  # fmt: skip
