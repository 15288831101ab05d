"""A member's own book, stated by hand or read from a file: positions, orders and collateral."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from novate.errors import InputError

ContractKind = Literal["perpetual", "future", "option", "spot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a position is in.

    Attributes
    ----------
    symbol
        Name by which the market prices it.
    kind
        Perpetual, dated future, European option, or the exchange of one asset for another, which
        only orders are in: what is held of an asset is collateral.
    underlying
        Asset whose index it follows.
    settlement
        Asset in which it is paid: the underlying itself makes it inverse.
    expiry_ns
        Instant of expiry, ns since 1970 UTC; nothing for a perpetual or spot.
    strike, is_call
        Of an option: quote currency per unit of the underlying, and its right.
    """

    symbol: str
    kind: ContractKind
    underlying: str
    settlement: str
    expiry_ns: int | None = None
    strike: float | None = None
    is_call: bool | None = None

    def __post_init__(self) -> None:
        """Check that the terms belong together.

        Raises
        ------
        InputError
            If an option has no strike or right, something else has one, or an expiry is missing.
        """
        has_terms = self.strike is not None and self.is_call is not None
        if self.is_option != has_terms:
            raise InputError(
                f"{self.symbol}: {self.kind} with strike {self.strike} and call {self.is_call}; "
                "allowed: both of an option, and of nothing else"
            )
        if (self.expiry_ns is None) != (self.kind in ("perpetual", "spot")):
            raise InputError(
                f"{self.symbol}: {self.kind} with expiry {self.expiry_ns}; allowed: an instant, "
                "and none of a perpetual or spot"
            )

    @property
    def is_inverse(self) -> bool:
        """Whether it is paid in its own underlying."""
        return self.settlement == self.underlying

    @property
    def is_option(self) -> bool:
        """Whether it is an option."""
        return self.kind == "option"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A position.

    Attributes
    ----------
    contract
        What it is in.
    quantity
        Units of the underlying, positive long.
    unrealised
        Profit and funding not yet settled, settlement units; of a contract that is paid at close.
    entry_price
        Average price at which it was opened, quote currency per unit; of an option of an inverse
        venue in coin.  Only some methodologies ask for it.
    """

    contract: Contract
    quantity: float
    unrealised: float = 0.0
    entry_price: float | None = None

    def __post_init__(self) -> None:
        """Check that it is a contract.

        Raises
        ------
        InputError
            If it is spot.
        """
        if self.contract.kind == "spot":
            raise InputError(
                f"{self.contract.symbol}: a position in spot; allowed: contracts, with assets "
                "stated as collateral"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An open order: signed units of the underlying, and its limit in quote currency a unit."""

    contract: Contract
    quantity: float
    price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Collateral:
    """What is held of an asset, in its units, with what orders reserve; negative for a debt."""

    asset: str
    quantity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What one margin requirement is computed of.

    Attributes
    ----------
    cash
        Balance in the currency of the requirement.
    """

    positions: tuple[Position, ...] = ()
    collateral: tuple[Collateral, ...] = ()
    orders: tuple[Order, ...] = ()
    cash: float = 0.0

    def underlyings(self) -> tuple[str, ...]:
        """Return the underlyings of positions and orders, in order of name."""
        contracts = [p.contract for p in self.positions] + [o.contract for o in self.orders]
        return tuple(sorted({contract.underlying for contract in contracts}))

    def on(self, underlying: str) -> tuple[Position, ...]:
        """Return the positions that follow one index, in order of the book."""
        return tuple(p for p in self.positions if p.contract.underlying == underlying)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What the market says of one expiry of an underlying.

    Attributes
    ----------
    forward
        Quote currency per unit of the underlying.
    rate
        Continuous rate per year of 365 days.
    discount
        Discount factor to the expiry; ``exp(-rate * years)`` where nothing is said.
    confidence
        Least confidence of the oracles of this expiry, 0 to 1.
    """

    forward: float
    rate: float = 0.0
    discount: float | None = None
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The market at one instant, as far as a methodology asks for it.

    Attributes
    ----------
    instant_ns
        ns since 1970 UTC.
    index
        Quote currency per unit of an asset.
    mark
        Of a contract, by symbol: quote currency per unit of the underlying; of an option of an
        inverse venue in coin.
    curve
        By underlying and instant of expiry.
    volatility
        Of an option, by symbol: lognormal, per year.
    confidence
        Least confidence of the oracles of an asset or a perpetual, by name, 0 to 1; 1 where nothing
        is said.
    stable_price
        What one unit of the currency of the requirement is worth in quote currency.
    open_interest
        Of a contract, by symbol: units of the underlying, one side.
    funding
        Of a perpetual, by symbol: what a long has accrued to pay since funding was last settled,
        settlement units per unit of the underlying; negative where it receives.
    deposits
        Of an asset: units deposited with the venue by everybody.
    """

    instant_ns: int
    index: dict[str, float]
    mark: dict[str, float] = field(default_factory=dict)
    curve: dict[tuple[str, int], Curve] = field(default_factory=dict)
    volatility: dict[str, float] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)
    stable_price: float = 1.0
    open_interest: dict[str, float] = field(default_factory=dict)
    funding: dict[str, float] = field(default_factory=dict)
    deposits: dict[str, float] = field(default_factory=dict)
