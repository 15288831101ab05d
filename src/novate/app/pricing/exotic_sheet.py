"""Columns that only exotics have: read from a row, and put together into instruments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from novate.adapter.book_file.sheet import CellError, Row
from novate.app.pricing.cell import optional, positive
from novate.instrument.barrier import Barrier
from novate.instrument.digital import Digital, Touch, TouchForm
from novate.instrument.double_barrier import DoubleBarrier
from novate.instrument.fair_value import FORMS, FairFuture, FairPerpetual
from novate.kernel.clearing.columns import F64
from novate.kernel.codes import BarrierPayoff, BarrierState, Monitoring
from novate.valuation.exotic_terms import Exotics
from novate.valuation.holding import Contracts

Terms = dict[str, float | str]
"""Terms of one exotic by the names of its instrument, and ``observations``."""

KNOCKS = {
    "up-in": (1.0, 1.0),
    "up-out": (1.0, 0.0),
    "down-in": (-1.0, 1.0),
    "down-out": (-1.0, 0.0),
}
DIRECTIONS = {"up": 1.0, "down": -1.0}
SIDES_OF_TWO = {"in": 1.0, "out": 0.0}
MONITORINGS = {
    "continuous": Monitoring.CONTINUOUS,
    "schedule": Monitoring.SCHEDULE,
    "at-expiry": Monitoring.AT_EXPIRY,
}
STATES = {
    "alive": BarrierState.ALIVE,
    "touched": BarrierState.TOUCHED,
    "knocked": BarrierState.KNOCKED,
}
PAYOFFS = {
    "vanilla": BarrierPayoff.VANILLA,
    "cash": BarrierPayoff.CASH,
    "asset": BarrierPayoff.ASSET,
}
PAYS = {"cash": 0.0, "asset": 1.0}
TOUCHES = {
    "at-hit": TouchForm.AT_HIT,
    "at-expiry": TouchForm.AT_EXPIRY,
    "no-touch": TouchForm.NO_TOUCH,
}
YEAR_HOURS = 365 * 24
OBSERVATIONS_MAX = 10_000_000


def digital_terms(row: Row) -> Terms:
    """``amount`` and ``pays`` (cash or asset)."""
    return {"amount": _amount(row), "pays_asset": PAYS[_chosen(row, "pays", PAYS, "cash")]}


def barrier_terms(row: Row) -> Terms:
    """``barrier, knock, monitoring, rebate, pays, amount, state``."""
    level = positive(row, "barrier")
    direction, is_in = KNOCKS[row.known("knock", tuple(KNOCKS))]
    watched = _watched(row)
    payoff = PAYOFFS[_chosen(row, "pays", PAYOFFS, "vanilla")]
    return {
        "barrier": level,
        "direction": direction,
        "is_in": is_in,
        **watched,
        "rebate": optional(row, "rebate", least=0.0) or 0.0,
        "payoff": float(payoff),
        "amount": _amount(row),
    }


def touch_terms(row: Row) -> Terms:
    """``barrier, knock`` (up or down), ``form, pays, amount, monitoring, state``."""
    return {
        "barrier": positive(row, "barrier"),
        "direction": DIRECTIONS[row.known("knock", tuple(DIRECTIONS))],
        "form": float(TOUCHES[row.known("form", tuple(TOUCHES))]),
        "pays_asset": PAYS[_chosen(row, "pays", PAYS, "cash")],
        "amount": _amount(row),
        **_watched(row),
    }


def double_barrier_terms(row: Row) -> Terms:
    """``lower, upper, knock`` (in or out) and ``state``."""
    lower, upper = positive(row, "lower"), positive(row, "upper")
    if lower >= upper:
        raise CellError("upper", row.cells["upper"][:80], f"more than the lower, {lower:g}")
    return {
        "lower": lower,
        "upper": upper,
        "is_in": SIDES_OF_TWO[row.known("knock", tuple(SIDES_OF_TWO))],
        "state": float(STATES[_chosen(row, "state", STATES, "alive")]),
    }


def fair_future_terms(row: Row) -> Terms:
    """Nothing: it is worth its forward."""
    return {}


def fair_perpetual_terms(row: Row) -> Terms:
    """``form, funding, interest, interval_hours`` and ``covariance``."""
    return {
        "form": _chosen(row, "form", FORMS, "linear"),
        "funding": positive(row, "funding"),
        "interest": optional(row, "interest") or 0.0,
        "period_years": (optional(row, "interval_hours", least=0.0) or 0.0) / YEAR_HOURS,
        "covariance": optional(row, "covariance") or 0.0,
    }


READERS: dict[str, tuple[Callable[..., Any], Callable[[Row], Terms]]] = {
    "digital": (Digital, digital_terms),
    "touch": (Touch, touch_terms),
    "barrier": (Barrier, barrier_terms),
    "double-barrier": (DoubleBarrier, double_barrier_terms),
    "fair-future": (FairFuture, fair_future_terms),
    "fair-perpetual": (FairPerpetual, fair_perpetual_terms),
}
"""Kind of row: its instrument, and what reads its own columns."""

STRUCK = ("digital", "barrier", "double-barrier")
"""Kinds with a side and a strike, which may be settled in coin."""


def group(
    kinds: Sequence[str], terms: Sequence[Terms], contracts: Contracts, years: F64
) -> tuple[Exotics, ...]:
    """Put the exotics among some rows together, one entry per kind (and form of a perpetual)."""
    groups: dict[tuple[str, float | str], list[int]] = {}
    for k, kind in enumerate(kinds):
        if kind in READERS:
            form = terms[k]["form"] if kind == "fair-perpetual" else ""
            groups.setdefault((kind, form), []).append(k)
    found = []
    for (kind, form), members in groups.items():
        rows = np.array(members, np.int64)
        own: dict[str, Any] = {
            name: np.array([terms[k][name] for k in members])
            for name in terms[members[0]]
            if not (kind == "fair-perpetual" and name == "form")
        }
        if form:
            own["form"] = form
        if "observations" in own:
            count = own.pop("observations")
            spread = years[rows] / np.where(count > 0.0, count, 1.0)
            own["interval"] = np.where(count > 0.0, np.maximum(spread, 0.0), own["interval"])
        if kind in STRUCK:
            own["side"], own["strike"] = contracts.side[rows], contracts.strike[rows]
            own["in_coin"] = contracts.is_coin[rows]
        found.append(Exotics(rows=rows, terms=READERS[kind][0](**own)))
    return tuple(found)


def _watched(row: Row) -> Terms:
    """How a barrier is watched, and what has happened to it."""
    monitoring = row.known("monitoring", tuple(MONITORINGS))
    interval = observations = 0.0
    if monitoring == "schedule":
        given = [name for name in ("interval_hours", "observations") if row.cells.get(name)]
        if len(given) != 1:
            value = ", ".join(given) or "none of the two"
            raise CellError("interval_hours", value, "one of interval_hours and observations")
        if given == ["observations"]:
            observations = positive(row, "observations")
            if observations != int(observations) or observations > OBSERVATIONS_MAX:
                allowed = f"a whole number from 1 to {OBSERVATIONS_MAX}"
                raise CellError("observations", row.cells["observations"][:80], allowed)
        else:
            interval = positive(row, "interval_hours") / YEAR_HOURS
    state = _chosen(row, "state", STATES, "alive")
    if monitoring == "at-expiry" and state != "alive":
        raise CellError("state", state, "alive where the barrier is watched at expiry alone")
    return {
        "monitoring": float(MONITORINGS[monitoring]),
        "interval": interval,
        "observations": observations,
        "state": float(STATES[state]),
    }


def _amount(row: Row) -> float:
    return positive(row, "amount") if row.cells.get("amount") else 1.0


def _chosen(row: Row, column: str, among: dict[str, Any], default: str) -> str:
    return row.known(column, tuple(among)) if row.cells.get(column) else default
