"""The generated book as columns, and the numbers that follow from it.

Signs are from the account holder's view: positive lots are long, positive profit is a gain.
Money is in ledger units of the numeraire (6 decimals) unless an asset is named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.errors import require
from novate.simulation.population.terms import (
    Asset,
    BoolArray,
    FloatArray,
    Instrument,
    IntArray,
    Targets,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Clearing members; columns of shape (members,).

    Attributes
    ----------
    reference
        Names.
    house_account
        Row of the member's own account.
    default_fund
        Contribution to the default fund, ledger units of the numeraire.
    """

    reference: tuple[str, ...]
    house_account: IntArray
    default_fund: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Margin accounts; columns of shape (accounts,), the house accounts first.

    Attributes
    ----------
    reference
        Names.
    role, member, kind, mode, shortfall_policy, segregation
        Values of `Role`, row of the clearing member, values of `AccountType`, `MarginMode`,
        `ShortfallPolicy` and `Segregation`.
    """

    reference: tuple[str, ...]
    role: IntArray
    member: IntArray
    kind: IntArray
    mode: IntArray
    shortfall_policy: IntArray
    segregation: IntArray

    def __len__(self) -> int:
        return len(self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposits:
    """Collateral by account, then asset; columns of shape (deposits,).

    Attributes
    ----------
    account, asset
        Rows of the account and of the asset.
    amount
        Ledger units of the asset, positive.
    """

    account: IntArray
    asset: IntArray
    amount: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningTrades:
    """Trades that build the book; columns of shape (trades,).

    Every trade has one price for both sides, so that loading them as ordinary trades creates
    neither lots nor money.

    Attributes
    ----------
    instrument, buyer, seller
        Rows of the instrument and of the accounts.
    lots
        Positive quantity.
    price_ticks
        Trade price in ticks.
    """

    instrument: IntArray
    buyer: IntArray
    seller: IntArray
    lots: IntArray
    price_ticks: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """Positions by account, then instrument; columns of shape (positions,).

    Attributes
    ----------
    account, instrument
        Rows of the account and of the instrument.
    lots
        Signed quantity, never zero; adds up to zero per instrument.
    entry_ticks
        Average entry price, rounded to the nearest tick.
    entry_cost
        Exact sum of lots times entry ticks; adds up to zero per instrument.
    hedge_lots
        Position of the same holder on other venues.  Reported, never collateral.
    """

    account: IntArray
    instrument: IntArray
    lots: IntArray
    entry_ticks: IntArray
    entry_cost: IntArray
    hedge_lots: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A whole generated venue at its starting marks.

    Attributes
    ----------
    targets, instruments, assets
        What it was generated from.
    mark_ticks
        Starting mark per instrument, in ticks.
    members, accounts, deposits, positions, trades
        The book.
    initial_margin
        Initial margin per account at the starting marks, by the function that was passed in.
    """

    targets: Targets
    instruments: tuple[Instrument, ...]
    assets: tuple[Asset, ...]
    mark_ticks: IntArray
    members: Members
    accounts: Accounts
    deposits: Deposits
    positions: Positions
    trades: OpeningTrades
    initial_margin: IntArray

    def tick_value(self) -> IntArray:
        """Ledger units that one lot gains per tick, shape (instruments,)."""
        return np.array([item.tick_value for item in self.instruments], dtype=np.int64)

    def position_notional(self) -> IntArray:
        """Absolute notional of each position at the starting mark, shape (positions,)."""
        lot_value = self.mark_ticks * self.tick_value()
        notional: IntArray = np.abs(self.positions.lots) * lot_value[self.positions.instrument]
        return notional

    def gross_notional(self) -> IntArray:
        """Absolute notional of each account at the starting mark, shape (accounts,)."""
        return sum_by(self.positions.account, self.position_notional(), len(self.accounts))

    def profit(self) -> IntArray:
        """Unrealised profit of each account at the starting mark, shape (accounts,)."""
        which = self.positions.instrument
        move = self.positions.lots * self.mark_ticks[which] - self.positions.entry_cost
        return sum_by(self.positions.account, move * self.tick_value()[which], len(self.accounts))

    def collateral(self) -> FloatArray:
        """Collateral value after haircut by account and asset, shape (accounts, assets)."""
        value = np.zeros((len(self.accounts), len(self.assets)))
        unit = np.array([asset.collateral_value for asset in self.assets])
        row, column = self.deposits.account, self.deposits.asset
        value[row, column] = self.deposits.amount * unit[column]
        return value

    def equity(self) -> FloatArray:
        """Collateral after haircut plus unrealised profit, shape (accounts,)."""
        total: FloatArray = self.collateral().sum(axis=1) + self.profit()
        return total

    def is_kind(self, kind: int) -> BoolArray:
        """Which accounts are of a type, shape (accounts,)."""
        return np.asarray(self.accounts.kind == kind)


def check_book(book: Book) -> None:
    """Stop unless the book is balanced and everyone is above initial margin.

    Raises
    ------
    InvariantError
        If one of the promises of the generator is broken.
    """
    count = len(book.instruments)
    lots = sum_by(book.positions.instrument, book.positions.lots, count)
    cost = sum_by(book.positions.instrument, book.positions.entry_cost, count)
    require(not lots.any(), "lots add up to zero per instrument")
    require(not cost.any(), "entry costs add up to zero per instrument")
    require(bool((book.positions.lots != 0).all()), "a position has lots")
    require(bool((book.deposits.amount > 0).all()), "a deposit is positive")
    is_above = book.equity() >= book.initial_margin
    require(bool(is_above.all()), "every account starts above its initial margin")


def sum_by(group: IntArray, value: IntArray, groups: int) -> IntArray:
    """Exact integer sums of `value` by group, shape (groups,)."""
    total = np.zeros(groups, dtype=np.int64)
    np.add.at(total, group, value)
    return total
