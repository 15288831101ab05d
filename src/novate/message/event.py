"""Every event of the engine.  Names are past tense; an event says all that ``apply`` needs.

Units and signs are those of `novate.message.command`.  Requirements are journaled where they
decided something: ``equity`` and ``requirement`` are numeraire units at that moment.
"""

from __future__ import annotations

from typing import Any

from novate.message.declare import TEXT, Field, Message


def _event(name: str, doc: str, *fields: Field, version: int = 1, **history: Any) -> Message:
    return Message(name, version, fields, doc, **history)


_ACCOUNT = Field("account", "uint32", "account")
_INSTRUMENT = Field("instrument", "uint32", "instrument")
_EQUITY = Field("equity", "int64", "equity after haircuts, numeraire units")
_NET = Field("net", "int64", "net equity without haircuts, numeraire units")
_REQUIREMENT = Field("requirement", "int64", "what equity was compared with, numeraire units")

COMMAND_REFUSED = _event(
    "CommandRefused",
    "A command that may not proceed; nothing changed.",
    Field("command", TEXT, "name of the command"),
    Field("row", "int64", "row of the command in its run"),
    Field("code", "int16", "refusal code of that command"),
    Field("actual", "int64", "the number that broke the rule"),
    Field("allowed", "int64", "the number that would have passed"),
)
ASSET_DECLARED = _event(
    "AssetDeclared",
    "An asset got its number.",
    Field("asset", "uint32", "asset"),
    Field("symbol", TEXT, "ticker"),
    Field("decimals", "int64", "ledger decimals"),
    Field("haircut_bps", "int64", "haircut"),
)
HAIRCUT_SET = _event(
    "HaircutSet",
    "A haircut changed.",
    Field("asset", "uint32", "asset"),
    Field("haircut_bps", "int64", "basis points"),
)
SOURCE_DECLARED = _event(
    "SourceDeclared",
    "A price source got its number.",
    Field("source", "uint32", "source"),
    Field("symbol", TEXT, "name"),
    Field("asset", "uint32", "asset"),
    Field("weight", "int64", "weight"),
)
INSTRUMENT_LISTED = _event(
    "InstrumentListed",
    "A contract got its number and its place in the settlement account.",
    _INSTRUMENT,
    Field("symbol", TEXT, "ticker"),
    Field("form", "int8", "settlement form"),
    Field("style", "int8", "settlement style"),
    Field("underlying", "uint32", "asset of the index"),
    Field("settlement_asset", "uint32", "asset of the cash flows"),
    Field("tick_e8", "int64", "tick size"),
    Field("unit", "int64", "value unit"),
    Field("ticks_max", "int64", "highest price"),
    Field("lots_max", "int64", "largest position"),
    Field("maker_fee_ppm", "int64", "maker fee"),
    Field("taker_fee_ppm", "int64", "taker fee"),
    Field("cycle_ns", "int64", "cycle interval"),
    Field("funding_ns", "int64", "funding interval"),
    Field("expiry_ns", "int64", "expiry"),
    Field("settlement_window_ns", "int64", "window of the final price"),
    Field("basis_clamp_ppm", "int64", "basis clamp"),
    Field("funding_cap_e9", "int64", "funding cap"),
    Field("funding_damper_e9", "int64", "funding damper"),
    Field("interest_e9", "int64", "interest"),
    Field("next_cycle_ns", "int64", "first cycle, 0 for none"),
    Field("next_funding_ns", "int64", "first funding, 0 for none"),
)
OPTION_MARGIN_DECLARED = _event(
    "OptionMarginDeclared",
    "A rule for the margin of short options got its number.",
    Field("rule", "int64", "number, from 1"),
    Field("symbol", TEXT, "name"),
    Field("initial_ppm", "int64", "of index"),
    Field("initial_floor_ppm", "int64", "of index"),
    Field("maintenance_ppm", "int64", "of index"),
    Field("call_value_ppm", "int64", "of a call's value"),
    Field("put_value_ppm", "int64", "of a put's value"),
    Field("close_out_ppm", "int64", "of index"),
    Field("entry_counts", "bool", "whether a dearer entry counts"),
    Field("expiry_window_ns", "int64", "time before expiry"),
    Field("expiry_ppm", "int64", "more in that time, of index"),
)
OPTION_LISTED = _event(
    "OptionListed",
    "An option got its number among the contracts.",
    _INSTRUMENT,
    Field("symbol", TEXT, "ticker"),
    Field("kind", "int8", "kind"),
    Field("side", "int8", "1 call, -1 put"),
    Field("underlying", "uint32", "asset of the index"),
    Field("settlement_asset", "uint32", "asset of the cash flows"),
    Field("strike_e8", "int64", "strike"),
    Field("payout_ticks", "int64", "payout of a digital"),
    Field("tick_e8", "int64", "tick size"),
    Field("unit", "int64", "value unit"),
    Field("ticks_max", "int64", "highest price and payoff"),
    Field("lots_max", "int64", "largest position"),
    Field("maker_fee_ppm", "int64", "maker fee"),
    Field("taker_fee_ppm", "int64", "taker fee"),
    Field("expiry_ns", "int64", "expiry"),
    Field("settlement_window_ns", "int64", "window of the final price"),
    Field("margin_rule", "int64", "rule for shorts"),
    Field("barrier", "int8", "kernel.codes.Barrier"),
    Field("barrier_e8", "int64", "level"),
    Field("monitoring", "int8", "kernel.codes.Monitoring"),
    Field("observation_ns", "int64", "interval of a schedule"),
    Field("rebate_ticks", "int64", "rebate"),
    Field("next_observation_ns", "int64", "first look at the barrier, 0 for none"),
)
SURFACE_REPORTED = _event(
    "SurfaceReported",
    "A smile is in force for the options of its underlying and expiry.",
    Field("underlying", "uint32", "asset"),
    Field("expiry_ns", "int64", "expiry"),
    Field("carry_e9", "int64", "ln(forward / index)"),
    Field("a_e9", "int64", "level"),
    Field("b_e9", "int64", "slope"),
    Field("rho_e9", "int64", "rotation"),
    Field("m_e9", "int64", "centre"),
    Field("sigma_e9", "int64", "curvature"),
    Field("observed_ns", "int64", "when it was fitted"),
)
OPTION_MARKED = _event(
    "OptionMarked",
    "Index and mark of an option, and what a short lot must hold.",
    _INSTRUMENT,
    Field("index", "int64", "index in 1e-8 numeraire"),
    Field("mark", "int64", "value in ticks, at least 1; 0 while there was no smile"),
    Field("slow", "int64", "value at the slow average index, in ticks"),
    Field("short_initial", "int64", "initial margin of a short lot, in ticks"),
    Field("short_maintenance", "int64", "maintenance margin of a short lot, in ticks"),
    Field("delta_e9", "int64", "change of value with the index, numeraire per numeraire, in 1e-9"),
    Field("final_sum", "int64", "whole tens of the index times ms inside the settlement window"),
    Field("final_rest", "int64", "the rest of the index, in 1e-8, times ms"),
    Field("final_ms", "int64", "time inside the settlement window"),
)
OPTION_EXPIRED = _event(
    "OptionExpired",
    "An option paid off; every position in it is closed.",
    _INSTRUMENT,
    Field("final_e8", "int64", "settlement price of the underlying"),
    Field("ticks", "int64", "payoff of a lot, 0 if it is worthless"),
    Field("instant_ns", "int64", "instant"),
)
BARRIER_TOUCHED = _event(
    "BarrierTouched",
    "A barrier was touched: an in option is a plain one for good, an out option pays its rebate.",
    _INSTRUMENT,
    Field("index_e8", "int64", "index that touched it"),
    Field("instant_ns", "int64", "instant"),
)
BARRIER_OBSERVED = _event(
    "BarrierObserved",
    "A scheduled look at a barrier that was not touched.",
    _INSTRUMENT,
    Field("index_e8", "int64", "index"),
    Field("next_ns", "int64", "next look, 0 for none"),
)
TIER_SET = _event(
    "TierSet",
    "A margin tier was appended.",
    _INSTRUMENT,
    Field("tier", "int64", "number of the tier, from 0"),
    Field("floor", "int64", "notional where it starts"),
    Field("initial_ppm", "int64", "initial rate"),
    Field("maintenance_ppm", "int64", "maintenance rate"),
    Field("initial_deduction", "float64", "numeraire units"),
    Field("maintenance_deduction", "float64", "numeraire units"),
)
PARAMETER_SET = _event(
    "ParameterSet",
    "A risk parameter changed.",
    Field("parameter", "int64", "parameter"),
    Field("value", "int64", "value"),
)
WATERFALL_DECLARED = _event(
    "WaterfallDeclared",
    "The order of loss absorption changed.",
    Field("first", "int8", "layer"),
    Field("second", "int8", "layer"),
    Field("third", "int8", "layer"),
    Field("fourth", "int8", "layer"),
    Field("last", "int8", "layer"),
)
ACCOUNT_OPENED = _event(
    "AccountOpened",
    "An account got its number.",
    _ACCOUNT,
    Field("reference", TEXT, "name outside"),
    Field("role", "int8", "role"),
    Field("parent", "int64", "member, -1 for none"),
    Field("segregation", "int8", "segregation"),
    Field("mode", "int8", "margin mode"),
    Field("shortfall_policy", "int8", "shortfall_policy"),
    version=2,
    renamed={2: {"defence": "shortfall_policy"}},
)
COLLATERAL_POSTED = _event(
    "CollateralPosted",
    "A deposit was credited.",
    _ACCOUNT,
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units"),
)
COLLATERAL_WITHDRAWN = _event(
    "CollateralWithdrawn",
    "A withdrawal was paid.",
    _ACCOUNT,
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units"),
)
PRICE_REPORTED = _event(
    "PriceReported",
    "A source's price was accepted.",
    Field("source", "uint32", "source"),
    Field("price_e8", "int64", "price"),
    Field("observed_ns", "int64", "when it was seen"),
)
INDEX_UPDATED = _event(
    "IndexUpdated",
    "The index of an asset was computed.",
    Field("asset", "uint32", "asset"),
    Field("price_e8", "int64", "weighted median of usable sources, or the last index if stale"),
    Field("slow_e8", "int64", "slow average"),
    Field("sources", "int64", "sources used"),
    Field("outliers", "int64", "fresh sources left out"),
    Field("is_stale", "bool", "too few usable sources: decisions that need it wait"),
)
LAST_REPORTED = _event(
    "LastReported",
    "A venue price was accepted.",
    _INSTRUMENT,
    Field("ticks", "int64", "ticks"),
)
MARK_UPDATED = _event(
    "MarkUpdated",
    "The mark of an instrument was computed, with the sums behind funding and expiry.",
    _INSTRUMENT,
    Field("index", "int64", "index in ticks"),
    Field("mark", "int64", "index plus average basis, clamped, in ticks"),
    Field("slow", "int64", "slow average index in ticks"),
    Field("basis_e8", "int64", "average of last minus index, in 1e-8 ticks"),
    Field("premium_e9", "int64", "last over index minus 1, in 1e-9"),
    Field("premium_sum", "int64", "premium times time in this funding period, 1e-9 x ms"),
    Field("premium_ms", "int64", "time in that sum"),
    Field("final_sum", "int64", "index ticks times time in the settlement window, ticks x ms"),
    Field("final_ms", "int64", "time in that sum"),
)
TRADE_NOVATED = _event(
    "TradeNovated",
    "Both legs against the clearing house were booked.",
    Field("row", "int64", "row of the command"),
    Field("buyer", "uint32", "buyer"),
    Field("seller", "uint32", "seller"),
    _INSTRUMENT,
    Field("ticks", "int64", "price"),
    Field("lots", "int64", "size"),
    Field("value", "int64", "buyer's value in settlement units; the seller's is its negative"),
    Field("buyer_fee", "int64", "settlement units, negative is a rebate"),
    Field("seller_fee", "int64", "settlement units, negative is a rebate"),
    Field("buyer_reservation", "uint32", "reservation used"),
    Field("seller_reservation", "uint32", "reservation used"),
)
MARGIN_RESERVED = _event(
    "MarginReserved",
    "Margin was set aside for an order.",
    Field("reservation", "uint32", "number, from 1"),
    _ACCOUNT,
    _INSTRUMENT,
    Field("lots", "int64", "signed lots"),
    Field("limit_ticks", "int64", "worst price of a fill"),
    Field("open_order_hold", "int64", "set aside for loss and fee at that price, numeraire units"),
    _EQUITY,
    _REQUIREMENT,
    version=2,
    renamed={2: {"held": "open_order_hold"}},
)
MARGIN_RELEASED = _event(
    "MarginReleased",
    "A reservation ended.",
    Field("reservation", "uint32", "number"),
)
TIME_ADVANCED = _event(
    "TimeAdvanced", "The clock moved.", Field("instant_ns", "int64", "present instant")
)
MARGIN_ASSESSED = _event(
    "MarginAssessed",
    "Every account was assessed.",
    Field("accounts", "int64", "margin accounts assessed"),
    Field("breaches", "int64", "accounts below maintenance margin"),
    Field("equity", "int64", "sum of their equity after haircuts"),
    Field("initial", "int64", "sum of initial margin"),
    Field("maintenance", "int64", "sum of maintenance margin"),
)
CYCLE_SETTLED = _event(
    "CycleSettled",
    "Variation margin was paid to all holders of an instrument.",
    _INSTRUMENT,
    Field("cycle", "int64", "cycle number"),
    Field("ticks", "int64", "settlement price"),
    Field("instant_ns", "int64", "instant of the cycle"),
)
CYCLE_POSTPONED = _event(
    "CyclePostponed",
    "What was due waits for the next interval, or for the index, which is stale or unknown.",
    _INSTRUMENT,
    Field("kind", "int8", "kernel.codes.DueKind"),
    Field("instant_ns", "int64", "instant it was due"),
)
FUNDING_SETTLED = _event(
    "FundingSettled",
    "Funding was exchanged between all holders of an instrument.",
    _INSTRUMENT,
    Field("period", "int64", "period number"),
    Field("ticks", "int64", "mark used"),
    Field("rate_e9", "int64", "rate; longs pay when it is positive"),
    Field("instant_ns", "int64", "instant of funding"),
)
CONTRACT_EXPIRED = _event(
    "ContractExpired",
    "An expired contract was settled and its positions closed.",
    _INSTRUMENT,
    Field("ticks", "int64", "final settlement price, the time average of the index"),
    Field("instant_ns", "int64", "instant of expiry"),
)
GAINS_WINDOW_STARTED = _event(
    "GainsWindowStarted",
    "Gains counted for a haircut start at zero; unproven closed gains are halved.",
    Field("instant_ns", "int64", "start of the window"),
)
MARGIN_CALLED = _event(
    "MarginCalled",
    "An account was called for margin.",
    _ACCOUNT,
    Field("amount", "int64", "shortfall to initial margin, numeraire units"),
    Field("deadline_ns", "int64", "when it is due"),
    _EQUITY,
    _REQUIREMENT,
)
MARGIN_CALL_MET = _event("MarginCallMet", "A call was met.", _ACCOUNT, _EQUITY, _REQUIREMENT)
CALL_EXTENDED = _event(
    "CallExtended",
    "A call is not met at its deadline, but a blocked price leaves open whether it could be.",
    _ACCOUNT,
    Field("deadline_ns", "int64", "when it was due: it waits for the price"),
    Field("instrument", "uint32", "open position whose price is blocked, the lowest number"),
)
DEFAULT_DECLARED = _event(
    "DefaultDeclared",
    "A call was not met by its deadline.",
    _ACCOUNT,
    _EQUITY,
    _REQUIREMENT,
    _NET,
)
LIQUIDATION_STARTED = _event(
    "LiquidationStarted",
    "An account is being closed in slices.",
    _ACCOUNT,
    _EQUITY,
    _REQUIREMENT,
    Field("binding", "int64", "instrument with the largest share of the requirement, -1 for none"),
    Field("mark", "int64", "its mark in ticks"),
    _NET,
)
LIQUIDATION_STOPPED = _event(
    "LiquidationStopped", "The account is above its release level.", _ACCOUNT, _EQUITY, _REQUIREMENT
)
ORDER_PLACED = _event(
    "OrderPlaced",
    "An order entered the outbox.",
    Field("order", "uint32", "number, from 1"),
    _ACCOUNT,
    Field("kind", "int8", "1 position, 2 conversion"),
    Field("subject", "uint32", "instrument, or asset of a conversion"),
    Field("quantity", "int64", "lots or ledger units, negative sells"),
    Field("reference", "int64", "mark in ticks, or index in 1e-8, when it was placed"),
    Field("instant_ns", "int64", "when it was placed"),
)
ORDER_CLOSED = _event(
    "OrderClosed", "An order left the outbox.", Field("order", "uint32", "number")
)
SLICE_SCHEDULED = _event(
    "SliceScheduled",
    "The next slice of a liquidation has a time.",
    _ACCOUNT,
    Field("instant_ns", "int64", "when it is due"),
)
ORDER_FILLED = _event(
    "OrderFilled",
    "A liquidation order traded with the external market.",
    Field("order", "uint32", "order"),
    _ACCOUNT,
    _INSTRUMENT,
    Field("lots", "int64", "signed lots of the account"),
    Field("ticks", "int64", "price"),
    Field("value", "int64", "signed value of the account in settlement units"),
    Field("fee", "int64", "liquidation fee to the insurance fund, numeraire units"),
)
ASSET_CONVERTED = _event(
    "AssetConverted",
    "A conversion order traded with the external market.",
    Field("order", "uint32", "order"),
    _ACCOUNT,
    Field("asset", "uint32", "asset"),
    Field("amount", "int64", "ledger units the account gained, negative sold"),
    Field("price_e8", "int64", "price"),
    Field("proceeds", "int64", "numeraire units the account gained"),
)
ACCOUNT_TAKEN_OVER = _event(
    "AccountTakenOver",
    "All positions at their marks and all cash went to the liquidator.",
    _ACCOUNT,
    Field("equity", "int64", "net equity without haircuts that went along; negative is a loss"),
    Field("maintenance", "int64", "maintenance margin at that moment"),
    Field("is_first", "bool", "the liquidator was flat and not short: a new close-out begins"),
)
LOSS_RECORDED = _event(
    "LossRecorded",
    "A loss waits to be taken through the waterfall.",
    Field("loss", "uint32", "number, from 1"),
    Field("account", "uint32", "account that failed, or the liquidator"),
    Field("amount", "int64", "numeraire units, positive"),
)
LOSS_ALLOCATED = _event(
    "LossAllocated",
    "A layer of the waterfall paid part of a loss to the liquidator.",
    Field("loss", "uint32", "loss"),
    Field("layer", "int8", "kernel.codes.Layer; UNCOVERED moves no cash"),
    Field("payer", "uint32", "account that paid"),
    Field("amount", "int64", "numeraire units"),
)
GAINS_CUT = _event(
    "GainsCut",
    "Winners of the gains window bore a loss, pro rata; `apply` expands it over them.",
    Field("loss", "uint32", "loss"),
    Field("amount", "int64", "numeraire units"),
    Field("gains", "int64", "sum of what the winners could bear, numeraire units"),
    Field("winners", "int64", "accounts that could bear something"),
)
POSITION_DELEVERAGED = _event(
    "PositionDeleveraged",
    "A winner's position was closed against the liquidator away from the mark.",
    Field("loss", "uint32", "loss"),
    Field("account", "uint32", "winner"),
    _INSTRUMENT,
    Field("lots", "int64", "signed lots the winner traded"),
    Field("ticks", "int64", "price"),
    Field("value", "int64", "signed value of the winner in settlement units"),
    Field("amount", "int64", "loss borne, numeraire units"),
)
LOSS_CLOSED = _event(
    "LossClosed", "A loss went through the waterfall.", Field("loss", "uint32", "loss")
)
SURPLUS_SWEPT = _event(
    "SurplusSwept",
    "What a flat liquidator was left with went to the insurance fund.",
    Field("account", "uint32", "liquidator"),
    Field("amount", "int64", "numeraire units"),
)
ENGINE_UPGRADED = _event(
    "EngineUpgraded",
    "A later engine version took the journal over; digests are of the state it found, in hex.",
    Field("from_version", "int64", "engine version of the record before"),
    Field("to_version", "int64", "engine version from here on"),
    Field("state_version", "int64", "version of the columns in the state digest"),
    Field("state_digest", TEXT, "state digest"),
    Field("ledger_digest", TEXT, "ledger digest, which no version changes"),
)

EVENTS: tuple[Message, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Message)
)
BY_NAME = {message.name: message for message in EVENTS}
