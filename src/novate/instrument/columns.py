"""Contract terms and margin tiers as columns, one row per instrument."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import F64, I8, I32, I64, NONE, Columns
from novate.kernel.codes import Barrier, InstrumentStatus, Kind

TIERS_MAX = 16
"""Margin tiers an instrument can have."""


class OptionRuleColumns(Columns):
    """Declared rules for the margin of short options, by number less 1.

    See `margin.contract_rule.short_option`.
    """

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "initial_ppm": (np.int64, 0),
        "initial_floor_ppm": (np.int64, 0),
        "maintenance_ppm": (np.int64, 0),
        "call_value_ppm": (np.int64, 0),
        "put_value_ppm": (np.int64, 0),
        "close_out_ppm": (np.int64, 0),
        "entry_counts": (np.bool_, False),
        "expiry_window_ns": (np.int64, 0),
        "expiry_ppm": (np.int64, 0),
    }
    initial_ppm: I64
    initial_floor_ppm: I64
    maintenance_ppm: I64
    call_value_ppm: I64
    put_value_ppm: I64
    close_out_ppm: I64
    entry_counts: npt.NDArray[np.bool_]
    expiry_window_ns: I64
    expiry_ppm: I64

    def __init__(self, capacity: int = 4) -> None:
        super().__init__(capacity)
        self.symbols: list[str] = []

    def copy(self) -> OptionRuleColumns:
        """Return an independent copy."""
        twin = super().copy()
        twin.symbols = list(self.symbols)
        return twin


_DERIVED = ("suspense", "lots_sum", "pending_sum")


class TierChangeColumns(Columns):
    """Margin tiers that wait for an instant; the rows of a table stand together, from tier 0."""

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "instrument": (np.int64, 0),
        "tier": (np.int64, 0),
        "floor": (np.int64, 0),
        "initial_ppm": (np.int64, 0),
        "maintenance_ppm": (np.int64, 0),
        "effective_ns": (np.int64, 0),
    }
    instrument: I64
    tier: I64
    floor: I64
    initial_ppm: I64
    maintenance_ppm: I64
    effective_ns: I64

    def rows_of(self, instrument: int, effective_ns: int) -> I64:
        """Rows of a table that waits, in order of tier."""
        mine = self.used("instrument") == instrument
        found: I64 = np.flatnonzero(mine & (self.used("effective_ns") == effective_ns))
        return found


class RuleChangeColumns(Columns):
    """Rules for shorts that options get at an instant."""

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "instrument": (np.int64, 0),
        "margin_rule": (np.int64, 0),
        "effective_ns": (np.int64, 0),
    }
    instrument: I64
    margin_rule: I64
    effective_ns: I64

    def row_of(self, instrument: int, effective_ns: int) -> int:
        """Row of what waits for an instant, -1 for none."""
        mine = self.used("instrument") == instrument
        found = np.flatnonzero(mine & (self.used("effective_ns") == effective_ns))
        return int(found[0]) if found.size else NONE


class InstrumentColumns(Columns):
    """Terms as listed, tiers as set, and how far cycles and funding periods have come.

    Derived, and no part of exports: ``suspense``, the row of the settlement account's position;
    ``lots_sum`` and ``pending_sum``, totals over the holders as the bookings leave them.
    """

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "form": (np.int8, 0),
        "style": (np.int8, 0),
        "status": (np.int8, int(InstrumentStatus.ACTIVE)),
        "underlying": (np.int32, 0),
        "settlement_asset": (np.int32, 0),
        "tick_e8": (np.int64, 0),
        "unit": (np.int64, 0),
        "ticks_max": (np.int64, 0),
        "lots_max": (np.int64, 0),
        "maker_fee_ppm": (np.int64, 0),
        "taker_fee_ppm": (np.int64, 0),
        "cycle_ns": (np.int64, 0),
        "funding_ns": (np.int64, 0),
        "expiry_ns": (np.int64, 0),
        "settlement_window_ns": (np.int64, 0),
        "basis_clamp_ppm": (np.int64, 0),
        "funding_cap_e9": (np.int64, 0),
        "funding_damper_e9": (np.int64, 0),
        "interest_e9": (np.int64, 0),
        "next_cycle_ns": (np.int64, 0),
        "stale_ppm": (np.int64, 0),
        "next_funding_ns": (np.int64, 0),
        "next_expiry_ns": (np.int64, 0),
        "cycle": (np.int64, 0),
        "period": (np.int64, 0),
        "taken_over_lots": (np.int64, 0),
        "liquidator_lots": (np.int64, 0),
        "suspense": (np.int32, -1),
        "lots_sum": (np.int64, 0),
        "pending_sum": (np.int64, 0),
        "kind": (np.int8, int(Kind.DELTA_ONE)),
        "side": (np.int8, 0),
        "strike_e8": (np.int64, 0),
        "payout_ticks": (np.int64, 0),
        "margin_rule": (np.int64, 0),
        "entry_counts": (np.int8, 0),
        "barrier": (np.int8, int(Barrier.NONE)),
        "barrier_e8": (np.int64, 0),
        "monitoring": (np.int8, 0),
        "observation_ns": (np.int64, 0),
        "next_observation_ns": (np.int64, 0),
        "rebate_ticks": (np.int64, 0),
        "is_knocked": (np.bool_, False),
        "suspend_ns": (np.int64, 0),
        "is_delisted": (np.bool_, False),
        "proposed_e8": (np.int64, 0),
        "proposed_ns": (np.int64, 0),
        "proposer": (np.int64, 0),
        "tier_count": (np.int64, 0),
        "tier_floor": (np.float64, np.inf),
        "initial_rate": (np.float64, 0.0),
        "initial_deduction": (np.float64, 0.0),
        "maintenance_rate": (np.float64, 0.0),
        "maintenance_deduction": (np.float64, 0.0),
    }
    form: I8
    style: I8
    status: I8
    underlying: I32
    settlement_asset: I32
    tick_e8: I64
    unit: I64
    ticks_max: I64
    lots_max: I64
    maker_fee_ppm: I64
    taker_fee_ppm: I64
    cycle_ns: I64
    funding_ns: I64
    expiry_ns: I64
    settlement_window_ns: I64
    basis_clamp_ppm: I64
    funding_cap_e9: I64
    funding_damper_e9: I64
    interest_e9: I64
    next_cycle_ns: I64
    stale_ppm: I64  # of the notional: what margin asks more while prices are stale
    next_funding_ns: I64
    next_expiry_ns: I64
    cycle: I64
    period: I64
    taken_over_lots: I64  # of the external market, by liquidation since the last funding, signed
    liquidator_lots: I64  # of the liquidator after the last funding, signed
    suspense: I32
    lots_sum: I64
    pending_sum: I64
    kind: I8
    side: I8
    strike_e8: I64
    payout_ticks: I64
    margin_rule: I64
    entry_counts: I8
    barrier: I8
    barrier_e8: I64
    monitoring: I8
    observation_ns: I64
    next_observation_ns: I64
    rebate_ticks: I64
    is_knocked: npt.NDArray[np.bool_]
    suspend_ns: I64  # instant from which it is suspended, 0 for none
    is_delisted: npt.NDArray[np.bool_]
    proposed_e8: I64  # price that waits for approval, and since when
    proposed_ns: I64
    proposer: I64  # number of a name
    tier_count: I64
    tier_floor: F64
    initial_rate: F64
    initial_deduction: F64
    maintenance_rate: F64
    maintenance_deduction: F64

    def __init__(self, capacity: int = 8) -> None:
        super().__init__(capacity)
        self.symbols: list[str] = []
        for name in (
            "tier_floor",
            "initial_rate",
            "initial_deduction",
            "maintenance_rate",
            "maintenance_deduction",
        ):
            initial = self.SPEC[name][1]
            setattr(self, name, np.full((capacity, TIERS_MAX), initial, np.float64))
        # An instrument without tiers asks for its whole notional.
        self.initial_rate[:, 0] = 1.0
        self.maintenance_rate[:, 0] = 1.0
        self.tier_floor[:, 0] = 0.0

    def append(self) -> int:
        """Add an instrument; without tiers it asks for its whole notional."""
        row = super().append()
        self.tier_floor[row] = np.inf
        self.tier_floor[row, 0] = 0.0
        self.initial_rate[row] = 0.0
        self.initial_rate[row, 0] = 1.0
        self.maintenance_rate[row] = 0.0
        self.maintenance_rate[row, 0] = 1.0
        return row

    def export(self) -> dict[str, npt.NDArray[Any]]:
        """Rows in use; what is derived is left out, and found again from the positions."""
        columns = super().export()
        for name in _DERIVED:
            del columns[name]
        return columns

    def copy(self) -> InstrumentColumns:
        """Return an independent copy."""
        twin = super().copy()
        twin.symbols = list(self.symbols)
        return twin
