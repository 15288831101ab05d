"""Raw SVI slices: conversions, the test for butterfly arbitrage, the fit and its repair.

A slice is free of butterfly arbitrage when g(k) >= 0 everywhere and both wings of total variance
rise no faster than 2 per unit of log-moneyness (Lee's bound; in variance *per year* the same bound
reads 2/T).  For raw SVI the wings' slopes are b (1 - rho) and b (1 + rho).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from novate.errors import InputError
from novate.kernel.pricing.svi import (
    svi_densities,
    svi_derivatives,
    svi_slope,
    svi_variances,
    wing_grid,
)
from novate.kernel.pricing.svi_fit import RHO_MAX, fit_svi, refine_slices
from novate.market.volatility.chain import F64, I64
from novate.market.volatility.slice_data import (
    HALF_MIN,
    NEAR_MID,
    REACH,
    Aim,
    Corridor,
    SliceData,
    bounds,
    fit_terms,
    kernel_arrays,
    open_corridor,
)

LEE_MAX = 2.0
CHECK_POINTS = 801
"""Points of each of the two grids of a test: around the forward and around the vertex."""

HARDNESS = (1e2, 1e4, 1e6, 1e8)
STEPS_MAX = 120


@dataclass(frozen=True, slots=True)
class RawSvi:
    """w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)): total variance of one expiry."""

    a: float
    b: float
    rho: float
    m: float
    sigma: float

    @property
    def array(self) -> F64:
        """The five numbers as float64 ``[5]``."""
        return np.array([self.a, self.b, self.rho, self.m, self.sigma])

    def variance(self, k: F64) -> F64:
        """Return total variance at log-moneyness ``k[n]``."""
        points = np.ascontiguousarray(k, np.float64)
        out = np.empty(len(points))
        svi_variances(points, self.array, out)
        return out

    def derivatives(self, k: F64) -> F64:
        """Return total variance and its first two derivatives at ``k[n]``, ``[3, n]``."""
        points = np.ascontiguousarray(k, np.float64)
        out = np.empty((3, len(points)))
        svi_derivatives(points, self.array, out)
        return out

    @property
    def at_the_money(self) -> float:
        """w(0)."""
        return float(self.variance(np.zeros(1))[0])

    @property
    def skew(self) -> float:
        """w'(0)."""
        return float(svi_slope(0.0, self.b, self.rho, self.m, self.sigma))

    @property
    def left_slope(self) -> float:
        """How fast total variance rises to the far left, as a positive number."""
        return self.b * (1.0 - self.rho)

    @property
    def right_slope(self) -> float:
        """How fast total variance rises to the far right."""
        return self.b * (1.0 + self.rho)


def raw_from(parameters: F64) -> RawSvi:
    """Return a slice from float64 ``[5]``."""
    return RawSvi(*parameters.tolist())


@dataclass(frozen=True, slots=True)
class JumpWings:
    """SVI-JW of one expiry (Gatheral and Jacquier 2014, equation 3.5); v per year.

    Attributes
    ----------
    v
        At-the-money variance per year.
    psi
        At-the-money skew: slope of w at 0 over 2 sqrt(w(0)).
    p, c
        Slopes of the left (put) and right (call) wing over sqrt(w(0)).
    v_min
        Least variance per year.
    """

    v: float
    psi: float
    p: float
    c: float
    v_min: float


def to_jump_wings(raw: RawSvi, years: float) -> JumpWings:
    """Return the SVI-JW form.

    Raises
    ------
    InputError
        If total variance at the money is not positive.
    """
    w = raw.at_the_money
    if not w > 0.0 or not years > 0.0:
        message = f"w(0) = {w!r}, T = {years!r}; allowed: both positive"
        raise InputError(message)
    root = math.sqrt(w)
    return JumpWings(
        v=w / years,
        psi=0.5 * raw.skew / root,
        p=raw.left_slope / root,
        c=raw.right_slope / root,
        v_min=(raw.a + raw.b * raw.sigma * math.sqrt(1.0 - raw.rho * raw.rho)) / years,
    )


