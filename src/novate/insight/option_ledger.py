"""What groups of holders traded in a step, and what it cost them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.kernel.clearing.columns import F64


@dataclass(slots=True)
class TradeLedger:
    """What was booked since the last step: trades of groups, fees and funding of makers' hedges.

    ``cash`` is what groups were paid for positions, numeraire; ``lots`` what trades made of them.
    """

    group: list[int]
    row: list[int]
    quantity: list[float]
    price: list[float]
    fees: F64
    funding: F64
    cash: F64

    @classmethod
    def empty(cls, groups: int) -> TradeLedger:
        """Nothing booked."""
        return cls([], [], [], [], np.zeros(groups), np.zeros(groups), np.zeros(groups))

    def trade(self, group: int, row: int, quantity: float, price: float) -> None:
        """Book what a group bought (positive) of a row at a price per unit."""
        self.group.append(group)
        self.row.append(row)
        self.quantity.append(quantity)
        self.price.append(price)
        self.cash[group] -= quantity * price

    def lots(self, rows: int) -> F64:
        """Sum of the quantities, ``[groups, rows]``."""
        out = np.zeros((len(self.cash), rows))
        np.add.at(out, (self.group, self.row), self.quantity)
        return out
