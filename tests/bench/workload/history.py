"""What is over slows nothing: a book with many done reservations and orders, and a fresh one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from novate.adapter.memory_journal import MemoryJournal
from tests.bench.workload.house import DEALER, FIRST, LOT, PART, UNIT, House, values
from tests.bench.workload.spelling import rows
from tests.bench.workload.turn import Turn

if TYPE_CHECKING:
    from novate.engine.batch import Batch

INSTRUMENTS = 50
LOTS = 10_000
CLOSING = 40


class Book:
    """Clients with open orders, and ``CLOSING`` accounts that the market does not fill.

    Each of these holds all contracts and is left with two thirds of its maintenance margin, so
    that every second a slice of it puts an order for each into the outbox.
    """

    def __init__(self, accounts: int) -> None:
        client = np.arange(accounts)
        is_closing = client < CLOSING
        gross = INSTRUMENTS * LOTS * LOT
        deposit = np.where(is_closing, gross // 10 + 6 * INSTRUMENTS * UNIT, 10**6 * UNIT)
        self.house = House(MemoryJournal(), accounts, INSTRUMENTS, deposit)
        for i in range(INSTRUMENTS):
            self.house.buy(FIRST + client[is_closing], DEALER, i, LOTS)
        rest = client[CLOSING:]
        self.house.buy(FIRST + rest, DEALER, rest % INSTRUMENTS, LOTS)
        orders = self.house.order(FIRST + rest[::5], rest[::5] % INSTRUMENTS, 100)
        self.standing = int(values(orders, "MarginReserved", "reservation").max())
        self.house.price_e8 = self.house.price_e8 * 9 // 10
        self.out = values(self.house.step(), "OrderPlaced", "order")
        self.answer()
        self.reserved = np.empty(0, np.int64)
        self.accounts = FIRST + rest

    def assess(self, times: int = 20) -> list[Batch]:
        """Assess with all marks moved by a tick up and down; no slice is due within."""
        found: list[Batch] = []
        for k in range(times):
            self.house.price_e8 += 10**6 * (1 - 2 * (k % 2))
            found += self.house.assess()
        return found

    def reserve(self, count: int = 1_000) -> list[Batch]:
        """Reserve margin for an order of some accounts."""
        account = self.accounts[np.arange(count) % len(self.accounts)]
        batches = self.house.order(account, account % INSTRUMENTS, 10)
        self.reserved = values(batches, "MarginReserved", "reservation")
        return batches

    def release(self) -> None:
        """Release what `reserve` set aside."""
        self.house.engine.submit([rows("ReleaseMargin", reservation=self.reserved)])

    def slices(self) -> list[Batch]:
        """Let a second pass: every account in liquidation queues a slice."""
        batches = self.house.pass_time()
        self.out = values(batches, "OrderPlaced", "order")
        return batches

    def answer(self) -> None:
        """The market fills nothing and gives every order back; prices stay fresh."""
        self.house.engine.submit(
            [
                rows("ReportFill", order=self.out, quantity=0, price=0, is_final=True),
                self.house.prices(),
            ]
        )

    def age(self, done: int) -> None:
        """Leave ``done`` reservations and as many orders behind, and say how far it is."""
        part = min(done, PART)
        for _ in told("done reservations", -(-done // part)):
            self.reserve(part)
            self.release()
        for _ in told("done orders", -(-done // (CLOSING * INSTRUMENTS))):
            self.slices()
            self.answer()


def told(what: str, steps: int) -> Iterator[int]:
    """Count the steps of a long preparation, and say at every fifth of it how far it is."""
    for k in range(steps):
        yield k
        if (k + 1) % max(steps // 5, 1) == 0:
            print(f"  {what}: step {k + 1:,} of {steps:,}", file=sys.stderr, flush=True)


class History:
    """Two equal books of ``accounts`` clients, one with ``done`` reservations and orders behind."""

    def __init__(self, accounts: int, done: int) -> None:
        self.books = {"fresh": Book(accounts), f"{done:,} done": Book(accounts)}
        self.books[f"{done:,} done"].age(done)

    def turns(self) -> dict[str, Turn]:
        """What is measured, on either book in turn."""
        found = {}
        for age, book in self.books.items():
            found[f"assessment, {age}"] = Turn(unit="assessments", amount=20, call=book.assess)
        for age, book in self.books.items():
            found[f"reservation, {age}"] = Turn(
                unit="reservations", amount=1_000, call=book.reserve, after=book.release
            )
        for age, book in self.books.items():
            found[f"liquidation slice, {age}"] = Turn(
                unit="slices", amount=CLOSING, call=book.slices, after=book.answer
            )
        return found
