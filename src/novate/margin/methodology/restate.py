"""A book that is paid in one dollar currency, stated in that of a venue, so that venues compare."""

from __future__ import annotations

from dataclasses import replace

from novate.margin.methodology.portfolio import Contract, Portfolio, Snapshot
from novate.margin.methodology.preset import Methodology

DOLLARS = ("USD", "USDC", "USDT")
"""Currencies that are taken for one another where a venue has another of them."""


def restated(
    methodology: Methodology, portfolio: Portfolio, snapshot: Snapshot
) -> tuple[Portfolio, tuple[str, ...]]:
    """Return a portfolio in the dollar currency of a methodology, and notes of what was changed.

    Contracts that are paid in another dollar currency are taken as paid in that of the methodology,
    one for one.  What is held of another one is cash at its price in the market, one for one where
    the market has none; it stays what it is where the methodology has terms of its own for it.
    Nothing changes where the methodology's currency is no dollar currency, and inverse contracts
    stay what they are.

    Returns
    -------
    tuple
        The portfolio, and a sentence for each thing that was taken for another.
    """
    currency = getattr(methodology, "currency", "")
    others = [name for name in DOLLARS if name != currency]
    if currency not in DOLLARS:
        return portfolio, ()
    found: set[str] = set()

    def there(contract: Contract) -> Contract:
        if contract.settlement not in others:
            return contract
        found.add(contract.settlement)
        return replace(contract, settlement=currency)

    positions = tuple(replace(p, contract=there(p.contract)) for p in portfolio.positions)
    orders = tuple(replace(o, contract=there(o.contract)) for o in portfolio.orders)
    notes = [f"contracts paid in {name} are taken as paid in {currency}" for name in sorted(found)]
    own = {**getattr(methodology, "collateral", {}), **getattr(methodology, "tokens", {})}
    cash, kept = portfolio.cash, []
    for held in portfolio.collateral:
        if held.asset == currency or (held.asset in others and held.asset not in own):
            price = 1.0 if held.asset == currency else snapshot.index.get(held.asset, 1.0)
            cash += held.quantity * price
            if held.asset != currency:
                notes.append(f"{held.asset} held is taken as {currency} at {price:g}")
        else:
            kept.append(held)
    changed = replace(
        portfolio, positions=positions, orders=orders, collateral=tuple(kept), cash=cash
    )
    return changed, tuple(notes)
