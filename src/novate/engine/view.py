"""Views: the book as of a commit, for readers that must not wait for the writer nor it for them.

A view holds the accounts in blocks of `ACCOUNT_BLOCK`, each with its figures, balances and
positions, and the reservations in blocks of rows.  A new view copies the blocks that changed since
the last one and shares the others, so that it costs what changed and not the size of the book.  All
of its arrays are read-only: what a reader has in hand never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from novate.book.columns import blocks_of
from novate.engine.outbox import Outbox, frozen
from novate.engine.state import State
from novate.errors import InputError
from novate.kernel.clearing.columns import ACCOUNT_BLOCK, F64, I8, I64, Columns
from novate.kernel.clearing.position import rows_of_accounts
from novate.kernel.clearing.sweep import HEALTH_EQUITY, HEALTH_INITIAL, HEALTH_MAINTENANCE

INTERVAL_NS = 20_000_000
"""Least time between two views, by the caller's clock."""

ROW_BLOCK = 4096
"""Rows of a block of reservations."""

POSITION_COLUMNS = (
    "instrument", "lots", "entry_cost", "settlement_cost", "realised", "buy_lots", "sell_lots",
)  # fmt: skip
"""What a view says of a position."""

Array = npt.NDArray[Any]
Rows = dict[str, Array]


@dataclass(frozen=True, slots=True)
class AccountBlock:
    """Up to `ACCOUNT_BLOCK` accounts; arrays are read-only.

    Attributes
    ----------
    health
        Equity, initial and maintenance margin, numeraire ledger units; shape (accounts, 3).
    balance
        Ledger units; shape (accounts, assets).
    status
        `AccountStatus`.
    start
        Where the positions of each account begin, and where the last ones end; (accounts + 1,).
    positions
        `POSITION_COLUMNS` of all of them, one account after the other, by instrument.
    """

    health: I64
    balance: I64
    status: I8
    start: I64
    positions: Rows


