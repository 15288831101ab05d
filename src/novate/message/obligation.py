"""Obligations: what an account was asked to pay, what it paid, and how that ended."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare
from novate.message.field import ACCOUNT


class ObligationKind(IntEnum):
    """What an obligation is for; a number is never reused."""

    MARGIN_CALL = 1


class ObligationOutcome(IntEnum):
    """How an obligation ended; a number is never reused."""

    PAID = 1  # all of it was paid
    MET = 2  # equity was at or above the call level
    FAILED = 3  # default was declared
    WAIVED = 4  # too little was left of it at the deadline


_NUMBER = Field("obligation", "uint32", "number, from 1")

OBLIGATION_PAID = declare(
    "ObligationPaid",
    "A payment counted towards an obligation.",
    _NUMBER,
    ACCOUNT,
    Field("amount", "int64", "what the payment counts, numeraire units"),
    Field("left", "int64", "what is still asked of the obligation, numeraire units"),
)
OBLIGATION_CLOSED = declare(
    "ObligationClosed",
    "An obligation ended.",
    _NUMBER,
    ACCOUNT,
    Field("outcome", "int8", "message.obligation.ObligationOutcome"),
    Field("amount", "int64", "what was asked, numeraire units"),
    Field("paid", "int64", "what of it was paid, numeraire units"),
)
