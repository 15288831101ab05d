"""A run as its figures see it: the accounts, where it opened, what was observed, how it ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from novate.engine.state import State
from novate.insight.measure import fund_balances, net_equity
from novate.insight.observer import Observer

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MarginAccounts:
    """Accounts whose positions are margined, in the order in which tables list them.

    Attributes
    ----------
    numbers
        The engine's numbers, shape (accounts,).
    references, roles, members
        What they are called, and under whom they are.
    profiles
        What kind of holder each is.
    """

    numbers: I64
    references: tuple[str, ...]
    roles: tuple[str, ...]
    members: tuple[str, ...]
    profiles: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.references)

    def position_of(self) -> dict[int, int]:
        """Place of each account in the columns, by the engine's number."""
        return {int(account): place for place, account in enumerate(self.numbers)}


@dataclass(frozen=True, slots=True)
class OpeningBalance:
    """Where a run stood when its venue and book were open.

    Attributes
    ----------
    sequence
        Of the opening's last record.
    equity
        Net equity of each margin account, numeraire units.
    funds
        Balances of the loss-absorbing layers, numeraire units.
    """

    sequence: int
    equity: I64
    funds: dict[str, int]


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """A run that is over.

    Attributes
    ----------
    state, head
        What it left, and sequence and hash of the journal's last record.
    accounts, opening, observer
        Whom it margined, where it began, and what was observed of it.
    equity_end
        Net equity of each margin account, numeraire units.
    """

    state: State
    head: tuple[int, bytes]
    accounts: MarginAccounts
    opening: OpeningBalance
    observer: Observer
    equity_end: I64


def opening_balance(state: State, sequence: int, accounts: MarginAccounts) -> OpeningBalance:
    """Return where a run stands that has just been opened."""
    return OpeningBalance(sequence, net_equity(state, accounts.numbers), fund_balances(state))
