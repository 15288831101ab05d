"""The outbox as a responder may read it: the open orders of the last commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from novate.engine.state import State
from novate.kernel.clearing.columns import I8, I32, I64
from novate.message import event

ORDER_EVENTS = frozenset(
    message.name for message in event.EVENTS if any(f.name == "order" for f in message.fields)
)
"""Events that change the outbox."""

COLUMNS = ("number", "account", "kind", "subject", "quantity", "reference", "limit", "placed_ns")
"""What a responder sees of an order."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Open orders in order of number; one row each, arrays are read-only.

    Attributes
    ----------
    number
        Number of the order, from 1: what an answer names.
    account, kind, subject
        Whose order, an `OrderKind`, and the instrument or the asset of a conversion.
    quantity
        Lots or ledger units still wanted; negative sells.
    reference
        Mark in ticks, or index in 1e-8, when it was placed.
    limit
        Worst price that an answer may name, in the same unit; 0 for none.
    placed_ns
        When it was placed.
    """

    number: I64
    account: I32
    kind: I8
    subject: I32
    quantity: I64
    reference: I64
    limit: I64
    placed_ns: I64

    def __len__(self) -> int:
        return len(self.number)

    @staticmethod
    def of(state: State) -> Outbox:
        """Copy the open orders of a state."""
        orders = state.defaults.orders
        rows = orders.live()
        return Outbox(**{name: frozen(getattr(orders, name)[rows]) for name in COLUMNS})


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Make a fresh array read-only, and return it."""
    array.setflags(write=False)
    return array
