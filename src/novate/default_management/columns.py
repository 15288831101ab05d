"""Orders to the world, losses on their way through the waterfall, and its declared order."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import I8, I32, I64, Columns
from novate.message.layer import DECLARED_ORDER

B1 = npt.NDArray[np.bool_]


class OrderColumns(Columns):
    """The outbox: what the engine asks the world to do; a responder answers with commands.

    ``answered_ns`` is the instant of the last fill, or of the placement before there is one.
    """

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "account": (np.int32, 0),
        "kind": (np.int8, 0),
        "subject": (np.int32, 0),
        "quantity": (np.int64, 0),
        "reference": (np.int64, 0),
        "placed_ns": (np.int64, 0),
        "answered_ns": (np.int64, 0),
        "is_open": (np.bool_, False),
    }
    account: I32
    kind: I8
    subject: I32
    quantity: I64
    reference: I64
    placed_ns: I64
    answered_ns: I64
    is_open: B1


class LossColumns(Columns):
    """Losses: who failed, how much, and whether the waterfall has taken it."""

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "account": (np.int32, 0),
        "amount": (np.int64, 0),
        "uncovered": (np.int64, 0),
        "is_open": (np.bool_, False),
    }
    account: I32
    amount: I64
    uncovered: I64
    is_open: B1


class DefaultColumns:
    """State of default management."""

    def __init__(self) -> None:
        self.orders = OrderColumns(64)
        self.losses = LossColumns(16)
        self.waterfall = np.array(DECLARED_ORDER, np.int8)

    def copy(self) -> DefaultColumns:
        """Return an independent copy."""
        twin = DefaultColumns.__new__(DefaultColumns)
        twin.orders = self.orders.copy()
        twin.losses = self.losses.copy()
        twin.waterfall = self.waterfall.copy()
        return twin

    def open_orders(self, account: int) -> I64:
        """Numbers (row of the table) of an account's open orders, oldest first."""
        orders = self.orders
        mine: I64 = np.flatnonzero(orders.used("is_open") & (orders.used("account") == account))
        return mine

    def book_answer(self, number: int, done: int, now_ns: int) -> None:
        """Take what was filled off an order, from 1; its life begins anew: somebody works on it."""
        self.orders.quantity[number - 1] -= done
        self.orders.answered_ns[number - 1] = now_ns
