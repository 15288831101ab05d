"""Smiles from outside: one raw SVI per underlying and expiry, refused if it can be arbitraged."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set

import numpy as np
import numpy.typing as npt

from novate.kernel.codes import InstrumentStatus, Kind
from novate.kernel.pricing.svi import least_density, svi_variance, svi_variances, wing_grid
from novate.market.state import MarketState
from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.parameter import Parameter
from novate.message.refusal import ReportSurfaceRefusal as No
from novate.message.topic import NOBODY, Application, ColumnDecision, Topic

E9 = 10**9
YEAR_NS = 365 * 86_400 * E9
REACH = 8.0
"""Distance in log-moneyness up to which the density of a smile is looked at, on either side."""
POINTS = 801
VOLATILITY_MAX = 100.0
"""Highest volatility at the money per year: what is above is a mistake of units or of the clock."""


CALENDAR_TOLERANCE = 1e-4
"""Share of the earlier total variance that the later one may lack: smiles come in 1e-9."""

Expiry = tuple[int, int]
"""An underlying and an instant, ns."""


def decide_report_surfaces(
    state: MarketState, columns: Row, emit: Emit
) -> Sequence[tuple[int, Refusal]]:
    """Decide a run of smiles, row by row: `SurfaceReported` (rules 9.34 to 9.37, 9.56, 9.57).

    A desk reports all its expiries in one run: the last smile of an expiry for which a row further
    on brings another one is not compared.

    Parameters
    ----------
    columns
        The columns of `ReportSurface`; shape (rows,).

    Returns
    -------
    Sequence[tuple[int, Refusal]]
        Refused rows, ascending, each with the first reason of `ReportSurfaceRefusal`.
    """
    refused = []
    expiries = list(zip(columns["underlying"].tolist(), columns["expiry_ns"].tolist(), strict=True))
    for k in range(len(expiries)):
        row = {name: column[k].item() for name, column in columns.items()}
        refusal = _refusal(state, row, frozenset(expiries[k + 1 :]))
        if refusal is None:
            emit(event.SURFACE_REPORTED, **row)
        else:
            refused.append((k, refusal))
    return refused


def _refusal(state: MarketState, row: Row, coming: Set[Expiry]) -> Refusal | None:
    """Whether a smile is out of range, older than the last, or can be arbitraged."""
    assets, surfaces, now_ns = state.assets, state.surfaces, state.now_ns
    if not 0 < row["underlying"] < assets.count:
        return Refusal(No.UNKNOWN_ASSET, row["underlying"], assets.count - 1)
    observed = row["observed_ns"]
    if observed > now_ns:
        return Refusal(No.OBSERVED_IN_THE_FUTURE, observed, now_ns)
    if row["expiry_ns"] <= max(observed, now_ns):
        return Refusal(No.EXPIRY_PASSED, row["expiry_ns"], max(observed, now_ns) + 1)
    before = surfaces.row_of(row["underlying"], row["expiry_ns"])
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
    refusal = _shape_refusal(row)
    if refusal is None and before >= 0:
        refusal = _move_refusal(state, before, row)
    return refusal or _calendar_refusal(state, row, coming)


def _shape_refusal(row: Row) -> Refusal | None:
    """Whether a smile has a density everywhere, and a volatility that a market may have.

    The density is looked at on the smile's own scales, around the money and around the vertex: the
    smile of the last minutes lives within thousandths of log-moneyness.
    """
    density = float(least_density(_looked_at(row), *_raw(row)))
    if density < 0.0:
        return Refusal(No.BUTTERFLY_ARBITRAGE, math.floor(max(density, -1e9) * 1e9), 0)
    volatility = _at_the_money(row)
    if volatility > VOLATILITY_MAX:
        # A volatility of billions, in 1e-9, would not fit into the journal.
        actual = math.ceil(min(volatility, 4e9) * 1e9)
        return Refusal(No.VOLATILITY_OUT_OF_RANGE, actual, int(VOLATILITY_MAX) * E9)
    return None


def _looked_at(row: Row) -> npt.NDArray[np.float64]:
    """Log-moneynesses at which a smile is looked at, around the money and around its vertex."""
    *_, m, sigma = raw = _raw(row)
    middle = float(svi_variance(0.0, *raw))
    points = np.zeros((2, POINTS))
    if middle > 0.0:
        wing_grid(0.0, math.sqrt(middle), REACH, points[0])
        wing_grid(m, sigma, REACH, points[1])
    return points.reshape(-1)


def _calendar_refusal(state: MarketState, row: Row, coming: Set[Expiry]) -> Refusal | None:
    """Whether total variance from now on falls from an expiry to a later one (rule 9.56).

    Returns the variance of the smile in 1e-9 where it is furthest beyond the bound, and that bound.
    """
    surfaces, now_ns = state.surfaces, state.now_ns
    oldest = now_ns - state.parameter(Parameter.SURFACE_STALENESS_NS)
    counts = (
        (surfaces.used("underlying") == row["underlying"])
        & (surfaces.used("expiry_ns") > now_ns)
        & (surfaces.used("expiry_ns") != row["expiry_ns"])
        & (surfaces.used("observed_ns") >= oldest)
    )
    if not counts.any():
        return None
    points = _looked_at(row)
    mine = _variance_ahead(row, now_ns, points)
    for at in np.flatnonzero(counts).tolist():
        other = {name: int(getattr(surfaces, name)[at]) for name in surfaces.SPEC}
        if (other["underlying"], other["expiry_ns"]) in coming:
            continue
        theirs = _variance_ahead(other, now_ns, points)
        if other["expiry_ns"] < row["expiry_ns"]:
            bound = theirs * (1.0 - CALENDAR_TOLERANCE)
            lack = bound - mine
        else:
            bound = theirs / (1.0 - CALENDAR_TOLERANCE)
            lack = mine - bound
        worst = int(np.argmax(lack))
        if lack[worst] > 0.0:
            broken, allowed = float(mine[worst]), float(bound[worst])
            return Refusal(No.CALENDAR_ARBITRAGE, round(broken * 1e9), round(allowed * 1e9))
    return None


def _variance_ahead(
    row: Row, now_ns: int, points: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Total variance of a smile from now to its expiry at some log-moneynesses."""
    found = np.empty(len(points))
    svi_variances(points, np.array(_raw(row)), found)
    part = (row["expiry_ns"] - now_ns) / (row["expiry_ns"] - row["observed_ns"])
    ahead: npt.NDArray[np.float64] = np.maximum(found, 0.0) * part
    return ahead


