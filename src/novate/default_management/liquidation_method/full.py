"""Full liquidation: every position is closed at once, as venues without partial liquidation do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.default_management.liquidation_method.method import closable
from novate.default_management.state import DefaultState
from novate.kernel.clearing.columns import I64


@dataclass(frozen=True, slots=True)
class Full:
    """All lots of all positions; what a fill leaves open the next slice orders again."""

    number: int = 1
    name: str = "full"

    def orders(self, x: DefaultState, accounts: I64) -> I64:
        """Return an order for each position, of the whole of it."""
        account, instrument, lots = closable(x, accounts)
        return np.stack((account, instrument, -lots), axis=1)
