"""Accounts under a member, those of the clearing house, and the groups that they form."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import TEXT, Field, declare
from novate.message.field import ACCOUNT, EQUITY, REQUIREMENT

OPEN_ACCOUNT = declare(
    "OpenAccount",
    "Open an account under a member, or one of the clearing house's own.",
    Field("reference", TEXT, "name outside"),
    Field("role", "int8", "kernel.codes.Role"),
    Field("parent", "int64", "account of the member, -1 for none"),
    Field("segregation", "int8", "kernel.codes.Segregation"),
    Field("mode", "int8", "1 cross, 2 isolated"),
    Field("shortfall_policy", "int8", "1 auto-liquidate, 2 call then default"),
    version=2,
    renamed={2: {"defence": "shortfall_policy"}},
)

ACCOUNT_OPENED = declare(
    "AccountOpened",
    "An account got its number.",
    ACCOUNT,
    Field("reference", TEXT, "name outside"),
    Field("role", "int8", "role"),
    Field("parent", "int64", "member, -1 for none"),
    Field("segregation", "int8", "segregation"),
    Field("mode", "int8", "margin mode"),
    Field("shortfall_policy", "int8", "shortfall policy"),
    version=2,
    renamed={2: {"defence": "shortfall_policy"}},
)


OPEN_SUB_ACCOUNT = declare(
    "OpenSubAccount",
    "Open another margin account of a holder, with the same member, class, policies and pool.",
    Field("reference", TEXT, "name outside"),
    Field("account", "uint32", "an account of the holder"),
    Field("mode", "int8", "1 cross, 2 isolated"),
    Field("group", "int64", "group that it joins, by the account that it began with; -1: its own"),
    Field("netting_set", "int64", "netting set that it joins, likewise; -1 for its own"),
)
SUB_ACCOUNT_OPENED = declare(
    "SubAccountOpened",
    "An account of a holder who had one already got its number.",
    ACCOUNT,
    Field("reference", TEXT, "name outside"),
    Field("holder", "uint32", "an account of the holder"),
    Field("mode", "int8", "margin mode"),
    Field("group", "uint32", "margin group"),
    Field("netting_set", "uint32", "netting set"),
)

SET_MARGIN_GROUP = declare(
    "SetMarginGroup",
    "Put an account into a margin group of its pool and a netting set of that, or out of them.",
    Field("account", "uint32", "account"),
    Field("group", "uint32", "margin group, by the account that it began with; itself to leave"),
    Field("netting_set", "uint32", "netting set, likewise; itself for its own"),
)
MARGIN_GROUP_SET = declare(
    "MarginGroupSet",
    "An account belongs to another margin group or netting set.",
    ACCOUNT,
    Field("group", "uint32", "margin group"),
    Field("netting_set", "uint32", "netting set"),
    EQUITY,
    REQUIREMENT,
)


class OpenSubAccountRefusal(IntEnum):
    """Why opening another account of a holder was refused."""

    REFERENCE_TAKEN = 1
    UNKNOWN_ACCOUNT = 2
    UNKNOWN_MODE = 3
    UNKNOWN_GROUP = 4
    OTHER_POOL = 5
    GROUP_NOT_OPEN = 6
    ISOLATED_IN_GROUP = 7
    GROUP_FULL = 8
    UNKNOWN_NETTING_SET = 9
    MEMBER_NOT_ACTIVE = 10


class SetMarginGroupRefusal(IntEnum):
    """Why an account keeps its margin group and netting set."""

    UNKNOWN_ACCOUNT = 1
    UNKNOWN_GROUP = 2
    OTHER_POOL = 3
    ISOLATED_IN_GROUP = 4
    GROUP_FULL = 5
    UNKNOWN_NETTING_SET = 6
    FIRST_OF_OTHERS = 7
    NOT_OPEN = 8
    PRICE_BLOCKED = 9
    POSITION_LIMIT = 10
    AMOUNT_TOO_LARGE = 11
    ORDERS_UNCOVERED = 12
    INDEX_STALE = 13
    INSUFFICIENT_MARGIN = 14
    GAINS_UNPROVEN = 15
    MEMBER_NOT_ACTIVE = 16
    GAINS_NOT_PAID = 17
    PRICE_NOT_ASSESSED = 18


class OpenAccountRefusal(IntEnum):
    """Why opening an account was refused."""

    REFERENCE_TAKEN = 1
    UNKNOWN_ROLE = 2
    ROLE_TAKEN = 3
    UNKNOWN_MEMBER = 4
    UNKNOWN_MODE = 5
    UNKNOWN_SHORTFALL_POLICY = 6
    UNKNOWN_SEGREGATION = 7
    MEMBER_NOT_ACTIVE = 8
