"""Transfers of collateral and positions between two accounts of one pool."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare
from novate.message.field import INSTRUMENT

_SENDER = Field("sender", "uint32", "account that gives")
_RECEIVER = Field("receiver", "uint32", "account that gets, of the same pool")

TRANSFER_COLLATERAL = declare(
    "TransferCollateral",
    "Move collateral to another account of the pool; out of a margin group like a withdrawal.",
    _SENDER,
    _RECEIVER,
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units, positive"),
)
TRANSFER_POSITION = declare(
    "TransferPosition",
    "Move lots of a position with their costs to another account of the pool, without a trade.",
    _SENDER,
    _RECEIVER,
    Field("instrument", "uint32", "instrument"),
    Field("lots", "int64", "signed lots that move, as the sender holds them"),
)

COLLATERAL_TRANSFERRED = declare(
    "CollateralTransferred",
    "Collateral moved between two accounts of a pool.",
    _SENDER,
    _RECEIVER,
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units"),
    Field("window_gain", "int64", "window gain that goes along, numeraire units"),
)
POSITION_TRANSFERRED = declare(
    "PositionTransferred",
    "Lots moved between two accounts of a pool, with their costs.",
    _SENDER,
    _RECEIVER,
    INSTRUMENT,
    Field("lots", "int64", "signed lots"),
    Field("entry_cost", "int64", "entry cost that goes along, settlement units"),
    Field("settlement_cost", "int64", "settlement cost that goes along, settlement units"),
)


class TransferCollateralRefusal(IntEnum):
    """Why collateral stays where it is."""

    UNKNOWN_SENDER = 1
    UNKNOWN_RECEIVER = 2
    SAME_ACCOUNT = 3
    OTHER_POOL = 4
    ACCOUNT_NOT_OPEN = 5
    MEMBER_NOT_ACTIVE = 6
    UNKNOWN_ASSET = 7
    AMOUNT_NOT_POSITIVE = 8
    INSUFFICIENT_BALANCE = 9
    AMOUNT_TOO_LARGE = 10
    INDEX_STALE = 11
    INSUFFICIENT_MARGIN = 12
    GAINS_UNPROVEN = 13
    GAINS_NOT_PAID = 14
    PRICE_NOT_ASSESSED = 15


class TransferPositionRefusal(IntEnum):
    """Why a position stays where it is."""

    UNKNOWN_SENDER = 1
    UNKNOWN_RECEIVER = 2
    SAME_ACCOUNT = 3
    OTHER_POOL = 4
    ACCOUNT_NOT_OPEN = 5
    MEMBER_NOT_ACTIVE = 6
    UNKNOWN_INSTRUMENT = 7
    LOTS_OUT_OF_RANGE = 8
    OPPOSITE_POSITION = 9
    ISOLATED_ELSEWHERE = 10
    POSITION_LIMIT = 11
    AMOUNT_TOO_LARGE = 12
    ORDERS_UNCOVERED = 13
    PRICE_BLOCKED = 14
    INDEX_STALE = 15
    INSUFFICIENT_MARGIN = 16
    GAINS_UNPROVEN = 17
    GAINS_NOT_PAID = 18
    PRICE_NOT_ASSESSED = 19