def _raw(row: Row) -> tuple[float, ...]:
    return tuple(row[f"{name}_e9"] / E9 for name in ("a", "b", "rho", "m", "sigma"))


def _at_the_money(row: Row) -> float:
    """Volatility per year at the forward."""
    years = (row["expiry_ns"] - row["observed_ns"]) / YEAR_NS
    return math.sqrt(float(svi_variance(0.0, *_raw(row))) / years)


def _move_refusal(state: MarketState, before: int, row: Row) -> Refusal | None:
    """Whether volatility at the money is too far from that of a smile that still counts."""
    surfaces = state.surfaces
    last = {name: int(getattr(surfaces, name)[before]) for name in surfaces.SPEC}
    most = state.parameter(Parameter.SMILE_MOVE_PPM)
    oldest = state.now_ns - state.parameter(Parameter.SURFACE_STALENESS_NS)
    if most == 0 or last["observed_ns"] < oldest:
        return None
    was, now = _at_the_money(last), _at_the_money(row)
    if abs(now - was) * 1e6 <= most * was:
        return None
    bound = was * (1.0 + math.copysign(most / 1e6, now - was))
    return Refusal(No.VOLATILITY_JUMPS, round(now * 1e9), round(bound * 1e9))


def apply_surface_reported(state: MarketState, row: Row) -> None:
    """Remember a smile, and that no assessment has seen it (rule 5.40)."""
    state.surfaces.is_reported[put_smile(state, row)] = True


def remember_smile(state: MarketState, row: Row) -> None:
    """Remember a smile: all that version 1 of `SurfaceReported` did."""
    put_smile(state, row)


def put_smile(state: MarketState, row: Row) -> int:
    """Put a smile in the place of the last one, of one that is over, or in a row of its own.

    Returns its row.
    """
    surfaces = state.surfaces
    at = surfaces.row_of(row["underlying"], row["expiry_ns"])
    if at < 0:
        at = _row_that_is_over(state)
    if at < 0:
        at = surfaces.append()
    for name, value in row.items():
        getattr(surfaces, name)[at] = value
    return at


def _row_that_is_over(state: MarketState) -> int:
    """First row of an expiry that has passed and whose options are settled, -1 for none.

    Nothing looks at it any more, so that smiles do not pile up.
    """
    surfaces, instruments = state.surfaces, state.instruments
    passed = np.flatnonzero(surfaces.used("expiry_ns") <= state.now_ns)
    if not passed.size:
        return -1
    is_open = (instruments.used("status") == InstrumentStatus.ACTIVE) & (
        instruments.used("kind") != Kind.DELTA_ONE
    )
    waiting = set(
        zip(
            instruments.used("underlying")[is_open].tolist(),
            instruments.used("expiry_ns")[is_open].tolist(),
            strict=True,
        )
    )
    for at in passed.tolist():
        if (int(surfaces.underlying[at]), int(surfaces.expiry_ns[at])) not in waiting:
            return int(at)
    return -1


TOPIC: Topic[MarketState] = Topic(
    name="smiles",
    decisions=(ColumnDecision(command.REPORT_SURFACE, decide_report_surfaces, No),),
    applications=(
        Application(
            event.SURFACE_REPORTED, apply_surface_reported, NOBODY, older=((1, remember_smile),)
        ),
    ),
)
