"""The volatility surface of a generated day: one raw SVI slice per expiry that moves with spot.

No venue publishes its surface minute by minute through a crash, so this one is a model.  Each
instant is a power-law SSVI surface (Gatheral and Jacquier 2014, section 4), which is free of static
arbitrage when total variance rises with time, eta (1 + abs(rho)) <= 2 and the exponent is at most
1/2; it is written as one raw SVI slice per expiry, which is what a venue's risk engine takes.

Three things move it, all driven by *pressure*, the recent log return of spot (a sum of log returns
that fades with a half-life):

- level: log volatility moves by ``beta`` times pressure, more at the short end than at the long;
- skew: correlation rho falls as pressure is negative, down to a floor;
- term structure: the variance rate decays from the short to the long level with the time to
  expiry, so that a shock inverts the curve and the curve recovers as pressure fades;
- carry: the yearly rate of the forwards falls with pressure, into backwardation in a crash.

Calm levels, skew, spreads and carry are medians of 26 daily snapshots of Deribit's BTC and ETH
chains, January 2026 (volatility at one week and three months; one-deviation put over the money
1.12, call 1.02).  The betas, the half-life, the floor of rho and the sensitivity of carry are
*assumptions*: they take a fall of 40 percent to about three times the calm short volatility, which
is the size reported for 12 March 2020.

Slices leave as integers in 1e-9, so that the last bit of a float never shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from novate.errors import InputError
from novate.kernel.pricing.svi import svi_row_variances

IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]

YEAR_NS = 365 * 86_400 * 10**9
SCALE = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class SmileTerms:
    """How the surface of one underlying moves.

    Attributes
    ----------
    symbol
        The coin.
    short_volatility, long_volatility
        Calm volatility at the money of the shortest and of the longest expiries, per year.
    decay_years
        Time in which the variance rate goes 63 percent of the way from short to long.
    short_beta, long_beta
        Fall of log volatility per unit of pressure: 2.0 means that spot down 10 percent takes
        volatility up by about 23 percent.
    rho, rho_shift, rho_floor
        Calm skew correlation, its change per unit of pressure, and its lowest value.
    eta
        Curvature of the smile.
    half_life_hours
        Half-life of pressure.
    carry, carry_shift
        Calm yearly rate of the forward, and its change per unit of pressure.
    half_spread
        Half of ask less bid volatility at the money and one week, per year.
    """

    symbol: str
    short_volatility: float
    long_volatility: float
    decay_years: float = 0.06
    short_beta: float = 2.4
    long_beta: float = 0.9
    rho: float = -0.15
    rho_shift: float = 0.6
    rho_floor: float = -0.45
    eta: float = 0.84
    half_life_hours: float = 18.0
    carry: float = 0.048
    carry_shift: float = 0.30
    half_spread: float = 0.008

    def __post_init__(self) -> None:
        """Refuse terms that could bring arbitrage; raises InputError."""
        for name in ("short_volatility", "long_volatility", "decay_years", "half_life_hours"):
            if not getattr(self, name) > 0.0:
                msg = f"{self.symbol}: {name} {getattr(self, name)}; allowed is above 0"
                raise InputError(msg)
        if not -1.0 < self.rho_floor <= self.rho <= 0.0:
            msg = f"{self.symbol}: rho {self.rho}, floor {self.rho_floor}; allowed is -1 < floor"
            raise InputError(f"{msg} <= rho <= 0")
        steepest = self.eta * (1.0 - self.rho_floor)
        if not 0.0 < steepest <= 2.0:
            msg = f"{self.symbol}: eta (1 + |rho|) {steepest:.3f}; allowed is above 0, at most 2"
            raise InputError(msg)


DEMO_SMILES = (
    SmileTerms(symbol="BTC", short_volatility=0.36, long_volatility=0.43),
    SmileTerms(
        symbol="ETH", short_volatility=0.47, long_volatility=0.63, short_beta=2.0, half_spread=0.011
    ),
)
"""Underlyings with options on the demonstration day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfacePath:
    """Raw SVI slices through the day, integers of shape (instants, expiries).

    Attributes
    ----------
    terms
        How it was made.
    instant_ns, expiry_ns
        Shapes (instants,) and (expiries,).
    spot_e8
        Index at each instant, 1e-8 numeraire, shape (instants,).
    carry_e9
        ln(forward / spot).
    a_e9, b_e9, rho_e9, m_e9, sigma_e9
        Parameters of w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)), total variance of the
        log-moneyness k = ln(K / F); zero once the expiry has passed.
    """

    terms: SmileTerms
    instant_ns: IntArray
    expiry_ns: IntArray
    spot_e8: IntArray
    carry_e9: IntArray
    a_e9: IntArray
    b_e9: IntArray
    rho_e9: IntArray
    m_e9: IntArray
    sigma_e9: IntArray

    def years(self, at: int) -> FloatArray:
        """Years to each expiry at one instant, never negative."""
        left = np.maximum(self.expiry_ns - self.instant_ns[at], 0)
        return np.asarray(left / YEAR_NS, dtype=np.float64)

    def forward(self, at: int) -> FloatArray:
        """Forward to each expiry at one instant, numeraire per unit."""
        forward = self.spot_e8[at] / 1e8 * np.exp(self.carry_e9[at] / SCALE)
        return np.asarray(forward, dtype=np.float64)

    def raw(self, at: int, expiry: int) -> tuple[float, float, float, float, float]:
        """Return a, b, rho, m, sigma of one slice."""
        columns = (self.a_e9, self.b_e9, self.rho_e9, self.m_e9, self.sigma_e9)
        a, b, rho, m, sigma = (float(column[at, expiry]) / SCALE for column in columns)
        return a, b, rho, m, sigma

    def volatility(self, at: int, expiry: IntArray, strike: FloatArray) -> FloatArray:
        """Volatility per year of strikes at one instant; `expiry` numbers each strike's slice.

        NaN where the expiry has passed.
        """
        columns = (self.a_e9, self.b_e9, self.rho_e9, self.m_e9, self.sigma_e9)
        slices = np.stack([column[at][expiry] / SCALE for column in columns], axis=-1)
        variance = np.empty(len(strike))
        svi_row_variances(np.log(strike / self.forward(at)[expiry]), slices, variance)
        years = self.years(at)[expiry]
        with np.errstate(divide="ignore", invalid="ignore"):
            vol = np.sqrt(variance / years)
        return np.where(years > 0.0, vol, np.nan)


