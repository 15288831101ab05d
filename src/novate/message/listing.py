"""Contracts and options with their terms."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import TEXT, Field, declare
from novate.message.field import INSTRUMENT

LIST_INSTRUMENT = declare(
    "ListInstrument",
    "Add a contract with its terms.",
    Field("symbol", TEXT, "ticker of the contract"),
    Field("form", "int8", "settlement form: 1 linear, 2 inverse"),
    Field("style", "int8", "settlement style: 1 each cycle, 2 at close"),
    Field("underlying", "uint32", "asset whose index prices it"),
    Field("settlement_asset", "uint32", "asset of its cash flows"),
    Field("tick_e8", "int64", "tick size in 1e-8 numeraire"),
    Field("unit", "int64", "value unit, see kernel.clearing.value"),
    Field("ticks_max", "int64", "highest price accepted, in ticks"),
    Field("lots_max", "int64", "largest position accepted, in lots"),
    Field("maker_fee_ppm", "int64", "maker fee of value, negative is a rebate"),
    Field("taker_fee_ppm", "int64", "taker fee of value"),
    Field("cycle_ns", "int64", "interval of variation-margin cycles, 0 for none"),
    Field("funding_ns", "int64", "funding interval, 0 for none"),
    Field("expiry_ns", "int64", "expiry instant, 0 for a perpetual"),
    Field("settlement_window_ns", "int64", "length of the time average of the final price"),
    Field("basis_clamp_ppm", "int64", "largest distance of mark from index"),
    Field("funding_cap_e9", "int64", "largest funding rate per period, in 1e-9"),
    Field("funding_damper_e9", "int64", "clamp of interest minus premium, in 1e-9"),
    Field("interest_e9", "int64", "interest per funding period, in 1e-9"),
)
LIST_OPTION = declare(
    "ListOption",
    "Add an option: its premium is paid at the trade, its payoff at expiry.",
    Field("symbol", TEXT, "ticker of the contract"),
    Field("kind", "int8", "kernel.codes.Kind: 1 European, 2 digital"),
    Field("side", "int8", "1 call, -1 put"),
    Field("underlying", "uint32", "asset whose index prices it and settles it"),
    Field("settlement_asset", "uint32", "asset of its cash flows: the numeraire or the underlying"),
    Field("strike_e8", "int64", "strike in 1e-8 numeraire"),
    Field("payout_ticks", "int64", "what a lot of a digital pays, in ticks; 0 for others"),
    Field("tick_e8", "int64", "tick size in 1e-8 of the settlement asset"),
    Field("unit", "int64", "ledger units of the settlement asset per tick and lot"),
    Field("ticks_max", "int64", "highest price accepted and highest payoff, in ticks"),
    Field("lots_max", "int64", "largest position accepted, in lots"),
    Field("maker_fee_ppm", "int64", "maker fee of the premium, negative is a rebate"),
    Field("taker_fee_ppm", "int64", "taker fee of the premium"),
    Field("expiry_ns", "int64", "expiry instant"),
    Field("settlement_window_ns", "int64", "length of the time average of the final price"),
    Field("margin_rule", "int64", "declared rule for shorts, from 1"),
    Field("barrier", "int8", "0 none, 1 up and in, 2 up and out, 3 down and in, 4 down and out"),
    Field("barrier_e8", "int64", "level in 1e-8 numeraire, 0 without a barrier"),
    Field("monitoring", "int8", "1 every index, 2 a schedule, 3 at expiry; 0 without a barrier"),
    Field("observation_ns", "int64", "interval of a schedule, else 0"),
    Field("rebate_ticks", "int64", "paid at the touch (out), or at expiry without one (in)"),
)

INSTRUMENT_LISTED = declare(
    "InstrumentListed",
    "A contract got its number and its place in the settlement account.",
    INSTRUMENT,
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
OPTION_LISTED = declare(
    "OptionListed",
    "An option got its number among the contracts.",
    INSTRUMENT,
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


class ListInstrumentRefusal(IntEnum):
    """Why listing a contract was refused."""

    SYMBOL_TAKEN = 1
    UNKNOWN_FORM = 2
    UNKNOWN_STYLE = 3
    UNKNOWN_ASSET = 4
    TICK_OUT_OF_RANGE = 5
    UNIT_OUT_OF_RANGE = 6
    LIMITS_OVERFLOW = 7
    FEE_OUT_OF_RANGE = 8
    INTERVAL_OUT_OF_RANGE = 9
    EXPIRY_PASSED = 10
    CLAMP_OUT_OF_RANGE = 11
    CLOCK_NOT_SET = 12


class ListOptionRefusal(IntEnum):
    """Why listing an option was refused."""

    SYMBOL_TAKEN = 1
    UNKNOWN_KIND = 2
    UNKNOWN_SIDE = 3
    UNKNOWN_ASSET = 4
    STRIKE_OUT_OF_RANGE = 5
    PAYOUT_OUT_OF_RANGE = 6
    TICK_OUT_OF_RANGE = 7
    UNIT_OUT_OF_RANGE = 8
    LIMITS_OVERFLOW = 9
    FEE_OUT_OF_RANGE = 10
    INTERVAL_OUT_OF_RANGE = 11
    EXPIRY_PASSED = 12
    UNKNOWN_RULE = 13
    UNKNOWN_BARRIER = 14
    BARRIER_OUT_OF_RANGE = 15
    BARRIER_CROSSED = 16
    CLOCK_NOT_SET = 17
