"""What a margin model asks of a group, and why: components, and the reason that bound it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from novate.kernel.clearing.assess import SUM_MAX
from novate.kernel.codes import Bound

OPEN_ORDER_HOLD = "open-order hold"
"""Name of the component that every model has: what open orders set aside for their loss."""

DEBTS = "debts"
"""Name of another one: what debts in other assets than the numeraire ask for."""


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a requirement.

    Attributes
    ----------
    name
        What asks for it, for example ``notional tier``.
    subject
        Instrument, or what the model counts in (an underlying, a bucket); -1 for the whole book.
    initial, maintenance
        Its part in numeraire units, rounded up; a negative part is a relief.
    """

    name: str
    subject: int
    initial: int
    maintenance: int


@dataclass(frozen=True, slots=True)
class Binding:
    """What a requirement is due to most.

    Attributes
    ----------
    kind
        A contract, a scenario, a floor, or nothing.
    subject
        Instrument of a contract that binds, -1 otherwise.
    number
        Of a contract its tier (from 0) or its declared rule (from 1), of a scenario its number in
        the model, else -1.
    """

    kind: Bound
    subject: int = -1
    number: int = -1


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a group must hold, explained.

    Attributes
    ----------
    initial
        Numeraire units that equity must cover to trade, to order and to withdraw: open orders on
        their worst side.  Not negative.
    maintenance
        Numeraire units below which equity must not fall: positions alone.  Not negative.
    components
        The parts, which need not add up where a model takes a worst case or a floor.
    binding
        What it is due to most, of the maintenance margin that the model asks: what a liquidation
        names.
    """

    initial: int
    maintenance: int
    components: tuple[Component, ...]
    binding: Binding

    def with_parts(self, parts: tuple[Component, ...]) -> Requirement:
        """Return the requirement with what an add-on asks; what bound it stays what it was.

        Each sum counts as 2**61 numeraire units at most.
        """
        return replace(
            self,
            initial=min(self.initial + sum(part.initial for part in parts), SUM_MAX),
            maintenance=min(self.maintenance + sum(part.maintenance for part in parts), SUM_MAX),
            components=(*self.components, *parts),
        )

    def with_debts(self, initial: int, maintenance: int) -> Requirement:
        """Return the requirement with what debts ask for, numeraire units."""
        if not (initial or maintenance):
            return self
        return replace(
            self,
            initial=self.initial + initial,
            maintenance=self.maintenance + maintenance,
            components=(*self.components, Component(DEBTS, -1, initial, maintenance)),
        )

    def with_hold(self, hold: int) -> Requirement:
        """Return the requirement with what open orders set aside, numeraire units."""
        if not hold:
            return self
        part = Component(OPEN_ORDER_HOLD, -1, hold, 0)
        return replace(self, initial=self.initial + hold, components=(*self.components, part))