def surface_path(
    terms: SmileTerms, spot_e8: IntArray, instant_ns: IntArray, expiry_ns: IntArray
) -> SurfacePath:
    """Let a surface follow a price path.

    Parameters
    ----------
    terms
        The model.
    spot_e8
        Index at each instant, 1e-8 numeraire, shape (instants,), positive.
    instant_ns
        Ascending, shape (instants,).
    expiry_ns
        Ascending, shape (expiries,).

    Raises
    ------
    InputError
        If shapes do not fit, a price is not positive or instants do not ascend.
    """
    if len(spot_e8) != len(instant_ns) or len(spot_e8) == 0 or (spot_e8 <= 0).any():
        msg = f"{terms.symbol}: {len(spot_e8)} prices for {len(instant_ns)} instants"
        raise InputError(f"{msg}; allowed is one positive price for each instant, at least one")
    if (np.diff(instant_ns) <= 0).any() or (np.diff(expiry_ns) <= 0).any():
        raise InputError(f"{terms.symbol}: instants and expiries must ascend")
    years = np.maximum(expiry_ns[None, :] - instant_ns[:, None], 0) / YEAR_NS
    push = _pressure(terms, spot_e8, instant_ns)[:, None]
    short = (terms.short_volatility * np.exp(-terms.short_beta * push)) ** 2
    long = (terms.long_volatility * np.exp(-terms.long_beta * push)) ** 2
    # The integral of a variance rate that decays from short to long: positive, so theta rises.
    faded = terms.decay_years * (1.0 - np.exp(-years / terms.decay_years))
    theta = long * years + (short - long) * faded
    rho = np.clip(terms.rho + terms.rho_shift * push, terms.rho_floor, terms.rho)
    rho = np.broadcast_to(rho, theta.shape)
    live = years > 0.0
    phi = np.where(live, terms.eta / np.sqrt(np.where(live, theta, 1.0) * (1.0 + theta)), 1.0)
    rest = 1.0 - rho * rho
    columns = (
        (terms.carry + terms.carry_shift * push) * years,
        np.where(live, 0.5 * theta * rest, 0.0),
        np.where(live, 0.5 * theta * phi, 0.0),
        np.where(live, rho, 0.0),
        np.where(live, -rho / phi, 0.0),
        np.where(live, np.sqrt(rest) / phi, 0.0),
    )
    carry, a, b, rho_e9, m, sigma = (np.rint(c * SCALE).astype(np.int64) for c in columns)
    return SurfacePath(
        terms=terms,
        instant_ns=instant_ns,
        expiry_ns=expiry_ns,
        spot_e8=spot_e8,
        carry_e9=carry,
        a_e9=a,
        b_e9=b,
        rho_e9=rho_e9,
        m_e9=m,
        sigma_e9=sigma,
    )


def _pressure(terms: SmileTerms, spot_e8: IntArray, instant_ns: IntArray) -> FloatArray:
    """Sum of log returns, each fading with the half-life; zero at the first instant."""
    returns = np.diff(np.log(spot_e8.astype(np.float64)))
    hours = np.diff(instant_ns) / 3.6e12
    keep = 0.5 ** (hours / terms.half_life_hours)
    push = np.zeros(len(spot_e8))
    for at, (gain, kept) in enumerate(zip(returns, keep, strict=True)):
        push[at + 1] = kept * (push[at] + gain)
    return push


def half_spread(terms: SmileTerms, deviations: FloatArray, years: FloatArray) -> FloatArray:
    """Half of ask less bid volatility of a quote.

    Wider in the wings and near expiry: medians of the snapshots named above are 0.24, 0.42 and
    0.76 volatility points for BTC at a month, at the money, one and two deviations out, and three
    times that at two days.

    Parameters
    ----------
    deviations
        ln(K/F) over total volatility.
    years
        To expiry.
    """
    wing = 1.0 + 0.45 * np.abs(deviations) ** 1.5
    near = np.sqrt(7.0 / (365.0 * np.maximum(years, 1.0 / 365.0)))
    return np.asarray(terms.half_spread * wing * np.clip(near, 0.3, 1.6), dtype=np.float64)
