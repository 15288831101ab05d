"""Prices as columns: assets with their index, sources, and the marks of instruments."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import F64, I8, I32, I64, Columns
from novate.kernel.clearing.source import count_usable

B1 = npt.NDArray[np.bool_]


class AssetColumns(Columns):
    """Assets: decimals, haircut, index, slow average and the value of one ledger unit."""

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "decimals": (np.int64, 0),
        "haircut_bps": (np.int64, 0),
        "haircut_rule": (np.int64, 0),
        "index_method": (np.int64, 0),
        "price_e8": (np.int64, 0),
        "slow_e8": (np.int64, 0),
        "updated_ns": (np.int64, 0),
        "is_stale": (np.bool_, True),
        "is_reported": (np.bool_, False),
        "fresh_ns": (np.int64, 0),
        "decay": (np.float64, 1.0),
        "unit_price": (np.float64, 0.0),
        "collateral_factor": (np.float64, 1.0),
        "external_called": (np.int64, 0),
        "jump_ns": (np.int64, 0),
        "jump_from_e8": (np.int64, 0),
        "agreed_ns": (np.int64, 0),
        "halt_ns": (np.int64, 0),
        "ramp_ns": (np.int64, 0),
        "ramp_from_e8": (np.int64, 0),
        "ramp_side": (np.int8, 0),
        "range_low_e8": (np.int64, 0),
        "range_high_e8": (np.int64, 0),
        "past_low_e8": (np.int64, 0),
        "past_high_e8": (np.int64, 0),
        "range_ns": (np.int64, 0),
    }
    decimals: I64
    haircut_bps: I64
    haircut_rule: I64  # place in `collateral.haircut.CATALOGUE`
    index_method: I64  # place in `market.price_source.CATALOGUE`
    price_e8: I64
    slow_e8: I64
    updated_ns: I64
    is_stale: B1
    is_reported: B1  # whether a source reported since the last assessment
    fresh_ns: I64  # last assessment at which the index was not stale, 0 before it is known
    decay: F64  # what the age of a stale index leaves of the asset as collateral, 0 to 1
    unit_price: F64
    collateral_factor: F64
    external_called: I64  # ledger units that the external market was called for and has not paid
    jump_ns: I64  # when the jump began that is not confirmed, 0 for none
    jump_from_e8: I64  # index before it
    agreed_ns: I64  # from when on a quorum of sources agrees with the index, 0 for none
    halt_ns: I64  # assessment that first found the index stale, 0 while it is not
    ramp_ns: I64  # when the ramp began, 0 for none
    ramp_from_e8: I64  # price at which it began
    ramp_side: I8  # 1 upwards, -1 downwards
    range_low_e8: I64  # range of the index since `range_ns`, 0 for none
    range_high_e8: I64
    past_low_e8: I64  # and in the half of the time before
    past_high_e8: I64
    range_ns: I64

    def __init__(self, capacity: int = 4) -> None:
        super().__init__(capacity)
        self.symbols: list[str] = []

    def copy(self) -> AssetColumns:
        """Return an independent copy."""
        twin = super().copy()
        twin.symbols = list(self.symbols)
        return twin


class Standing(NamedTuple):
    """How an asset stands with its sources."""

    usable: int  # sources that count now
    weight: int  # their weight
    declared: int  # weight of all that are not retired


class SourceColumns(Columns):
    """Price sources: the last price each has reported, and the instant at which it gave two."""

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "asset": (np.int32, 0),
        "weight": (np.int64, 0),
        "price_e8": (np.int64, 0),
        "observed_ns": (np.int64, -1),
        "contradicted_ns": (np.int64, -1),
        "quote": (np.int32, 0),
        "is_inverted": (np.bool_, False),
    }
    asset: I32
    weight: I64  # 0: retired
    price_e8: I64
    observed_ns: I64  # of its last price, -1 before the first
    contradicted_ns: I64  # instant for which it last gave two prices, -1 for none
    quote: I32  # asset in which it quotes
    is_inverted: B1  # whether it tells the price of one quote asset in its own asset

    def __init__(self, capacity: int = 8) -> None:
        super().__init__(capacity)
        self.symbols: list[str] = []
        self._quotes: dict[int, tuple[int, ...]] | None = None
        self._beneath: dict[int, tuple[int, ...]] = {}
        self._rows: dict[int, list[int]] = {}
        self._counted = 0  # how many sources there were when their rows were listed

    def of_asset(self, asset: int) -> list[int]:
        """Return the sources of an asset, in order of number; a source never changes its asset."""
        if self._counted != self.count:
            self._rows, self._counted = {}, self.count
            for row, priced in enumerate(self.used("asset").tolist()):
                self._rows.setdefault(priced, []).append(row)
        return self._rows.get(asset, [])

    def quotes(self, asset: int) -> tuple[int, ...]:
        """Return the assets other than the numeraire in which sources of an asset quote."""
        return self._quotes_by_asset().get(asset, ())

    @property
    def has_quotes(self) -> bool:
        """Whether a source quotes in another asset than the numeraire."""
        return bool(self._quotes_by_asset())

    def quoted(self) -> list[int]:
        """Return the assets of which a source quotes in another than the numeraire, in order."""
        return sorted(self._quotes_by_asset())

    def beneath(self, asset: int) -> tuple[int, ...]:
        """Return the assets other than the numeraire that an asset rests on, in order of number.

        Those in which its sources quote, those in which the sources of these do, and so on.
        """
        if asset not in self._beneath:
            found, to_do = set[int](), {*self.quotes(asset)}
            while to_do:
                found |= to_do
                to_do = {q for other in to_do for q in self.quotes(other)} - found
            self._beneath[asset] = tuple(sorted(found))
        return self._beneath[asset]

    def quoting(self, asset: int) -> list[int]:
        """Return the assets of which sources quote in an asset, in order of number."""
        found = self._quotes_by_asset()
        if not found:
            return []
        return [other for other in sorted(found) if asset in found[other]]

    def _quotes_by_asset(self) -> dict[int, tuple[int, ...]]:
        if self._quotes is None:
            rows = np.flatnonzero(self.used("quote")).tolist()
            pairs = {(int(self.asset[row]), int(self.quote[row])) for row in rows}
            self._quotes = {
                asset: tuple(sorted(q for a, q in pairs if a == asset)) for asset, _ in pairs
            }
        return self._quotes

    def forget_quotes(self) -> None:
        """To be called when a source begins to quote in another asset, or the table is filled."""
        self._quotes = None
        self._beneath = {}
        self._rows, self._counted = {}, 0

    def usable(self, asset: int, now_ns: int, staleness_ns: int) -> list[int]:
        """Sources of an asset that count now (rule 5.4), in order of number."""
        oldest = max(now_ns - staleness_ns, 0)
        weight, observed, contradicted = self.weight, self.observed_ns, self.contradicted_ns
        return [
            s
            for s in self.of_asset(asset)
            if weight[s] > 0 and observed[s] >= oldest and contradicted[s] != observed[s]
        ]

    def standing(self, asset: int, now_ns: int, staleness_ns: int) -> Standing:
        """Count what `usable` names, without naming it."""
        return Standing(
            *count_usable(
                self.asset, self.weight, self.observed_ns, self.contradicted_ns, self.count,
                asset, max(now_ns - staleness_ns, 0),
            )
        )  # fmt: skip

    def copy(self) -> SourceColumns:
        """Return an independent copy."""
        twin = super().copy()
        twin.symbols = list(self.symbols)
        twin.forget_quotes()
        return twin


class MarkColumns(Columns):
    """Prices of instruments: last, index, mark, and the sums behind funding and expiry."""

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "last": (np.int64, 0),
        "index": (np.int64, 0),
        "mark": (np.int64, 0),
        "slow": (np.int64, 0),
        "basis_e8": (np.int64, 0),
        "slow_basis_e8": (np.int64, 0),
        "updated_ns": (np.int64, 0),
        "premium_e9": (np.int64, 0),
        "premium_sum": (np.int64, 0),
        "premium_ms": (np.int64, 0),
        "premium_from_ns": (np.int64, 0),
        "final_sum": (np.int64, 0),
        "final_rest": (np.int64, 0),
        "final_ms": (np.int64, 0),
        "final_index": (np.int64, 0),
        "short_initial": (np.int64, 0),
        "short_maintenance": (np.int64, 0),
        "delta_e9": (np.int64, 0),
        "is_reported": (np.bool_, False),
    }
    last: I64
    index: I64
    mark: I64
    slow: I64
    basis_e8: I64
    slow_basis_e8: I64  # average of the basis that stood, 1e-8 ticks, for protected prices
    updated_ns: I64
    premium_e9: I64
    premium_sum: I64
    premium_ms: I64
    premium_from_ns: I64
    final_sum: I64
    final_rest: I64
    final_ms: I64
    final_index: I64  # of a contract: index in ticks, also below one tick
    short_initial: I64
    short_maintenance: I64
    delta_e9: I64
    is_reported: B1  # whether the last price was reported since the last assessment


class SurfaceColumns(Columns):
    """Smiles: one row per underlying and expiry, the last one reported."""

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "underlying": (np.int32, 0),
        "expiry_ns": (np.int64, 0),
        "carry_e9": (np.int64, 0),
        "a_e9": (np.int64, 0),
        "b_e9": (np.int64, 0),
        "rho_e9": (np.int64, 0),
        "m_e9": (np.int64, 0),
        "sigma_e9": (np.int64, 0),
        "observed_ns": (np.int64, 0),
        "is_reported": (np.bool_, False),
    }
    underlying: I32
    expiry_ns: I64
    carry_e9: I64
    a_e9: I64
    b_e9: I64
    rho_e9: I64
    m_e9: I64
    sigma_e9: I64
    observed_ns: I64
    is_reported: B1  # whether it was reported since the last assessment

    def row_of(self, underlying: int, expiry_ns: int) -> int:
        """Row of the smile of an underlying and expiry, -1 for none."""
        mine = self.used("expiry_ns") == expiry_ns
        found = np.flatnonzero(mine & (self.used("underlying") == underlying))
        return int(found[0]) if found.size else -1
