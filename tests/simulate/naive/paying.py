"""Streams in which called groups pay: all, a part or too much, in money or in coins, or from aside.

Drawn from dice of their own, so that the rest of a stream is what it was without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from novate.canonical import Run
from novate.message import command as c
from novate.message.parameter import MINUTE, Parameter, Scope
from tests.simulate.naive.workload import (
    Event,
    Workload,
    collateral_transfers,
    parameters,
    post,
)


@dataclass
class Paying(Workload):
    """The toy market of `Workload`, whose called groups pay."""

    asked: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Group and what is left, of open obligations by number."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.till = np.random.default_rng((self.seed, 71))

    def learn(self, events: Sequence[Event]) -> None:
        """Keep what is asked in step too."""
        super().learn(events)
        for name, row in events:
            if name == "MarginCalled":
                self.asked[row["obligation"]] = (row["account"], row["amount"])
            elif name == "ObligationPaid":
                self.asked[row["obligation"]] = (row["account"], row["left"])
            elif name == "ObligationClosed":
                del self.asked[row["obligation"]]

    def _of_till(self, values: Sequence[Any]) -> Any:
        return values[int(self.till.integers(len(values)))]

    def members_of(self, group: int) -> list[int]:
        """Accounts of a margin group."""
        return [group]

    def _too_little(self) -> list[Run]:
        """Deadlines come while the minimum is above what is missing: in one seed of eight."""
        minimum, house = int(Parameter.CALL_MINIMUM), int(Scope.HOUSE)
        self.now += 65 * MINUTE
        return [
            parameters([(minimum, 10**12, house, 0, 0)]),
            c.ADVANCE_TIME.row(instant_ns=self.now),
            parameters([(minimum, 10 * 10**6, house, 0, 0)]),
        ]

    def _payments(self) -> list[Run]:
        """Called groups pay; sometimes the minimum of a call changes, and coins lose worth."""
        if self.seed % 8 == 7 and self.asked and self.till.random() < 0.4:
            return self._too_little()
        runs: list[Run] = []
        if self.till.random() < 0.12:
            rows = []
            for scope in (Scope.HOUSE, self._of_till(Parameter.CALL_MINIMUM.setting.scopes)):
                subject = 0 if scope == Scope.HOUSE else self._of_till(self.traders)
                value = self._of_till((0, 10, 300, 3_000)) * 10**6
                rows.append((int(Parameter.CALL_MINIMUM), value, int(scope), subject, 0))
            runs.append(parameters(rows))
        deposits, transfers = [], []
        for group, left in list(self.asked.values()):
            if self.till.random() < 0.45:
                continue
            amount = max(int(left * self._of_till((0.3, 0.999, 1.0, 1.0, 1.0, 1.5))), 1)
            account = self._of_till(self.members_of(group))
            asset = self._of_till((0, 0, 0, 1, 2))
            if asset:
                units = (0, 10**8 / self.price[1], 10**6 / self.price[2])[asset]
                amount = max(int(amount * units / 10**6), 1)
            pairs = [pair for pair in self.pairs if account in pair]
            if pairs and self.till.random() < 0.7:
                pair = self._of_till(pairs)
                other = pair[0] if account == pair[1] else pair[1]
                transfers.append((other, account, asset, amount))
            else:
                deposits.append((account, asset, amount))
        runs += [collateral_transfers(transfers)] if transfers else []
        runs += [post(deposits)] if deposits else []
        if self.till.random() < 0.1:
            runs.append(c.SET_HAIRCUT.row(asset=2, haircut_bps=int(self.till.integers(5_000))))
        return runs
