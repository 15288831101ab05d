"""Margin calls."""

from __future__ import annotations

from novate.message.declare import Field, declare
from novate.message.field import ACCOUNT, EQUITY, NET, REQUIREMENT

CALL_MARGIN = declare(
    "CallMargin", "Call an account for margin.", Field("account", "uint32", "account")
)
MEET_CALL = declare(
    "MeetCall", "Close a call that has been met.", Field("account", "uint32", "account")
)
EXPIRE_CALL = declare(
    "ExpireCall", "Act on a call whose deadline passed.", Field("account", "uint32", "account")
)

MARGIN_CALLED = declare(
    "MarginCalled",
    "An account was called for margin.",
    ACCOUNT,
    Field("amount", "int64", "shortfall to initial margin, numeraire units"),
    Field("deadline_ns", "int64", "when it is due"),
    EQUITY,
    REQUIREMENT,
)
MARGIN_CALL_MET = declare("MarginCallMet", "A call was met.", ACCOUNT, EQUITY, REQUIREMENT)
CALL_EXTENDED = declare(
    "CallExtended",
    "A call is not met at its deadline, but a blocked price leaves open whether it could be.",
    ACCOUNT,
    Field("deadline_ns", "int64", "when it was due: it waits for the price"),
    Field("instrument", "uint32", "open position whose price is blocked, the lowest number"),
    Field("grace_ns", "int64", "time that it had left when the last of the prices went", 2, 0),
    version=2,
)
CALL_RESUMED = declare(
    "CallResumed",
    "A price is there for which a call waited: the time that was left begins now.",
    ACCOUNT,
    Field("deadline_ns", "int64", "when it is due"),
)
DEFAULT_DECLARED = declare(
    "DefaultDeclared",
    "A call was not met by its deadline.",
    ACCOUNT,
    EQUITY,
    REQUIREMENT,
    NET,
)
