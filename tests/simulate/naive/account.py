"""Accounts of the naive model, and what the accounts of a margin group are together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from novate.kernel.codes import AccountStatus, MarginMode, Role
from tests.simulate.naive.number import AMOUNT_MAX, clamp

MARGIN_ROLES = (Role.HOUSE, Role.CLIENT)


@pytest.mark.rule("3.25")
def within(total: int) -> int:
    """Sums of worths stay below 2**62 in size."""
    return clamp(total, 1 - 4 * AMOUNT_MAX, 4 * AMOUNT_MAX - 1)


@dataclass
class Position:
    lots: int = 0
    entry_cost: int = 0
    settlement_cost: int = 0
    realised: int = 0
    buys: int = 0
    sells: int = 0

    @property
    @pytest.mark.rule("3.1")
    def widest(self) -> int:
        """Lots held when the worse side of the open orders fills."""
        return max(abs(self.lots + self.buys), abs(self.lots - self.sells))

    def add(self, other: Position) -> None:
        """Count another position as one with this."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Account:
    number: int
    role: int
    parent: int
    mode: int
    shortfall_policy: int
    segregation: int
    pool: int
    group: int
    netting_set: int
    payer: int
    status: int = AccountStatus.OPEN
    encumbered: int = 0
    window_gain: int = 0
    open_order_hold: int = 0
    owed: int = 0  # of a group, at the account that it began with
    model: int = 0
    add_ons: frozenset[int] = frozenset()
    method: int = 0
    grace_left: int = 0  # of a call that waits for a price
    deadline: int = 0  # of a group, at the account that it began with
    slice_at: int = 0
    balance: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    positions: defaultdict[int, Position] = field(default_factory=lambda: defaultdict(Position))

    @property
    def has_margin(self) -> bool:
        return self.role in MARGIN_ROLES

    @property
    def add_on_bits(self) -> int:
        """Add-ons as the engine keeps them: a bit of each number."""
        return sum(1 << number for number in self.add_ons)

    @property
    def is_standing(self) -> bool:
        return self.has_margin and self.status in (AccountStatus.OPEN, AccountStatus.CALLED)

    @property
    def is_isolated(self) -> bool:
        return self.mode == MarginMode.ISOLATED


@dataclass
class Group:
    """What is assessed: accounts as one, their positions by contract and netting set."""

    accounts: list[Account]
    encumbered: int = 0
    window_gain: int = 0
    open_order_hold: int = 0
    balance: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    positions: dict[tuple[int, int], Position] = field(default_factory=dict)

    @property
    @pytest.mark.rule("6.34")
    def model(self) -> int:
        return self.accounts[0].model

    @property
    @pytest.mark.rule("6.34")
    def add_ons(self) -> frozenset[int]:
        return self.accounts[0].add_ons

    @property
    @pytest.mark.rule("6.19", "6.34")
    def contracts(self) -> list[int]:
        """Contracts in which an account of the group has lots or open orders."""
        held = [item for account in self.accounts for item in account.positions.items()]
        return sorted({i for i, p in held if p.lots or p.buys or p.sells})


@pytest.mark.rule("2.10", "6.35")
def merge(accounts: Sequence[Account]) -> Group:
    """Count the accounts of a group as one."""
    group = Group(sorted(accounts, key=lambda a: a.number))
    for account in group.accounts:
        for name in ("encumbered", "window_gain", "open_order_hold"):
            setattr(group, name, getattr(group, name) + getattr(account, name))
        for asset, amount in account.balance.items():
            group.balance[asset] = within(group.balance[asset] + amount)
        for i, p in account.positions.items():
            group.positions.setdefault((i, account.netting_set), Position()).add(p)
    group.encumbered = min(group.encumbered, AMOUNT_MAX)
    group.window_gain = clamp(group.window_gain, -AMOUNT_MAX, AMOUNT_MAX)
    return group
