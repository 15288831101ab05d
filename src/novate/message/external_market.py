"""What the external market owes, and what it pays in and out."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare

SETTLE_EXTERNAL_MARKET = declare(
    "SettleExternalMarket",
    "The external market pays what it owes, or is paid what it gained; custody is the other side.",
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units, positive when it pays in, negative when it is paid"),
)

EXTERNAL_MARKET_CALLED = declare(
    "ExternalMarketCalled",
    "What the external market owes in an asset is due; 0 when nothing is any more.",
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units, not negative"),
)
EXTERNAL_MARKET_SETTLED = declare(
    "ExternalMarketSettled",
    "The external market paid in, or was paid.",
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units, positive when it paid in, negative when it was paid"),
)


class SettleExternalMarketRefusal(IntEnum):
    """Why a payment of the external market was refused."""

    UNKNOWN_ASSET = 1
    AMOUNT_ZERO = 2
    MORE_THAN_OWED = 3
    INSUFFICIENT_BALANCE = 4
    AMOUNT_TOO_LARGE = 5
    CUSTODY_SHORT = 6
