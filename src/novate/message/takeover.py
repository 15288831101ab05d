"""What the liquidator takes over, what it loses, and what it is left with."""

from __future__ import annotations

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
    "Pay what a flat liquidator is left with to the insurance fund.",
    Field("account", "uint32", "liquidator"),
)

ACCOUNT_TAKEN_OVER = declare(
    "AccountTakenOver",
    "All positions at their marks and all cash went to the liquidator.",
    ACCOUNT,
    Field("equity", "int64", "net equity without haircuts that went along; negative is a loss"),
    Field("maintenance", "int64", "maintenance margin at that moment"),
    Field("is_first", "bool", "the liquidator was flat and not short: a new close-out begins"),
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
    "What a flat liquidator was left with went to the insurance fund.",
    Field("account", "uint32", "liquidator"),
    Field("amount", "int64", "numeraire units"),
)
