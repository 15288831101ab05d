"""The prices by which something is decided about an account, and what is told of them.

What is decided against an account must hold at every price that it may claim (rule 5.80): the one
that decides is that at which it is best off.  A last price can be pushed for an instant, a price
that stood for minutes cannot: so what is decided for an account does not hang on the mark alone
(rule 5.81).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from novate.default_management.close_out import Assess, look_for_takeover
from novate.default_management.refused import B1
from novate.kernel.clearing.assess import EQUITY, MAINTENANCE
from novate.kernel.clearing.columns import I8, I64
from novate.message.deciding_price import DecidingPrice
from novate.valuation import ClearingState
from novate.valuation.other_price import Prices, priced_at, protected_prices

Figures: TypeAlias = Callable[[I64, I64], tuple[I64, I64]]
"""``figures(accounts, numbers)``: what is compared of accounts and with what, numeraire units, by
their assessments at the prices that the state has then; two arrays, shape (accounts,)."""

Named: TypeAlias = Sequence[tuple[DecidingPrice, Prices]]
"""Prices with their names, in the order in which they are asked."""


class Decided(NamedTuple):
    """Which prices decided, and what was compared there; shape (accounts,).

    Attributes
    ----------
    price
        Codes of `DecidingPrice`.
    worth, level
        What was compared and with what, numeraire units.
    """

    price: I8
    worth: I64
    level: I64

    def room(self) -> I64:
        """Return how far what is compared is above its level, numeraire units, negative below."""
        room: I64 = self.worth - self.level
        return room

    def take(self, rows: I64) -> Decided:
        """Return the figures of some rows."""
        return Decided(self.price[rows], self.worth[rows], self.level[rows])

    def put(self, rows: I64, told: Decided) -> None:
        """Write figures in the place of those of some rows; ``told`` has shape (rows,)."""
        self.price[rows] = told.price
        self.worth[rows] = told.worth
        self.level[rows] = told.level

    def put_where(self, is_meant: B1, other: Decided) -> None:
        """Take rows of another one, of the same shape, in the place of these."""
        rows = np.flatnonzero(is_meant)
        self.put(rows, other.take(rows))

    def columns(self) -> dict[str, I8 | I64]:
        """Return the columns of an event that tells it (`message.deciding_price.decided`)."""
        return {"decided_by": self.price, "worth": self.worth, "level": self.level}


def decided_at(price: DecidingPrice, figures: tuple[I64, I64]) -> Decided:
    """Return that some prices decided, for all accounts of some figures."""
    worth, level = figures
    return Decided(np.full(worth.size, int(price), np.int8), worth.copy(), level.copy())


def best_of(
    x: ClearingState, accounts: I64, prices: Named, figures: Figures, assess: Assess
) -> Decided:
    """Return at which prices accounts are furthest above a level, or least below (rule 10.64).

    Parameters
    ----------
    accounts
        Numbers of accounts, shape (accounts,).
    prices
        One or more with their names; of equal ones the first counts.
    figures, assess
        What is compared, and what assesses.
    """
    first, *others = _looks(x, accounts, prices, figures, assess)
    for other in others:
        first.put_where(other.room() > first.room(), other)
    return first


def worst_of(
    x: ClearingState, accounts: I64, prices: Named, figures: Figures, assess: Assess
) -> Decided:
    """Return at which prices accounts are least above a level, or furthest below; as `best_of`."""
    first, *others = _looks(x, accounts, prices, figures, assess)
    for other in others:
        first.put_where(other.room() < first.room(), other)
    return first


def _looks(
    x: ClearingState, accounts: I64, prices: Named, figures: Figures, assess: Assess
) -> Iterator[Decided]:
    for name, those in prices:
        with priced_at(x, those):
            found = figures(accounts, assess(x, accounts))
        yield decided_at(name, found)


def maintenance_figures(accounts: I64, numbers: I64) -> tuple[I64, I64]:
    """Return equity and maintenance margin, numeraire units."""
    return numbers[:, EQUITY], numbers[:, MAINTENANCE]


def takeover_figures(x: ClearingState, accounts: I64, numbers: I64) -> tuple[I64, I64]:
    """Return takeover worth and takeover level, numeraire units (rules 10.2 and 10.3)."""
    look = look_for_takeover(x, accounts, numbers[:, EQUITY], numbers[:, MAINTENANCE])
    return look.worth, look.level


def assess_protected(x: ClearingState, accounts: I64, numbers: I64, assess: Assess) -> I64:
    """Assess accounts at the protected prices (rule 5.110).

    Parameters
    ----------
    accounts, numbers
        Their assessments at the marks, returned themselves where both prices are the same.
    assess
        What assesses.
    """
    prices = protected_prices(x)
    if np.array_equal(prices.mark, x.marks.mark):
        return numbers
    with priced_at(x, prices):
        return assess(x, accounts)
