"""Accounts under a member, and those of the clearing house."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import TEXT, Field, declare
from novate.message.field import ACCOUNT

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


class OpenAccountRefusal(IntEnum):
    """Why opening an account was refused."""

    REFERENCE_TAKEN = 1
    UNKNOWN_ROLE = 2
    ROLE_TAKEN = 3
    UNKNOWN_MEMBER = 4
    UNKNOWN_MODE = 5
    UNKNOWN_SHORTFALL_POLICY = 6
    UNKNOWN_SEGREGATION = 7
