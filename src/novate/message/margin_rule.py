"""Rules of margin, the marks of options, and what a short option must hold."""

from __future__ import annotations

from enum import IntEnum

from novate.message.declare import TEXT, Field, declare
from novate.message.field import INSTRUMENT

SET_TIER = declare(
    "SetTier",
    "Append a margin tier to an instrument; floors ascend, rates do not fall.",
    Field("instrument", "uint32", "instrument"),
    Field("floor", "int64", "notional where the tier starts, numeraire units"),
    Field("initial_ppm", "int64", "initial margin rate in 1e-6 of notional"),
    Field("maintenance_ppm", "int64", "maintenance margin rate in 1e-6 of notional"),
)
REPLACE_TIERS = declare(
    "ReplaceTiers",
    "Replace all margin tiers of an instrument, at once or from an instant on; the rows of a table"
    " stand together, the first with floor 0.",
    Field("instrument", "uint32", "instrument, the same in each row"),
    Field("floor", "int64", "notional where the tier starts, numeraire units"),
    Field("initial_ppm", "int64", "initial margin rate in 1e-6 of notional"),
    Field("maintenance_ppm", "int64", "maintenance margin rate in 1e-6 of notional"),
    Field("effective_ns", "int64", "instant from which it holds, 0 for at once; as the first row"),
)
ENACT_TIERS = declare(
    "EnactTiers",
    "Let tiers that wait for this instant take the place of the present ones.",
    Field("instrument", "uint32", "instrument"),
    Field("effective_ns", "int64", "instant that they wait for"),
)
REPLACE_MARGIN_RULE = declare(
    "ReplaceMarginRule",
    "Give a listed option another declared rule for shorts, at once or from an instant on.",
    Field("instrument", "uint32", "option"),
    Field("margin_rule", "int64", "declared rule for shorts, from 1"),
    Field("effective_ns", "int64", "instant from which it holds, 0 for at once"),
)
ENACT_MARGIN_RULE = declare(
    "EnactMarginRule",
    "Let a rule for shorts that waits for this instant take the place of the present one.",
    Field("instrument", "uint32", "option"),
    Field("effective_ns", "int64", "instant that it waits for"),
)
DECLARE_OPTION_MARGIN = declare(
    "DeclareOptionMargin",
    "Add a rule for the margin of short options; shares in 1e-6 of the index or of the value.",
    Field("symbol", TEXT, "name of the rule"),
    Field("initial_ppm", "int64", "initial margin before what it is out of the money, of index"),
    Field("initial_floor_ppm", "int64", "least initial margin, of index"),
    Field("maintenance_ppm", "int64", "maintenance margin, of index"),
    Field("call_value_ppm", "int64", "least maintenance margin of a call, of its value"),
    Field("put_value_ppm", "int64", "least maintenance margin of a put, of its value"),
    Field("close_out_ppm", "int64", "cost of closing in the maintenance margin, of index"),
    Field("entry_counts", "bool", "whether a dearer entry price counts for the initial margin"),
    Field("expiry_window_ns", "int64", "time before expiry in which more is asked, 0 for none"),
    Field("expiry_ppm", "int64", "how much more, of index; 0 without a window"),
)

TIER_SET = declare(
    "TierSet",
    "A margin tier was appended.",
    INSTRUMENT,
    Field("tier", "int64", "number of the tier, from 0"),
    Field("floor", "int64", "notional where it starts"),
    Field("initial_ppm", "int64", "initial rate"),
    Field("maintenance_ppm", "int64", "maintenance rate"),
    Field("initial_deduction", "float64", "numeraire units"),
    Field("maintenance_deduction", "float64", "numeraire units"),
)
TIERS_SCHEDULED = declare(
    "TiersScheduled",
    "Margin tiers wait for their instant, all of one instrument.",
    INSTRUMENT,
    Field("tier", "int64", "number of the tier, from 0"),
    Field("floor", "int64", "notional where it starts"),
    Field("initial_ppm", "int64", "initial rate"),
    Field("maintenance_ppm", "int64", "maintenance rate"),
    Field("effective_ns", "int64", "instant"),
)
TIERS_REPLACED = declare(
    "TiersReplaced",
    "All margin tiers of an instrument were replaced.",
    INSTRUMENT,
    Field("tier", "int64", "number of the tier, from 0"),
    Field("floor", "int64", "notional where it starts"),
    Field("initial_ppm", "int64", "initial rate"),
    Field("maintenance_ppm", "int64", "maintenance rate"),
    Field("initial_deduction", "float64", "numeraire units"),
    Field("maintenance_deduction", "float64", "numeraire units"),
    Field("effective_ns", "int64", "instant that they waited for, 0 for none"),
    Field("table", TEXT, "version of the new table, SHA-256"),
    Field("replaced", TEXT, "version of the table before"),
)
MARGIN_RULE_SCHEDULED = declare(
    "MarginRuleScheduled",
    "Another rule for shorts of an option waits for its instant.",
    INSTRUMENT,
    Field("margin_rule", "int64", "rule"),
    Field("effective_ns", "int64", "instant"),
)
MARGIN_RULE_REPLACED = declare(
    "MarginRuleReplaced",
    "An option has another rule for shorts; a declared rule never changes, its number says all.",
    INSTRUMENT,
    Field("margin_rule", "int64", "rule"),
    Field("replaced", "int64", "rule before"),
    Field("effective_ns", "int64", "instant that it waited for, 0 for none"),
)
OPTION_MARGIN_DECLARED = declare(
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
OPTION_MARKED = declare(
    "OptionMarked",
    "Index and mark of an option, and what a short lot must hold.",
    INSTRUMENT,
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


class SetTierRefusal(IntEnum):
    """Why appending a margin tier was refused."""

    UNKNOWN_INSTRUMENT = 1
    TOO_MANY_TIERS = 2
    FLOOR_NOT_ASCENDING = 3
    RATE_OUT_OF_RANGE = 4
    RATE_FALLING = 5
    INITIAL_BELOW_MAINTENANCE = 6
    OPTION_HAS_RULE = 7


class ReplaceTiersRefusal(IntEnum):
    """Why replacing the margin tiers was refused: the reasons of `SetTier`, and the instant."""

    UNKNOWN_INSTRUMENT = 1
    TOO_MANY_TIERS = 2
    FLOOR_NOT_ASCENDING = 3
    RATE_OUT_OF_RANGE = 4
    RATE_FALLING = 5
    INITIAL_BELOW_MAINTENANCE = 6
    OPTION_HAS_RULE = 7
    INSTANT_OUT_OF_RANGE = 8


class ReplaceMarginRuleRefusal(IntEnum):
    """Why giving an option another rule was refused."""

    UNKNOWN_INSTRUMENT = 1
    NOT_AN_OPTION = 2
    UNKNOWN_RULE = 3
    INSTANT_OUT_OF_RANGE = 4


class DeclareOptionMarginRefusal(IntEnum):
    """Why declaring a rule for short options was refused."""

    SYMBOL_TAKEN = 1
    INITIAL_OUT_OF_RANGE = 2
    FLOOR_OUT_OF_RANGE = 3
    MAINTENANCE_OUT_OF_RANGE = 4
    VALUE_SHARE_OUT_OF_RANGE = 5
    CLOSE_OUT_OUT_OF_RANGE = 6
    WINDOW_OUT_OF_RANGE = 7
    ADD_ON_OUT_OF_RANGE = 8
