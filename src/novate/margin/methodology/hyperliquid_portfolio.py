"""Portfolio margin of Hyperliquid: one ratio for perpetuals, collateral and borrowing.

Source: Hyperliquid documentation, "Portfolio margin"::

    requirement       = offset + sum of cross maintenance margin + borrowed * price
    liquidation value = balance + min(borrow cap, sum of min(held, supply cap) * price * threshold)
    threshold         = 0.5 + 0.5 * loan to value

of each token that can be borrowed.  An account is liquidated where requirement over liquidation
value is above ``liquidation_ratio``.  Here there is one such token, the currency: the outcome's
equity is the liquidation value, and maintenance is the requirement over that ratio, so that an
account whose equity is below maintenance is one that the venue liquidates.

The venue writes the rule for one asset of collateral; where several are held, the borrow cap is
applied to their sum, which cannot make an account look better than a cap for each.  The
documentation names no initial requirement: initial margin of the perpetuals stands in the place of
their maintenance margin, and collateral counts by its loan to value.
"""

from __future__ import annotations

from msgspec import field

from novate.margin.methodology.lookup import holdings, known
from novate.margin.methodology.outcome import NotValuedError, Outcome, Part
from novate.margin.methodology.parameters import Table
from novate.margin.methodology.portfolio import Portfolio, Snapshot
from novate.margin.methodology.tier import ORDERS_NOTE, Tiers


class LendingTerms(Table, frozen=True, kw_only=True):
    """How an asset counts as collateral.

    Attributes
    ----------
    loan_to_value
        Share of its value that can be borrowed, 0 to 1.
    supply_cap
        Units of one account that count; nothing where there is no cap.
    """

    loan_to_value: float
    supply_cap: float | None = None

    @property
    def threshold(self) -> float:
        """Share of its value that counts in a liquidation."""
        return 0.5 + 0.5 * self.loan_to_value


class HyperliquidPortfolio(Table, frozen=True, kw_only=True):
    """Terms of portfolio margin.

    Attributes
    ----------
    perpetual
        Tiers of the perpetuals; its currency is the token that can be borrowed.
    collateral
        Assets that count, by name.
    offset
        Currency added to every requirement.
    liquidation_ratio
        Requirement over liquidation value above which an account is liquidated.
    borrow_cap
        Largest value of collateral that counts, currency; nothing where there is no cap.
    """

    perpetual: Tiers
    collateral: dict[str, LendingTerms] = field(default_factory=dict)
    offset: float
    liquidation_ratio: float
    borrow_cap: float | None = None

    def outcome(self, portfolio: Portfolio, snapshot: Snapshot) -> Outcome:
        """Return what a portfolio must hold.

        Raises
        ------
        MissingInputError
            If the market lacks a mark or the price of an asset.
        NotValuedError
            If an asset or a contract has no terms, or an asset other than the currency is owed.
        """
        currency = self.perpetual.currency
        held = holdings(portfolio)
        balance = portfolio.cash + sum(one.unrealised for one in held)
        balance += sum(c.quantity for c in portfolio.collateral if c.asset == currency)
        lendable, counted = self._collateral(portfolio, snapshot)
        owed = max(-balance, 0.0)
        positions = [self.perpetual.part(one, snapshot) for one in held]
        parts = [Part(name="offset", subject="", initial=self.offset, maintenance=self.offset)]
        parts += positions
        if owed:
            parts.append(Part(name="borrowed", subject=currency, initial=owed, maintenance=owed))
        needed = sum((part.maintenance for part in parts), 0.0)
        parts.append(
            Part(
                name="liquidation ratio",
                subject="",
                initial=0.0,
                maintenance=needed * (1.0 / self.liquidation_ratio - 1.0),
            )
        )
        parts.append(
            Part(
                name="collateral beyond its loan to value",
                subject="",
                initial=counted - lendable,
                maintenance=0.0,
            )
        )
        # Sums in the order of the parts, so that they add up.
        return Outcome(
            currency=currency,
            initial=sum((part.initial for part in parts), 0.0),
            maintenance=sum((part.maintenance for part in parts), 0.0),
            equity=max(balance, 0.0) + counted,
            parts=tuple(parts),
            notes=self._notes(portfolio),
        )

    def ratio(self, portfolio: Portfolio, snapshot: Snapshot) -> float:
        """Return requirement over liquidation value; infinite where that is 0."""
        outcome = self.outcome(portfolio, snapshot)
        needed = outcome.maintenance * self.liquidation_ratio
        return needed / outcome.equity if outcome.equity > 0 else float("inf")

    def _notes(self, portfolio: Portfolio) -> tuple[str, ...]:
        notes = ["the venue names no initial requirement: see the method"]
        notes += [
            f"{held.asset}: no supply cap is stated, all of it counts"
            for held in portfolio.collateral
            if held.asset in self.collateral and self.collateral[held.asset].supply_cap is None
        ]
        return (*notes, ORDERS_NOTE) if portfolio.orders else tuple(notes)

    def _collateral(self, portfolio: Portfolio, snapshot: Snapshot) -> tuple[float, float]:
        """Return what collateral counts for to open and in a liquidation, after the cap."""
        lendable = counted = 0.0
        for held in portfolio.collateral:
            if held.asset == self.perpetual.currency:
                continue
            terms = self.collateral.get(held.asset)
            if terms is None or held.quantity < 0:
                raise NotValuedError(
                    f"{held.asset}: {held.quantity} of it; allowed: 0 and above of "
                    f"{sorted(self.collateral)}, and {self.perpetual.currency}"
                )
            units = held.quantity
            if terms.supply_cap is not None:
                units = min(units, terms.supply_cap)
            value = units * known(snapshot.index, held.asset, "index")
            lendable += value * terms.loan_to_value
            counted += value * terms.threshold
        cap = float("inf") if self.borrow_cap is None else self.borrow_cap
        return min(lendable, cap), min(counted, cap)
