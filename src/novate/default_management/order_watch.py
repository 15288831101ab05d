"""Open orders that hold what they are to hold, so that an assessment looks at the others only.

What an order is to hold depends on its own terms, on the mark, the fees and the order band of its
contract, and on price and debt shares of the settlement asset.  While all of these are those of the
last time, and it held then what it was to hold, it does now.  This is derived from the state: to
forget it only costs time.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.order_watch import orders_due
from novate.margin.way_out import order_bands
from novate.valuation import ClearingState


class OrderWatch:
    """Orders and terms of one clearing state as they were when every hold was right."""

    def __init__(self) -> None:
        self._number: I64 = np.zeros(0, np.int64)
        self._lots: I64 = np.zeros(0, np.int64)
        self._hold: I64 = np.zeros(0, np.int64)
        self._terms: I64 | None = None
        self._looked_at: I64 | None = None

    def due(self, x: ClearingState) -> I64:
        """Return the open reservations, rows ascending, that may have to hold another amount.

        None that has to is missing.
        """
        table = x.reservations
        has_moved = np.ones(x.instruments.count, np.bool_)
        terms = self._looked_at = _terms(x)
        if self._terms is not None and terms is not None and self._terms.shape == terms.shape:
            has_moved = (self._terms != terms).any(axis=1)
        out = np.empty(table.count, np.int64)
        count = orders_due(
            table.used("number"), table.instrument, table.lots, table.open_order_hold,
            self._number, self._lots, self._hold, has_moved, out,
        )  # fmt: skip
        return out[:count]

    def remember(self, x: ClearingState) -> None:
        """Note that every reservation holds what it is to hold, by the terms `due` has seen."""
        table = x.reservations
        self._terms = self._looked_at
        self._number, self._lots = table.used("number").copy(), table.used("lots").copy()
        self._hold = table.used("open_order_hold").copy()


def _terms(x: ClearingState) -> I64 | None:
    """Return what holds depend on beside the orders; int64, shape (instruments, figures).

    Nothing while groups differ in it: an account may change its group.
    """
    c, a = x.instruments, x.asset_arrays()
    asset = c.used("settlement_asset")
    if a.debt_group.size and asset.any():
        return None
    figures = (
        x.marks.used("mark"), c.used("maker_fee_ppm"), c.used("taker_fee_ppm"), order_bands(x),
        a.unit_price[asset].view(np.int64), a.haircut_bps[asset],
        np.full(c.count, a.debt_ppm[0]),
    )  # fmt: skip
    return np.stack(figures, axis=1)
