"""Which margin model a group has."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare
from novate.message.field import EQUITY, REQUIREMENT

SET_MARGIN_MODEL = declare(
    "SetMarginModel",
    "Give a margin group another margin model.",
    Field("group", "uint32", "group: its account"),
    Field("model", "int16", "number of the model; 0 is the standard one"),
)
MARGIN_MODEL_SET = declare(
    "MarginModelSet",
    "A margin group has another margin model.",
    Field("group", "uint32", "group: its account"),
    Field("model", "int16", "number of the model"),
    EQUITY,
    REQUIREMENT,
)


class SetMarginModelRefusal(IntEnum):
    """Why a group did not get another margin model."""

    UNKNOWN_GROUP = 1
    UNKNOWN_MODEL = 2
    GROUP_NOT_OPEN = 3
    PRICE_BLOCKED = 4
    INSUFFICIENT_MARGIN = 5
