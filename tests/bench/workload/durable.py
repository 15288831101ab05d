"""Batches of trades that are made durable: SQLite, a sync for each batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from novate.adapter.sqlite_journal import SqliteJournal
from tests.bench.workload.house import FIRST, UNIT, House, deal
from tests.bench.workload.turn import Turn

if TYPE_CHECKING:
    from novate.engine.batch import Batch

BATCHES = 100


class Durable:
    """``accounts`` clients that trade there and back, ``rows`` trades a batch.

    The journal lies in the working folder.
    """

    def __init__(self, accounts: int, rows: int) -> None:
        rng = np.random.default_rng(2)
        journal = SqliteJournal("journal")
        self.house = House(journal, accounts, 10, 1_000_000 * UNIT)
        self.house.leave_orders(1_000)
        buyer = rng.integers(0, accounts, rows)
        seller = (buyer + rng.integers(1, accounts, rows)) % accounts
        terms = (rng.integers(0, 10, rows), rng.integers(1, 1_000, rows))
        self.there = deal(FIRST + buyer, FIRST + seller, *terms)
        self.back = deal(FIRST + seller, FIRST + buyer, *terms)

    def submit(self) -> list[Batch]:
        """Submit batches, each made durable before the next."""
        found: list[Batch] = []
        for _ in range(BATCHES // 2):
            found += self.house.engine.submit([self.there])
            found += self.house.engine.submit([self.back])
        return found

    def turns(self) -> dict[str, Turn]:
        """What is measured."""
        amount = BATCHES * self.there.rows
        return {"durable batches": Turn(unit="trades", amount=amount, call=self.submit)}
