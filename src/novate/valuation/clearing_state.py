"""What the clearing house is exposed to: contracts, prices, accounts, positions, collateral.

`ClearingState` bundles the columns of the floors below for those above, and answers one question
exactly: what is an account worth, and what must it hold?  Nothing here is cached that could decide
anything: the by-instrument lists are derived from the rows and may be dropped at any time.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from novate.book.columns import AccountColumns, PositionColumns, ReservationColumns
from novate.instrument.columns import InstrumentColumns, OptionRuleColumns
from novate.kernel.clearing.assess import PARALLEL_MIN, WIDTH, assess_all, assess_serial
from novate.kernel.clearing.columns import (
    I64,
    AccountArrays,
    AssetArrays,
    InstrumentArrays,
)
from novate.kernel.clearing.position import sum_positions
from novate.kernel.clearing.settle import assess_one
from novate.kernel.clearing.value import LINEAR
from novate.kernel.codes import Barrier, InstrumentStatus, Kind, Monitoring, Role
from novate.market.columns import AssetColumns, MarkColumns, SourceColumns, SurfaceColumns
from novate.market.index import usable_sources
from novate.market.surface import surface_row
from novate.message.parameter import SETTINGS, Parameter

SINGLE_ROLES = (
    Role.INSURANCE_FUND,
    Role.SKIN_IN_THE_GAME,
    Role.LIQUIDATOR,
    Role.FEES,
    Role.RESIDUE,
    Role.SETTLEMENT,
    Role.CUSTODY,
    Role.EXTERNAL_MARKET,
)
"""Roles of which the clearing house has exactly one account."""


class Assessment(NamedTuple):
    """An account's numbers in numeraire ledger units; see `kernel.clearing.assess`."""

    equity: int
    net: int
    initial: int
    maintenance: int
    notional: int
    gain: int
    unproven: int


class Watch(NamedTuple):
    """Options on one asset whose barrier every index is held to, in order of number."""

    above: int  # the lowest level that an index touches from below, in 1e-8
    below: int  # the highest one that it touches from above, in 1e-8
    numbers: tuple[int, ...]


