"""Cycles, funding, expiry, barriers, and windows of gains."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import Field, declare
from novate.message.field import INSTRUMENT


class Basis(IntEnum):
    """What a final settlement price was made from (rules 8.42 to 8.44, 8.66)."""

    NOT_TOLD = 0
    WINDOW = 1  # what was observed in the settlement window, or without one the index at expiry
    FIRST_FRESH = 2  # that and, for the time not observed, the first index after it
    LAST = 3  # the last index: none came in time
    DECISION = 4  # two named it (rule 8.66)


_BASIS = Field("basis", "int8", "message.settlement.Basis: what the price was made from", 2, 0)

SETTLE_CYCLE = declare(
    "SettleCycle",
    "Pay variation margin of one instrument.",
    Field("instrument", "uint32", "instrument"),
    Field("cycle", "int64", "cycle number, one above the last"),
)
SETTLE_FUNDING = declare(
    "SettleFunding",
    "Exchange funding of one instrument.",
    Field("instrument", "uint32", "instrument"),
    Field("period", "int64", "funding period, one above the last"),
)
SETTLE_EXPIRY = declare(
    "SettleExpiry", "Settle an expired contract.", Field("instrument", "uint32", "instrument")
)
OBSERVE_BARRIER = declare(
    "ObserveBarrier",
    "Look at the barrier of an option whose schedule says so.",
    Field("instrument", "uint32", "instrument"),
)
CHARGE_INTEREST = declare(
    "ChargeInterest",
    "Charge interest on negative balances of margin accounts.",
    Field("instant_ns", "int64", "instant it was due"),
)
START_GAINS_WINDOW = declare(
    "StartGainsWindow",
    "Begin a new window of gains that a haircut may cut; older proofs decay.",
    Field("instant_ns", "int64", "the present instant"),
)

INTEREST_CHARGED = declare(
    "InterestCharged",
    "Margin accounts with a negative balance of an asset paid interest to the fees account.",
    Field("asset", "uint32", "asset"),
    Field("rate_e9", "int64", "of the balance, 1e-9, for the time since the last charge"),
    Field("instant_ns", "int64", "instant up to which it was charged"),
)
CYCLE_SETTLED = declare(
    "CycleSettled",
    "Variation margin was paid to all holders of an instrument.",
    INSTRUMENT,
    Field("cycle", "int64", "cycle number"),
    Field("ticks", "int64", "settlement price"),
    Field("instant_ns", "int64", "instant of the cycle"),
    version=2,
    renamed={2: {}},
)
CYCLE_POSTPONED = declare(
    "CyclePostponed",
    "What was due waits for the next interval, or for the index, which is stale or unknown.",
    INSTRUMENT,
    Field("kind", "int8", "kernel.codes.DueKind"),
    Field("instant_ns", "int64", "instant it was due"),
    Field(
        "next_ns",
        "int64",
        "instant of the next attempt; of an expiry the end of its wait; -1, of funding minus the "
        "instant it was due: it waits for the price; 0: not told",
        since=2,
        default=0,
    ),
    version=2,
)
FUNDING_SETTLED = declare(
    "FundingSettled",
    "Funding was exchanged between all holders of an instrument.",
    INSTRUMENT,
    Field("period", "int64", "number of the period, of several that of the last"),
    Field("ticks", "int64", "mark used"),
    Field("rate_e9", "int64", "rate of all periods together; longs pay when it is positive"),
    Field("instant_ns", "int64", "instant of funding"),
    Field("periods", "int64", "periods that are paid, more than one when prices were away", 2, 1),
    version=3,
    renamed={3: {}},
)
FUNDING_RETURNED = declare(
    "FundingReturned",
    "Funding paid with the way of a mark back to the index, or for failed accounts, came back.",
    INSTRUMENT,
    Field("account", "uint32", "payer, or who received funding and gives it back"),
    Field("amount", "int64", "settlement units, positive of a payer; all rows sum to zero"),
)
CONTRACT_EXPIRED = declare(
    "ContractExpired",
    "An expired contract was settled and its positions closed.",
    INSTRUMENT,
    Field("ticks", "int64", "final settlement price"),
    Field("instant_ns", "int64", "instant of expiry"),
    _BASIS,
    version=3,
    renamed={3: {}},
)
OPTION_EXPIRED = declare(
    "OptionExpired",
    "An option paid off; every position in it is closed.",
    INSTRUMENT,
    Field("final_e8", "int64", "settlement price of the underlying"),
    Field("ticks", "int64", "payoff of a lot, 0 if it is worthless"),
    Field("instant_ns", "int64", "instant"),
    _BASIS,
    version=3,
    renamed={3: {}},
)
BARRIER_TOUCHED = declare(
    "BarrierTouched",
    "A barrier was touched: an in option is a plain one for good, an out option pays its rebate.",
    INSTRUMENT,
    Field("index_e8", "int64", "index that touched it"),
    Field("instant_ns", "int64", "instant"),
    version=2,
    renamed={2: {}},
)
BARRIER_OBSERVED = declare(
    "BarrierObserved",
    "A scheduled look at a barrier that was not touched.",
    INSTRUMENT,
    Field("index_e8", "int64", "index"),
    Field("next_ns", "int64", "next look, 0 for none"),
)
GAINS_WINDOW_STARTED = declare(
    "GainsWindowStarted",
    "Gains counted for a haircut start at zero; unproven closed gains are halved.",
    Field("instant_ns", "int64", "start of the window"),
)
