"""A liquidation method of the tests: one lot a slice, of the largest position by notional."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.default_management.close_out import notional_of
from novate.default_management.liquidation_method import CATALOGUE
from novate.default_management.liquidation_method.method import closable
from novate.default_management.state import DefaultState
from novate.kernel.clearing.columns import I64


@dataclass(frozen=True, slots=True)
class LargestFirst:
    """Closes a lot of the position with the largest notional, ties to the lower instrument."""

    number: int = 2
    name: str = "largest first"

    def orders(self, x: DefaultState, accounts: I64) -> I64:
        """One row for each account that may close something."""
        chosen = []
        for account in accounts.tolist():
            account_, instrument, lots = closable(x, np.array([account]))
            if not account_.size:
                continue
            notional = [notional_of(x, i, n) for i, n in zip(instrument, lots, strict=True)]
            at = max(range(lots.size), key=lambda k: (notional[k], -k))
            chosen.append((account, int(instrument[at]), -int(np.sign(lots[at]))))
        return np.array(chosen, np.int64).reshape(-1, 3)


METHODS = (*CATALOGUE, LargestFirst())
"""The catalogue of the tests."""
