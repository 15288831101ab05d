"""What methods that margin each position by itself read out of a book and a market."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from novate.errors import InputError
from novate.margin.methodology.outcome import MissingInputError, NotValuedError
from novate.margin.methodology.portfolio import Contract, Order, Portfolio, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """All that a portfolio has in one contract: its positions netted, and its orders.

    Attributes
    ----------
    quantity
        Units of the underlying, positive long.
    unrealised
        Of all positions in it, settlement units.
    orders
        Open orders, in order of the book.
    """

    contract: Contract
    quantity: float
    unrealised: float
    orders: tuple[Order, ...]

    @property
    def bids(self) -> float:
        """Units that open orders would buy."""
        return sum(order.quantity for order in self.orders if order.quantity > 0)

    @property
    def asks(self) -> float:
        """Units that open orders would sell, not negative."""
        return -sum(order.quantity for order in self.orders if order.quantity < 0)

    @property
    def bought(self) -> float:
        """Units after every bid has filled, signed."""
        return self.quantity + self.bids

    @property
    def sold(self) -> float:
        """Units after every ask has filled, signed."""
        return self.quantity - self.asks


def holdings(portfolio: Portfolio) -> tuple[Holding, ...]:
    """Return what is held and ordered by contract, in order of symbol.

    Raises
    ------
    NotValuedError
        If one symbol names two contracts.
    InputError
        If a quantity is not a finite number.
    """
    contracts: dict[str, Contract] = {}
    stated: list[Position | Order] = [*portfolio.positions, *portfolio.orders]
    for one in stated:
        if not math.isfinite(one.quantity):
            raise InputError(f"{one.contract.symbol}: {one.quantity} units; allowed: a number")
        symbol = one.contract.symbol
        if contracts.setdefault(symbol, one.contract) != one.contract:
            raise NotValuedError(
                f"{symbol}: stated with {contracts[symbol]} and {one.contract}; allowed: one "
                "contract by a symbol"
            )
    return tuple(
        Holding(
            contract=contracts[symbol],
            quantity=sum(p.quantity for p in portfolio.positions if p.contract.symbol == symbol),
            unrealised=sum(
                p.unrealised for p in portfolio.positions if p.contract.symbol == symbol
            ),
            orders=tuple(o for o in portfolio.orders if o.contract.symbol == symbol),
        )
        for symbol in sorted(contracts)
    )


def known(prices: Mapping[str, float], name: str, what: str, *, is_signed: bool = False) -> float:
    """Return what the market says of a name.

    Parameters
    ----------
    what
        In a message.
    is_signed
        Whether it may be negative.

    Raises
    ------
    MissingInputError
        If it says nothing.
    InputError
        If it is not a finite number, or negative and not signed.
    """
    found = prices.get(name)
    if found is None:
        raise MissingInputError(f"{name}: the market has no {what} of it; needed: one")
    if not math.isfinite(found) or (found < 0 and not is_signed):
        raise InputError(
            f"{name}: {what} {found}; allowed: a number{'' if is_signed else ', 0 and above'}"
        )
    return found


def require_linear(contract: Contract, currency: str) -> None:
    """Refuse what is not a perpetual or a future that is paid in one currency.

    Raises
    ------
    NotValuedError
        If it is an option, spot, or paid in another asset.
    """
    if contract.kind not in ("perpetual", "future") or contract.settlement != currency:
        raise NotValuedError(
            f"{contract.symbol}: {contract.kind} paid in {contract.settlement}; allowed: "
            f"perpetuals and futures paid in {currency}"
        )


def cash_of(portfolio: Portfolio, currency: str) -> float:
    """Return the balance in the currency of the requirement, stated as cash or as collateral.

    Raises
    ------
    NotValuedError
        If the portfolio holds another asset.
    """
    for held in portfolio.collateral:
        if held.asset != currency:
            raise NotValuedError(
                f"{held.asset}: no terms for it as collateral; allowed: {currency}"
            )
    return portfolio.cash + sum(held.quantity for held in portfolio.collateral)
