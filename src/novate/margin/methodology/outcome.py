"""What a methodology answers: a requirement, its parts, and the scenario that made it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from novate.errors import InputError


class MissingInputError(InputError):
    """A portfolio or a market lacks what a methodology needs; it names what, and of what."""


class NotValuedError(InputError):
    """A portfolio holds what a methodology does not cover; it names the contract or the asset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a requirement; the parts of each column add up to the requirement.

    Attributes
    ----------
    name
        What asks for it, in the words of the venue.
    subject
        Underlying, expiry or asset; empty for the whole book.
    initial, maintenance
        Currency of the requirement; a negative part is a relief.
    """

    name: str
    subject: str
    initial: float
    maintenance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """Profit of a netting group in one scenario, weighted; currency of the requirement.

    Attributes
    ----------
    subject
        Netting group.
    label
        What moves, and how far.
    move
        Relative move of the underlying.
    volatility
        What happens to volatilities.
    weight
        Share of the profit that counts.
    profit
        Weighted; negative is a loss.
    """

    subject: str
    label: str
    move: float
    volatility: str
    weight: float
    profit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A requirement.

    Attributes
    ----------
    currency
        In which all amounts are.
    initial, maintenance
        What must be held to open, and below which positions are closed; not negative.
    equity
        What the portfolio is worth to the methodology, before any requirement.
    parts
        They add up to initial and to maintenance.
    scenarios
        What was computed in each, where the methodology has scenarios.
    binding
        What made the requirement, by netting group: a scenario's label, or the name of a floor.
    notes
        What the reader has to know: fallbacks taken, and what is not confirmed.
    """

    currency: str
    initial: float
    maintenance: float
    equity: float
    parts: tuple[Part, ...]
    scenarios: tuple[ScenarioResult, ...] = ()
    binding: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that it is a number: a parameter that is none would hide a requirement.

        Raises
        ------
        InputError
            If a margin or the equity is not finite.
        """
        for name in ("initial", "maintenance", "equity"):
            if not math.isfinite(getattr(self, name)):
                raise InputError(f"{name} {getattr(self, name)}; allowed: a finite number")

    @property
    def initial_excess(self) -> float:
        """Equity beyond initial margin; negative is a shortfall."""
        return self.equity - self.initial

    @property
    def maintenance_excess(self) -> float:
        """Equity beyond maintenance margin; negative is a shortfall."""
        return self.equity - self.maintenance
