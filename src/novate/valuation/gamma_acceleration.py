"""Gamma acceleration: how fast gamma itself moves, and the options about to be pinned.

Speed is dGamma/dS, colour dGamma/dt, zomma dGamma/dsigma.  An option is *near* when its strike lies
within one standard deviation of the forward at expiry: abs(ln(K/F)) <= sigma sqrt(T).  At the money
gamma goes as 1/sqrt(T), so that it doubles while three quarters of the remaining time pass; away
from the strike it doubles later or never, which `doubling_years` computes.  For exotics the strike
alone is looked at, not the barrier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import F64, I64
from novate.valuation.batch import columns, shaped
from novate.valuation.holding import Contracts, Kind, Market, UnitRisk, years_to_expiry

HALVINGS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceleration:
    """Third-order risk of each contract's open quantity; reporting currency, NaN without a price.

    Attributes
    ----------
    gamma, speed, colour, zomma
        Quantity times the reporting measures of `novate.valuation.holding`.
    distance
        abs(ln(K/F)) in standard deviations to expiry; NaN for what is no option; infinite at
        ``T = 0`` away from the strike.
    is_near
        Whether the distance is at most one.
    doubling_years
        Years until gamma has doubled with forward and volatility held; infinite if it never does;
        NaN for what is no European option.
    """

    gamma: F64
    speed: F64
    colour: F64
    zomma: F64
    distance: F64
    is_near: npt.NDArray[np.bool_]
    doubling_years: F64


@dataclass(frozen=True, slots=True, kw_only=True)
class PinList:
    """Strikes near the forward shortly before expiry, the largest gamma first.

    Attributes
    ----------
    underlying, expiry_ns, strike
        Which strike.
    distance
        Standard deviations from the forward, the least over its contracts.
    is_exotic
        Whether the row is of exotics, which do not net with calls and puts.
    quantity
        Net quantity of calls and puts in units of the underlying; they have the same gamma.  Of
        exotics the sum of quantities.
    cash_gamma
        S^2 w'' of them: reporting currency per (relative move)^2.
    years
        Years to expiry.
    """

    underlying: I64
    expiry_ns: I64
    strike: F64
    distance: F64
    is_exotic: npt.NDArray[np.bool_]
    quantity: F64
    cash_gamma: F64
    years: F64

    def __len__(self) -> int:
        return len(self.strike)


def gamma_acceleration(
    contracts: Contracts, market: Market, risk: UnitRisk, quantity: F64
) -> Acceleration:
    """Return speed, colour, zomma, nearness and doubling time of every contract.

    Parameters
    ----------
    contracts, market, risk
        Terms, market and `novate.valuation.holding.unit_risk` of them.
    quantity
        Net quantity of each contract, float64 ``[contracts]``, positive = long.
    """
    distance = strike_distance(contracts, market)
    has_price = risk.is_priced
    doubling = np.full(len(contracts), np.nan)
    rows = np.flatnonzero((contracts.kind == Kind.EUROPEAN) & has_price)
    doubling[rows] = doubling_years(
        market.forward[rows],
        contracts.strike[rows],
        years_to_expiry(contracts, market.as_of_ns)[rows],
        market.vol[rows],
    )
    return Acceleration(
        gamma=quantity * risk["gamma"],
        speed=quantity * risk["speed"],
        colour=quantity * risk["colour"],
        zomma=quantity * risk["zomma"],
        distance=np.where(has_price, distance, np.nan),
        is_near=(distance <= 1.0) & has_price,
        doubling_years=doubling,
    )


def strike_distance(contracts: Contracts, market: Market) -> F64:
    """Return abs(ln(K/F)) / (sigma sqrt(T)) of options, NaN for other kinds and bad inputs."""
    years = years_to_expiry(contracts, market.as_of_ns)
    usable = (
        ((contracts.kind == Kind.EUROPEAN) | (contracts.kind == Kind.VALUED))
        & (contracts.strike > 0.0)
        & (market.forward > 0.0)
        & (years >= 0.0)
        & (market.vol >= 0.0)
    )
    ratio = np.divide(contracts.strike, market.forward, out=np.ones(len(years)), where=usable)
    away = np.abs(np.log(ratio))
    total = np.sqrt(np.where(usable, years, 0.0)) * np.where(usable, market.vol, 0.0)
    far = np.where(away == 0.0, 0.0, np.inf)
    distance = np.divide(away, total, out=far, where=total > 0.0)
    whole: F64 = np.where(usable, distance, np.nan)
    return whole


def doubling_years(F: npt.ArrayLike, K: npt.ArrayLike, T: npt.ArrayLike, vol: npt.ArrayLike) -> F64:
    """Return the years until the gamma of a European option has doubled, F and vol held.

    With x = ln(F/K) and total variance v, ln(gamma) = -x^2/(2 v) - v/8 - ln(v)/2 + constant: it
    rises as v falls down to v* = 2 (sqrt(1 + x^2) - 1) and falls below.  If it doubles it does so
    once on the way from v to v*, where it is found by halving; otherwise the answer is infinite.
    Without discounting.  Nothing left (T or vol zero), and what is no option, is NaN.
    """
    shape, (forward, strike, years, sigma) = columns(F, K, T, vol)
    usable = (forward > 0.0) & (strike > 0.0) & (years > 0.0) & (sigma > 0.0)
    usable &= np.isfinite(forward) & np.isfinite(strike) & np.isfinite(years) & np.isfinite(sigma)
    forward, strike = np.where(usable, forward, 1.0), np.where(usable, strike, 1.0)
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        x2 = np.log(forward / strike) ** 2
        v = np.where(usable, sigma, 1.0) ** 2 * np.where(usable, years, 1.0)
    usable &= (v > 0.0) & np.isfinite(v + x2)
    v, x2 = np.where(usable, v, 1.0), np.where(usable, x2, 0.0)
    peak = 2.0 * x2 / (np.sqrt(1.0 + x2) + 1.0)

    def gain(w: F64) -> F64:
        """ln(gamma at w / gamma at v)."""
        fall: F64 = 0.5 * x2 * (1.0 / w - 1.0 / v) + (w - v) / 8.0 + 0.5 * np.log(w / v)
        return -fall

    least = np.maximum(peak, 1e-12 * v)
    doubles = (least < v) & (gain(np.minimum(least, v)) >= np.log(2.0))
    low, high = np.minimum(least, v), v.copy()
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        is_enough = gain(middle) >= np.log(2.0)
        low, high = np.where(is_enough, middle, low), np.where(is_enough, high, middle)
    passed = years * (1.0 - low / v)
    return shaped(shape, np.where(usable, np.where(doubles, passed, np.inf), np.nan))


def pin_list(
    contracts: Contracts,
    market: Market,
    risk: UnitRisk,
    quantity: F64,
    *,
    days: float = 7.0,
) -> PinList:
    """List open strikes within one standard deviation of the forward, ``days`` before expiry.

    Strikes at which calls and puts net to nothing are not at risk and are left out.
    """
    years = years_to_expiry(contracts, market.as_of_ns)
    distance = strike_distance(contracts, market)
    rows = np.flatnonzero(
        (distance <= 1.0) & (years <= days / 365.0) & risk.is_priced & (quantity != 0.0)
    )
    is_exotic = contracts.kind == Kind.VALUED
    at = np.stack(
        [
            contracts.underlying[rows],
            contracts.expiry_ns[rows],
            _order(contracts.strike[rows]),
            is_exotic[rows],
        ]
    ).astype(np.int64)
    _, first, group = np.unique(at, axis=1, return_index=True, return_inverse=True)
    group, n = group.reshape(-1), first.size
    net: F64 = np.bincount(group, (quantity * contracts.unit)[rows], n).astype(np.float64)
    gamma: F64 = np.bincount(group, (quantity * risk["cash_gamma"])[rows], n).astype(np.float64)
    least = np.full(n, np.inf)
    np.minimum.at(least, group, distance[rows])
    keep = np.flatnonzero((net != 0.0) | (is_exotic[rows[first]] & (gamma != 0.0)))
    keep = keep[np.argsort(-np.abs(gamma[keep]), kind="stable")]
    one = rows[first[keep]]
    return PinList(
        underlying=contracts.underlying[one].astype(np.int64),
        expiry_ns=contracts.expiry_ns[one],
        strike=contracts.strike[one],
        distance=least[keep],
        is_exotic=is_exotic[one],
        quantity=net[keep],
        cash_gamma=gamma[keep],
        years=years[one],
    )


def _order(values: F64) -> I64:
    """Number the different values in increasing order."""
    _, place = np.unique(values, return_inverse=True)
    return place.astype(np.int64)
