"""SPAN as clearing houses published it: the worst of sixteen scenarios per combined commodity.

Risk arrays are data of the clearing house, one number per scenario and contract.  Scan risk takes
them as they are; what comes after it (intermonth charge, short option minimum, net option value)
follows the common description of the method.  Sources stand in the preset.
"""

from __future__ import annotations

from typing import Literal

from msgspec import field

from novate.errors import InputError
from novate.margin.methodology.outcome import (
    MissingInputError,
    NotValuedError,
    Outcome,
    Part,
    ScenarioResult,
)
from novate.margin.methodology.parameters import Table
from novate.margin.methodology.portfolio import Portfolio, Position, Snapshot

NOTES = (
    "no delivery charge and no credit between commodities: neither is published as a formula",
    "intermonth charge, short option minimum and net option value: not confirmed by any number",
)


class ScanPoint(Table, frozen=True, kw_only=True):
    """One scenario: moves in multiples of the scan ranges, and the share of a loss that counts.

    Risk arrays hold the weighted numbers: moves and weight are for the reader.
    """

    price: float
    volatility: float
    weight: float = 1.0


class Leg(Table, frozen=True, kw_only=True):
    """How a contract counts between months: its tier, and its composite delta per unit."""

    tier: str
    delta: float


class IntermonthSpread(Table, frozen=True, kw_only=True):
    """A charge per spread of one delta of a tier against one of another, in order of the list."""

    first: str
    second: str
    charge: float


