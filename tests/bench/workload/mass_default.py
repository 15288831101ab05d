"""Everybody fails in one tick: from the price to the last decision, with first slices queued."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from novate.adapter.memory_journal import MemoryJournal
from tests.bench.workload.house import DEALER, FIRST, LOT, UNIT, House
from tests.bench.workload.turn import Turn

if TYPE_CHECKING:
    from novate.engine.batch import Batch

LOTS = 10_000
NOTIONAL = LOTS * LOT
"""Of each position at the start: 1,000 numeraire, of which maintenance margin asks 1%."""


class MassDefault:
    """``accounts`` clients long of one to three contracts, whom one fall leaves short.

    One in ``bust_every`` loses more than it has and is taken over; the others end at two thirds of
    their maintenance margin and are closed in slices.  A fifth have an open order.  Every turn has
    a house of its own.
    """

    def __init__(self, accounts: int, bust_every: int = 10) -> None:
        self.accounts = accounts
        self.bust_every = bust_every
        self.house: House | None = None

    def open(self, accounts: int) -> None:
        """Open the house of one turn, whose clients live until prices fall by a tenth."""
        client = np.arange(accounts)
        held = 1 + client % 3
        is_bust = client % self.bust_every == self.bust_every - 1
        left = np.where(is_bust, -held * NOTIONAL // 100, held * 6 * UNIT)
        deposit = held * NOTIONAL // 10 + left
        house = House(MemoryJournal(), accounts, 10, deposit)
        for k in range(3):
            buyers = client[held > k]
            house.buy(FIRST + buyers, DEALER, (buyers + k) % 10, LOTS)
        house.leave_orders(LOTS // 100)
        house.step()
        house.price_e8 = house.price_e8 * 9 // 10
        self.house = house

    def fall(self) -> list[Batch]:
        """The tick."""
        assert self.house is not None
        return self.house.step()

    def warm(self) -> None:
        """Compile on a small house: a turn of the size measured may take minutes."""
        self.open(40)
        self.fall()

    def after(self) -> None:
        """Let the house of the turn go."""
        self.house = None

    def turns(self) -> dict[str, Turn]:
        """What is measured."""
        return {
            f"mass default of {self.accounts:,} accounts, 1 in {self.bust_every} bust": Turn(
                unit="accounts", amount=self.accounts,
                before=lambda: self.open(self.accounts), call=self.fall, after=self.after,
                warm=self.warm,
            )
        }  # fmt: skip
