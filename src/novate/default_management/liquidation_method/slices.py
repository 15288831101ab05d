"""Partial liquidation: a share of every position a slice, all of it once it is small.

The share and the slice floor are parameters of the house, a contract, a group or an account; dYdX,
Paradex and Bybit close in such steps, so that an account keeps what it need not lose.
"""

from __future__ import annotations

from dataclasses import dataclass

from novate.default_management.liquidation_method.method import STANDARD
from novate.default_management.state import DefaultState
from novate.kernel.clearing.close_out import want_slices
from novate.kernel.clearing.columns import I64
from novate.message.parameter import Parameter
from novate.valuation.price_status import blocked_prices


@dataclass(frozen=True, slots=True)
class Slices:
    """The standard method, in one kernel over all accounts."""

    number: int = STANDARD
    name: str = "slices"

    def orders(self, x: DefaultState, accounts: I64) -> I64:
        """Return the share ``slice_ppm`` of each position, rounded up, or all below the floor."""
        wanted: I64 = want_slices(
            x.account_arrays(), x.positions.arrays(), x.instrument_arrays(), x.asset_arrays(),
            blocked_prices(x), accounts,
            *x.by_position(Parameter.SLICE_FLOOR, accounts),
            *x.by_position(Parameter.SLICE_PPM, accounts),
        )  # fmt: skip
        return wanted
