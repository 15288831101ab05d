"""Streams whose holders have several accounts, in margin groups and netting sets or alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from novate.canonical import Run
from novate.message import command as c
from novate.message.parameter import MINUTE, Parameter, Scope
from tests.simulate.naive.extreme import LARGEST, Extreme
from tests.simulate.naive.paying import Paying
from tests.simulate.naive.workload import (
    UNKNOWN,
    Event,
    parameters,
    reserve,
    trades,
    withdraw,
)

GROUP_MAX = 64
FULL_EVERY = 10
"""One seed of so many fills a group to its limit."""


@dataclass
class Place:
    """Where an account stands: by the events that told it."""

    pool: int
    group: int
    netting_set: int


@dataclass
class Grouped(Paying):
    """The toy market of `Workload`, of holders with one account or several."""

    places: dict[int, Place] = field(default_factory=dict)
    called: set[int] = field(default_factory=set)
    references: int = 0
    of_several: Counter[str] = field(default_factory=Counter)
    """Events that named a margin group of several accounts, or one of its accounts."""

    def learn(self, events: Sequence[Event]) -> None:
        """Keep accounts and their groups in step too."""
        super().learn(events)
        for name, row in events:
            group = self.places[row["account"]].group if row.get("account") in self.places else -1
            of_several = [p for p in self.places.values() if p.group == group]
            self.of_several[name] += len(of_several) > 1
            if name == "AccountOpened":
                number = row["account"]
                self.places[number] = Place(number, number, number)
            elif name == "SubAccountOpened":
                pool = self.places[row["holder"]].pool
                self.places[row["account"]] = Place(pool, row["group"], row["netting_set"])
                if not row["reference"].startswith("full"):
                    self.traders.append(row["account"])
            elif name == "MarginGroupSet":
                place = self.places[row["account"]]
                place.group, place.netting_set = row["group"], row["netting_set"]
            elif name == "MarginCalled":
                self.called.add(row["account"])
            elif name in ("MarginCallMet", "MarginCallPaid", "DefaultDeclared"):
                self.called.discard(row["account"])

    def members_of(self, group: int) -> list[int]:
        """Accounts of a margin group."""
        return [account for account, place in self.places.items() if place.group == group]

    # --- setting up ------------------------------------------------------------------------

    def _declarations(self) -> list[Run]:
        """Some holders open more accounts before the first deposit."""
        rows = [
            self._sub_account(holder)
            for holder in self.traders
            for _ in range(self._pick((0, 0, 1, 2)))
        ]
        found = [*super()._declarations(), sub_accounts(rows)]
        return [*found, *self._full()]

    def _sub_account(self, holder: int) -> tuple[Any, ...]:
        """One more account of a holder: in its group and set, in its group alone, or apart."""
        self.references += 1
        place = self.places[holder]
        mode = 2 if self._chance(0.08) else 1
        group = place.group if self._chance(0.85) else -1
        netting_set = place.netting_set if group >= 0 and self._chance(0.5) else -1
        return (f"sub{self.references}", holder, mode, group, netting_set)

    def _full(self) -> list[Run]:
        """One group has as many accounts as a group may have, and others want to join it."""
        if self.seed % FULL_EVERY:
            return []
        holder = self.traders[0]
        rows = [(f"full{k}", holder, 1, holder, -1) for k in range(GROUP_MAX)]
        rows.append(("full-alone", holder, 1, -1, -1))
        return [sub_accounts(rows)]

    def _deposits(self) -> list[Run]:
        """Some accounts of a group have nothing but what the others have."""
        poor = {t for t in self.traders if self.places[t].group != t and self._chance(0.5)}
        rich, self.traders = self.traders, [t for t in self.traders if t not in poor]
        runs = super()._deposits()
        self.traders = rich
        return runs

    # --- living ----------------------------------------------------------------------------

    def _business(self) -> list[Run]:
        if self.called and self._chance(0.15):
            return self._silence()
        if self._chance(0.75):
            return super()._business()
        family: Callable[[], list[Run]] = self._pick(
            (self._hedges, self._hedges, self._moves, self._moves, self._inside, self._drain,
             self._open, self._orders, self._of_groups)
        )  # fmt: skip
        return family()

    def _silence(self) -> list[Run]:
        """No source reports until the calls that are open are due."""
        self.now += self._pick((65, 130)) * MINUTE
        return [c.ADVANCE_TIME.row(instant_ns=self.now)]

    def _others(self, account: int) -> list[int]:
        """Other traders of the account's group, or its pool if it is alone."""
        mine = self.places[account]
        found = [t for t in self.traders if t != account and self.places[t].group == mine.group]
        pool = [t for t in self.traders if t != account and self.places[t].pool == mine.pool]
        return found or pool

    def _hedges(self) -> list[Run]:
        """Long in one account of a group and short in another."""
        rows = []
        for _ in range(self._between(1, 5)):
            long = self._pick(self.traders)
            if not self._others(long):
                continue
            short = self._pick(self._others(long))
            strangers = [t for t in self.traders if t not in (long, short)]
            instrument = self._between(0, self.instruments - 1)
            ticks, lots = self._ticks(instrument, 0.003), 3 * self._lots(instrument)
            less = max(int(lots * self._pick((0.5, 1.0, 1.0))), 1)
            terms = (instrument, ticks)
            rows.append((long, self._pick(strangers), *terms, lots, self._chance(0.5), 0, 0))
            rows.append((self._pick(strangers), short, *terms, less, self._chance(0.5), 0, 0))
        return [trades(rows)] if rows else []

    def _inside(self) -> list[Run]:
        """Accounts of one group trade with each other."""
        rows = []
        for _ in range(self._between(1, 6)):
            buyer = self._pick(self.traders)
            if self._others(buyer):
                instrument = self._between(0, self.instruments - 1)
                ticks, lots = self._ticks(instrument, 0.004), self._lots(instrument)
                lots *= self._pick((1, 1, 20))
                terms = (instrument, ticks, lots, self._chance(0.5), 0, 0)
                rows.append((buyer, self._pick(self._others(buyer)), *terms))
        return [trades(rows)] if rows else []

    def _drain(self) -> list[Run]:
        """Withdraw from one account what the others need."""
        rows = []
        for account in self.traders:
            if self._others(account) and self._chance(0.5):
                asset = self._pick((0, 0, 0, 1))
                amount = int(float(self.dice.lognormal((21.5, 18)[asset], 1.2)))
                rows.append((account, asset, max(amount, 1)))
        return [withdraw(rows)] if rows else []

    def _open(self) -> list[Run]:
        """A holder opens one more account, while there are few, and may trade at once."""
        if len(self.traders) >= 24:
            return self._moves()
        return [sub_accounts([self._sub_account(self._pick(self.traders))])]

    def _move(self, account: int) -> tuple[int, int, int]:
        """A move of an account: into a group of its pool, another set, or out."""
        inside = self._others(account)
        if not inside or self._chance(0.35):
            return (account, account, account)
        pool = [t for t in inside if self.places[t].pool == self.places[account].pool]
        group = self.places[self._pick(pool or inside)].group
        sets = [p.netting_set for p in self.places.values() if p.group == group]
        return (account, group, self._pick((account, *sets)))

    def _moves(self) -> list[Run]:
        chosen = [self._pick(self.traders) for _ in range(self._between(1, 6))]
        return [moves([self._move(account) for account in chosen])]

    def _orders(self) -> list[Run]:
        """Orders of one account that close what the accounts of its set hold together."""
        rows = []
        for _ in range(self._between(1, 5)):
            account = self._pick(self.traders)
            for one in [account, *self._others(account)][:3]:
                instrument = self._between(0, min(self.instruments, 6) - 1)
                lots = self._lots(instrument) * self._pick((1, -1))
                limit = self._ticks(instrument, self._pick((0.0, 0.005, 0.05)))
                rows.append((one, instrument, lots, limit))
        return [reserve(rows)]

    def _of_groups(self) -> list[Run]:
        """Parameters of groups and of accounts in them."""
        values = {
            Parameter.TAKEOVER_PPM: (100_000, 700_000),
            Parameter.RELEASE_PPM: (1_000_000, 1_600_000),
            Parameter.SLICE_PPM: (100_000, 1_000_000),
            Parameter.LIQUIDATION_COST_PPM: (0, 50_000),
            Parameter.LIQUIDATION_FEE_PPM: (0, 20_000),
        }
        rows = []
        for parameter, some in values.items():
            account = self._pick(self.traders)
            scope = self._pick((Scope.GROUP, Scope.GROUP, Scope.ACCOUNT))
            subject = self.places[account].group if self._chance(0.8) else account
            rows.append((int(parameter), self._pick(some), int(scope), subject, 0))
        return [parameters(rows)]

    # --- commands that must be refused -------------------------------------------------------

    def _unassessed(self) -> list[Run]:
        """Accounts leave their groups then too."""
        runs = super()._unassessed()
        return [*runs, moves([(t, t, t) for t in self.traders[:12]])] if runs else []

    def _bad(self) -> list[Run]:
        return self._bad_groups() if self._chance(0.2) else super()._bad()

    def _bad_groups(self) -> list[Run]:
        a = self._pick(self.traders)
        other = self._pick([t for t in self.traders if self.places[t].pool != self.places[a].pool])
        mine = [t for t in self.traders if self.places[t].pool == self.places[a].pool]
        group = self.places[a].group
        self.references += 1
        fresh = f"bad{self.references}"
        opened = [
            ("", a, 1, -1, -1),
            ("m0", a, 1, -1, -1),
            (fresh, UNKNOWN, 1, -1, -1),
            (fresh, self.funds[0], 1, -1, -1),
            (fresh, a, 3, -1, -1),
            (fresh, a, 1, UNKNOWN, -1),
            (fresh, a, 1, -2, -1),
            *[(fresh, t, 1, t, -1) for t in mine if self.places[t].group != t],
            (fresh, a, 1, self.places[other].group, -1),
            (fresh, a, 2, group, -1),
            (fresh, a, 1, group, other),
            (fresh, a, 1, -1, self.places[a].netting_set),
            (fresh, a, 1, -1, -2),
        ]
        free = max(self.places) + 1
        moved = [
            (a, self.named["m3"], a),
            (UNKNOWN, a, a), (self.funds[0], a, a), (a, UNKNOWN, a), (a, free, a),
            (a, self.places[other].group, a), (a, a, other), (a, group, other),
            *[(t, self.places[self._pick(mine)].group, t) for t in mine],
            *[(t, self._pick(mine), self._pick(mine)) for t in mine],
        ]  # fmt: skip
        full = [t for reference, t in self.named.items() if reference.startswith("full")]
        if full:
            moved.append((full[-1], self.places[full[0]].group, full[-1]))
        return [sub_accounts(opened), moves(moved)]


