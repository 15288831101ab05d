"""Smiles from outside."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare

REPORT_SURFACE = declare(
    "ReportSurface",
    "Report the smile of one expiry: raw SVI of total variance, and the carry of its forward.",
    Field("underlying", "uint32", "asset"),
    Field("expiry_ns", "int64", "expiry instant of the smile"),
    Field("carry_e9", "int64", "ln(forward / index) in 1e-9"),
    Field("a_e9", "int64", "level of total variance in 1e-9"),
    Field("b_e9", "int64", "slope of the wings in 1e-9, not negative"),
    Field("rho_e9", "int64", "rotation in 1e-9, between -1 and 1"),
    Field("m_e9", "int64", "centre in log-moneyness ln(strike / forward), in 1e-9"),
    Field("sigma_e9", "int64", "curvature in 1e-9, positive"),
    Field("observed_ns", "int64", "when it was fitted; not in the future, before the expiry"),
)

SURFACE_REPORTED = declare(
    "SurfaceReported",
    "A smile is in force for the options of its underlying and expiry.",
    Field("underlying", "uint32", "asset"),
    Field("expiry_ns", "int64", "expiry"),
    Field("carry_e9", "int64", "ln(forward / index)"),
    Field("a_e9", "int64", "level"),
    Field("b_e9", "int64", "slope"),
    Field("rho_e9", "int64", "rotation"),
    Field("m_e9", "int64", "centre"),
    Field("sigma_e9", "int64", "curvature"),
    Field("observed_ns", "int64", "when it was fitted"),
    version=2,
    renamed={2: {}},
)


class ReportSurfaceRefusal(IntEnum):
    """Why a smile was refused."""

    UNKNOWN_ASSET = 1
    OBSERVED_IN_THE_FUTURE = 2
    EXPIRY_PASSED = 3
    OUT_OF_ORDER = 4
    PARAMETER_OUT_OF_RANGE = 5
    BUTTERFLY_ARBITRAGE = 6
    VOLATILITY_OUT_OF_RANGE = 7
    VOLATILITY_JUMPS = 8
    CALENDAR_ARBITRAGE = 9