@dataclass(frozen=True, slots=True)
class View:
    """The book after a commit.

    Attributes
    ----------
    sequence
        Last record of the commit.
    instant_ns
        Journal time, nanoseconds since 1970 UTC.
    accounts
        Number of accounts.
    blocks
        The accounts, see `AccountBlock`.
    mark
        Mark of each instrument in ticks, 0 while unknown.
    unit_price
        Value of one ledger unit of each asset in numeraire units.
    reservations
        Blocks of `ROW_BLOCK` rows, columns by name; done ones have no lots.
    obligations
        What margin groups are asked for: columns of `book.obligation`, open ones, by number.
    outbox
        Open orders.
    """

    sequence: int
    instant_ns: int
    accounts: int
    blocks: tuple[AccountBlock, ...]
    mark: I64
    unit_price: F64
    reservations: tuple[Rows, ...]
    obligations: Rows
    outbox: Outbox

    def equity(self, account: int) -> int:
        """Collateral after haircuts plus unsettled profit and loss, numeraire ledger units."""
        return self._health(account, HEALTH_EQUITY)

    def initial(self, account: int) -> int:
        """Initial margin of an account, numeraire ledger units."""
        return self._health(account, HEALTH_INITIAL)

    def maintenance(self, account: int) -> int:
        """Maintenance margin of an account, numeraire ledger units."""
        return self._health(account, HEALTH_MAINTENANCE)

    def status(self, account: int) -> int:
        """`AccountStatus` of an account."""
        block, at = self._place(account)
        return int(block.status[at])

    def balance(self, account: int) -> I64:
        """Balances of an account, one per asset, ledger units; positive = the holder has it."""
        block, at = self._place(account)
        balance: I64 = block.balance[at]
        return balance

    def positions(self, account: int) -> Rows:
        """Positions of an account by instrument: `POSITION_COLUMNS` by name."""
        block, at = self._place(account)
        rows = slice(int(block.start[at]), int(block.start[at + 1]))
        return {name: column[rows] for name, column in block.positions.items()}

    def _health(self, account: int, column: int) -> int:
        block, at = self._place(account)
        return int(block.health[at, column])

    def _place(self, account: int) -> tuple[AccountBlock, int]:
        if not 0 <= account < self.accounts:
            raise IndexError(f"account {account}; this view has {self.accounts}")
        return self.blocks[account // ACCOUNT_BLOCK], account % ACCOUNT_BLOCK


class ViewBook:
    """The last view, and what changed since."""

    def __init__(self) -> None:
        self._view: View | None = None
        self._made_ns = 0
        self._is_touched = np.zeros(0, np.bool_)
        self._moves = -1

    def __bool__(self) -> bool:
        """Whether there is a view to renew."""
        return self._view is not None

    def note(self, touched: I64 | None, accounts: int) -> None:
        """Note which of now so many accounts a commit touched; None for all.

        Where money or lots moved, the bookings say it themselves.
        """
        if self._view is None:
            return
        missing = blocks_of(accounts) - len(self._is_touched)
        if missing > 0:
            self._is_touched = np.concatenate((self._is_touched, np.ones(missing, np.bool_)))
        self._is_touched[slice(None) if touched is None else touched // ACCOUNT_BLOCK] = True

    def is_due(self, sequence: int, now_ns: int) -> bool:
        """Whether there is no view yet, or an old one of an earlier record than ``sequence``."""
        view = self._view
        if view is None:
            return True
        return view.sequence < sequence and now_ns - self._made_ns >= INTERVAL_NS

    def last(self) -> View:
        """Return the last view.

        Raises
        ------
        InputError
            If none was made yet.
        """
        if self._view is None:
            raise InputError("there is no view yet, and calls are pending")
        return self._view

    def renew(self, state: State, sequence: int, outbox: Outbox, now_ns: int) -> None:
        """Make a view of the state, which is that after record ``sequence``."""
        health = state.margin_cache.numbers()
        before = self._view
        self._view = View(
            sequence,
            state.now_ns,
            state.accounts.count,
            self._blocks(state, before.blocks if before else (), health),
            frozen(state.marks.used("mark").copy()),
            frozen(state.assets.used("unit_price").copy()),
            row_blocks(state.reservations, before.reservations if before else ()),
            open_obligations(state),
            outbox,
        )
        self._made_ns = now_ns
        state.accounts.moved_block[:] = 0
        self._is_touched = np.zeros(len(self._view.blocks), np.bool_)
        self._moves = state.margin_cache.moves

    def _blocks(
        self, state: State, before: tuple[AccountBlock, ...], health: I64
    ) -> tuple[AccountBlock, ...]:
        blocks = blocks_of(state.accounts.count)
        is_changed = np.ones(blocks, np.bool_)
        is_changed[: len(before)] = self._is_touched[: len(before)]
        is_changed |= state.accounts.moved_block[:blocks] > 0
        if state.margin_cache.moves != self._moves:
            for number in np.flatnonzero(~is_changed):
                first = number * ACCOUNT_BLOCK
                now = health[first : first + ACCOUNT_BLOCK]
                is_changed[number] = not np.array_equal(before[number].health, now)
        return tuple(
            account_block(state, number * ACCOUNT_BLOCK, health) if changed else before[number]
            for number, changed in enumerate(is_changed.tolist())
        )


def account_block(state: State, first: int, health: I64) -> AccountBlock:
    """Copy the block of accounts that begins with ``first``."""
    accounts = state.accounts
    end = min(accounts.count, first + ACCOUNT_BLOCK)
    start = np.zeros(end - first + 1, np.int64)
    numbers = np.arange(first, end)
    rows = rows_of_accounts(state.positions.arrays(), accounts.head, numbers, start)
    return AccountBlock(
        frozen(health[first:end].copy()),
        frozen(accounts.balance[first:end].copy()),
        frozen(accounts.status[first:end].copy()),
        frozen(start),
        {name: frozen(getattr(state.positions, name)[rows]) for name in POSITION_COLUMNS},
    )


def open_obligations(state: State) -> Rows:
    """Copy what margin groups are asked for."""
    table, rows = state.obligations, state.obligations.live()
    return {name: frozen(getattr(table, name)[rows]) for name in table.SPEC}


def row_blocks(table: Columns, before: tuple[Rows, ...]) -> tuple[Rows, ...]:
    """Copy a table in blocks of `ROW_BLOCK`; a block that is as it was before is shared."""
    found = []
    for number in range(-(-table.count // ROW_BLOCK)):
        rows = slice(number * ROW_BLOCK, min(table.count, (number + 1) * ROW_BLOCK))
        now = {name: getattr(table, name)[rows] for name in table.SPEC}
        known = before[number] if number < len(before) else None
        if known is None or any(not np.array_equal(known[name], now[name]) for name in now):
            known = {name: frozen(column.copy()) for name, column in now.items()}
        found.append(known)
    return tuple(found)
