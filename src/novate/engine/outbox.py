"""The outbox as a responder may read it: what the last commit asks of the world."""

from __future__ import annotations

from collections.abc import Iterable
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

OUTBOX_EVENTS = ORDER_EVENTS | {event.CANCELLATION_REQUESTED.name}
"""The same, and those that begin a wait for the venue."""

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
    cancellations
        Numbers of the reservations whose orders the venue is to cancel: it answers with
        `ReleaseMargin`; shape (reservations,), and no row of the other columns.
    """

    number: I64
    account: I32
    kind: I8
    subject: I32
    quantity: I64
    reference: I64
    limit: I64
    placed_ns: I64
    cancellations: I64

    def __len__(self) -> int:
        return len(self.number)

    @staticmethod
    def of(state: State) -> Outbox:
        """Copy the open orders of a state, and the cancellations that it waits for."""
        orders, reservations = state.defaults.orders, state.reservations
        rows = orders.live()
        columns = {name: frozen(getattr(orders, name)[rows]) for name in COLUMNS}
        asked = reservations.live()
        asked = asked[reservations.is_cancelling[asked] != 0]
        return Outbox(**columns, cancellations=frozen(reservations.number[asked]))

    def is_changed_by(self, events: Iterable[str]) -> bool:
        """Return whether events of these names may change it."""
        # A cancellation that is waited for ends with its reservation, which many events may end.
        return bool(self.cancellations.size) or any(name in OUTBOX_EVENTS for name in events)


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Make a fresh array read-only, and return it."""
    array.setflags(write=False)
    return array
