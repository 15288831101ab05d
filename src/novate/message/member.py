"""Standing of members."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare

SET_MEMBER_STATUS = declare(
    "SetMemberStatus",
    "Suspend a member, let it be active again, or declare its default.",
    Field("member", "uint32", "account of the member"),
    Field("status", "int8", "kernel.codes.MemberStatus"),
)
MEMBER_STATUS_SET = declare(
    "MemberStatusSet",
    "A member has another status: unless it is active its accounts only reduce risk.",
    Field("member", "uint32", "account of the member"),
    Field("status", "int8", "status"),
)


class SetMemberStatusRefusal(IntEnum):
    """Why a member keeps its status."""

    UNKNOWN_MEMBER = 1
    UNKNOWN_STATUS = 2
    MEMBER_DEFAULTED = 3
    STATUS_UNCHANGED = 4
