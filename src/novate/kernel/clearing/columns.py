"""Arrays as kernels see them: named tuples of flat arrays, and the growing tables behind them.

A kernel receives a few of these tuples.  Each array has one row per account, asset, instrument or
position; row numbers are the dense identifiers that the journal assigns.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

I8 = npt.NDArray[np.int8]
I16 = npt.NDArray[np.int16]
U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]

NONE = -1
"""No row: an empty link, an account without a parent."""

ACCOUNT_BLOCK = 256
"""Accounts of one block: what a reader's copy of the book is renewed by."""


class AccountArrays(NamedTuple):
    """Accounts: one row each; ``balance`` has one column per asset (ledger units)."""

    can_trade: I8
    is_margined: I8
    is_suspended: I8  # whether its member is not active: it may only reduce risk
    mode: I8
    status: I8
    margin_model: I16  # number of the margin model of the account's group
    margin_group: I32
    netting_set: I32
    group_link: I32  # next account of its margin group, in a ring; NONE when it is the only one
    add_ons: I64  # add-ons of the account's group, a bit for each number
    head: I32  # first position row of the account, NONE when it has none
    encumbered: I64  # numeraire units of closed gains not yet proven by the slow average
    window_gain: I64  # numeraire units of variation margin received in the gains window
    open_order_hold: I64  # numeraire units set aside for the loss and the fees of open orders
    balance: I64  # [account, asset]
    balance_sum: I64  # [asset] total of all balances, zero after every booking
    moved_block: U8  # [block] 1 where money or lots moved since a reader's copy was made


class PositionArrays(NamedTuple):
    """Positions: one row per (account, instrument) pair that ever traded."""

    account: I32
    instrument: I32
    lots: I64
    entry_cost: I64
    settlement_cost: I64
    realised: I64
    buy_lots: I64  # reserved by open orders
    sell_lots: I64  # reserved by open orders, positive
    link: I32  # next position row of the same account
    slot: I32  # hash index: position row or NONE, a power of two long
    size: I64  # [rows in use]
    long_lots: I64  # [instrument] lots long if all open buys filled, of all positions
    short_lots: I64  # [instrument] lots short if all open sells filled


class InstrumentArrays(NamedTuple):
    """Instruments: contract terms, current prices and margin tiers."""

    form: I8
    style: I8
    status: I8
    settlement_asset: I32
    underlying: I32
    unit: I64
    maker_fee_ppm: I64
    taker_fee_ppm: I64
    lots_max: I64
    ticks_max: I64
    mark: I64  # ticks, 0 while unknown
    slow: I64  # ticks of the slow average index, 0 while unknown
    suspense: I32  # position row of the settlement account
    tier_floor: F64  # [instrument, tier] numeraire units; unused tiers start at infinity
    maintenance_rate: F64
    maintenance_deduction: F64
    initial_rate: F64
    initial_deduction: F64
    short_initial: I64  # of an option: ticks that a short lot must hold, value included
    short_maintenance: I64
    entry_counts: I8  # whether a short's initial margin contains its entry price, if that is dearer
    lots_sum: I64  # total of the lots of all holders, zero after every booking
    pending_sum: I64  # total of their settlement costs


class AssetArrays(NamedTuple):
    """Assets: value of one ledger unit in numeraire units, haircuts, and what a debt asks for."""

    unit_price: F64
    collateral_factor: F64  # 1 - haircut
    haircut_bps: I64
    debt_ppm: I64  # [2] initial and maintenance margin of a debt, of its worth
    debt_group: I64  # [n] margin groups with shares of their own
    debt_group_ppm: I64  # [n, 2] those shares


class MarginColumns(NamedTuple):
    """Margin of all accounts in numeraire units, each of shape (accounts,), and whom it concerns.

    The lists are made in one pass, so that what looks at these groups costs nothing while there are
    none.
    """

    equity: I64
    initial: I64
    maintenance: I64
    short: I64  # groups, ascending, whose equity is below initial or maintenance margin
    low: I64  # groups, ascending, whose net may be below zero by the standard model
    totals: I64  # what `margin_totals` returns


def _filled(shape: int | tuple[int, ...], initial: Any, dtype: Any) -> npt.NDArray[Any]:
    """An array of initial values; one of zeros takes memory only where it is written."""
    return np.full(shape, initial, dtype) if initial else np.zeros(shape, dtype)


class Columns:
    """Base of the growing tables: dataclasses whose fields are arrays over one row number.

    A subclass lists its dtypes in ``SPEC``; capacity is checked and doubled before a kernel runs,
    never inside one, and is no part of any digest.
    """

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {}
    count: int
    capacity: int

    def __init__(self, capacity: int = 64) -> None:
        self.count = 0
        self.capacity = capacity
        for name, (dtype, initial) in self.SPEC.items():
            setattr(self, name, _filled(capacity, initial, dtype))

    def ensure(self, rows: int) -> None:
        """Make room for ``rows`` rows in all, doubling until they fit."""
        if rows <= self.capacity:
            return
        capacity = self.capacity
        while capacity < rows:
            capacity *= 2
        for name, (dtype, initial) in self.SPEC.items():
            old = getattr(self, name)
            new = _filled((capacity, *old.shape[1:]), initial, dtype)
            new[: self.capacity] = old
            setattr(self, name, new)
        self.capacity = capacity

    def reset(self, rows: I64) -> None:
        """Give rows their initial values again."""
        for name, (_, initial) in self.SPEC.items():
            getattr(self, name)[rows] = initial

    def append(self) -> int:
        """Add a row of initial values and return its number."""
        self.ensure(self.count + 1)
        self.count += 1
        return self.count - 1

    def remove(self, row: int) -> None:
        """Take a row out; those behind it move up by one."""
        for name, (_, initial) in self.SPEC.items():
            column = getattr(self, name)
            column[row : self.count - 1] = column[row + 1 : self.count]
            column[self.count - 1] = initial
        self.count -= 1

    def used(self, name: str) -> npt.NDArray[Any]:
        """Return the rows in use of one column."""
        column: npt.NDArray[Any] = getattr(self, name)
        return column[: self.count]

    def export(self) -> dict[str, npt.NDArray[Any]]:
        """Return the rows in use of every column, for digests and snapshots."""
        return {name: self.used(name) for name in self.SPEC}

    def restore(self, columns: dict[str, npt.NDArray[Any]]) -> None:
        """Take rows exported before; the table must be empty.

        A column that is missing keeps its initial value: it is newer than the rows.

        Raises
        ------
        ValueError
            If a column has another length, or values that its dtype cannot hold exactly.
        """
        count = len(next(iter(columns.values()))) if columns else 0
        self.ensure(max(count, 1))
        for name, array in columns.items():
            dtype = np.dtype(self.SPEC[name][0])
            if len(array) != count or not np.can_cast(array.dtype, dtype, "safe"):
                raise ValueError(f"{name}: {array.dtype}{array.shape}, {count} {dtype} expected")
            getattr(self, name)[:count] = array
        self.count = count

    def copy(self) -> Self:
        """Return an independent copy, for a fork."""
        twin = type(self).__new__(type(self))
        for key, value in self.__dict__.items():
            setattr(twin, key, value.copy() if isinstance(value, np.ndarray) else value)
        return twin


__all__ = [
    "ACCOUNT_BLOCK",
    "F64",
    "I8",
    "I16",
    "I32",
    "I64",
    "NONE",
    "U8",
    "U64",
    "AccountArrays",
    "AssetArrays",
    "Columns",
    "InstrumentArrays",
    "PositionArrays",
]