def from_jump_wings(jump_wings: JumpWings, years: float) -> RawSvi:
    """Return the raw form.

    With R = sqrt(m^2 + sigma^2) and beta = m/R = rho - 2 psi sqrt(w)/b, the fall from w(0) to the
    least variance is b R (1 - rho beta - sqrt(1 - rho^2) sqrt(1 - beta^2)), which gives R.

    Raises
    ------
    InputError
        If no slice has this form: wings that do not rise, abs(beta) > 1, or v and v_min that
        contradict each other.
    """
    root = math.sqrt(jump_wings.v * years)
    b = 0.5 * root * (jump_wings.c + jump_wings.p)
    if not b > 0.0:
        message = f"p + c = {jump_wings.p + jump_wings.c!r}; allowed: positive"
        raise InputError(message)
    rho = 1.0 - jump_wings.p * root / b
    beta = rho - 2.0 * jump_wings.psi * root / b
    if not (abs(rho) <= 1.0 and abs(beta) <= 1.0):
        message = f"rho = {rho!r}, beta = {beta!r}; allowed: -1 to 1"
        raise InputError(message)
    fall = (jump_wings.v - jump_wings.v_min) * years
    share = 1.0 - rho * beta - math.sqrt((1.0 - rho * rho) * (1.0 - beta * beta))
    if not (share > 0.0 and fall > 0.0):
        message = f"v - v_min = {fall / years!r} with share {share!r}; allowed: both positive"
        raise InputError(message)
    radius = fall / (b * share)
    sigma = radius * math.sqrt(1.0 - beta * beta)
    a = jump_wings.v_min * years - b * sigma * math.sqrt(1.0 - rho * rho)
    return RawSvi(a, b, rho, beta * radius, sigma)


def check_points(raw: RawSvi, points: int = CHECK_POINTS) -> F64:
    """Return a grid that is fine around the forward and around the vertex, and reaches far out."""
    w = raw.at_the_money
    scale = math.sqrt(w) if w > 0.0 else raw.sigma
    both = np.empty((2, points))
    wing_grid(0.0, max(scale, 1e-6), REACH, both[0])
    wing_grid(raw.m, max(raw.sigma, 1e-6), REACH, both[1])
    return np.unique(both)


def densities(raw: RawSvi, k: F64) -> F64:
    """Return g at log-moneyness ``k[n]``; minus infinity where there is no positive variance."""
    out = np.empty(len(k))
    svi_densities(np.ascontiguousarray(k, np.float64), raw.array, out)
    return out


@dataclass(frozen=True, slots=True)
class ButterflyCheck:
    """The least g, where it is, and the steeper wing slope."""

    least: float
    at: float
    slope: float

    @property
    def holds(self) -> bool:
        """Whether the slice is free of butterfly arbitrage."""
        return self.least >= 0.0 and self.slope <= LEE_MAX


def check_butterfly(raw: RawSvi) -> ButterflyCheck:
    """Return the least g over `check_points` and the steeper wing slope."""
    points = check_points(raw)
    g = densities(raw, points)
    at = int(np.argmin(g))
    return ButterflyCheck(float(g[at]), float(points[at]), max(raw.left_slope, raw.right_slope))


def _single(data: SliceData, corridor: Corridor) -> tuple[F64, I64, F64, F64, F64]:
    return kernel_arrays([data], [corridor], [np.ones(len(corridor.grid))])


def fit_raw(
    data: SliceData, corridor: Corridor, hard: float = HARDNESS[0], start: RawSvi | None = None
) -> RawSvi:
    """Return the best of several starts, hinges included; it may still break them a little.

    ``start`` is one more start.
    """
    scale = data.scale
    low, high = float(data.k.min()), float(data.k.max())
    centres = np.array([0.0, 0.5 * low, 0.5 * high, low, high, scale, -scale])
    widths = scale * np.array([0.3, 1.0, 2.5])
    lower, upper = bounds(data)
    parameters = np.empty(5)
    cost = fit_svi(
        *_single(data, corridor), fit_terms(hard), centres, widths, lower, upper, STEPS_MAX,
        parameters,
    )  # fmt: skip
    found = raw_from(parameters) if cost < np.inf else None
    if start is not None:
        other, other_cost = refine(data, corridor, start, hard)
        found = other if found is None or other_cost < cost else found
    return found or nearest_flat(data)


def quote_cost(data: SliceData, raw: RawSvi) -> float:
    """Return how far a slice is from the quotes: the sum of distances in half spreads.

    Distances within a half spread count as their square.
    """
    variance = raw.variance(data.k)
    if not bool((variance > 0.0).all()):
        return math.inf
    half = np.maximum(data.half, HALF_MIN)
    distance = np.abs(np.sqrt(variance / data.years) - data.vol) / half
    return float(np.sum(np.minimum(distance, distance**2)))


