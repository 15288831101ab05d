"""Margin of dYdX v4: fractions in parts per million, rounded up in integers of the venue.

Source: dydxprotocol/v4-chain, protocol/x/perpetuals/lib (its published cases).  With ``q`` base
quantums, ``p`` the integer price, and exponents of the market::

    notional    = |q| 10^resolution p 10^exponent 10^6                     quote quantums, exact
    initial     = ceil(notional * scaled fraction / 10^6)
    maintenance = ceil(ceil(notional * initial fraction / 10^6) * maintenance fraction / 10^6)

The scaled fraction rises linearly from the initial fraction to 100% as open interest goes from the
lower to the upper cap of the market's liquidity tier, floored to a part per million; maintenance
margin is not scaled.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from msgspec import field

from novate.errors import InputError
from novate.margin.methodology.lookup import Holding, cash_of, holdings, known, require_linear
from novate.margin.methodology.outcome import NotValuedError, Outcome, Part
from novate.margin.methodology.parameters import Table
from novate.margin.methodology.portfolio import Portfolio, Snapshot

PPM = 1_000_000
QUOTE_QUANTUMS = 10**6
"""In one USDC."""


class LiquidityTier(Table, frozen=True, kw_only=True):
    """A liquidity tier.

    Attributes
    ----------
    initial_ppm
        Initial margin in parts per million of notional, before open interest scales it.
    maintenance_fraction_ppm
        Maintenance margin in parts per million of initial margin.
    open_interest_lower_cap, open_interest_upper_cap
        Quote quantums between which initial margin rises to 100%; both 0 where it does not.
    """

    initial_ppm: int
    maintenance_fraction_ppm: int
    open_interest_lower_cap: int = 0
    open_interest_upper_cap: int = 0

    @property
    def is_scaled(self) -> bool:
        """Whether open interest scales initial margin."""
        return self.open_interest_upper_cap > 0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises
        ------
        ValueError
            If a fraction is outside 0 to 1,000,000, or the caps do not ascend.
        """
        for name in ("initial_ppm", "maintenance_fraction_ppm"):
            if not 0 <= getattr(self, name) <= PPM:
                raise ValueError(f"{name} {getattr(self, name)}; allowed: 0 to {PPM}")
        lower, upper = self.open_interest_lower_cap, self.open_interest_upper_cap
        if (lower, upper) != (0, 0) and not 0 <= lower < upper:
            raise ValueError(f"caps {lower} and {upper}; allowed: ascending, or both 0")


class Market(Table, frozen=True, kw_only=True):
    """How a market counts: ``10^resolution`` units a quantum, prices in ``10^price_exponent``."""

    tier: str
    resolution: int
    price_exponent: int


def notional(quantums: int, price: int, market: Market) -> Fraction:
    """Return the size of base quantums at an integer price, in quote quantums; exact."""
    scale = Fraction(10) ** (market.resolution + market.price_exponent)
    return abs(quantums) * price * scale * QUOTE_QUANTUMS


def scaled_ppm(tier: LiquidityTier, open_notional: Fraction) -> int:
    """Return the initial fraction at an open interest in quote quantums, parts per million."""
    if not tier.is_scaled:
        return tier.initial_ppm
    lower, upper = tier.open_interest_lower_cap, tier.open_interest_upper_cap
    filled = min(max((open_notional - lower) / (upper - lower), Fraction(0)), Fraction(1))
    return tier.initial_ppm + floor((PPM - tier.initial_ppm) * filled)


def requirements(size: Fraction, tier: LiquidityTier, open_notional: Fraction) -> tuple[int, int]:
    """Return initial and maintenance margin of a notional, quote quantums.

    Parameters
    ----------
    size, open_notional
        Quote quantums.
    """
    initial = ceil(size * scaled_ppm(tier, open_notional) / PPM)
    unscaled = ceil(size * tier.initial_ppm / PPM)
    maintenance = ceil(Fraction(unscaled * tier.maintenance_fraction_ppm, PPM))
    return initial, maintenance


