"""The market as one object: contracts, assets, sources, marks, smiles, the present instant."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from novate.instrument.columns import (
    InstrumentColumns,
    OptionRuleColumns,
    RuleChangeColumns,
    TierChangeColumns,
)
from novate.kernel.clearing.columns import F64, I64, NONE, AssetArrays, InstrumentArrays
from novate.kernel.clearing.due import DueTable
from novate.kernel.clearing.index_solvency import IndexBound
from novate.kernel.codes import Barrier, DueKind, InstrumentStatus, Kind, Monitoring
from novate.market import price_source
from novate.market.columns import MarkColumns, SurfaceColumns
from novate.market.price_source import Index, IndexMethod
from novate.market.source_state import SourceState
from novate.message.parameter import Parameter, Scope
from novate.units import PPM


class Watch(NamedTuple):
    """Options on one asset whose barrier every index is held to, in order of number."""

    above: int  # the lowest level that an index touches from below, in 1e-8
    below: int  # the highest one that it touches from above, in 1e-8
    numbers: tuple[int, ...]


CONTRACT_INSTANTS = {
    DueKind.FUNDING: "next_funding_ns",
    DueKind.CYCLE: "next_cycle_ns",
    DueKind.OBSERVATION: "next_observation_ns",
    DueKind.EXPIRY: "next_expiry_ns",
}
"""Columns of the instruments that say when work is due."""


DEBT_PARAMETERS = (Parameter.DEBT_INITIAL_PPM, Parameter.DEBT_MAINTENANCE_PPM)
DEBT_SHARES = slice(int(DEBT_PARAMETERS[0]), int(DEBT_PARAMETERS[1]) + 1)
"""Parameters of the margin for debts; their numbers follow one another."""

_NOBODY: I64 = np.zeros(0, np.int64)


Limits = tuple[tuple[list[int], tuple[int | None, int | None]], ...]
"""Rows of a book that are settled at one price, and the most that they lose together for initial
and for maintenance margin, numeraire units, nothing if that has no limit."""


class MarketState(SourceState):
    """The columns of contracts and market; the floors above inherit from it.

    ``due`` is derived: whoever moves an instant at which work is due enters it there.  So is
    ``kept_bound``, of `valuation.index_bound`, with the instant that it holds for, -1 for all, and
    ``kept_limits``, of `margin.contract_rule.limited_risk`, by all that they depend on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.instruments = InstrumentColumns()
        self.option_rules = OptionRuleColumns()
        self.tier_changes = TierChangeColumns(4)
        self.rule_changes = RuleChangeColumns(4)
        self.marks = MarkColumns(8)
        self.surfaces = SurfaceColumns()
        self.due = DueTable()
        self.index_methods: tuple[IndexMethod, ...] = price_source.CATALOGUE
        self._watched: dict[int, Watch] | None = None
        self._debt_groups: tuple[I64, I64] | None = None
        self._is_aged: bool | None = None
        self._stale: tuple[int, ...] | None = None
        self.kept_bound: tuple[int, IndexBound] | None = None
        self.kept_limits: dict[bytes, Limits] = {}

    def instrument_arrays(self) -> InstrumentArrays:
        """Instruments with their marks as kernels take them.

        While an index is stale, rates of margin are those of rule 5.44.
        """
        i = self.instruments
        arrays = InstrumentArrays(
            i.form, i.style, i.status, i.settlement_asset, i.underlying, i.unit,
            i.maker_fee_ppm, i.taker_fee_ppm, i.lots_max, i.ticks_max,
            self.marks.mark, self.marks.slow, i.suspense, i.tier_floor,
            i.maintenance_rate, i.maintenance_deduction, i.initial_rate, i.initial_deduction,
            self.marks.short_initial, self.marks.short_maintenance, i.entry_counts,
            i.lots_sum, i.pending_sum,
        )  # fmt: skip
        return self._with_age(arrays) if self.is_aged() else arrays

    def is_aged(self) -> bool:
        """Return whether margin of any contract asks more because prices are stale."""
        if self._is_aged is None:
            self._is_aged = bool(self.instruments.used("stale_ppm").any())
        return self._is_aged

    def stale_assets(self) -> tuple[int, ...]:
        """Return the assets with a price whose index was stale at the last assessment."""
        if self._stale is None:
            a = self.assets
            found = np.flatnonzero(a.used("is_stale") & (a.used("unit_price") > 0.0))
            self._stale = tuple(found.tolist())
        return self._stale

    def forget_age(self) -> None:
        """To be called when the stale add-on of a contract may have changed."""
        self._is_aged = None
        self.forget_stale_assets()

    def forget_stale_assets(self) -> None:
        """To be called when an index was updated: its price may be stale now."""
        self._stale = None
        self.forget_bound()

    def forget_bound(self) -> None:
        """To be called when marks, their time sums, or margin tiers change."""
        self.kept_bound = None

    def _with_age(self, arrays: InstrumentArrays) -> InstrumentArrays:
        """Return arrays whose rates, and margins of a short lot, contain the stale add-on."""
        more = self.instruments.stale_ppm
        ticks = -(-self.marks.mark[: more.size] * more[: self.marks.mark.size] // PPM)
        return arrays._replace(
            maintenance_rate=_plus_ppm(arrays.maintenance_rate, more),
            initial_rate=_plus_ppm(arrays.initial_rate, more),
            short_initial=_plus(arrays.short_initial, ticks),
            short_maintenance=_plus(arrays.short_maintenance, ticks),
        )

    def asset_arrays(self) -> AssetArrays:
        """Assets as kernels take them."""
        a = self.assets
        if self._debt_groups is None:
            self._debt_groups = self._debt_overrides()
        return AssetArrays(
            a.unit_price, a.collateral_factor, a.haircut_bps, self.parameters[DEBT_SHARES],
            *self._debt_groups,
        )  # fmt: skip

    def _debt_overrides(self) -> tuple[I64, I64]:
        """Return subjects with shares of their own for debts, and these shares."""
        found = [
            self.overrides.subject[self.overrides.rows_of(parameter, scope)]
            for parameter in DEBT_PARAMETERS
            for scope in DEBT_PARAMETERS[0].setting.scopes
        ]
        subjects = np.unique(np.concatenate(found)) if self.overrides.count else _NOBODY
        shares = [self.parameter_of(parameter, subjects) for parameter in DEBT_PARAMETERS]
        return subjects, np.stack(shares, axis=1)

    def forget_parameters(self) -> None:
        """Forget what was derived from parameters: one of them changed."""
        self._debt_groups = None

    def enter_contract(self, i: int) -> None:
        """Enter when work on a contract is due, after its instants have moved."""
        for kind, column in CONTRACT_INSTANTS.items():
            self.due.enter(kind, i, getattr(self.instruments, column)[i])

    def by_instrument(self, parameter: Parameter) -> I64:
        """Return a risk parameter as it holds for each instrument; shape (instruments,)."""
        values: I64 = np.full(self.instruments.count, self.parameters[parameter])
        if self.overrides.count:
            rows = self.overrides.rows_of(parameter, Scope.INSTRUMENT)
            values[self.overrides.subject[rows]] = self.overrides.value[rows]
        return values

    def by_position(self, parameter: Parameter, accounts: I64) -> tuple[I64, I64]:
        """Return a risk parameter as kernels look it up for positions of some accounts.

        By account, of the shape of ``accounts``, `NONE` where it has no value of its own; and by
        instrument, for those.
        """
        return self.parameter_of(parameter, accounts, other=NONE), self.by_instrument(parameter)

    def present_index(self, asset: int) -> Index:
        """Index of one asset as its sources stand, by the method that the asset names."""
        method = self.index_methods[int(self.assets.index_method[asset])]
        return method.index(self, asset)

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
        return self.surfaces.row_of(int(terms.underlying[instrument]), expiry)

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

    def drop_caches(self) -> None:
        """Forget everything derived; no event may change by it."""
        self._watched = None
        self.sources.forget_quotes()
        self.forget_parameters()
        self.forget_age()
        self.kept_limits.clear()
        self.due.forget()


def _plus(column: I64, ticks: I64) -> I64:
    """Return a column with more in its first rows: tables grow apart."""
    out = column.copy()
    out[: ticks.size] += ticks
    return out


def _plus_ppm(rate: F64, more: I64) -> F64:
    """Return rates of tiers with more ppm by instrument: each is the float next to whole ppm."""
    out: F64 = (np.rint(rate * PPM) + more[:, np.newaxis]) / PPM
    return out


def _watch(c: InstrumentColumns, numbers: npt.NDArray[np.int64]) -> Watch:
    """Summary of some watched options."""
    level = c.barrier_e8[numbers]
    is_up = np.isin(c.barrier[numbers], (Barrier.UP_IN, Barrier.UP_OUT))
    above = int(level[is_up].min(initial=np.iinfo(np.int64).max))
    below = int(level[~is_up].max(initial=0))
    return Watch(above, below, tuple(numbers.tolist()))
