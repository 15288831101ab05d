"""What a liquidation method is: one file here, and one line in `CATALOGUE`.

A method says which lots of an account are sent to the market next.  All else is the same for every
method: when a slice is due, what is converted, how orders are answered, and when it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import numpy as np

from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.group import closable_of
from novate.kernel.clearing.position import rows_of_accounts
from novate.valuation.price_status import blocked_prices

STANDARD = 0
"""Number of the method of an account that was given no other."""


class LiquidationMethod(Protocol):
    """One way to close the positions of accounts in liquidation, and of the liquidator.

    A method is a pure function of the state: it reads and changes nothing, and keeps nothing
    between two questions.  An account's orders do not depend on which others are asked with it.
    """

    @property
    def number(self) -> int:
        """Number in the journal, for ever; 0 is the standard method."""

    @property
    def name(self) -> str:
        """Name for people."""

    def orders(self, x: DefaultState, accounts: I64) -> I64:
        """Return which orders the next slice of some accounts places.

        Parameters
        ----------
        x
            The state.
        accounts
            Numbers of the accounts, each once.

        Returns
        -------
        ndarray
            Rows of (account, instrument, signed lots), at most one of an account and instrument.
            Each reduces a position that `closable` names, and is no larger; one that has an order
            out already is dropped.  Of one account they are placed in this order.
        """


class Closable(NamedTuple):
    """Open positions that may be closed now, by column: account by account, by instrument.

    Attributes
    ----------
    account, instrument
        Whose position it is, and in what.
    lots
        Signed lots held that the netting set does not offset (rule 6.40), not 0.
    """

    account: I64
    instrument: I64
    lots: I64


def closable(x: DefaultState, accounts: I64) -> Closable:
    """Return the open positions of some accounts whose price is not blocked."""
    rows = rows_of_accounts(
        x.positions.arrays(), x.accounts.head, accounts, np.empty(accounts.size + 1, np.int64)
    )
    p = x.positions
    rows = rows[~blocked_prices(x)[p.instrument[rows]]]
    lots = np.empty(rows.size, np.int64)
    closable_of(x.account_arrays(), p.arrays(), rows, lots)
    rows, lots = rows[lots != 0], lots[lots != 0]
    return Closable(p.account[rows].astype(np.int64), p.instrument[rows].astype(np.int64), lots)


def by_number(methods: Iterable[LiquidationMethod]) -> Mapping[int, LiquidationMethod]:
    """Return the methods of a catalogue by their numbers.

    Raises
    ------
    InvariantError
        If two have one number or name, or a number does not fit the column.
    """
    found: dict[int, LiquidationMethod] = {}
    for method in methods:
        require(method.number not in found, f"liquidation method {method.number} exists once")
        fits = 0 <= method.number < 2**15
        require(fits, f"liquidation method {method.name}: number {method.number}")
        is_new = all(method.name != other.name for other in found.values())
        require(is_new, f"liquidation method {method.name} is named once")
        found[method.number] = method
    return found


def require_reducing(name: str, positions: Closable, orders: I64) -> None:
    """Stop unless orders only reduce positions: a method that says otherwise is wrong.

    Parameters
    ----------
    name
        Name of the method.
    positions
        `closable` of the accounts that it was asked for.
    orders
        What it said: rows of (account, instrument, lots).

    Raises
    ------
    InvariantError
        If an order is for another account, or for a position that is not there or has a blocked
        price, or if it adds to the position, is larger than it or empty, or comes twice.
    """
    require(orders.ndim == 2 and orders.shape[1] == 3, f"{name} says account, instrument and lots")
    held = _keys(positions.account, positions.instrument)
    asked = _keys(orders[:, 0], orders[:, 1])
    require(np.unique(asked).size == asked.size, f"{name} orders once in an account and instrument")
    by_key = np.argsort(held)
    at = np.searchsorted(held[by_key], asked)
    is_held = at < held.size
    at = by_key[at[is_held]]
    require(
        bool(is_held.all()) and bool((held[at] == asked).all()),
        f"{name} closes positions that are there, at prices that are not blocked",
    )
    lots, ordered = positions.lots[at], orders[:, 2]
    is_reduced = (np.sign(ordered) == -np.sign(lots)) & (np.abs(ordered) <= np.abs(lots))
    require(bool(is_reduced.all()), f"{name} reduces positions, and turns none round")


def _keys(account: I64, instrument: I64) -> I64:
    """One number for an account and an instrument."""
    keys: I64 = account << 32 | instrument
    return keys
