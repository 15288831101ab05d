"""The book of a margin group as a margin model sees it: an extract that a what-if may change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from novate.book.state import BookState
from novate.kernel.clearing.columns import I64


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBook:
    """Positions and open orders of a margin group, one row each, in order of instrument.

    Attributes
    ----------
    instrument
        Number of the instrument; int64, shape (rows,), as all columns.
    lots
        Lots held: positive long, negative short.
    entry_cost
        Value at which they were opened, settlement units; negative of a short.
    buy_lots, sell_lots
        Lots of open orders of each side, not negative.
    """

    instrument: I64
    lots: I64
    entry_cost: I64
    buy_lots: I64
    sell_lots: I64

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.instrument)

    def after(
        self, instrument: int, *, lots: int = 0, entry: int = 0, buys: int = 0, sells: int = 0
    ) -> GroupBook:
        """Return the book as if a trade were booked, or more lots open, in one instrument.

        Parameters
        ----------
        instrument
            Its number; a row is made if there is none.
        lots, entry
            Signed lots and entry cost that a trade adds.
        buys, sells
            Lots that orders add to each side.
        """
        book = self
        at = int(np.searchsorted(self.instrument, instrument))
        if at == len(self) or self.instrument[at] != instrument:
            columns = {name: np.insert(getattr(self, name), at, 0) for name in _COLUMNS}
            book = replace(self, **{**columns, "instrument": columns["instrument"].copy()})
            book.instrument[at] = instrument
        added = {"lots": lots, "entry_cost": entry, "buy_lots": buys, "sell_lots": sells}
        changed = {name: getattr(book, name).copy() for name in added}
        for name, number in added.items():
            changed[name][at] += number
        return replace(book, **changed)


_COLUMNS = ("instrument", "lots", "entry_cost", "buy_lots", "sell_lots")


def book_of(state: BookState, group: int) -> GroupBook:
    """Return the present book of a group: rows with lots or open orders, whatever the layout."""
    rows: list[int] = []
    for account in state.group_accounts(group):
        row = int(state.accounts.head[account])
        while row >= 0:
            rows.append(row)
            row = int(state.positions.link[row])
    p = state.positions
    held = np.array(rows, np.int64)
    held = held[(p.lots[held] != 0) | (p.buy_lots[held] != 0) | (p.sell_lots[held] != 0)]
    held = held[np.lexsort((p.account[held], p.instrument[held]))]
    return GroupBook(**{name: getattr(p, name)[held].astype(np.int64) for name in _COLUMNS})
