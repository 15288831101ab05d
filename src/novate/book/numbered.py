"""Tables whose rows are numbered once and leave the table when they are done."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import I32, I64, Columns

DONE_MIN = 64
"""Rows that may be done before a table is put in order."""


class NumberedColumns(Columns):
    """A growing table whose rows are numbered from 1 in the order of addition (rule 1.6).

    A number is never given twice.  Numbers rise with the rows, so that a row is found by bisection
    and no index has to be kept.  A row is done once its column ``LIVE`` is zero: it is no part of
    the state any more, and its place is used again when rows are added to a table of which more
    than half is done.  Row places change when rows are added; numbers do not.

    Attributes
    ----------
    number, account
        Number of each row, ascending, and whose it is; shape (rows,).
    given
        Last number given, 0 before the first.
    done
        How many rows are done, in an array of one so that a kernel that ends a row can count it.
    """

    LIVE: ClassVar[str]
    number: I64
    account: I32

    def __init__(self, capacity: int = 64) -> None:
        super().__init__(capacity)
        self.given = 0
        self.done = np.zeros(1, np.int64)

    def add(self, rows: int) -> I64:
        """Add rows of initial values with the next numbers and return where they are."""
        self._make_room(rows)
        first, self.count = self.count, self.count + rows
        self.number[first : self.count] = np.arange(self.given + 1, self.given + rows + 1)
        self.given += rows
        return np.arange(first, self.count)

    def append(self) -> int:
        """Add one row with the next number and return where it is."""
        self._make_room(1)
        row = super().append()
        self.given += 1
        self.number[row] = self.given
        return row

    def _make_room(self, rows: int) -> None:
        done = int(self.done[0])
        if done > max(DONE_MIN, self.count - done):
            self.drop_done()
        self.ensure(self.count + rows)

    def find(self, numbers: npt.ArrayLike) -> I64:
        """Return the rows of some numbers, -1 for none; rows that are done may be found."""
        wanted = np.asarray(numbers, np.int64)
        if not self.count:
            return np.full(wanted.shape, -1, np.int64)
        known = self.used("number")
        rows: I64 = known.searchsorted(wanted)
        rows[rows == self.count] = 0
        rows[known[rows] != wanted] = -1
        return rows

    def rows_of(self, numbers: npt.ArrayLike) -> I64:
        """Return the rows of some numbers, -1 where a row is done or was never added."""
        rows = self.find(numbers)
        rows[getattr(self, self.LIVE)[rows] == 0] = -1
        return rows

    def row_of(self, number: int) -> int:
        """Return the row of a number, -1 if it is done or was never added."""
        row = int(self.used("number").searchsorted(number))
        is_there = row < self.count and self.number[row] == number
        return row if is_there and getattr(self, self.LIVE)[row] else -1

    def live(self) -> I64:
        """Return the rows that are not done, in order of number."""
        rows: I64 = np.flatnonzero(self.used(self.LIVE))
        return rows

    def of(self, accounts: I64) -> I64:
        """Return the live rows of some accounts: in their order, of each in order of number.

        One pass over the table serves all accounts, so that no list per account is kept.

        Parameters
        ----------
        accounts
            Different accounts; shape (accounts,).
        """
        rows = self.live()
        if not (rows.size and accounts.size):
            return rows[:0]
        owner = self.account[rows]
        sorter = np.argsort(accounts, kind="stable")
        at = np.searchsorted(accounts, owner, sorter=sorter)
        place = sorter[np.minimum(at, accounts.size - 1)]
        is_theirs = accounts[place] == owner
        found: I64 = rows[is_theirs][np.argsort(place[is_theirs], kind="stable")]
        return found

    def end(self, rows: I64) -> None:
        """Mark live rows as done; a row is named once."""
        getattr(self, self.LIVE)[rows] = 0
        self.done[0] += rows.size

    def drop_done(self) -> None:
        """Close up the rows that are not done; only the layout changes, never a digest."""
        rows = self.live()
        for name, (_, initial) in self.SPEC.items():
            column = getattr(self, name)
            column[: rows.size] = column[rows]
            column[rows.size : self.count] = initial
        self.count = rows.size
        self.done[0] = 0

    def export(self) -> dict[str, npt.NDArray[Any]]:
        """Return the rows that are not done, in order of number, and the last number given."""
        rows = self.live()
        columns = {name: self.used(name)[rows] for name in self.SPEC}
        columns["given"] = np.array([self.given], np.int64)
        return columns

    def restore(self, columns: dict[str, npt.NDArray[Any]]) -> None:
        """Take exported rows; the table must be empty."""
        rows = {name: column for name, column in columns.items() if name != "given"}
        super().restore(rows)
        self.given = int(columns["given"][0]) if "given" in columns else 0
        self.done[0] = 0
