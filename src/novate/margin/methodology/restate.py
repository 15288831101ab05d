"""A book that is paid in one dollar currency, stated in that of a venue, so that venues compare."""

from __future__ import annotations

from dataclasses import replace

from novate.margin.methodology.portfolio import Contract, Portfolio
from novate.margin.methodology.preset import Methodology

DOLLARS = ("USD", "USDC", "USDT")
"""Currencies that are taken for one another, one for one, where a venue has another of them."""


def restated(methodology: Methodology, portfolio: Portfolio) -> tuple[Portfolio, tuple[str, ...]]:
    """Return a portfolio in the dollar currency of a methodology, and notes of what was changed.

    Contracts that are paid in another dollar currency are taken as paid in that of the methodology,
    and balances of another one as cash, one for one.  Nothing changes where the methodology's
    currency is no dollar currency, and inverse contracts stay what they are.

    Returns
    -------
    tuple
        The portfolio, and a sentence for each currency that was taken for another.
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
    cash, kept = portfolio.cash, []
    for held in portfolio.collateral:
        if held.asset in (*others, currency):
            cash += held.quantity
            if held.asset != currency:
                found.add(held.asset)
        else:
            kept.append(held)
    notes = tuple(f"{name} is taken as {currency}, one for one" for name in sorted(found))
    changed = replace(
        portfolio, positions=positions, orders=orders, collateral=tuple(kept), cash=cash
    )
    return changed, notes