class ClearingState:
    """The columns of contracts, market and book, and the present instant.

    ``layout`` counts how often position rows were renumbered: row numbers do not outlive it.
    """

    def __init__(self) -> None:
        self.now_ns = 0
        self.instruments = InstrumentColumns()
        self.option_rules = OptionRuleColumns()
        self.marks = MarkColumns(8)
        self.assets = AssetColumns()
        self.sources = SourceColumns()
        self.surfaces = SurfaceColumns()
        self.accounts = AccountColumns()
        self.positions = PositionColumns()
        self.reservations = ReservationColumns()
        self.parameters = np.array([SETTINGS[p].default for p in Parameter], np.int64)
        self.checksum = np.zeros(1, np.uint64)
        self.window_ns = 0
        self.layout = 0
        self._single: dict[Role, int] = {}
        self._own: I64 = np.zeros(0, np.int64)
        self._holders: _Holders | None = None
        self._watched: dict[int, Watch] | None = None

    def parameter(self, parameter: Parameter) -> int:
        """Return a risk parameter in its unit."""
        return int(self.parameters[parameter])

    def is_fresh(self, asset: int) -> bool:
        """Whether an asset has a price and enough sources that reported lately; the numeraire has.

        The clock counts, not only the last assessment: time alone makes an index stale.
        """
        if asset == 0:
            return True
        if self.assets.is_stale[asset] or not self.assets.unit_price[asset] > 0.0:
            return False
        limit = self.parameter(Parameter.INDEX_STALENESS_NS)
        usable = usable_sources(self.sources, asset, self.now_ns, limit)
        return len(usable) >= self.parameter(Parameter.INDEX_SOURCES_MIN)

    def is_option(self, instrument: int) -> bool:
        """Whether a contract is an option: paid at the trade, marked from a smile."""
        return int(self.instruments.kind[instrument]) != Kind.DELTA_ONE

    def smile_row(self, instrument: int) -> int:
        """Row of the smile that values an option now, -1 if there is none or it is stale."""
        row = self.last_smile_row(instrument)
        if row < 0:
            return -1
        oldest = self.now_ns - self.parameter(Parameter.SURFACE_STALENESS_NS)
        return row if self.surfaces.observed_ns[row] >= oldest else -1

    def last_smile_row(self, instrument: int) -> int:
        """Row of the last smile of an option, however old, -1 for none."""
        terms = self.instruments
        expiry = int(terms.expiry_ns[instrument])
        return surface_row(self.surfaces, int(terms.underlying[instrument]), expiry)

    def watched(self) -> dict[int, Watch]:
        """Barriers that wait for an index, by underlying.

        Derived from the contracts, kept until `forget_watched`: a venue without barriers pays
        nothing for them with a price.
        """
        if self._watched is None:
            c = self.instruments
            waits = (
                (c.used("monitoring") == Monitoring.CONTINUOUS)
                & (c.used("barrier") != Barrier.NONE)
                & ~c.used("is_knocked")
                & (c.used("status") == InstrumentStatus.ACTIVE)
            )
            numbers = np.flatnonzero(waits)
            underlying = c.underlying[numbers]
            self._watched = {
                int(asset): _watch(c, numbers[underlying == asset]) for asset in set(underlying)
            }
        return self._watched

    def forget_watched(self) -> None:
        """To be called when a barrier begins to wait, or no longer does."""
        self._watched = None

    def single(self, role: Role) -> int:
        """Return the clearing house's own account of a role, or -1 before it is opened."""
        if role not in self._single:
            found = np.flatnonzero(self.accounts.used("role") == role)
            if not found.size:
                return -1
            self._single[role] = int(found[0])
        return self._single[role]

    def own_accounts(self) -> I64:
        """Numbers of the clearing house's own accounts that are open, in the order of roles."""
        if self._own.size < len(SINGLE_ROLES):
            found = [self.single(role) for role in SINGLE_ROLES]
            self._own = np.array([number for number in found if number >= 0], np.int64)
        return self._own

    def account_arrays(self) -> AccountArrays:
        """Accounts as kernels take them."""
        a = self.accounts
        return AccountArrays(
            a.role,
            a.mode,
            a.status,
            a.head,
            a.encumbered,
            a.window_gain,
            a.open_order_hold,
            a.balance,
            a.balance_sum,
            a.moved_block,
        )

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

    def holders(self, instrument: int) -> npt.NDArray[np.int64]:
        """Return the position rows of an instrument, in row order."""
        count = self.positions.count
        if self._holders is None or not self._holders.covers(count):
            self._holders = _Holders(self.positions.used("instrument"))
        return self._holders.of(instrument, self.positions.used("instrument"))

    def drop_caches(self) -> None:
        """Forget everything derived; no event may change by it."""
        self.forget_lists()
        self._single.clear()
        self._own = np.zeros(0, np.int64)
        self.compact()

    def forget_lists(self) -> None:
        """Forget the lists of holders and of watched barriers: the tables were filled anew."""
        self._holders = None
        self._watched = None

    def compact(self) -> None:
        """Sort the position rows by account and instrument; only the layout changes."""
        self.positions.compact(self.accounts)
        self._holders = None
        self.layout += 1
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


def _watch(c: InstrumentColumns, numbers: npt.NDArray[np.int64]) -> Watch:
    """Summary of some watched options."""
    level = c.barrier_e8[numbers]
    is_up = np.isin(c.barrier[numbers], (Barrier.UP_IN, Barrier.UP_OUT))
    above = int(level[is_up].min(initial=np.iinfo(np.int64).max))
    below = int(level[~is_up].max(initial=0))
    return Watch(above, below, tuple(numbers.tolist()))


_TABLES = (
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


class _Holders:
    """Rows by instrument: sorted once, the rows added since are scanned."""

    def __init__(self, instrument: npt.NDArray[np.int32]) -> None:
        self.count = len(instrument)
        self.order = np.argsort(instrument, kind="stable")
        top = int(instrument.max()) + 1 if self.count else 0
        self.start = np.searchsorted(instrument[self.order], np.arange(top + 1))

    def covers(self, count: int) -> bool:
        """Whether the rows added since are few enough to scan."""
        return self.count <= count <= self.count + 256 + self.count // 8

    def of(self, instrument: int, column: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """Rows of one instrument in row order."""
        known = np.empty(0, np.int64)
        if instrument + 1 < len(self.start):
            known = self.order[self.start[instrument] : self.start[instrument + 1]]
        if len(column) == self.count:
            return known
        added = np.flatnonzero(column[self.count :] == instrument) + self.count
        return np.concatenate((known, added))
