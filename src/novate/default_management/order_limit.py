"""Limits of the orders of accounts that are closed out, and when the price has left them.

Rules 11.50 and 11.52.  A limit is computed when an order is placed and told by its event.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from novate.default_management.state import DefaultState
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import OrderKind
from novate.market.collar import collars_of, house_limit, width_of
from novate.market.source_state import PRICE_MAX_E8
from novate.message.parameter import Parameter
from novate.valuation.index_bound import index_ticks
from novate.valuation.price_status import blocked_prices

B1 = npt.NDArray[np.bool_]


class Limits(NamedTuple):
    """Limits of orders that would be placed now, and what they come from; shape (orders,).

    Attributes
    ----------
    limit, width
        Worst price, and how far it is from the reference; ticks, of a conversion 1e-8.
    collar
        In 1e-6, 0 for none.
    lowest, highest
        The lower and the higher of mark and price at the index; of an option its mark twice, of a
        conversion the index.
    """

    limit: I64
    width: I64
    collar: I64
    lowest: I64
    highest: I64


def limit_now(x: DefaultState, kind: I64, subject: I64, quantity: I64) -> Limits:
    """Return the limits of orders of a kind, about a subject, of a signed quantity (rule 11.50)."""
    price, (collar, most) = reference_of(x, kind, subject), _collar(x, kind, subject)
    width = _width(x, kind, subject, quantity, collar)
    at_index = np.minimum(_at_index(x, kind, subject, price), most)
    limit = house_limit(price, at_index, width, collar, quantity < 0, most)
    return Limits(limit, width, collar, np.minimum(price, at_index), np.maximum(price, at_index))


def reference_of(x: DefaultState, kind: I64, subject: I64) -> I64:
    """Return what orders are about is worth now: mark in ticks, or index in 1e-8."""
    is_position = kind == OrderKind.POSITION
    reference: I64 = np.where(
        is_position,
        x.marks.mark[np.where(is_position, subject, 0)],
        x.assets.price_e8[np.where(is_position, 0, subject)],
    )
    return reference


def _at_index(x: DefaultState, kind: I64, subject: I64, price: I64) -> I64:
    """Price at the index (rule 5.112); of an option, and of a conversion, the price given."""
    is_position = kind == OrderKind.POSITION
    if not is_position.any():
        return price
    ticks = index_ticks(x)[np.where(is_position, subject, 0)]
    return np.where(is_position & (ticks > 0), ticks, price)


def _width(x: DefaultState, kind: I64, subject: I64, quantity: I64, collar: I64) -> I64:
    """How far fills may be from the reference (rule 11.50).

    What a short option costs moves with its underlying and not with its own price: a share of that
    would buy no cheap option back.  So the share is of what a short lot must hold, if that is more.
    """
    base = reference_of(x, kind, subject)
    is_bought = (kind == OrderKind.POSITION) & (quantity > 0)
    short = x.marks.short_maintenance[np.where(is_bought, subject, 0)]
    return width_of(np.where(is_bought, np.maximum(base, short), base), collar)


def _collar(x: DefaultState, kind: I64, subject: I64) -> tuple[I64, I64]:
    """Collar of orders in 1e-6 of their reference, 0 for none, and the highest price there is."""
    is_position = kind == OrderKind.POSITION
    if not is_position.any():
        collar = x.parameter(Parameter.CONVERSION_COLLAR_PPM)
        return np.full(kind.size, collar), np.full(kind.size, PRICE_MAX_E8)
    i = np.where(is_position, subject, 0)
    of_contract = collars_of(x)[i]
    return (
        np.where(is_position, of_contract, x.parameter(Parameter.CONVERSION_COLLAR_PPM)),
        np.where(is_position, x.instruments.ticks_max[i], PRICE_MAX_E8),
    )


def has_left_price(x: DefaultState, rows: I64) -> B1:
    """Return which orders the price has left behind (rule 11.52).

    Their limit is beyond mark or index, so that not even that price fills them, or further than a
    width worse than it would be now.  Only where the next slice may place the order anew: with a
    price, as it orders by one.

    Parameters
    ----------
    rows
        Rows of open orders; shape (orders,).
    """
    orders = x.defaults.orders
    kind, subject = orders.kind[rows].astype(np.int64), orders.subject[rows].astype(np.int64)
    limit, quantity = orders.limit[rows], orders.quantity[rows]
    now = limit_now(x, kind, subject, quantity)
    is_sale = quantity < 0
    is_passed = np.where(is_sale, limit > now.lowest, limit < now.highest)
    worse = np.where(is_sale, now.limit - limit, limit - now.limit)
    is_far = (now.collar > 0) & (worse > now.width)
    has_left: B1 = _has_price(x, kind, subject) & (is_passed | is_far)
    return has_left


def _has_price(x: DefaultState, kind: I64, subject: I64) -> B1:
    """Which orders a slice may place: the price of what they are about is there."""
    is_position = kind == OrderKind.POSITION
    asset = np.where(is_position, 0, subject)
    has_price: B1 = ~x.assets.is_stale[asset] & (x.assets.unit_price[asset] > 0.0)
    if is_position.any():
        is_open = ~blocked_prices(x)[np.where(is_position, subject, 0)]
        has_price = np.where(is_position, is_open, has_price)
    return has_price
