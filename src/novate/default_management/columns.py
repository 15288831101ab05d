"""Tables of default management: orders to the external market, open losses, declared waterfall."""

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
    """Open orders to the external market, numbered from 1; `ReportFill` answers them.

    Attributes
    ----------
    account
        Whose order it is; shape (rows,), as all columns.
    kind, subject
        `kernel.codes.OrderKind`, and the instrument, or the asset of a conversion.
    quantity
        Signed lots, or ledger units of the asset, that are still open: positive to buy.
    reference
        Mark in ticks, or price of the asset in 1e-8, when it was placed.
    limit
        Worst price of a fill, in the same unit; 0 where an earlier release gave none.
    placed_ns, answered_ns
        Instants of placement and of the last fill, before one that of the placement.
    is_open
        Whether it still waits for an answer.
    """

    LIVE = "is_open"
    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "number": (np.int64, 0),
        "account": (np.int32, 0),
        "kind": (np.int8, 0),
        "subject": (np.int32, 0),
        "quantity": (np.int64, 0),
        "reference": (np.int64, 0),
        "limit": (np.int64, 0),
        "placed_ns": (np.int64, 0),
        "answered_ns": (np.int64, 0),
        "is_open": (np.bool_, False),
    }
    account: I32
    kind: I8
    subject: I32
    quantity: I64
    reference: I64
    limit: I64
    placed_ns: I64
    answered_ns: I64
    is_open: B1


UNCOVERED_MAX = 2**62
"""What is uncovered, or on its way through the waterfall, counts as this much at most."""


class LossColumns(NumberedColumns):
    """Losses that the waterfall has not taken yet, numbered from 1 (rules 12.8 and 12.11).

    Attributes
    ----------
    account
        Account that failed, or the liquidator; shape (rows,), as all columns.
    amount
        Numeraire units, above zero.
    is_open
        Whether it still waits.
    """

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

    Attributes
    ----------
    orders, losses
        Tables of this module.
    waterfall
        Codes of `kernel.codes.Layer` in the declared order, the last layer last; shape (5,).
    uncovered
        Numeraire units of past losses that nobody could bear, from 0 to 2**62: they stay on the
        liquidator until they are shared, or a surplus makes up for them (rules 13.18 and 12.12).
    share_due_ns
        When what is uncovered is shared by net worth, 0 for never (rule 13.31).
    """

    def __init__(self) -> None:
        self.orders = OrderColumns(64)
        self.losses = LossColumns(16)
        self.waterfall = np.array(DECLARED_ORDER, np.int8)
        self.uncovered = 0
        self.share_due_ns = 0

    def copy(self) -> DefaultColumns:
        """Return an independent copy."""
        twin = DefaultColumns.__new__(DefaultColumns)
        twin.orders = self.orders.copy()
        twin.losses = self.losses.copy()
        twin.waterfall = self.waterfall.copy()
        twin.uncovered = self.uncovered
        twin.share_due_ns = self.share_due_ns
        return twin

    def add_uncovered(self, amounts: I64) -> None:
        """Add what nobody bears of some losses, numeraire units; it counts as 2**62 at most."""
        self.uncovered = min(self.uncovered + _sum(amounts), UNCOVERED_MAX)

    def pending(self) -> int:
        """Return losses that are open or stayed uncovered, numeraire units, from 0 to 2**62."""
        losses = self.losses
        return min(_sum(losses.amount[losses.live()]) + self.uncovered, UNCOVERED_MAX)


def _sum(amounts: I64) -> int:
    """Sum of amounts that are not negative, also where 64 bits do not hold it."""
    return (int((amounts >> 32).sum()) << 32) + int((amounts & 0xFFFFFFFF).sum())
