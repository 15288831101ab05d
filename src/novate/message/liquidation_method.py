"""Which liquidation method an account has."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare
from novate.message.field import ACCOUNT

_METHOD = Field("method", "int16", "number of the method: 0 slices, 1 full")

SET_LIQUIDATION_METHOD = declare(
    "SetLiquidationMethod",
    "Say how the positions of an account are closed, should it come to that.",
    Field("account", "uint32", "margin account, or the liquidator"),
    _METHOD,
)
LIQUIDATION_METHOD_SET = declare(
    "LiquidationMethodSet",
    "The positions of an account are closed by another method, from its next slice on.",
    ACCOUNT,
    _METHOD,
)


class SetLiquidationMethodRefusal(IntEnum):
    """Why an account did not get another liquidation method."""

    UNKNOWN_ACCOUNT = 1
    UNKNOWN_METHOD = 2
