"""Suspension, delisting, and settlement of contracts by the decision of two."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import TEXT, Field, declare
from novate.message.field import INSTRUMENT

SUSPEND_CONTRACT = declare(
    "SuspendContract",
    "Let a contract only be reduced from now on.",
    Field("instrument", "uint32", "instrument"),
)
RESUME_CONTRACT = declare(
    "ResumeContract",
    "End a suspension.",
    Field("instrument", "uint32", "instrument"),
)
DELIST_CONTRACT = declare(
    "DelistContract",
    "Suspend a contract from an instant on and let it expire at another.",
    Field("instrument", "uint32", "instrument, no option"),
    Field("suspend_ns", "int64", "instant from which it is suspended, after now"),
    Field("expiry_ns", "int64", "its expiry, not before that"),
    Field("settlement_window_ns", "int64", "length of the time average of the final price"),
)
PROPOSE_SETTLEMENT = declare(
    "ProposeSettlement",
    "Propose a price at which a contract without an index is settled.",
    Field("instrument", "uint32", "instrument"),
    Field("price_e8", "int64", "price of the underlying in 1e-8 numeraire"),
    Field("proposer", TEXT, "who proposes it"),
)
APPROVE_SETTLEMENT = declare(
    "ApproveSettlement",
    "Approve a proposed price, and settle the contract at it.",
    Field("instrument", "uint32", "instrument"),
    Field("price_e8", "int64", "the price that was proposed"),
    Field("approver", TEXT, "who approves it: another one than the proposer"),
)

CONTRACT_SUSPENDED = declare(
    "ContractSuspended", "A contract may only be reduced from now on.", INSTRUMENT
)
CONTRACT_RESUMED = declare("ContractResumed", "A suspension is over.", INSTRUMENT)
CONTRACT_DELISTED = declare(
    "ContractDelisted",
    "A contract has an instant of suspension and an expiry.",
    INSTRUMENT,
    Field("suspend_ns", "int64", "instant from which it is suspended"),
    Field("expiry_ns", "int64", "expiry"),
    Field("settlement_window_ns", "int64", "window of the final price"),
)
SETTLEMENT_PROPOSED = declare(
    "SettlementProposed",
    "A price for the settlement of a contract waits for approval.",
    INSTRUMENT,
    Field("price_e8", "int64", "price"),
    Field("proposer", TEXT, "who proposed it"),
)
SETTLEMENT_APPROVED = declare(
    "SettlementApproved",
    "A proposed price was approved; the contract ends at it.",
    INSTRUMENT,
    Field("price_e8", "int64", "price"),
    Field("approver", TEXT, "who approved it"),
)
RANGE_MOVED = declare(
    "RangeMoved",
    "The range in which an index was lately has moved.",
    Field("asset", "uint32", "asset"),
    Field("low_e8", "int64", "lowest index of the present half of the time"),
    Field("high_e8", "int64", "highest one"),
    Field("past_low_e8", "int64", "lowest index of the half before, 0 for none"),
    Field("past_high_e8", "int64", "highest one"),
    Field("since_ns", "int64", "when the present half began"),
)


class SuspendContractRefusal(IntEnum):
    """Why a suspension was refused."""

    UNKNOWN_INSTRUMENT = 1
    INSTRUMENT_NOT_ACTIVE = 2
    ALREADY_SUSPENDED = 3


class ResumeContractRefusal(IntEnum):
    """Why the end of a suspension was refused."""

    UNKNOWN_INSTRUMENT = 1
    INSTRUMENT_NOT_ACTIVE = 2
    NOT_SUSPENDED = 3
    DELISTED = 4


class DelistContractRefusal(IntEnum):
    """Why a delisting was refused."""

    UNKNOWN_INSTRUMENT = 1
    INSTRUMENT_NOT_ACTIVE = 2
    IS_OPTION = 3
    SUSPENSION_OUT_OF_RANGE = 4
    EXPIRY_OUT_OF_RANGE = 5
    WINDOW_OUT_OF_RANGE = 6
    WINDOW_BEGUN = 7


class ProposeSettlementRefusal(IntEnum):
    """Why the proposal of a price was refused."""

    UNKNOWN_INSTRUMENT = 1
    INSTRUMENT_NOT_ACTIVE = 2
    NAME_MISSING = 3
    INDEX_REPORTED = 4
    PRICE_OUT_OF_RANGE = 5


class ApproveSettlementRefusal(IntEnum):
    """Why the approval of a price was refused."""

    UNKNOWN_INSTRUMENT = 1
    INSTRUMENT_NOT_ACTIVE = 2
    NAME_MISSING = 3
    INDEX_REPORTED = 4
    PRICE_OUT_OF_RANGE = 5
    NOT_PROPOSED = 6
    SAME_NAME = 7
