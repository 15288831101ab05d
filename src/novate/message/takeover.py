"""What the liquidator takes over, what it loses, and what it is left with."""

from __future__ import annotations

from enum import IntEnum

from novate.message.deciding_price import decided
from novate.message.declare import Field, declare
from novate.message.field import ACCOUNT

TAKE_OVER = declare(
    "TakeOver",
    "Move what is left of a failing account to the liquidator.",
    Field("account", "uint32", "account"),
)
RECORD_SHORTFALL = declare(
    "RecordShortfall",
    "Record what the liquidator lost while closing what it took over.",
    Field("account", "uint32", "liquidator"),
)
SWEEP_SURPLUS = declare(
    "SweepSurplus",
    "Pay what the liquidator is left with, or can spare for losses, to the insurance fund.",
    Field("account", "uint32", "liquidator"),
)

REOPEN_ACCOUNT = declare(
    "ReopenAccount",
    "Open a margin group again that was taken over and owes nothing.",
    Field("account", "uint32", "margin group"),
)

ACCOUNT_REOPENED = declare(
    "AccountReopened", "A margin group that was taken over is open again.", ACCOUNT
)
ACCOUNT_TAKEN_OVER = declare(
    "AccountTakenOver",
    "Positions at their marks, debts and what pays for them went to the liquidator.",
    ACCOUNT,
    Field("equity", "int64", "net before, 0 if positive at the mark alone; negative is a loss"),
    Field("maintenance", "int64", "maintenance margin at that moment"),
    Field("is_first", "bool", "the liquidator was flat and not short: a new close-out begins"),
    Field("charge", "int64", "charge for closing the positions, numeraire units", 2, 0),
    Field("conversion_ppm", "int64", "share of a haircut charged on what was taken, 1e-6", 2, 0),
    Field("kept", "int64", "net that the account kept, numeraire units", 2, 0),
    *decided(2),
    version=2,
)
LOSS_RECORDED = declare(
    "LossRecorded",
    "A loss waits to be taken through the waterfall.",
    Field("loss", "uint32", "number, from 1"),
    Field("account", "uint32", "account that failed, or the liquidator"),
    Field("amount", "int64", "numeraire units, positive"),
)
SURPLUS_SWEPT = declare(
    "SurplusSwept",
    "What the liquidator was left with, or could spare, went to the insurance fund.",
    Field("account", "uint32", "liquidator"),
    Field("amount", "int64", "numeraire units"),
    Field("is_flat", "bool", "it held nothing, and what was pending is settled", 2, True),
    version=2,
)


class ReopenAccountRefusal(IntEnum):
    """Why a margin group is not opened again."""

    UNKNOWN_ACCOUNT = 1
    NOT_TAKEN_OVER = 2
    STILL_OWED = 3
    MEMBER_NOT_ACTIVE = 4
