"""The clearing state with what default management adds to it."""

from __future__ import annotations

from typing import Self

from novate.collateral.state import CollateralState
from novate.default_management.columns import DefaultColumns
from novate.default_management.order_watch import OrderWatch
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import DueKind
from novate.message.parameter import Parameter


class DefaultState(CollateralState):
    """The clearing state with orders to the external market, open losses and the waterfall.

    ``order_watch`` is derived from it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.defaults = DefaultColumns()
        self.order_watch = OrderWatch()

    def set_slices(self, accounts: I64, instant_ns: int | I64) -> None:
        """Set when the next slice of some accounts is due, ns, 0 for none."""
        self.accounts.slice_ns[accounts] = instant_ns
        self.due.enter(DueKind.SLICE, accounts, self.accounts.slice_ns[accounts])

    def order_ends(self, rows: I64) -> I64:
        """Return when the life of some orders ends without a fill, ns, 0 for never; by row."""
        orders, life = self.defaults.orders, self.parameter(Parameter.ORDER_LIFE_NS)
        if life == 0:
            return rows * 0
        return orders.answered_ns[rows] + life

    def enter_orders(self, rows: I64) -> None:
        """Enter the ends of life of orders, by row, in the table of due work."""
        numbers = self.defaults.orders.number[rows]
        self.due.enter(DueKind.ORDER_LIFE, numbers, self.order_ends(rows))

    def book_answer(self, number: int, done: int) -> None:
        """Take filled lots or ledger units, signed, off an order; its life begins anew."""
        orders, life = self.defaults.orders, self.parameter(Parameter.ORDER_LIFE_NS)
        row = orders.row_of(number)
        orders.quantity[row] -= done
        orders.answered_ns[row] = self.now_ns
        self.due.enter(DueKind.ORDER_LIFE, number, self.now_ns + life if life else 0)

    def drop_caches(self) -> None:
        """Forget everything derived; no event depends on it."""
        super().drop_caches()
        self.order_watch = OrderWatch()
        orders, losses = self.defaults.orders, self.defaults.losses
        for table in (self.reservations, self.obligations, orders, losses):
            table.drop_done()

    def copy(self) -> Self:
        """Return an independent copy, for a fork."""
        twin = super().copy()
        twin.defaults = self.defaults.copy()
        return twin
