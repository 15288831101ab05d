"""Smiles from outside: one raw SVI per underlying and expiry, refused if it can be arbitraged."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from novate.kernel.svi import least_density
from novate.market.columns import AssetColumns, SurfaceColumns
from novate.message import event
from novate.message.declare import Emit, Refusal
from novate.message.refusal import ReportSurfaceRefusal as No

E9 = 10**9
WING = 4.0
"""Log-moneyness up to which the density of a smile is looked at, on either side."""
STEPS = 800


class Smile(NamedTuple):
    """A smile as numbers: total variance at ``observed_ns``, see `kernel.svi`."""

    carry: float
    a: float
    b: float
    rho: float
    m: float
    sigma: float
    observed_ns: int


def decide_report_surface(
    assets: AssetColumns, surfaces: SurfaceColumns, now_ns: int, row: dict[str, Any], emit: Emit
) -> Refusal | None:
    """Accept a smile that is in range, newer than the last, and free of butterfly arbitrage."""
    if not 0 < row["underlying"] < assets.count:
        return Refusal(No.UNKNOWN_ASSET, row["underlying"], assets.count - 1)
    observed = row["observed_ns"]
    if observed > now_ns:
        return Refusal(No.OBSERVED_IN_THE_FUTURE, observed, now_ns)
    if row["expiry_ns"] <= max(observed, now_ns):
        return Refusal(No.EXPIRY_PASSED, row["expiry_ns"], max(observed, now_ns) + 1)
    before = surface_row(surfaces, row["underlying"], row["expiry_ns"])
    if before >= 0 and observed < surfaces.observed_ns[before]:
        return Refusal(No.OUT_OF_ORDER, observed, int(surfaces.observed_ns[before]))
    for name, low, high in (
        ("carry_e9", -E9, E9), ("a_e9", -10 * E9, 10 * E9), ("b_e9", 0, 2 * E9),
        ("rho_e9", 1 - E9, E9 - 1), ("m_e9", -4 * E9, 4 * E9), ("sigma_e9", 1, 10 * E9),
    ):  # fmt: skip
        if not low <= row[name] <= high:
            return Refusal(No.PARAMETER_OUT_OF_RANGE, row[name], low if row[name] < low else high)
    steepest = row["b_e9"] * (E9 + abs(row["rho_e9"]))
    if steepest > 2 * E9 * E9:
        return Refusal(No.PARAMETER_OUT_OF_RANGE, steepest // E9, 2 * E9)
    numbers = (row[name] / E9 for name in ("a_e9", "b_e9", "rho_e9", "m_e9", "sigma_e9"))
    density = float(least_density(-WING, WING, STEPS, *numbers))
    if density < 0.0:
        actual = math.floor(max(density, -1e9) * 1e9)
        return Refusal(No.BUTTERFLY_ARBITRAGE, actual, 0)
    emit(event.SURFACE_REPORTED, **row)
    return None


def surface_row(surfaces: SurfaceColumns, underlying: int, expiry_ns: int) -> int:
    """Row of the smile of an underlying and expiry, -1 for none."""
    mine = surfaces.used("expiry_ns") == expiry_ns
    found = np.flatnonzero(mine & (surfaces.used("underlying") == underlying))
    return int(found[0]) if found.size else -1


def apply_surface_reported(surfaces: SurfaceColumns, row: dict[str, Any]) -> None:
    """Put the smile in the place of the last one, or in a row of its own."""
    at = surface_row(surfaces, row["underlying"], row["expiry_ns"])
    if at < 0:
        at = surfaces.append()
    for name, value in row.items():
        getattr(surfaces, name)[at] = value


def smile_of(surfaces: SurfaceColumns, row: int) -> Smile:
    """Numbers of a row."""
    names = ("carry_e9", "a_e9", "b_e9", "rho_e9", "m_e9", "sigma_e9")
    carry, a, b, rho, m, sigma = (int(getattr(surfaces, name)[row]) / E9 for name in names)
    return Smile(carry, a, b, rho, m, sigma, int(surfaces.observed_ns[row]))