class Span(Table, frozen=True, kw_only=True):
    """The parameters.

    Attributes
    ----------
    scenarios
        Scan points, in order of the arrays.
    arrays
        By symbol: gain (positive) or loss of one contract long in each scenario, currency.
    legs
        By symbol; a contract without one takes no part in spreads.
    spreads
        Intermonth spreads by combined commodity.
    short_option_minimum
        Least requirement for each option short, currency.
    short_options
        Whether short calls and puts count together, or the larger number of them.
    credits_option_value
        Whether what long options are worth covers risk, and short ones add to it: options that
        are paid for when bought.
    initial_factor
        Initial margin as a multiple of the requirement, which is maintenance margin.
    """

    currency: str
    scenarios: tuple[ScanPoint, ...]
    arrays: dict[str, tuple[float, ...]]
    initial_factor: float
    credits_option_value: bool
    short_option_minimum: float = 0.0
    short_options: Literal["sum", "larger"] = "sum"
    legs: dict[str, Leg] = field(default_factory=dict)
    spreads: dict[str, tuple[IntermonthSpread, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that every array has a number for every scenario.

        Raises
        ------
        InputError
            If one has not.
        """
        for symbol, array in self.arrays.items():
            if len(array) != len(self.scenarios):
                raise InputError(
                    f"{symbol}: a risk array of {len(array)} numbers; allowed: "
                    f"{len(self.scenarios)}, one for each scenario"
                )

    def outcome(self, portfolio: Portfolio, snapshot: Snapshot) -> Outcome:
        """Return what a portfolio must hold.

        The underlying of a contract is its combined commodity; a quantity counts contracts, in the
        units for which arrays and marks are stated.

        Raises
        ------
        MissingInputError
            If an option has no mark where its value counts.
        NotValuedError
            If a contract has no risk array, or there is collateral or an order.
        """
        if portfolio.collateral or portfolio.orders:
            raise NotValuedError(
                f"{len(portfolio.collateral)} assets and {len(portfolio.orders)} orders: not "
                "valued; allowed: positions and cash"
            )
        parts: list[Part] = []
        results: list[ScenarioResult] = []
        binding = {}
        for commodity in portfolio.underlyings():
            found, made, name = self._commodity(commodity, portfolio.on(commodity), snapshot)
            results += found
            parts += made
            binding[commodity] = name
        return Outcome(
            currency=self.currency,
            initial=sum(part.initial for part in parts),
            maintenance=sum(part.maintenance for part in parts),
            equity=portfolio.cash + sum(p.unrealised for p in portfolio.positions),
            parts=tuple(parts),
            scenarios=tuple(results),
            binding=binding,
            notes=NOTES,
        )

    def _commodity(
        self, commodity: str, positions: tuple[Position, ...], snapshot: Snapshot
    ) -> tuple[list[ScenarioResult], list[Part], str]:
        """Return scenarios, parts and what bound of one combined commodity."""
        total = self._profits(positions)
        results = [
            ScenarioResult(
                subject=commodity,
                label=f"scenario {number}",
                move=point.price,
                volatility=f"{point.volatility:+g} ranges",
                weight=point.weight,
                profit=profit,
            )
            for number, (point, profit) in enumerate(
                zip(self.scenarios, total, strict=True), start=1
            )
        ]
        worst = min(results, key=lambda one: one.profit)
        amounts = {
            "scan risk": max(-worst.profit, 0.0),
            "intermonth charge": self._intermonth(commodity, positions),
        }
        risk, floor = sum(amounts.values()), self._short_minimum(positions)
        amounts["short option minimum"] = max(floor - risk, 0.0)
        # Value beyond the risk is no relief for another commodity.
        amounts["net option value"] = -min(
            self._option_value(positions, snapshot), max(risk, floor)
        )
        parts = [
            Part(
                name=name, subject=commodity, initial=amount * self.initial_factor,
                maintenance=amount,
            )
            for name, amount in amounts.items()
            if amount or name == "scan risk"
        ]  # fmt: skip
        return results, parts, "short option minimum" if floor > risk else worst.label

    def _profits(self, positions: tuple[Position, ...]) -> list[float]:
        """Return the profit of positions in each scenario."""
        total = [0.0] * len(self.scenarios)
        for position in positions:
            symbol = position.contract.symbol
            array = self.arrays.get(symbol)
            if array is None:
                raise NotValuedError(
                    f"{symbol}: the parameters have no risk array of it; allowed: "
                    f"{sorted(self.arrays)}"
                )
            total = [a + position.quantity * b for a, b in zip(total, array, strict=True)]
        return total

    def _intermonth(self, commodity: str, positions: tuple[Position, ...]) -> float:
        """Return the charge for deltas of tiers that offset one another."""
        delta: dict[str, float] = {}
        for position in positions:
            leg = self.legs.get(position.contract.symbol)
            if leg is not None:
                delta[leg.tier] = delta.get(leg.tier, 0.0) + position.quantity * leg.delta
        total = 0.0
        for spread in self.spreads.get(commodity, ()):
            first, second = delta.get(spread.first, 0.0), delta.get(spread.second, 0.0)
            if first * second < 0:
                formed = min(abs(first), abs(second))
                side = 1.0 if first > 0 else -1.0
                delta[spread.first] = first - side * formed
                delta[spread.second] = second + side * formed
                total += formed * spread.charge
        return total

    def _short_minimum(self, positions: tuple[Position, ...]) -> float:
        """Return the least requirement for short options."""
        short = {True: 0.0, False: 0.0}
        for position in positions:
            if position.contract.is_option:
                short[bool(position.contract.is_call)] += max(-position.quantity, 0.0)
        count = sum(short.values()) if self.short_options == "sum" else max(short.values())
        return count * self.short_option_minimum

    def _option_value(self, positions: tuple[Position, ...], snapshot: Snapshot) -> float:
        """Return what options are worth, short ones below zero; 0 where it does not count."""
        if not self.credits_option_value:
            return 0.0
        total = 0.0
        for position in positions:
            if position.contract.is_option:
                mark = snapshot.mark.get(position.contract.symbol)
                if mark is None:
                    raise MissingInputError(
                        f"{position.contract.symbol}: the market has no mark of it; needed: one "
                        "for each option, whose value counts"
                    )
                total += position.quantity * mark
        return total
