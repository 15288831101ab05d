"""What an add-on is: one file in `margin.add_on`, and one line in its `CATALOGUE`.

A margin group holds what its model asks and, on top of it, what each of its add-ons asks.  An
add-on covers what a model leaves out on purpose: the size of a position, a concentration, a doubt
about a price.  It sees the same market and book as a model, and like a model it keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np

from novate.errors import require
from novate.kernel.clearing.assess import SUM_MAX
from novate.kernel.clearing.columns import I64
from novate.market.state import MarketState
from novate.valuation.group_book import GroupBook, GroupBooks
from novate.valuation.margin_model import B1, MarketChange
from novate.valuation.requirement import Component

NUMBERS = 63
"""How many numbers there are: a group holds its add-ons as the bits of a positive int64."""


class AddOn(Protocol):
    """One thing that a margin group must hold beside what its margin model asks.

    An add-on is a pure function of market, group and book.  One whose numbers change is a new
    add-on with a new number: the old one stays while journals name it.  A subclass says at least
    `components`.
    """

    @property
    def number(self) -> int:
        """Number in the journal, for ever, from 0 to 62."""

    @property
    def name(self) -> str:
        """Name of its components in a requirement."""

    def components(self, market: MarketState, group: int, book: GroupBook) -> tuple[Component, ...]:
        """Return what a group with this book must hold for it, explained.

        Parameters
        ----------
        market
            Terms, marks, indices, smiles and risk parameters at this instant.
        group
            Number of the group: some parameters have a value for each.
        book
            The group's positions and open orders, or those of a what-if.

        Returns
        -------
        tuple of Component
            Parts that add up, none of them negative.  Initial margin counts open orders on their
            worst side, so that no fill within a reservation asks for more.
        """

    def margins(self, market: MarketState, groups: I64, books: GroupBooks) -> I64:
        """Return initial and maintenance margin of many groups, numeraire units; (groups, 2).

        The sums of `components`, each 2**61 at most; an add-on that can add them up faster does.
        """
        asked = [
            self.components(market, int(group), book)
            for group, book in zip(groups, books, strict=True)
        ]
        sums = [
            (
                min(sum(part.initial for part in parts), SUM_MAX),
                min(sum(part.maintenance for part in parts), SUM_MAX),
            )
            for parts in asked
        ]
        return np.array(sums, np.int64).reshape(-1, 2)

    def affected(self, market: MarketState, change: MarketChange, books: GroupBooks) -> B1:
        """Return which groups to assess again after a change of the market; shape (groups,).

        As of a margin model; by default every group is.
        """
        return np.ones(len(books), np.bool_)


def by_number(add_ons: Iterable[AddOn]) -> Mapping[int, AddOn]:
    """Return the add-ons of a catalogue by their numbers.

    Raises
    ------
    InvariantError
        If two have the same number, or one does not fit into the bit set.
    """
    found: dict[int, AddOn] = {}
    for add_on in add_ons:
        require(add_on.number not in found, f"add-on {add_on.number} exists once")
        require(0 <= add_on.number < NUMBERS, f"add-on {add_on.name}: number {add_on.number}")
        found[add_on.number] = add_on
    return found


def numbers_in(sets: I64 | int) -> list[int]:
    """Return the numbers of the add-ons that are in at least one bit set, ascending."""
    union = int(np.bitwise_or.reduce(np.atleast_1d(np.asarray(sets, np.int64))))
    return [number for number in range(NUMBERS) if union >> number & 1] if union else []


def add_margins(
    market: MarketState,
    add_ons: Mapping[int, AddOn],
    sets: I64,
    groups: I64,
    books: GroupBooks,
    out: I64,
) -> None:
    """Add what add-ons ask to what models ask.

    Parameters
    ----------
    market
        Of this instant.
    add_ons
        The catalogue by number.
    sets
        Bit set of the add-ons of each group; shape (groups,).
    groups, books
        Numbers of groups, and a book of each.
    out
        Initial and maintenance margin, numeraire units, shape (groups, 2); each sum counts as
        2**61 at most.

    Raises
    ------
    InvariantError
        If an add-on asks for less than nothing, or for more than can be added up.
    """
    for number in numbers_in(sets) if len(sets) else ():
        add_on = add_ons[number]
        mine = np.flatnonzero(sets >> number & 1)
        some = books if len(mine) == len(books) else books.take(mine)
        asked = add_on.margins(market, groups[mine], some)
        is_usable = bool(asked.min() >= 0 and asked.max() <= SUM_MAX)
        require(is_usable, f"add-on {add_on.name}: margins from 0 to 2**61")
        out[mine] = np.minimum(out[mine] + asked, SUM_MAX)