@dataclass
class GroupedExtreme(Grouped, Extreme):
    """Enormous sizes in accounts that are margined together."""

    def _full(self) -> list[Run]:
        return []

    def _business(self) -> list[Run]:
        return self._moves() if self._chance(0.3) else super()._business()

    def _hedges(self) -> list[Run]:
        """As much as fits in several contracts, or of one in accounts that may meet in a group."""
        rows = []
        for account in [t for t in self.traders if self._others(t)]:
            favourite = (0, 2, 3)[self.places[account].pool % 3]
            instrument = favourite if self._chance(0.7) else self._pick((0, 2, 3))
            other = self._pick([t for t in self.traders if t not in self._others(account)])
            sides = (account, other) if self._chance(0.5) else (other, account)
            lots = self._between(1, LARGEST // 100)
            if sides[0] != sides[1]:
                rows.append((*sides, instrument, self._ticks(0, 0.0), lots, True, 0, 0))
        return [trades(rows)] if rows else []


def sub_accounts(rows: Sequence[tuple[Any, ...]]) -> Run:
    """New accounts with the columns of OpenSubAccount in order."""
    names = [f.name for f in c.OPEN_SUB_ACCOUNT.fields]
    return c.OPEN_SUB_ACCOUNT.run({n: [r[k] for r in rows] for k, n in enumerate(names)})


def moves(rows: Sequence[tuple[int, int, int]]) -> Run:
    """Moves with the columns of SetMarginGroup in order."""
    names = [f.name for f in c.SET_MARGIN_GROUP.fields]
    return c.SET_MARGIN_GROUP.run({n: [r[k] for r in rows] for k, n in enumerate(names)})
