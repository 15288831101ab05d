"""Prices from outside, and the index and mark that they make."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from novate.message.declare import Field, declare
from novate.message.field import INSTRUMENT


def _with_final_index(columns: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of `MarkUpdated` with the index that the settlement window adds up.

    In version 1 it was that of the mark.
    """
    return {**columns, "final_index": columns["index"]}


REPORT_PRICE = declare(
    "ReportPrice",
    "A source reports the price of its asset.",
    Field("source", "uint32", "source"),
    Field("price_e8", "int64", "price in 1e-8 numeraire"),
    Field("observed_ns", "int64", "when the source saw it; not in the future"),
)
REPORT_LAST = declare(
    "ReportLast",
    "The venue reports the price at which a contract trades (impact mid or last).",
    Field("instrument", "uint32", "instrument"),
    Field("ticks", "int64", "price in ticks"),
)

PRICE_REPORTED = declare(
    "PriceReported",
    "A source's price was accepted.",
    Field("source", "uint32", "source"),
    Field("price_e8", "int64", "price"),
    Field("observed_ns", "int64", "when it was seen"),
    version=2,
    renamed={2: {}},
)
SOURCE_CONTRADICTED = declare(
    "SourceContradicted",
    "A source gave two prices for one instant: it does not count until it reports a later one.",
    Field("source", "uint32", "source"),
    Field("price_e8", "int64", "price that it reported first"),
    Field("other_e8", "int64", "price that it reports now for the same instant"),
    Field("observed_ns", "int64", "that instant"),
)
INDEX_UPDATED = declare(
    "IndexUpdated",
    "The index of an asset was computed.",
    Field("asset", "uint32", "asset"),
    Field("price_e8", "int64", "what the index method says, or the last index if stale"),
    Field("slow_e8", "int64", "slow average"),
    Field("sources", "int64", "sources used"),
    Field("outliers", "int64", "sources far from it: left out by the trimmed median"),
    Field("is_stale", "bool", "too few usable sources, or they disagree: what needs it waits"),
    version=2,
    renamed={2: {}},
)
LAST_REPORTED = declare(
    "LastReported",
    "A venue price was accepted.",
    INSTRUMENT,
    Field("ticks", "int64", "ticks"),
    version=2,
    renamed={2: {}},
)
MARK_UPDATED = declare(
    "MarkUpdated",
    "The mark of an instrument was computed, with the sums behind funding and expiry.",
    INSTRUMENT,
    Field("index", "int64", "index in ticks"),
    Field("mark", "int64", "index plus average basis, clamped, in ticks"),
    Field("slow", "int64", "slow average index in ticks"),
    Field("basis_e8", "int64", "average of last minus index, in 1e-8 ticks"),
    Field("premium_e9", "int64", "last over index minus 1, in 1e-9"),
    Field("premium_sum", "int64", "premium times time in this funding period, 1e-9 x ms"),
    Field("premium_ms", "int64", "time in that sum"),
    Field("final_sum", "int64", "index ticks times time in the settlement window, ticks x ms"),
    Field("final_ms", "int64", "time in that sum"),
    Field("final_index", "int64", "index in ticks, 0 below half a tick of a linear contract", 2),
    Field("slow_basis_e8", "int64", "average of the basis that stood, in 1e-8 ticks", 3, 0),
    version=3,
    upcasters={2: _with_final_index},
)


class ReportPriceRefusal(IntEnum):
    """Why a source price was refused."""

    UNKNOWN_SOURCE = 1
    PRICE_OUT_OF_RANGE = 2
    OBSERVED_IN_THE_FUTURE = 3
    OUT_OF_ORDER = 4


class ReportLastRefusal(IntEnum):
    """Why a venue price was refused."""

    UNKNOWN_INSTRUMENT = 1
    PRICE_OUT_OF_RANGE = 2
    INSTRUMENT_NOT_ACTIVE = 3
