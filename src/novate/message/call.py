"""Margin calls."""

from __future__ import annotations

from novate.kernel.codes import Bound
from novate.message.deciding_price import decided, decided_by
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
    Field("amount", "int64", "what is missing and was not called yet, numeraire units"),
    Field("deadline_ns", "int64", "when it is due"),
    EQUITY,
    REQUIREMENT,
    Field("obligation", "uint32", "number of the obligation, from 1; 0: none", 2, 0),
    Field("binding", "int64", "instrument that binds maintenance margin, -1: none", 2, -1),
    Field("mark", "int64", "its mark in ticks", 2, 0),
    Field("model", "int16", "number of the margin model that asked", 2, 0),
    Field("bound", "int8", "kernel.codes.Bound: what margin is due to most", 2, int(Bound.NONE)),
    Field("scenario", "int64", "number of the scenario that bound, -1 for none", 2, -1),
    *decided(2),
    version=2,
)
MARGIN_CALL_MET = declare(
    "MarginCallMet",
    "A call was met: equity and requirement at the prices that decided.",
    ACCOUNT,
    EQUITY,
    REQUIREMENT,
    decided_by(2),
    version=2,
)
MARGIN_CALL_PAID = declare(
    "MarginCallPaid",
    "All that was called had been paid at the deadline, though equity is below the call level at"
    " the protected prices.",
    ACCOUNT,
    EQUITY,
    REQUIREMENT,
)
CALL_EXTENDED = declare(
    "CallExtended",
    "An account cannot act on its call: the deadline waits.",
    ACCOUNT,
    Field("deadline_ns", "int64", "when it was due"),
    Field("instrument", "int64", "open position whose price is blocked, lowest number, -1: none"),
    Field("grace_ns", "int64", "time that it had left when the account could no longer act", 2, 0),
    version=2,
)
CALL_RESUMED = declare(
    "CallResumed",
    "An account whose call waited can act again: the time that was left begins now.",
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
    *decided(2),
    version=2,
)
