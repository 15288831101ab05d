"""Contracts that value themselves (digitals, barriers, touches), as rows among other contracts."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from novate.errors import InputError
from novate.instrument.valued import Instrument, Market, Valuation
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import BarrierState, PricingStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Exotics:
    """Contracts of one kind of instrument.

    Attributes
    ----------
    rows
        Which rows of the table of contracts they are, int64 ``[m]``, without repetition.
    terms
        Terms of all of them, each a column of ``m`` values or one value for all.
    """

    rows: I64
    terms: Instrument

    def __post_init__(self) -> None:
        if self.rows.ndim != 1 or np.unique(self.rows).size != self.rows.size:
            raise InputError(f"rows {self.rows}; allowed: a flat column without repetition")
        for name, column in _columns(self.terms).items():
            if column.shape not in ((), self.rows.shape):
                raise InputError(f"{name} of shape {column.shape}; allowed: {self.rows.shape}")

    def take(self, rows: I64, contracts: int) -> Exotics:
        """Return what a table is left with after ``rows`` of its ``contracts`` were taken."""
        place = np.full(contracts, -1)
        place[self.rows] = np.arange(self.rows.size)
        found = place[rows]
        own = np.flatnonzero(found >= 0)
        return Exotics(rows=own, terms=taken(self.terms, found[own], self.rows.size))

    def value(self, market: Market, *, touches: bool) -> Valuation:
        """Value all of them.

        A spot beyond a barrier that is alive contradicts it; with ``touches`` it has touched it,
        at this instant.
        """
        result = self.terms.value(market)
        crossed = np.asarray(result.status) == PricingStatus.BARRIER_CROSSED
        if not (touches and crossed.any()):
            return result
        return touched(self.terms, crossed).value(market)


def touched(terms: Instrument, which: Any) -> Instrument:
    """Return terms of which some are touched at this instant."""
    return _replaced(
        terms, {"state": np.where(which, BarrierState.TOUCHED, _columns(terms)["state"])}
    )


def taken(terms: Instrument, places: I64, count: int) -> Instrument:
    """Return some of ``count`` contracts, by place."""
    return _replaced(
        terms,
        {name: np.broadcast_to(at, count)[places] for name, at in _columns(terms).items()},
    )


def _columns(terms: Any) -> dict[str, Any]:
    """Terms that are numbers, by name."""
    columns = {field.name: np.asarray(getattr(terms, field.name)) for field in fields(terms)}
    return {name: column for name, column in columns.items() if column.dtype.kind in "biuf"}


def _replaced(terms: Any, changes: dict[str, Any]) -> Instrument:
    changed: Instrument = replace(terms, **changes)
    return changed
