"""Which add-ons a margin group has."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare
from novate.message.field import EQUITY, REQUIREMENT

_GROUP = Field("group", "uint32", "group: its account")
_ADD_ON = Field("add_on", "int16", "number of the add-on")

SET_ADD_ON = declare(
    "SetAddOn",
    "Switch an add-on of a margin group on or off.",
    _GROUP,
    _ADD_ON,
    Field("is_on", "bool", "whether the group is to have it"),
)
ADD_ON_SET = declare(
    "AddOnSet",
    "An add-on of a margin group is on or off.",
    _GROUP,
    _ADD_ON,
    Field("is_on", "bool", "whether the group has it"),
    EQUITY,
    REQUIREMENT,
)


class SetAddOnRefusal(IntEnum):
    """Why an add-on of a group was not switched."""

    UNKNOWN_GROUP = 1
    UNKNOWN_ADD_ON = 2
    GROUP_NOT_OPEN = 3
    PRICE_BLOCKED = 4
    INSUFFICIENT_MARGIN = 5
