"""What a loss policy is: one file here, and one line in `CATALOGUE`.

A policy is a layer of the waterfall.  A *prefunded* one says which accounts pay; how they share is
the same for all: pro rata to their cash, loss after loss, in one kernel.  A *last* layer takes what
the prefunded ones leave of all losses at once, and says what is left of each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

import numpy as np

from novate.default_management.state import DefaultState
from novate.errors import require
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import Layer, Role
from novate.message.declare import Emit


class Place(Enum):
    """Where a layer may stand in a declared waterfall."""

    PREFUNDED = "one of the first, in the declared order"
    LAST = "the last one"
    NOWHERE = "what is left when all have paid"


class Bearer(Enum):
    """Who pays in a layer."""

    OWN_MEMBERS = "members whose accounts failed"
    CLEARING_HOUSE = "the clearing house's own money"
    OTHERS = "members and holders who had nothing to do with a failure"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class LayerTerms:
    """What is declared about a layer.

    Attributes
    ----------
    number
        Code in commands and events, 1 to 127: never changed and never used again.
    key
        Name in summaries and tables.
    choice
        Name in parameter files, empty where it cannot be chosen.
    place, bearer
        Where it stands and who pays.
    label, short
        Words for people, and few of them.
    """

    number: int
    key: str
    choice: str
    place: Place
    bearer: Bearer
    label: str
    short: str


UNCOVERED = LayerTerms(
    Layer.UNCOVERED, "uncovered", "", Place.NOWHERE, Bearer.NOBODY, "Uncovered", "Uncovered"
)
"""Not a layer: what no layer could bear.  Its number is taken."""

NET_WORTH = LayerTerms(
    Layer.NET_WORTH, "net_worth", "", Place.NOWHERE, Bearer.OTHERS,
    "Shared by net worth", "Net worth",
)  # fmt: skip
"""Not a layer either: how what is uncovered is shared in the end (rule 13.32)."""


class LossPolicy(Protocol):
    """A layer of the waterfall."""

    @property
    def terms(self) -> LayerTerms:
        """Return what is declared about it."""


class Prefunded(ABC):
    """A layer that is paid from accounts of funds.

    Whose of these accounts pay follows from its bearer: those of the members that answer for the
    loss, those of all others, or all.
    """

    terms: LayerTerms
    role: Role
    """Role of the accounts that pay."""

    def payers(self, x: DefaultState) -> I64:
        """Return the accounts that may pay, by number: each as much as its positive cash.

        By default all that have the role of the layer; a layer of its own takes some of them.
        """
        found: I64 = np.flatnonzero(x.accounts.used("role") == self.role)
        return found


class Borne(NamedTuple):
    """What a layer did with some losses.

    Attributes
    ----------
    left
        What is left of each loss, numeraire units; shape (losses,).
    paid
        Rows of (place of the loss, layer, payer, amount > 0), in the order in which they were
        paid, for `LossAllocated`.  A layer that journals events of its own has none.
    """

    left: I64
    paid: I64


NOTHING_PAID: I64 = np.zeros((0, 4), np.int64)


class LastLayer(ABC):
    """A layer that takes what the prefunded ones leave, from accounts that did not fail."""

    terms: LayerTerms
    moves_cash_alone: bool = False
    """Whether its events book cash and nothing else, so that they may stand before the payments of
    the prefunded layers; a trade reads balances, and stands after them."""

    @abstractmethod
    def bear(self, x: DefaultState, losses: I64, rest: I64, emit: Emit) -> Borne:
        """Take what is left of some losses, one after another, and book it.

        Nobody bears more than its equity above maintenance margin (decision 9): a layer that took
        more would start the next liquidation.

        Parameters
        ----------
        x
            The state; prefunded layers have paid.
        losses, rest
            Numbers of the losses, and what is left of each, numeraire units, >= 0; shape (losses,).
        emit
            Where a layer with events of its own journals them.
        """


def by_number(policies: Iterable[LossPolicy]) -> Mapping[int, LossPolicy]:
    """Return the policies of a catalogue by their numbers.

    Raises
    ------
    InvariantError
        If two have one number or name, or a number does not fit its column or is taken.
    """
    found: dict[int, LossPolicy] = {}
    names = {UNCOVERED.key, NET_WORTH.key}
    for policy in policies:
        terms = policy.terms
        is_free = terms.number not in (*found, UNCOVERED.number, NET_WORTH.number)
        require(is_free, f"loss policy {terms.number} exists once")
        require(0 < terms.number < 2**7, f"loss policy {terms.key}: number {terms.number}")
        require(not {terms.key, terms.choice} & names, f"loss policy {terms.key} is named once")
        kind = {Place.PREFUNDED: Prefunded, Place.LAST: LastLayer}.get(terms.place)
        require(
            kind is not None and isinstance(policy, kind),
            f"loss policy {terms.key} is of the kind that its place says",
        )
        names |= {terms.key, terms.choice}
        found[int(terms.number)] = policy
    return found


def terms_of(policies: Iterable[LossPolicy]) -> tuple[LayerTerms, ...]:
    """Return the terms of some layers in order, then of what they leave: shared, and uncovered."""
    return (*(policy.terms for policy in policies), NET_WORTH, UNCOVERED)


def numbers_at(place: Place, policies: Iterable[LossPolicy]) -> tuple[int, ...]:
    """Return the numbers of the layers that may stand at a place, in order."""
    return tuple(int(p.terms.number) for p in policies if p.terms.place is place)


def numbers_of(bearer: Bearer, policies: Iterable[LossPolicy]) -> tuple[int, ...]:
    """Return the numbers of the layers in which somebody pays, in order."""
    return tuple(int(t.number) for t in terms_of(policies) if t.bearer is bearer)
