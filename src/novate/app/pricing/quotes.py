"""What a market file says: prices, forwards and volatilities, to be asked about a contract."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from novate.adapter.book_file.sheet import CellError
from novate.app.pricing.instrument_sheet import IN_QUOTE, OPTIONS, Instrument
from novate.kernel.clearing.columns import F64
from novate.kernel.pricing.svi import svi_variance
from novate.units import format_instant
from novate.valuation.exotic import sabr
from novate.valuation.gamma_profile import monotone_cubic
from novate.valuation.pricing import YEAR_NS

CARRY_MAX = 100.0
"""Largest ln(F/S) that rate and yield may make."""

SVI = ("a", "b", "rho", "m", "sigma")
SABR = ("alpha", "beta", "rho", "nu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One expiry of an underlying.

    Attributes
    ----------
    forward
        Quote currency per unit; None where it follows from spot, rate and yield.
    strikes, vols
        The smile: increasing strikes and the volatility at each, monotone and smooth in ln(K/F)
        between them, flat beyond; one strike is a flat volatility.  Empty for none.
    svi
        Raw SVI of total variance, which goes before the smile; empty for none.
    sabr
        Hagan's lognormal SABR, likewise.
    """

    forward: float | None = None
    strikes: tuple[float, ...] = ()
    vols: tuple[float, ...] = ()
    svi: tuple[float, ...] = ()
    sabr: tuple[float, ...] = ()

    @property
    def has_vol(self) -> bool:
        """Whether it has any volatility."""
        return bool(self.svi or self.sabr or self.vols)


@dataclass(frozen=True, slots=True, kw_only=True)
class Underlying:
    """Spot, rates and expiries of an underlying; rates continuous per year."""

    spot: float
    rate: float = 0.0
    yield_: float = 0.0
    vol: float | None = None
    expiries: Mapping[int, Slice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """A market at one instant.

    Attributes
    ----------
    as_of_ns
        Nanoseconds since 1970 UTC.
    reporting
        Reporting currency, worth 1.00; also the settlement asset of rows that name none.
    assets
        Reporting currency per unit of an asset; an underlying that is not there is at its spot.
    underlyings
        By name.
    """

    as_of_ns: int
    reporting: str
    assets: Mapping[str, float]
    underlyings: Mapping[str, Underlying]

    def asset_price(self, name: str) -> float | None:
        """Reporting currency per unit of an asset; None where the market does not say.

        A spot is no price in a reporting currency that is itself a coin.
        """
        if name == self.reporting:
            return 1.0
        known = None if self.reporting in self.underlyings else self.underlyings.get(name)
        return self.assets.get(name, known.spot if known is not None else None)

    def check(self, one: Instrument) -> None:
        """Refuse what this market cannot price.

        Raises
        ------
        CellError
            If the underlying, the settlement asset or a volatility is missing.
        """
        if one.underlying not in self.underlyings:
            raise CellError("underlying", one.underlying, ", ".join(sorted(self.underlyings)))
        self._check_settlement(one)
        if abs(self._carry(one)) > CARRY_MAX:
            allowed = f"a forward within a factor of e^{CARRY_MAX:g} of the spot"
            raise CellError("expiry", format_instant(one.expiry_ns), allowed)
        if one.kind in OPTIONS and one.vol is None and self._smile(one) is None:
            quoted = [
                format_instant(expiry)
                for expiry, at in sorted(self.underlyings[one.underlying].expiries.items())
                if at.has_vol
            ]
            allowed = f"an expiry with a volatility in the market ({', '.join(quoted) or 'none'})"
            raise CellError("expiry", format_instant(one.expiry_ns), f"{allowed}, or a vol")

    def _check_settlement(self, one: Instrument) -> None:
        settlement, is_coin = one.settlement or self.reporting, self.reporting in self.underlyings
        if self.asset_price(settlement) is None:
            known = sorted({self.reporting, *self.assets, *self.underlyings})
            priced = [name for name in known if self.asset_price(name) is not None]
            raise CellError("settlement", settlement, ", ".join(priced))
        if (one.kind == "spot" or one.kind in IN_QUOTE) and settlement == one.underlying:
            raise CellError("settlement", settlement, "another asset than the underlying")
        if is_coin and not one.settlement and one.underlying != self.reporting:
            allowed = f"an asset: the reporting currency {self.reporting} is a coin of the market"
            raise CellError("settlement", "", allowed)

    def forward(self, one: Instrument) -> float:
        """Forward to the instrument's expiry, quote currency; the spot without an expiry.

        Of a fair perpetual a year ahead, which is how its yield is told.
        """
        known = self.underlyings[one.underlying]
        at = known.expiries.get(one.expiry_ns)
        if at is not None and at.forward is not None:
            return at.forward
        return known.spot * math.exp(self._carry(one))

    def _carry(self, one: Instrument) -> float:
        """ln(F/S) by rate and yield."""
        known = self.underlyings[one.underlying]
        years = 1.0 if one.kind == "fair-perpetual" else self._years(one)
        return (known.rate - known.yield_) * years

    def vol(self, one: Instrument) -> float:
        """Volatility of an option: its own, else that of the market at its strike, else NaN.

        A touch is at the strike of its barrier.
        """
        if one.vol is not None:
            return one.vol
        smile = self._smile(one)
        if smile is None or one.level is None:
            return math.nan
        return self._read(smile, one, math.log(one.level / self.forward(one)))

    def _read(self, smile: Slice | float, one: Instrument, moneyness: float) -> float:
        if isinstance(smile, float):
            return smile
        if smile.svi:
            years = self._years(one)
            variance = float(svi_variance(moneyness, *smile.svi))
            return math.sqrt(variance / years) if variance >= 0.0 < years else math.nan
        forward = self.forward(one)
        if smile.sabr:
            alpha, beta, rho, nu = smile.sabr
            strike, years = forward * math.exp(moneyness), self._years(one)
            return float(
                sabr(F=forward, K=strike, T=years, alpha=alpha, beta=beta, rho=rho, nu=nu).vol
            )
        x: F64 = np.log(np.array(smile.strikes) / forward)
        return float(monotone_cubic(x, np.array(smile.vols), np.array([moneyness]))[0][0])

    def _smile(self, one: Instrument) -> Slice | float | None:
        known = self.underlyings[one.underlying]
        at = known.expiries.get(one.expiry_ns)
        return at if at is not None and at.has_vol else known.vol

    def _years(self, one: Instrument) -> float:
        return max(one.expiry_ns - self.as_of_ns, 0) / YEAR_NS if one.expiry_ns else 0.0
