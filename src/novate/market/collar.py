"""The worst price at which an order may fill: the edge of a collar around a price."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import I64
from novate.market.state import MarketState
from novate.message.parameter import Parameter
from novate.units import PPM


def collars_of(state: MarketState) -> I64:
    """Return how far from the mark a contract trades, in 1e-6 of it, 0 for any; by instrument."""
    return state.by_instrument(Parameter.TRADE_COLLAR_PPM)


def width_of(price: I64, collar_ppm: I64 | int) -> I64:
    """Return how far an order's fill may be from a price: its share, rounded down, at least 1.

    A contract that is worth a few ticks could not be sold at all within a share of them.  Exact for
    prices up to 1e17: whole millions and the rest are multiplied apart.
    """
    share = price // PPM * collar_ppm + price % PPM * collar_ppm // PPM
    width: I64 = np.maximum(share, 1)
    return width


def worst_price(
    price: I64,
    width: I64,
    collar_ppm: I64 | int,
    is_sale: npt.NDArray[np.bool_],
    most: I64 | int,
) -> I64:
    """Return the edge of the collar that bounds a sale from below, a purchase from above.

    Parameters
    ----------
    price, width
        Mark in ticks, or index in 1e-8, and how far a fill may be from it; shape (orders,), as all
        arrays.
    collar_ppm
        Its collar: 0 bounds nothing.
    is_sale, most
        Side of each order, and the highest price there is.
    """
    lowest = np.where(np.equal(collar_ppm, 0), 1, np.maximum(price - width, 1))
    highest = np.where(np.equal(collar_ppm, 0), most, np.minimum(price + width, most))
    worst: I64 = np.where(is_sale, lowest, highest)
    return worst


def house_limit(
    price: I64,
    at_index: I64,
    width: I64,
    collar_ppm: I64 | int,
    is_sale: npt.NDArray[np.bool_],
    most: I64 | int,
) -> I64:
    """Return the worst price at which the clearing house closes something (rule 11.50).

    The edge of the collar around the mark, or of half a collar around the price at the index if
    that is further: a last price moves the mark within its clamp, and who would trade is at the
    index.  They differ only where the mark is further than half the width from that price.

    Parameters
    ----------
    price, at_index
        Mark and price at the index in ticks, of a conversion both the index in 1e-8; shape
        (orders,), as all arrays.
    width, collar_ppm, is_sale, most
        As in `worst_price`.
    """
    at_mark = worst_price(price, width, collar_ppm, is_sale, most)
    beside = worst_price(at_index, width // 2, collar_ppm, is_sale, most)
    limit: I64 = np.where(is_sale, np.minimum(at_mark, beside), np.maximum(at_mark, beside))
    return limit
