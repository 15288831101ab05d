"""Scenario-grid margin in the currency of the quote: the worst of many revaluations, and charges.

One skeleton for portfolio margin as Derive and Paradex publish it: spot moves crossed with
volatility shocks, damped moves beyond the grid, skew scenarios, discounting by the sign of what an
expiry is worth, forwards that move apart, and charges for each unit held, for collateral, for
oracles that are unsure and for a stable currency off its peg.  Sources stand in the presets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from msgspec import field

from novate.kernel.clearing.columns import F64
from novate.margin.methodology.option_book import OptionBook, option_book
from novate.margin.methodology.outcome import (
    MissingInputError,
    NotValuedError,
    Outcome,
    Part,
    ScenarioResult,
)
from novate.margin.methodology.parameters import (
    Basis,
    CollateralTerms,
    Confidence,
    Grid,
    MinimumDelta,
    Peg,
    PerUnit,
    Scenario,
    Skew,
    StaticDiscount,
    Table,
    Tail,
    VolatilityShock,
    scenarios_of,
)
from novate.margin.methodology.portfolio import ContractKind, Portfolio, Position, Snapshot
from novate.margin.methodology.shock import shocked, skewed

BASIS = "basis"
"""Label of the forwards that move apart, where they are worse than every scenario."""


class ScenarioGrid(Table, frozen=True, kw_only=True):
    """The parameters of a grid.

    Attributes
    ----------
    grid, tail, scenarios
        What moves: a grid, moves beyond it, and scenarios one by one; at least one.
    initial_factor, maintenance_factor
        Shares of the worst loss.
    linear, short_option, fee_provision
        Charges for each unit of perpetuals and futures, each unit short of a strike, and each unit
        held; what is named initial comes on top of what is named maintenance.
    provision
        Stated amount on top of both margins, where a venue asks for one (fees, funding) and
        publishes no rule; currency.
    scales_charges
        Whether the factor of initial margin raises the charges for what is held too.
    underlyings, kinds
        What the parameters hold for; any where none is named.
    notes
        What every reader of an outcome has to know.
    """

    currency: str
    volatility: VolatilityShock
    initial_factor: float
    maintenance_factor: float
    grid: Grid | None = None
    tail: Tail | None = None
    scenarios: tuple[Scenario, ...] = ()
    skew: Skew | None = None
    discount: StaticDiscount | None = None
    basis: Basis | None = None
    linear: PerUnit | None = None
    short_option: PerUnit | None = None
    confidence: Confidence | None = None
    peg: Peg | None = None
    minimum_delta: MinimumDelta | None = None
    fee_provision: PerUnit | None = None
    collateral: dict[str, CollateralTerms] = field(default_factory=dict)
    provision: float = 0.0
    scales_charges: bool = False
    underlyings: tuple[str, ...] = ()
    kinds: tuple[ContractKind, ...] = ()
    notes: tuple[str, ...] = ()

    def outcome(self, portfolio: Portfolio, snapshot: Snapshot) -> Outcome:
        """Return what a portfolio must hold.

        Raises
        ------
        MissingInputError
            If the market lacks a price, a forward or a volatility that is needed.
        NotValuedError
            If the portfolio holds collateral or a contract that the preset does not know, or has
            open orders.
        """
        if portfolio.orders:
            raise NotValuedError(
                f"{len(portfolio.orders)} open orders: not valued; allowed: positions, collateral "
                "and cash"
            )
        groups = [self._group(portfolio, u, snapshot) for u in self._underlyings(portfolio)]
        haircuts, collateral_value = self._collateral(portfolio, snapshot)
        parts = [part for group in groups for part in self._group_parts(group, snapshot)]
        parts += haircuts
        if self.provision:
            parts.append(
                Part(
                    name="provision", subject="", initial=self.provision,
                    maintenance=self.provision,
                )
            )  # fmt: skip
        equity = portfolio.cash + collateral_value + sum(group.value for group in groups)
        return Outcome(
            currency=self.currency,
            initial=max(sum(part.initial for part in parts), 0.0),
            maintenance=max(sum(part.maintenance for part in parts), 0.0),
            equity=equity,
            parts=tuple(parts),
            scenarios=tuple(one for group in groups for one in group.results),
            binding={group.underlying: group.binding for group in groups},
            notes=self.notes,
        )

    def _underlyings(self, portfolio: Portfolio) -> list[str]:
        held = {asset.asset for asset in portfolio.collateral}
        moved = {terms.moves_with for asset, terms in self.collateral.items() if asset in held}
        return sorted({*portfolio.underlyings(), *moved} - {""})

    def _group(self, portfolio: Portfolio, underlying: str, snapshot: Snapshot) -> Group:
        """Revalue the positions of one underlying in every scenario."""
        if self.underlyings and underlying not in self.underlyings:
            raise NotValuedError(
                f"{underlying}: not an underlying of these parameters; allowed: "
                f"{sorted(self.underlyings)}"
            )
        positions = portfolio.on(underlying)
        for position in positions:
            if position.contract.is_inverse:
                raise NotValuedError(
                    f"{position.contract.symbol}: paid in {underlying}; allowed: contracts that "
                    f"are paid in {self.currency}"
                )
            if self.kinds and position.contract.kind not in self.kinds:
                raise NotValuedError(
                    f"{position.contract.symbol}: the parameters do not cover the kind "
                    f"{position.contract.kind}; allowed: {sorted(self.kinds)}"
                )
        index = _known(snapshot.index, underlying, "index")
        linear = self._linear(positions, portfolio, underlying, snapshot)
        book = option_book(positions, snapshot)
        value = book.by_expiry(book.quantity * book.prices())
        results = []
        for scenario in scenarios_of(self.scenarios, self.grid, self.tail):
            profit = self._options(book, value, scenario) + linear * scenario.move
            results.append(
                ScenarioResult(
                    subject=underlying,
                    label=f"{scenario.move:+.1%}, volatility {scenario.volatility}",
                    move=scenario.move,
                    volatility=scenario.volatility,
                    weight=scenario.weight,
                    profit=profit * scenario.weight,
                )
            )
        worst = min(results, key=lambda one: one.profit)
        apart = self._basis(book, value)
        return Group(
            underlying=underlying,
            index=index,
            positions=positions,
            book=book,
            results=tuple(results),
            scan=max(-min(worst.profit, apart), 0.0),
            binding=BASIS if apart < worst.profit else worst.label,
            value=float(value.sum()) + sum(p.unrealised for p in positions),
        )

    def _linear(
        self, positions: tuple[Position, ...], portfolio: Portfolio, underlying: str,
        snapshot: Snapshot,
    ) -> float:  # fmt: skip
        """Return what a move by all of the spot earns on what is linear, quote currency."""
        total = 0.0
        for position in positions:
            if not position.contract.is_option:
                mark = _known(snapshot.mark, position.contract.symbol, "mark")
                total += position.quantity * mark
        for asset in portfolio.collateral:
            terms = self.collateral.get(asset.asset)
            if terms is not None and terms.moves_with == underlying:
                price = _known(snapshot.index, asset.asset, "index")
                total += asset.quantity * price / snapshot.stable_price
        return total

    def _options(self, book: OptionBook, value: F64, scenario: Scenario) -> float:
        """Return the profit of options in a scenario, before its weight."""
        if not len(book):
            return 0.0
        vol, move = book.volatility, scenario.move
        is_skew = scenario.volatility.endswith("skew")
        if is_skew and self.skew is not None:
            is_absolute = scenario.volatility == "absolute skew"
            vol = skewed(is_absolute, vol, book.log_moneyness, book.option_years, self.skew)
        else:
            vol = shocked(scenario.volatility, vol, book.option_years, self.volatility)
        worth = book.by_expiry(book.quantity * book.prices(move, vol))
        profit = worth * self._discounts(book, worth) - value
        return float((-np.abs(profit) if is_skew else profit).sum())

    def _discounts(self, book: OptionBook, worth: F64) -> F64:
        """Return the static discount of each expiry by the sign of what it is worth."""
        terms = self.discount
        if terms is None:
            return np.ones(worth.size)
        gain = terms.long_factor * np.exp(
            -book.years * (book.rate * terms.long_multiple + terms.long_addition)
        )
        debt = terms.short_factor * np.exp(
            book.years * (book.rate * terms.short_multiple + terms.short_addition)
        )
        return np.where(worth >= 0, gain, np.minimum(1.0 / book.discount, debt))

    def _basis(self, book: OptionBook, value: F64) -> float:
        """Return what forwards that move apart cost, not positive; infinite without the rule."""
        terms = self.basis
        if terms is None:
            return float("inf")
        moved = [
            book.by_expiry(book.quantity * book.prices(move)) - value
            for move in (terms.down, terms.up)
        ]
        lost = np.minimum(np.minimum(*moved), 0.0)
        return float((lost * (terms.addition + terms.multiple * book.years)).sum())

    def _group_parts(self, group: Group, snapshot: Snapshot) -> list[Part]:
        """Return the parts of one underlying: its worst scenario, and charges for what is held."""
        u, scan = group.underlying, group.scan
        factor = self.initial_factor + self._peg_factor(snapshot)
        charged = factor if self.scales_charges else 1.0
        floor = max(self._minimum_delta(group) - scan, 0.0)
        parts = [
            Part(
                name="worst scenario", subject=u, initial=scan * factor,
                maintenance=scan * self.maintenance_factor,
            )
        ]  # fmt: skip
        if floor:
            parts.append(
                Part(
                    name="minimum delta charge", subject=u, initial=floor * factor,
                    maintenance=floor * self.maintenance_factor,
                )
            )  # fmt: skip
        linear = sum(abs(p.quantity) for p in group.positions if not p.contract.is_option)
        for name, terms, units in (
            ("linear charge", self.linear, linear),
            ("short option charge", self.short_option, group.book.short_by_strike()),
            ("fee provision", self.fee_provision, sum(abs(p.quantity) for p in group.positions)),
        ):
            if terms is not None and units:
                value = units * group.index
                parts.append(
                    Part(
                        name=name, subject=u, maintenance=value * terms.maintenance,
                        initial=value * (terms.initial + terms.maintenance) * charged,
                    )
                )  # fmt: skip
        unsure = self._unsure(group, snapshot)
        if unsure:
            parts.append(Part(name="oracle confidence", subject=u, initial=unsure, maintenance=0.0))
        return parts

    def _unsure(self, group: Group, snapshot: Snapshot) -> float:
        """Return what unsure oracles of an underlying add to initial margin."""
        if self.confidence is None:
            return 0.0
        spot = snapshot.confidence.get(group.underlying, 1.0)
        total = 0.0
        for position in group.positions:
            contract = position.contract
            own = snapshot.confidence.get(contract.symbol, 1.0)
            if contract.is_option:
                place = np.searchsorted(group.book.expiries, contract.expiry_ns or 0)
                own = float(group.book.confidence[place])
            total += abs(position.quantity) * group.index * self._doubt(min(own, spot))
        return total

    def _doubt(self, confidence: float) -> float:
        """Return the share that an oracle of this confidence adds."""
        terms = self.confidence
        if terms is None or confidence >= terms.threshold:
            return 0.0
        return (1.0 - confidence) * terms.share

    def _peg_factor(self, snapshot: Snapshot) -> float:
        """Return what a stable currency off its peg adds to the factor of initial margin."""
        if self.peg is None:
            return 0.0
        return max(self.peg.threshold - snapshot.stable_price, 0.0) * self.peg.factor

    def _minimum_delta(self, group: Group) -> float:
        """Return the least requirement by net and hedged delta, 0 without the rule."""
        terms = self.minimum_delta
        if terms is None:
            return 0.0
        deltas = [p.quantity for p in group.positions if not p.contract.is_option]
        deltas += (group.book.quantity * group.book.deltas()).tolist()
        net, gross = abs(sum(deltas)), sum(map(abs, deltas))
        return (terms.unhedged * net + terms.hedged * (gross - net) / 2) * group.index

    def _collateral(self, portfolio: Portfolio, snapshot: Snapshot) -> tuple[list[Part], float]:
        """Return the haircuts of collateral, and what it is worth before them.

        What an unsure oracle prices is charged to initial margin by the worse of the asset's own
        confidence and that of the underlyings in the book.
        """
        parts, total = [], 0.0
        factor = self.initial_factor + self._peg_factor(snapshot)
        charged = factor if self.scales_charges else 1.0
        spot = min(
            (snapshot.confidence.get(u, 1.0) for u in self._underlyings(portfolio)), default=1.0
        )
        for held in portfolio.collateral:
            terms = self.collateral.get(held.asset)
            if terms is None:
                raise NotValuedError(
                    f"{held.asset}: the preset has no terms for it as collateral; allowed: "
                    f"{sorted(self.collateral)}"
                )
            if held.quantity < 0:  # a haircut on it would be a relief
                raise NotValuedError(
                    f"{held.asset}: a debt of {-held.quantity}; allowed: collateral of at least 0"
                )
            price = _known(snapshot.index, held.asset, "index")
            value = held.quantity * price / snapshot.stable_price
            doubt = self._doubt(min(snapshot.confidence.get(held.asset, 1.0), spot))
            parts.append(
                Part(
                    name="collateral haircut", subject=held.asset,
                    initial=value * (terms.initial_haircut + terms.maintenance_haircut) * charged,
                    maintenance=value * terms.maintenance_haircut,
                )
            )  # fmt: skip
            if doubt:
                parts.append(
                    Part(
                        name="oracle confidence", subject=held.asset, initial=value * doubt,
                        maintenance=0.0,
                    )
                )  # fmt: skip
            total += value
        return parts, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What is held on one underlying, revalued.

    Attributes
    ----------
    scan
        The worst loss, or what forwards that move apart cost if that is more; not negative.
    value
        Worth of options and unsettled profit.
    """

    underlying: str
    index: float
    positions: tuple[Position, ...]
    book: OptionBook
    results: tuple[ScenarioResult, ...]
    scan: float
    binding: str
    value: float


def _known(prices: Mapping[str, float], name: str, what: str) -> float:
    found = prices.get(name)
    if found is None:
        raise MissingInputError(f"{name}: the market has no {what} of it; needed: one")
    return found