def nearest_flat(data: SliceData) -> RawSvi:
    """Return a nearly flat slice at the level of the money: the start when every other fails."""
    theta = data.scale**2
    return ssvi_slice(theta, 0.0, 0.1)


def refine(
    data: SliceData, corridor: Corridor, start: RawSvi, hard: float, aim: Aim = NEAR_MID
) -> tuple[RawSvi, float]:
    """Return the least cost near a start, and that cost."""
    lower, upper = bounds(data)
    parameters = np.clip(start.array, lower, upper)
    terms = fit_terms(hard, aim=aim)
    cost = refine_slices(*_single(data, corridor), terms, lower, upper, STEPS_MAX, parameters)
    return raw_from(parameters), float(cost)


def nearest_ssvi(raw: RawSvi) -> RawSvi:
    """Return the SSVI slice with the same level and slope at the money and the same left wing.

    Its phi is cut to theta phi (1 + abs(rho)) < 4 and theta phi^2 (1 + abs(rho)) <= 4, which rules
    out butterfly arbitrage (Gatheral and Jacquier 2014, theorem 4.2): the safe end of every repair.
    """
    theta = max(raw.at_the_money, 1e-10)
    left = max(raw.left_slope, 1e-6 * theta)
    right = max(left + raw.skew, 1e-6 * theta)
    rho = (right - left) / (right + left)
    rho = min(max(rho, -RHO_MAX), RHO_MAX)
    most = 0.98 * min(4.0 / (theta * (1.0 + abs(rho))), 2.0 / math.sqrt(theta * (1.0 + abs(rho))))
    return ssvi_slice(theta, rho, min((left + right) / theta, most))


def ssvi_slice(theta: float, rho: float, phi: float) -> RawSvi:
    """Return an SSVI slice as raw SVI."""
    rest = math.sqrt(1.0 - rho * rho)
    return RawSvi(0.5 * theta * rest * rest, 0.5 * theta * phi, rho, -rho / phi, rest / phi)


def blend(broken: RawSvi, safe: RawSvi) -> RawSvi:
    """Return the point nearest to ``broken``, of 64 on the way to ``safe``, without arbitrage."""
    start, end = broken.array, safe.array
    for step in range(1, 64):
        share = step / 64.0
        trial = raw_from((1.0 - share) * start + share * end)
        if check_butterfly(trial).holds:
            return trial
    return safe


def fit_slice(data: SliceData) -> RawSvi:
    """Return a raw SVI slice without butterfly arbitrage, nearest to the quotes.

    Parameters
    ----------
    data
        At least five quotes, or the answer is not unique.
    """
    corridor = open_corridor(data.scale)
    found = fit_raw(data, corridor)
    return settle_butterfly(data, corridor, found)


def settle_butterfly(data: SliceData, corridor: Corridor, found: RawSvi) -> RawSvi:
    """Refit with harder hinges until no butterfly arbitrage is left; at last, blend."""
    for hard in HARDNESS[1:]:
        if check_butterfly(found).holds:
            return found
        found, _ = refine(data, corridor, found, hard)
    return found if check_butterfly(found).holds else blend(found, nearest_ssvi(found))


def repair_butterfly(raw: RawSvi, years: float) -> RawSvi:
    """Return a slice without butterfly arbitrage near one that has some.

    The slice is refitted to its own volatilities within three standard deviations, all weighted
    alike.  A slice without arbitrage comes back as it is.

    Raises
    ------
    InputError
        If total variance is positive nowhere near the money.
    """
    if check_butterfly(raw).holds:
        return raw
    w = raw.at_the_money
    scale = math.sqrt(w) if w > 0.0 else raw.sigma
    k = np.linspace(-3.0, 3.0, 61) * scale
    variance = raw.variance(k)
    has_level = variance > 0.0
    if int(has_level.sum()) < 5:
        message = f"{raw}: total variance is not positive near the money; allowed: a smile"
        raise InputError(message)
    vol = np.sqrt(variance[has_level] / years)
    data = SliceData(k=k[has_level], vol=vol, half=np.full(len(vol), 0.005), years=years)
    return fit_slice(data)