def is_liquidatable(net_collateral: int, maintenance: int) -> bool:
    """Whether an account is liquidated: below a maintenance margin that is above 0.

    A debt without positions is not liquidated (risk_test.go, TestRisk_IsLiquidatable).
    """
    return maintenance > 0 and net_collateral < maintenance


class DydxTiers(Table, frozen=True, kw_only=True):
    """Markets and the liquidity tiers that they are in.

    Attributes
    ----------
    tiers
        By name.
    markets
        By symbol of the contract.
    """

    tiers: dict[str, LiquidityTier]
    markets: dict[str, Market]
    currency: str = field(default="USDC")

    def __post_init__(self) -> None:
        """Check that every market has a tier.

        Raises
        ------
        ValueError
            If one names a tier that is not there.
        """
        for symbol, market in self.markets.items():
            if market.tier not in self.tiers:
                raise ValueError(f"{symbol}: tier {market.tier!r}; allowed: {sorted(self.tiers)}")

    def outcome(self, portfolio: Portfolio, snapshot: Snapshot) -> Outcome:
        """Return what a portfolio must hold: the sum over its positions, netted by contract.

        Sizes and prices between two steps of a market are rounded up to the next one.

        Raises
        ------
        MissingInputError
            If the market lacks a price, or the open interest of a market that is scaled by it.
        NotValuedError
            If there are orders, which this venue margins by checking each match, a contract that
            is not listed, or collateral in another asset.
        """
        if portfolio.orders:
            raise NotValuedError(
                f"{portfolio.orders[0].contract.symbol}: an open order; allowed: positions, for "
                "the venue asks for margin when an order matches"
            )
        held = holdings(portfolio)
        rounded: list[str] = []
        parts = tuple(self._part(one, snapshot, rounded) for one in held)
        return Outcome(
            currency=self.currency,
            initial=sum((part.initial for part in parts), 0.0),
            maintenance=sum((part.maintenance for part in parts), 0.0),
            equity=cash_of(portfolio, self.currency) + sum(one.unrealised for one in held),
            parts=parts,
            notes=tuple(f"{what}: rounded up to a step of its market" for what in rounded),
        )

    def _part(self, holding: Holding, snapshot: Snapshot, rounded: list[str]) -> Part:
        contract, symbol = holding.contract, holding.contract.symbol
        require_linear(contract, self.currency)
        market = self.markets.get(symbol)
        if market is None:
            raise NotValuedError(f"{symbol}: not listed; allowed: {sorted(self.markets)}")
        tier = self.tiers[market.tier]
        price = _steps(
            known(snapshot.mark, symbol, "mark"), market.price_exponent, f"{symbol} mark", rounded
        )
        quantums = _steps(abs(holding.quantity), market.resolution, f"{symbol} quantity", rounded)
        open_notional = Fraction(0)
        if tier.is_scaled:
            interest = known(snapshot.open_interest, symbol, "open interest")
            units = _steps(interest, market.resolution, f"{symbol} open interest", rounded)
            open_notional = notional(units, price, market)
        initial, maintenance = requirements(notional(quantums, price, market), tier, open_notional)
        return Part(
            name="position",
            subject=symbol,
            initial=initial / QUOTE_QUANTUMS,
            maintenance=maintenance / QUOTE_QUANTUMS,
        )


def _steps(value: float, exponent: int, what: str, rounded: list[str]) -> int:
    """Return a value in steps of ``10^exponent``, rounded up, and note where it was."""
    if value < 0:
        raise InputError(f"{what}: {value}; allowed: 0 and above")
    # The decimal text of a float is what was stated; its binary value is not.
    exact = Fraction(Decimal(repr(float(value)))) / Fraction(10) ** exponent
    found = ceil(exact)
    if found != exact:
        rounded.append(what)
    return found
