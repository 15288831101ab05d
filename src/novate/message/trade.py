"""Trades, and margin reserved for orders."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare
from novate.message.field import ACCOUNT, EQUITY, INSTRUMENT, REQUIREMENT

SUBMIT_TRADE = declare(
    "SubmitTrade",
    "Novate an executed trade: the clearing house becomes party to both sides.",
    Field("buyer", "uint32", "account that buys"),
    Field("seller", "uint32", "account that sells"),
    Field("instrument", "uint32", "instrument"),
    Field("ticks", "int64", "price in ticks"),
    Field("lots", "int64", "size in lots, positive"),
    Field("buyer_is_maker", "bool", "who made the market; the other side takes"),
    Field("buyer_reservation", "uint32", "reservation of the buyer, 0 for none"),
    Field("seller_reservation", "uint32", "reservation of the seller, 0 for none"),
)
RESERVE_MARGIN = declare(
    "ReserveMargin",
    "Set aside margin for an order on its worst side, and its loss and fee at its worst price.",
    Field("account", "uint32", "account"),
    Field("instrument", "uint32", "instrument"),
    Field("lots", "int64", "size in lots, positive buys, negative sells"),
    Field("limit_ticks", "int64", "worst price: a buy fills at or below it, a sell at or above"),
)
RELEASE_MARGIN = declare(
    "ReleaseMargin",
    "Release what is left of a reservation.",
    Field("reservation", "uint32", "reservation, from 1"),
)
REMARGIN_ORDER = declare(
    "RemarginOrder",
    "Let a reservation hold what its order may lose at the present mark.",
    Field("reservation", "uint32", "reservation"),
)
REQUEST_CANCELLATION = declare(
    "RequestCancellation",
    "Ask the venue to cancel the order of a reservation that is no longer margined.",
    Field("reservation", "uint32", "reservation"),
)

TRADE_NOVATED = declare(
    "TradeNovated",
    "Both legs against the clearing house were booked.",
    Field("row", "int64", "row of the command"),
    Field("buyer", "uint32", "buyer"),
    Field("seller", "uint32", "seller"),
    INSTRUMENT,
    Field("ticks", "int64", "price"),
    Field("lots", "int64", "size"),
    Field("value", "int64", "buyer's value in settlement units; the seller's is its negative"),
    Field("buyer_fee", "int64", "settlement units, negative is a rebate"),
    Field("seller_fee", "int64", "settlement units, negative is a rebate"),
    Field("buyer_reservation", "uint32", "reservation used"),
    Field("seller_reservation", "uint32", "reservation used"),
    Field(
        "unproven",
        "int64",
        "gains not proven that went to the buyer, negative to the seller, numeraire units",
        since=2,
        default=0,
    ),
    version=3,
    renamed={3: {}},
)
MARGIN_RESERVED = declare(
    "MarginReserved",
    "Margin was set aside for an order.",
    Field("reservation", "uint32", "number, from 1"),
    ACCOUNT,
    INSTRUMENT,
    Field("lots", "int64", "signed lots"),
    Field("limit_ticks", "int64", "worst price of a fill"),
    Field("open_order_hold", "int64", "set aside for loss and fee at that price, numeraire units"),
    EQUITY,
    REQUIREMENT,
    version=2,
    renamed={2: {"held": "open_order_hold"}},
)
MARGIN_RELEASED = declare(
    "MarginReleased",
    "A reservation ended.",
    Field("reservation", "uint32", "number"),
)
ORDER_REMARGINED = declare(
    "OrderRemargined",
    "A reservation holds another amount.",
    Field("reservation", "uint32", "number"),
    Field("open_order_hold", "int64", "set aside from now on for loss and fee, numeraire units"),
)
CANCELLATION_REQUESTED = declare(
    "CancellationRequested",
    "The venue is to cancel an order and answer with ReleaseMargin; until then it may fill.",
    Field("reservation", "uint32", "number"),
)


class SubmitTradeRefusal(IntEnum):
    """Why a trade was refused."""

    UNKNOWN_BUYER = 1
    UNKNOWN_SELLER = 2
    UNKNOWN_INSTRUMENT = 3
    SAME_ACCOUNT = 4
    LOTS_OUT_OF_RANGE = 5
    PRICE_OUT_OF_RANGE = 6
    INSTRUMENT_NOT_ACTIVE = 7
    ACCOUNT_NOT_OPEN = 8
    POSITION_LIMIT = 9
    ISOLATED_ELSEWHERE = 10
    UNKNOWN_RESERVATION = 11
    WORSE_THAN_LIMIT = 12
    AMOUNT_TOO_LARGE = 13
    MARK_MISSING = 14
    INSUFFICIENT_MARGIN = 15
    BELOW_WORTH = 16
    PRICE_BLOCKED = 17
    MEMBER_NOT_ACTIVE = 18
    ORDERS_UNCOVERED = 19
    EXTERNAL_MARKET_OWES = 20
    OPEN_INTEREST_TOO_LARGE = 21
    INSOLVENT_AT_INDEX = 22


class ReserveMarginRefusal(IntEnum):
    """Why a reservation was refused."""

    UNKNOWN_ACCOUNT = 1
    UNKNOWN_INSTRUMENT = 2
    LOTS_OUT_OF_RANGE = 3
    PRICE_OUT_OF_RANGE = 4
    INSTRUMENT_NOT_ACTIVE = 5
    ACCOUNT_NOT_OPEN = 6
    POSITION_LIMIT = 7
    ISOLATED_ELSEWHERE = 8
    MARK_MISSING = 9
    AMOUNT_TOO_LARGE = 10
    INSUFFICIENT_MARGIN = 11
    PRICE_BLOCKED = 12
    MEMBER_NOT_ACTIVE = 13
    OPEN_INTEREST_TOO_LARGE = 14
    INSOLVENT_AT_INDEX = 15


class ReleaseMarginRefusal(IntEnum):
    """Why releasing a reservation was refused."""

    UNKNOWN_RESERVATION = 1
