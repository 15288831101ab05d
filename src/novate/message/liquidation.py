"""Liquidation in slices, and the outbox through which it asks the world."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from novate.kernel.codes import Bound
from novate.message.deciding_price import decided, decided_by
from novate.message.declare import Field, declare
from novate.message.field import ACCOUNT, EQUITY, INSTRUMENT, NET, REQUIREMENT


def _with_bound(columns: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew the standard model alone: what bound was a contract, or nothing."""
    binding = columns["binding"]
    bound = np.where(binding >= 0, int(Bound.CONTRACT), int(Bound.NONE)).astype(np.int8)
    return {
        **columns,
        "model": np.zeros(len(binding), np.int16),
        "bound": bound,
        "scenario": np.full(len(binding), -1, np.int64),
    }


START_LIQUIDATION = declare(
    "StartLiquidation",
    "Begin to close an account that breached maintenance margin.",
    Field("account", "uint32", "account"),
)
STOP_LIQUIDATION = declare(
    "StopLiquidation", "End a liquidation that cured.", Field("account", "uint32", "account")
)
PLACE_SLICE = declare(
    "PlaceSlice",
    "Send the next slice of an account's positions and debts to the market.",
    Field("account", "uint32", "account"),
)
EXPIRE_ORDER = declare(
    "ExpireOrder",
    "Withdraw an order that nobody answered, so that the next slice places it anew.",
    Field("order", "uint32", "order, from 1"),
)
REPORT_FILL = declare(
    "ReportFill",
    "The world answers an order of the outbox.",
    Field("order", "uint32", "order, from 1"),
    Field("quantity", "int64", "filled lots, or ledger units of a conversion; 0 when nothing"),
    Field("price", "int64", "ticks, or 1e-8 numeraire of a conversion"),
    Field("is_final", "bool", "whether the rest of the order is gone"),
)

LIQUIDATION_STARTED = declare(
    "LiquidationStarted",
    "An account is being closed in slices.",
    ACCOUNT,
    EQUITY,
    REQUIREMENT,
    Field("binding", "int64", "instrument with the largest share of the requirement, -1 for none"),
    Field("mark", "int64", "its mark in ticks"),
    NET,
    Field("model", "int16", "number of the margin model that asked", since=2),
    Field("bound", "int8", "kernel.codes.Bound: what the requirement is due to most", since=2),
    Field("scenario", "int64", "number of the scenario that bound, -1 for none", since=2),
    Field("index_equity", "int64", "equity at the index; 0 in older ones", 3, 0),
    Field("index_requirement", "int64", "maintenance margin there; 0 in older ones", 3, 0),
    *decided(3),
    version=3,
    upcasters={2: _with_bound},
)
LIQUIDATION_STOPPED = declare(
    "LiquidationStopped",
    "The account is above its release level: equity and that at the prices that decided.",
    ACCOUNT,
    EQUITY,
    REQUIREMENT,
    decided_by(2),
    version=2,
)
SLICE_SCHEDULED = declare(
    "SliceScheduled",
    "The next slice of a liquidation has a time.",
    ACCOUNT,
    Field("instant_ns", "int64", "when it is due"),
)
ORDER_PLACED = declare(
    "OrderPlaced",
    "An order entered the outbox.",
    Field("order", "uint32", "number, from 1"),
    ACCOUNT,
    Field("kind", "int8", "1 position, 2 conversion"),
    Field("subject", "uint32", "instrument, or asset of a conversion"),
    Field("quantity", "int64", "lots or ledger units, negative sells"),
    Field("reference", "int64", "mark in ticks, or index in 1e-8, when it was placed"),
    Field("instant_ns", "int64", "when it was placed"),
    Field("limit", "int64", "worst price of a fill, ticks or 1e-8; 0: none was given", 2, 0),
    version=2,
)
ORDER_CLOSED = declare(
    "OrderClosed", "An order left the outbox.", Field("order", "uint32", "number")
)
ORDER_FILLED = declare(
    "OrderFilled",
    "A liquidation order traded with the external market.",
    Field("order", "uint32", "order"),
    ACCOUNT,
    INSTRUMENT,
    Field("lots", "int64", "signed lots of the account"),
    Field("ticks", "int64", "price"),
    Field("value", "int64", "signed value of the account in settlement units"),
    Field("fee", "int64", "liquidation fee to the insurance fund, numeraire units"),
    version=2,
    renamed={2: {}},
)
ASSET_CONVERTED = declare(
    "AssetConverted",
    "A conversion order traded with the external market.",
    Field("order", "uint32", "order"),
    ACCOUNT,
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units the account gained, negative sold"),
    Field("price_e8", "int64", "price"),
    Field("proceeds", "int64", "numeraire units the account gained"),
    version=2,
    renamed={2: {}},
)


class ReportFillRefusal(IntEnum):
    """Why an answer to an order was refused."""

    UNKNOWN_ORDER = 1
    ORDER_CLOSED = 2
    QUANTITY_OUT_OF_RANGE = 3
    PRICE_OUT_OF_RANGE = 4
    AMOUNT_TOO_LARGE = 5
    WORSE_THAN_LIMIT = 6
