"""What the clearing house is exposed to: contracts, prices, accounts, positions, collateral.

`ClearingState` bundles the columns of the floors below for those above, and answers one question
exactly: what is an account worth, and what must it hold?  Nothing here is cached that could decide
anything: the by-instrument lists are derived from the rows and may be dropped at any time.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from novate.book.state import BookState
from novate.kernel.clearing.assess import PARALLEL_MIN, WIDTH, assess_all, assess_serial
from novate.kernel.clearing.columns import (
    I64,
    AssetArrays,
    InstrumentArrays,
)
from novate.kernel.clearing.position import sum_positions
from novate.kernel.clearing.settle import assess_one
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Role
from novate.market.state import MarketState


class Assessment(NamedTuple):
    """An account's numbers in numeraire ledger units; see `kernel.clearing.assess`."""

    equity: int
    net: int
    initial: int
    maintenance: int
    notional: int
    gain: int
    unproven: int


class ClearingState(MarketState, BookState):
    """The columns of contracts, market and book, and the start of the gains window."""

    def __init__(self) -> None:
        super().__init__()
        self.window_ns = 0

    def instrument_arrays(self) -> InstrumentArrays:
        """Instruments with their marks as kernels take them."""
        i = self.instruments
        return InstrumentArrays(
            i.form, i.style, i.status, i.settlement_asset, i.underlying, i.unit,
            i.maker_fee_ppm, i.taker_fee_ppm, i.lots_max, i.ticks_max,
            self.marks.mark, self.marks.slow, i.suspense, i.tier_floor,
            i.maintenance_rate, i.maintenance_deduction, i.initial_rate, i.initial_deduction,
            self.marks.short_initial, self.marks.short_maintenance, i.entry_counts,
            i.lots_sum, i.pending_sum,
        )  # fmt: skip

    def asset_arrays(self) -> AssetArrays:
        """Assets as kernels take them."""
        return AssetArrays(self.assets.unit_price, self.assets.collateral_factor)

    def assess(self, account: int) -> Assessment:
        """Assess one account exactly."""
        numbers = assess_one(
            self.account_arrays(),
            self.positions.arrays(),
            self.instrument_arrays(),
            self.asset_arrays(),
            account,
        )
        return Assessment(*(int(number) for number in numbers))

    def assess_all(self) -> I64:
        """Assess all accounts exactly; shape (accounts, WIDTH), columns of `clearing.assess`."""
        out = np.empty((self.accounts.count, WIDTH), np.int64)
        arrays = (
            self.account_arrays(),
            self.positions.arrays(),
            self.instrument_arrays(),
            self.asset_arrays(),
        )
        if self.accounts.count < PARALLEL_MIN:
            assess_serial(*arrays, self.accounts.count, out)
        else:
            assess_all(*arrays, self.accounts.count, out)
        return out

    def forget_lists(self) -> None:
        """Forget the lists of holders and of watched barriers: the tables were filled anew."""
        self.forget_holders()
        self.forget_watched()

    def drop_caches(self) -> None:
        """Forget everything derived; no event may change by it."""
        MarketState.drop_caches(self)
        BookState.drop_caches(self)
        self.compact()

    def compact(self) -> None:
        """Sort the position rows by account and instrument; only the layout changes."""
        self.compact_positions()
        self.locate_suspense()

    def locate_suspense(self) -> None:
        """Find the settlement account's row of every instrument, after rows moved."""
        settlement = self.single(Role.SETTLEMENT)
        rows = np.flatnonzero(self.positions.used("account") == settlement)
        self.instruments.suspense[self.positions.instrument[rows]] = rows

    def sum_again(self) -> None:
        """Find the running totals of the bookings again, after the tables were filled otherwise."""
        lots, pending, _ = self.summed_positions()
        count = self.instruments.count
        self.instruments.lots_sum[:count] = lots
        self.instruments.pending_sum[:count] = pending
        self.accounts.balance_sum[:] = self.accounts.used("balance").sum(axis=0)

    def summed_positions(self) -> tuple[I64, I64, float]:
        """Add up all positions: lots and pending cash by instrument, and the gross of the book.

        The gross is all pending cash and what all lots could reach at any accepted price, in
        settlement units, as a float64.
        """
        count = self.instruments.count
        lots, pending = np.zeros(count, np.int64), np.zeros(count, np.int64)
        gross = sum_positions(self.positions.arrays(), self.reach_of_a_lot(), lots, pending)
        return lots, pending, float(gross)

    def reach_of_a_lot(self) -> npt.NDArray[np.float64]:
        """Largest value of one lot at any accepted price, settlement units; (instruments,)."""
        terms = self.instruments
        ticks = np.where(terms.used("form") == LINEAR, terms.used("ticks_max"), 1)
        reach: npt.NDArray[np.float64] = terms.used("unit").astype(np.float64) * ticks
        return reach

    def copy(self) -> Self:
        """Return an independent copy, for a fork."""
        twin = type(self)()
        twin.now_ns = self.now_ns
        twin.window_ns = self.window_ns
        twin.layout = self.layout
        for name in _TABLES:
            setattr(twin, name, getattr(self, name).copy())
        twin.parameters = self.parameters.copy()
        twin.checksum = self.checksum.copy()
        return twin


_TABLES = (
    "overrides",
    "parameter_changes",
    "tier_changes",
    "rule_changes",
    "instruments",
    "option_rules",
    "marks",
    "assets",
    "sources",
    "surfaces",
    "accounts",
    "positions",
    "reservations",
)
