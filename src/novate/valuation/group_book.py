"""The book of a margin group as a margin model sees it: an extract that a what-if may change.

`GroupBook` is one group, `GroupBooks` are many, one behind the other in the same columns, so that a
model can go over all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from novate.book.state import BookState
from novate.kernel.clearing.columns import I64

_COLUMNS = ("instrument", "netting_set", "lots", "entry_cost", "buy_lots", "sell_lots")
_SUMMED = _COLUMNS[2:]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBook:
    """Netted positions and open orders of a margin group.

    One row for each contract and netting set, in that order: what the accounts of a set hold of a
    contract is added up.

    Attributes
    ----------
    instrument
        Number of the instrument; int64, shape (rows,), as all columns.
    netting_set
        Number of the netting set.
    lots
        Lots held: positive long, negative short.
    entry_cost
        Value at which they were opened, settlement units; negative of a short.
    buy_lots, sell_lots
        Lots of open orders of each side, not negative.
    """

    instrument: I64
    netting_set: I64
    lots: I64
    entry_cost: I64
    buy_lots: I64
    sell_lots: I64

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.instrument)

    def after(
        self, instrument: int, netting_set: int, *, lots: int = 0, entry: int = 0, buys: int = 0,
        sells: int = 0,
    ) -> GroupBook:  # fmt: skip
        """Return the book as if a trade were booked, or more lots open, in one instrument.

        Parameters
        ----------
        instrument, netting_set
            Its number, and the netting set of the account; a row is made if there is none.
        lots, entry
            Signed lots and entry cost that a trade adds.
        buys, sells
            Lots that orders add to each side.
        """
        book = self
        is_before = self.instrument < instrument
        is_here = self.instrument == instrument
        is_before |= is_here & (self.netting_set < netting_set)
        at = int(np.count_nonzero(is_before))
        if not (is_here & (self.netting_set == netting_set)).any():
            columns = {name: np.insert(getattr(self, name), at, 0) for name in _COLUMNS}
            columns["instrument"][at], columns["netting_set"][at] = instrument, netting_set
            book = replace(self, **columns)
        added = {"lots": lots, "entry_cost": entry, "buy_lots": buys, "sell_lots": sells}
        changed = {name: getattr(book, name).copy() for name in added}
        for name, number in added.items():
            changed[name][at] += number
        return replace(book, **changed)

    def without_orders(self) -> GroupBook:
        """Return the book as if no order were open: rows with lots alone."""
        held = np.flatnonzero(self.lots)
        columns = {name: getattr(self, name)[held] for name in _COLUMNS}
        none = np.zeros(held.size, np.int64)
        return GroupBook(**{**columns, "buy_lots": none, "sell_lots": none})


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBooks:
    """Books of many groups; the rows of one follow those of the one before.

    Attributes
    ----------
    start
        First row of each book, and the number of all rows; int64, shape (groups + 1,).
    instrument, netting_set, lots, entry_cost, buy_lots, sell_lots
        As in `GroupBook`; int64, shape (rows,).
    """

    start: I64
    instrument: I64
    netting_set: I64
    lots: I64
    entry_cost: I64
    buy_lots: I64
    sell_lots: I64

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.start) - 1

    def __iter__(self) -> Iterator[GroupBook]:
        """Return the books in order."""
        return (self[group] for group in range(len(self)))

    def __getitem__(self, group: int) -> GroupBook:
        """Return one book; its columns are views."""
        rows = slice(int(self.start[group]), int(self.start[group + 1]))
        return GroupBook(**{name: getattr(self, name)[rows] for name in _COLUMNS})

    def group_of_row(self) -> I64:
        """Return which book each row belongs to, by its place; shape (rows,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    def having(self, is_meant: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return which books have a row that is meant; shape (groups,) from shape (rows,)."""
        found: npt.NDArray[np.bool_] = (
            np.bincount(self.group_of_row()[is_meant], minlength=len(self)) > 0
        )
        return found

    def take(self, groups: I64) -> GroupBooks:
        """Return the books at these places, in this order."""
        first, size = self.start[groups], np.diff(self.start)[groups]
        start = _starts(size)
        rows = np.arange(start[-1]) + np.repeat(first - start[:-1], size)
        return GroupBooks(start=start, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def replaced(self, books: Mapping[int, GroupBook]) -> GroupBooks:
        """Return the same with other books at some places."""
        size = np.diff(self.start)
        parts: dict[str, list[I64]] = {name: [] for name in _COLUMNS}
        done = 0
        for place, book in sorted(books.items()):
            size[place] = len(book)
            for name, part in parts.items():
                part += [getattr(self, name)[done : self.start[place]], getattr(book, name)]
            done = int(self.start[place + 1])
        columns = {
            name: np.concatenate((*part, getattr(self, name)[done:]))
            for name, part in parts.items()
        }
        return GroupBooks(start=_starts(size), **columns)


def _starts(size: I64) -> I64:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(size)))


def joined(books: Sequence[GroupBook]) -> GroupBooks:
    """Return some books as one set of columns."""
    none = np.zeros(0, np.int64)
    size = np.array([len(book) for book in books], np.int64)
    columns = {
        name: np.concatenate((none, *(getattr(book, name) for book in books))) for name in _COLUMNS
    }
    return GroupBooks(start=_starts(size), **columns)


def book_of(state: BookState, group: int) -> GroupBook:
    """Return the present book of a group: rows with lots or open orders, whatever the layout."""
    rows: list[int] = []
    for account in state.group_accounts(group):
        row = int(state.accounts.head[account])
        while row >= 0:
            rows.append(row)
            row = int(state.positions.link[row])
    used = _in_use(state, np.array(rows, np.int64))
    _, columns = _netted(state, used, np.zeros(used.size, np.int64))
    return GroupBook(**columns)


def books_of(state: BookState, groups: I64) -> GroupBooks:
    """Return the present books of many groups, each named once: what `book_of` gives for each."""
    p = state.positions
    place = np.full(state.accounts.count, -1, np.int64)
    place[groups] = np.arange(len(groups))
    of_row = place[state.groups()][p.used("account")]
    held = _in_use(state, np.flatnonzero(of_row >= 0))
    book, columns = _netted(state, held, of_row[held])
    size = np.bincount(book, minlength=len(groups)).astype(np.int64)
    return GroupBooks(start=_starts(size), **columns)


def _netted(state: BookState, rows: I64, book: I64) -> tuple[I64, dict[str, I64]]:
    """Return the columns of position rows, added up by book, contract and netting set.

    Parameters
    ----------
    rows, book
        Position rows, and the place of the book that each belongs to.

    Returns
    -------
    book, columns
        Place of the book of each row, ascending, and the columns.
    """
    p = state.positions
    netting_set = state.accounts.netting_set[p.account[rows]]
    order = np.lexsort((netting_set, p.instrument[rows], book))
    keys = np.stack((book, p.instrument[rows], netting_set))[:, order].astype(np.int64)
    begins = np.ones(rows.size, np.bool_)
    begins[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    first = np.flatnonzero(begins)
    columns: dict[str, I64] = {"instrument": keys[1, first], "netting_set": keys[2, first]}
    for name in _SUMMED:
        summed = getattr(p, name)[rows[order]].astype(np.int64)
        columns[name] = np.add.reduceat(summed, first) if first.size else summed
    return keys[0, first], columns


def _in_use(state: BookState, rows: I64) -> I64:
    """Return those position rows that have lots or open orders."""
    p = state.positions
    used: I64 = rows[(p.lots[rows] != 0) | (p.buy_lots[rows] != 0) | (p.sell_lots[rows] != 0)]
    return used
