"""Deposits and withdrawals of collateral."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare
from novate.message.field import ACCOUNT

POST_COLLATERAL = declare(
    "PostCollateral",
    "Credit a deposit; custody takes the other side.",
    Field("account", "uint32", "account"),
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units, positive"),
)
WITHDRAW_COLLATERAL = declare(
    "WithdrawCollateral",
    "Pay collateral out, if what stays covers initial margin and the cost of liquidation.",
    Field("account", "uint32", "account"),
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units, positive"),
)

COLLATERAL_POSTED = declare(
    "CollateralPosted",
    "A deposit was credited.",
    ACCOUNT,
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units"),
    Field("repaid", "int64", "part of it that paid what a takeover left owed", 2, 0),
    version=2,
)
COLLATERAL_WITHDRAWN = declare(
    "CollateralWithdrawn",
    "A withdrawal was paid.",
    ACCOUNT,
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units"),
)


class PostCollateralRefusal(IntEnum):
    """Why a deposit was refused."""

    UNKNOWN_ACCOUNT = 1
    UNKNOWN_ASSET = 2
    AMOUNT_NOT_POSITIVE = 3
    AMOUNT_TOO_LARGE = 4
    ACCOUNT_CLOSED = 5


class WithdrawCollateralRefusal(IntEnum):
    """Why a withdrawal was refused."""

    UNKNOWN_ACCOUNT = 1
    UNKNOWN_ASSET = 2
    AMOUNT_NOT_POSITIVE = 3
    ACCOUNT_NOT_OPEN = 4
    INDEX_STALE = 5
    INSUFFICIENT_BALANCE = 6
    INSUFFICIENT_MARGIN = 7
    GAINS_UNPROVEN = 8
    MEMBER_NOT_ACTIVE = 9
    CUSTODY_SHORT = 10
    GAINS_NOT_PAID = 11
    PRICE_NOT_ASSESSED = 12
