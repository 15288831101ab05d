"""Terms of the outside market, the orders it is asked to fill and the fills it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from novate.errors import InputError

IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

_PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTerms:
    """How the outside market absorbs liquidation orders; one agent serves all symbols.

    Attributes
    ----------
    tick_e8
        Price step per symbol, shape (symbols,), 1e-8 numeraire.
    lot_e8
        Quantity step per symbol, shape (symbols,), 1e-8 base units.
    bar_ns
        Length of the bars that volume and range are measured over.
    latency_ns
        An order placed at t is not filled before t + latency.
    participation_ppm
        Share of the traded volume that liquidation orders may take.
    impact_ppm
        The factor Y of the square-root law; 1,000,000 is Y = 1.
    refill_half_life_ns
        Time in which the displacement halves.
    collapse_range_ppm
        Range of a bar (high / low - 1) at which half of the depth is gone.
    collapse_floor_ppm
        Share of the depth that never leaves.
    floor_ppm
        No sale below this share of the reference, no purchase above its inverse.
    feedback_ppm
        Share of the displacement that shows in the last price; the index never moves.
    """

    tick_e8: IntArray
    lot_e8: IntArray
    bar_ns: int = 60_000_000_000
    latency_ns: int = 250_000_000
    participation_ppm: int = 100_000
    impact_ppm: int = 1_000_000
    refill_half_life_ns: int = 30_000_000_000
    collapse_range_ppm: int = 15_000
    collapse_floor_ppm: int = 20_000
    floor_ppm: int = 500_000
    feedback_ppm: int = 500_000

    def __post_init__(self) -> None:
        """Check ranges; raises InputError with the offending value."""
        if self.tick_e8.shape != self.lot_e8.shape or self.tick_e8.ndim != 1:
            msg = (
                f"tick_e8 {self.tick_e8.shape} and lot_e8 {self.lot_e8.shape} must be one row each"
            )
            raise InputError(msg)
        for name in ("tick_e8", "lot_e8"):
            if (getattr(self, name) <= 0).any():
                msg = f"{name} holds {int(getattr(self, name).min())}; allowed is > 0"
                raise InputError(msg)
        bounds = {
            "bar_ns": (1, None),
            "latency_ns": (0, None),
            "refill_half_life_ns": (1, None),
            "participation_ppm": (0, _PPM),
            "impact_ppm": (0, None),
            "collapse_range_ppm": (1, None),
            "collapse_floor_ppm": (0, _PPM),
            "floor_ppm": (1, _PPM),
            "feedback_ppm": (0, _PPM),
        }
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if value < least or (most is not None and value > most):
                msg = f"{name} {value} is outside {least} to {most}"
                raise InputError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBatch:
    """Open orders with what is left of them; all arrays have shape (orders,).

    Attributes
    ----------
    order_id
        Identifier given by the outbox.
    symbol
        Index into the agent's symbols.
    quantity_e8
        Quantity still wanted, 1e-8 base units, a multiple of the lot; a sale is negative.
    placed_ns
        When the venue placed the order.
    limit_e8
        Worst price that it takes, a multiple of the tick; 0 for any.
    """

    order_id: IntArray
    symbol: IntArray
    quantity_e8: IntArray
    placed_ns: IntArray
    limit_e8: IntArray

    def __len__(self) -> int:
        return len(self.order_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class FillBatch:
    """Fills in the order in which the market served them; all arrays have shape (fills,).

    Attributes
    ----------
    row
        Row of the answered order in its batch.
    order_id, symbol
        Copied from the order.
    quantity_e8
        Filled quantity, same sign as the order, never zero.
    price_e8
        Average price of the fill, a multiple of the tick.
    is_final
        Whether nothing is left of the order.
    """

    row: IntArray
    order_id: IntArray
    symbol: IntArray
    quantity_e8: IntArray
    price_e8: IntArray
    is_final: BoolArray

    def __len__(self) -> int:
        return len(self.order_id)
