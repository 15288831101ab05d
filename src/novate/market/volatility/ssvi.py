"""SSVI as one fit of a whole chain: the fallback of expiries with too few quotes of their own.

See `ssvi_fit` for the formula and the conditions under which it has no arbitrage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.kernel.pricing.ssvi_fit import SHARED, fit_ssvi, ssvi_phis
from novate.market.volatility.chain import F64, I64
from novate.market.volatility.slice_data import HALF_MIN
from novate.market.volatility.svi import RawSvi, ssvi_slice

STEPS_MAX = 100
THETA_RISE = 1e-6
"""Least relative rise of at-the-money variance from one expiry to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ssvi:
    """A power-law SSVI surface.

    Attributes
    ----------
    rho, eta, gamma
        Correlation, level and exponent of phi.
    years, theta
        Float64 ``[j]``: times and at-the-money total variances, both ascending.
    """

    rho: float
    eta: float
    gamma: float
    years: F64
    theta: F64

    def phi(self, theta: F64) -> F64:
        """Return phi(theta)."""
        out = np.empty(len(theta))
        ssvi_phis(np.ascontiguousarray(theta, np.float64), self.eta, self.gamma, out)
        return out

    def theta_at(self, years: float) -> float:
        """Return theta at a time: linear between times, in proportion to time outside them."""
        if years <= self.years[0]:
            return float(self.theta[0] * years / self.years[0])
        if years >= self.years[-1]:
            return float(self.theta[-1] * years / self.years[-1])
        return float(np.interp(years, self.years, self.theta))

    def slice(self, theta: float) -> RawSvi:
        """Return the slice of an at-the-money variance as raw SVI."""
        return ssvi_slice(theta, self.rho, float(self.phi(np.array([theta]))[0]))


@dataclass(frozen=True, slots=True)
class SsviCheck:
    """Largest of each quantity that theory bounds, with its bound."""

    eta_bound: float  # eta (1 + abs(rho)), at most 2
    gamma: float  # above 0, at most 1/2
    theta_rise: float  # least rise of theta, not negative

    @property
    def holds(self) -> bool:
        """Whether the surface has neither butterfly nor calendar arbitrage."""
        return self.eta_bound <= 2.0 and 0.0 < self.gamma <= 0.5 and self.theta_rise >= 0.0


def check_ssvi(surface: Ssvi) -> SsviCheck:
    """Return the quantities that rule out arbitrage."""
    rise = float(np.diff(surface.theta).min()) if len(surface.theta) > 1 else 0.0
    return SsviCheck(surface.eta * (1.0 + abs(surface.rho)), surface.gamma, rise)


def _first_theta(k: F64, vol: F64, years: float) -> float:
    """Return the variance of the quote nearest to the money."""
    return float(vol[int(np.argmin(np.abs(k)))]) ** 2 * years


def rising(theta: F64) -> F64:
    """Return the least sequence above ``theta`` that rises."""
    out = np.maximum.accumulate(theta)
    for j in range(1, len(out)):
        out[j] = max(out[j], out[j - 1] * (1.0 + THETA_RISE))
    return np.asarray(out, np.float64)


def fit_global(k: F64, vol: F64, half: F64, expiry: I64, years: F64) -> Ssvi:
    """Fit SSVI to the quotes of all expiries at once, weighted as single slices are.

    Parameters
    ----------
    k, vol, half
        Float64 ``[n]``: log-moneyness, mid volatility, half spread in volatility.
    expiry
        Int64 ``[n]``: position in ``years``; every expiry has at least one quote.
    years
        Float64 ``[j]``, ascending.

    Notes
    -----
    At-the-money variances that fall from one expiry to the next are raised to the earlier one.
    """
    theta = np.array(
        [_first_theta(k[expiry == j], vol[expiry == j], float(years[j])) for j in range(len(years))]
    )
    weights = np.maximum(half, HALF_MIN)
    best, best_cost = np.empty(0), np.inf
    for rho in (-0.4, 0.2):
        parameters = np.concatenate([[rho, 1.0, 0.4], theta])
        cost = fit_ssvi(k, vol, weights, expiry, years, STEPS_MAX, parameters)
        if cost < best_cost:
            best, best_cost = parameters, cost
    rho, eta, gamma = best[:SHARED].tolist()
    return Ssvi(rho=rho, eta=eta, gamma=gamma, years=years, theta=rising(best[SHARED:]))


def fit_theta(surface: Ssvi, k: F64, vol: F64, half: F64, years: float) -> float:
    """Return the at-the-money variance of one expiry, with the shape of the surface held.

    Golden section within a factor of four of the surface's own: the weighted error of a few
    quotes has one minimum in the level.
    """
    weights = np.maximum(half, HALF_MIN)
    low, high = 0.25, 4.0

    def cost(factor: float) -> float:
        w = surface.slice(factor * surface.theta_at(years)).variance(k)
        d = (np.sqrt(w / years) - vol) / weights
        return float(np.sum(np.sqrt(1.0 + d * d)))

    ratio = 0.5 * (5.0**0.5 - 1.0)
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if cost(left) < cost(right):
            high = right
        else:
            low = left
    return 0.5 * (low + high) * surface.theta_at(years)
