"""Basis-convergence risk: future less spot as a risk factor of its own.

A spread (long spot, short future, or the reverse) has no delta; what is left is the basis
b = F - S.  Before settlement the basis can move against the position, which therefore needs margin;
at settlement the future *is* the index, so that whoever held to the end gets the entry basis, no
more and no less.  A future whose final price is not the final index has not converged, and that is
a fault of the settlement, never a profit or loss to be booked in silence.

Prices are integer ticks of one size and quantities integer lots, so that profit (ticks x lots) is
exact; a shock is a relative move of the basis' reference price, the spot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from novate.errors import InputError, InvariantError
from novate.kernel.clearing.columns import F64, I64

PRODUCT_MAX = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreads:
    """Spread positions, one row each: long ``lots`` of spot against short ``lots`` of the future.

    Attributes
    ----------
    lots
        Positive = long spot, short future; int64 ``[n]``.
    entry_spot, entry_future
        Prices at which the legs were opened, ticks.
    expiry_ns
        When the future settles, nanoseconds since 1970 UTC.
    """

    lots: I64
    entry_spot: I64
    entry_future: I64
    expiry_ns: I64

    @property
    def entry_basis(self) -> I64:
        """Future less spot at entry, ticks: what a long-spot spread earns if held to the end."""
        basis: I64 = self.entry_future - self.entry_spot
        return basis


def spread_profit(spreads: Spreads, spot: npt.ArrayLike, future: npt.ArrayLike) -> I64:
    """Return profit in ticks x lots, exact: lots x (entry basis - basis).

    Spot and future in ticks, broadcast against the spreads on the last axis.  It depends on the
    basis alone: the same move of both legs changes nothing.

    Raises
    ------
    InputError
        If prices, or a product, do not fit 63 bits.
    """
    ends = (np.asarray(future, np.int64), np.asarray(spot, np.int64))
    farthest = sum(_largest(ticks) for ticks in (*ends, spreads.entry_spot, spreads.entry_future))
    if farthest >= PRODUCT_MAX:
        raise InputError(f"prices of {farthest} ticks together; allowed: less than 2**62")
    change = spreads.entry_basis - (ends[0] - ends[1])
    largest = _largest(change) * _largest(spreads.lots)
    if largest >= PRODUCT_MAX:
        raise InputError(f"profit of {largest} ticks x lots; allowed: less than 2**62")
    profit: I64 = spreads.lots * change
    return profit


def _largest(column: I64) -> int:
    """Return the largest size in a column; that of the least int64 has no int64."""
    return max(int(column.max(initial=0)), -int(column.min(initial=0)))


def basis_losses(
    spreads: Spreads,
    spot: npt.ArrayLike,
    *,
    now_ns: int,
    shock_ppm: int = 30_000,
    full_days: float = 0.0,
) -> F64:
    """Return the loss of each spread when its basis moves against it, ticks x lots, at least 0.

    The shock is ``shock_ppm`` millionths of spot, either way.  It is full as long as more than
    ``full_days`` are left, shrinks in proportion to the time left after that (0: full to the end),
    and is zero once the future settles: converged spreads have nothing to lose.
    """
    left = np.maximum(spreads.expiry_ns - now_ns, 0) / (86_400 * 1e9)
    share = np.minimum(left / full_days, 1.0) if full_days > 0.0 else (left > 0.0) * 1.0
    loss: F64 = (
        np.abs(spreads.lots) * np.asarray(spot, np.float64) * (shock_ppm / 1_000_000.0) * share
    )
    return loss


def settled_profit(
    spreads: Spreads, final_index: npt.ArrayLike, final_future: npt.ArrayLike
) -> I64:
    """Return profit at final settlement, which is lots x entry basis whatever the index is.

    Raises
    ------
    InvariantError
        If a future's final price is not the final index (a venue that stopped early, for example):
        convergence is what the trade was about, so that its failure stops the settlement.
    """
    index, future = np.asarray(final_index, np.int64), np.asarray(final_future, np.int64)
    apart = np.broadcast_to(future - index, spreads.lots.shape)
    if apart.any():
        first = int((apart != 0).argmax())
        raise InvariantError(
            f"spread {first}: the future's final price is {int(apart[first])} ticks from the final "
            "index; a future settles at the index"
        )
    return spread_profit(spreads, index, future)
