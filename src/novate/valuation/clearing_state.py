"""What the clearing house is exposed to: contracts, prices, accounts, positions, collateral.

`ClearingState` bundles the columns of the floors below for those above, and answers one question
exactly: what is an account worth, and what must it hold?  Nothing here is cached that could decide
anything: the by-instrument lists are derived from the rows and may be dropped at any time.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from novate.book.state import BookState
from novate.kernel.clearing.assess import PARALLEL_MIN, WIDTH, assess_all, assess_serial
from novate.kernel.clearing.columns import (
    I64,
    AssetArrays,
    InstrumentArrays,
)
from novate.kernel.clearing.settle import assess_one
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
