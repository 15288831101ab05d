"""Orders to the world, losses on their way through the waterfall, and its declared order."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from novate.book.numbered import NumberedColumns
from novate.kernel.clearing.columns import I8, I32, I64
from novate.kernel.codes import Layer

B1 = npt.NDArray[np.bool_]

DECLARED_ORDER = (
    Layer.OWN_CONTRIBUTION,
    Layer.INSURANCE_FUND,
    Layer.SKIN_IN_THE_GAME,
    Layer.DEFAULT_FUND,
    Layer.GAINS_HAIRCUT,
)
"""Waterfall in force until another is declared: prefunded layers, and the last one."""


class OrderColumns(NumberedColumns):
    """The outbox: what the engine asks the world to do; a responder answers with commands.

    ``answered_ns`` is the instant of the last fill, or of the placement before there is one.
    """

    LIVE = "is_open"
    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "number": (np.int64, 0),
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


class LossColumns(NumberedColumns):
    """Losses that wait for the waterfall: who failed, and how much it was."""

    LIVE = "is_open"
    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "number": (np.int64, 0),
        "account": (np.int32, 0),
        "amount": (np.int64, 0),
        "is_open": (np.bool_, False),
    }
    account: I32
    amount: I64
    is_open: B1


class DefaultColumns:
    """State of default management.

    ``uncovered`` is what of past losses nobody could bear, numeraire units: it stays on the
    liquidator until a surplus makes up for it.
    """

    def __init__(self) -> None:
        self.orders = OrderColumns(64)
        self.losses = LossColumns(16)
        self.waterfall = np.array(DECLARED_ORDER, np.int8)
        self.uncovered = 0

    def copy(self) -> DefaultColumns:
        """Return an independent copy."""
        twin = DefaultColumns.__new__(DefaultColumns)
        twin.orders = self.orders.copy()
        twin.losses = self.losses.copy()
        twin.waterfall = self.waterfall.copy()
        twin.uncovered = self.uncovered
        return twin

    def pending(self) -> int:
        """Losses that wait for the waterfall or stayed uncovered, numeraire units, >= 0."""
        losses = self.losses
        return int(losses.amount[losses.live()].sum()) + self.uncovered
