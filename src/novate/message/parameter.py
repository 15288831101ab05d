"""Risk parameters of the clearing house: one table, and how a parameter is set.

A parameter is one entry of `Parameter`.  The limits and scopes of `SetParameter`, the keys of
parameter files, the opening of a venue and the reference pages follow from it.  Every change is
bounded, journaled, and effective from its event on; one with an instant waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from novate.canonical import Run
from novate.message.declare import TEXT, Field, declare
from novate.units import AMOUNT_MAX, NUMERAIRE_DECIMALS, PPM


class Scope(IntEnum):
    """What a value of a parameter holds for; of several that fit the highest code counts."""

    HOUSE = 0  # everything; its subject is 0
    INSTRUMENT = 1
    GROUP = 2  # a margin group, by the number of the account that it began with
    ACCOUNT = 3


BY_INSTRUMENT = (Scope.INSTRUMENT,)
BY_GROUP = (Scope.GROUP,)
BY_ACCOUNT = (Scope.GROUP, Scope.ACCOUNT)
BY_BOTH = (*BY_INSTRUMENT, *BY_ACCOUNT)

_SCOPED = (
    Field("scope", "int8", "message.parameter.Scope: what it holds for", 2, int(Scope.HOUSE)),
    Field("subject", "int64", "number of that instrument, group or account; 0 for all", 2, 0),
)

SET_PARAMETER = declare(
    "SetParameter",
    "Set a risk parameter, for all or for one subject, at once or from an instant on.",
    Field("parameter", "int64", "number of the parameter"),
    Field("value", "int64", "value in the parameter's unit"),
    *_SCOPED,
    Field("effective_ns", "int64", "instant from which it holds, 0 for at once", 2, 0),
    version=2,
)
ENACT_PARAMETER = declare(
    "EnactParameter",
    "Let a value that was set for this instant hold from now on.",
    Field("parameter", "int64", "parameter"),
    Field("scope", "int8", "what it holds for"),
    Field("subject", "int64", "of that"),
    Field("effective_ns", "int64", "instant that it was set for"),
)

PARAMETER_SCHEDULED = declare(
    "ParameterScheduled",
    "A value of a risk parameter waits for its instant.",
    Field("parameter", "int64", "parameter"),
    Field("value", "int64", "value"),
    Field("scope", "int8", "what it will hold for"),
    Field("subject", "int64", "of that"),
    Field("effective_ns", "int64", "instant"),
)
PARAMETER_SET = declare(
    "ParameterSet",
    "A risk parameter changed.",
    Field("parameter", "int64", "parameter"),
    Field("value", "int64", "value"),
    *_SCOPED,
    Field("effective_ns", "int64", "instant that it waited for, 0 for none", 2, 0),
    Field("parameter_set", TEXT, "version of all values in force from now on, SHA-256", 2, ""),
    version=2,
)


class SetParameterRefusal(IntEnum):
    """Why setting a parameter was refused."""

    UNKNOWN_PARAMETER = 1
    BELOW_MINIMUM = 2
    ABOVE_MAXIMUM = 3
    SCOPE_NOT_ALLOWED = 4
    UNKNOWN_SUBJECT = 5
    INSTANT_OUT_OF_RANGE = 6


SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 3_600 * SECOND
DAY = 24 * HOUR


class Unit(NamedTuple):
    """Unit of a parameter: in the engine, in a parameter file, and how many of the first make one.

    ``decimals`` is 0 for integers in the file, else those of a decimal text.
    """

    engine: str
    file: str
    scale: int = 1
    decimals: int = 0


MILLIONTHS = Unit("1e-6", "1e-6")
SECONDS = Unit("ns", "s", SECOND)
MINUTES = Unit("ns", "minutes", MINUTE)
HOURS = Unit("ns", "hours", HOUR)
SOURCES = Unit("sources", "sources")
MONEY = Unit("numeraire units", f"numeraire, {NUMERAIRE_DECIMALS} decimals", 1, NUMERAIRE_DECIMALS)


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything that is declared about a parameter.

    Attributes
    ----------
    section, key
        Where it stands in a parameter file.
    unit
        Its unit.
    default, minimum, maximum
        Inclusive limits, and the value in force until another is set; all in the engine's unit.
    doc
        What it is, in one line.
    earlier
        Other defaults that journals begin with, by the last engine version that began one so.
    scopes
        Narrower scopes that a value may have, beside that of the whole house.
    """

    section: str
    key: str
    unit: Unit
    default: int
    minimum: int
    maximum: int
    doc: str
    earlier: Mapping[int, int] = field(default_factory=dict)
    scopes: tuple[Scope, ...] = ()


class Parameter(IntEnum):
    """Risk parameters by number; a number is never reused."""

    setting: Setting

    def __new__(cls, number: int, setting: Setting) -> Self:
        """Make a member that is its number and knows its setting."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.setting = setting
        return member

    # fmt: off
    LIQUIDATION_COST_PPM = 6, Setting(
        "margin", "liquidation_cost_ppm", MILLIONTHS, 5_000, 0, PPM,
        "cost of liquidation kept back on a withdrawal, of notional",
        scopes=BY_ACCOUNT,
    )
    TRADE_COLLAR_PPM = 14, Setting(
        "margin", "trade_collar_ppm", MILLIONTHS, 100_000, 0, PPM,
        "largest distance of a trade from the mark, 0 for any; of an order's fill by rule 11.50",
        earlier={1: 0},
        scopes=BY_INSTRUMENT,
    )
    RISK_REDUCING_SALE_PPM = 17, Setting(
        "margin", "risk_reducing_sale_ppm", MILLIONTHS, 100_000, 0, PPM,
        "share of the mark that a long option sold below initial margin may give up",
        scopes=BY_INSTRUMENT,
    )
    CONCENTRATION_FLOOR = 19, Setting(
        "margin", "concentration_floor", MONEY, 0, 0, AMOUNT_MAX,
        "net notional of an underlying without a charge, in groups with the concentration add-on",
        scopes=BY_GROUP,
    )
    CONCENTRATION_PPM = 20, Setting(
        "margin", "concentration_ppm", MILLIONTHS, 0, 0, PPM,
        "share of the net notional beyond that floor that the add-on asks for, 0 for none",
        scopes=BY_GROUP,
    )
    DEBT_INITIAL_PPM = 21, Setting(
        "margin", "debt_initial_ppm", MILLIONTHS, 200_000, 0, PPM,
        "initial margin of a debt in another asset than the numeraire, of its worth",
        scopes=BY_ACCOUNT,
    )
    DEBT_MAINTENANCE_PPM = 22, Setting(
        "margin", "debt_maintenance_ppm", MILLIONTHS, 100_000, 0, PPM,
        "maintenance margin of such a debt",
        scopes=BY_ACCOUNT,
    )
    ORDER_BAND_PPM = 28, Setting(
        "margin", "order_band_ppm", MILLIONTHS, 10_000, 0, PPM,
        "move of the mark against an open order that its hold allows for",
        scopes=BY_INSTRUMENT,
    )
    SLICE_PPM = 1, Setting(
        "liquidation", "slice_ppm", MILLIONTHS, 250_000, 1, PPM,
        "share of a position sent to the market per slice",
        scopes=BY_BOTH,
    )
    SLICE_FLOOR = 13, Setting(
        "liquidation", "slice_floor", MONEY, 10_000 * 10**NUMERAIRE_DECIMALS, 0, AMOUNT_MAX,
        "notional below which a slice is the whole position",
        scopes=BY_BOTH,
    )
    SLICE_INTERVAL_NS = 2, Setting(
        "liquidation", "interval_seconds", SECONDS, MINUTE, SECOND, DAY,
        "time between slices of one account",
        scopes=BY_ACCOUNT,
    )
    ORDER_LIFE_NS = 15, Setting(
        "liquidation", "order_minutes", MINUTES, 10 * MINUTE, 0, 7 * DAY,
        "time without a fill after which an order is withdrawn, 0 for never",
    )
    LIQUIDATION_FEE_PPM = 3, Setting(
        "liquidation", "fee_ppm", MILLIONTHS, 5_000, 0, 100_000,
        "fee on liquidation fills, paid to the insurance fund",
        scopes=BY_BOTH,
    )
    TAKEOVER_PPM = 4, Setting(
        "liquidation", "takeover_ppm", MILLIONTHS, 333_333, 0, PPM,
        "share of maintenance margin below which an account is taken over",
        scopes=BY_ACCOUNT,
    )
    CLOSE_OUT_CHARGE_PPM = 23, Setting(
        "liquidation", "close_out_charge_ppm", MILLIONTHS, 5_000, 0, PPM,
        "charge of a takeover on the notional of a position, at most its maintenance margin",
        scopes=BY_BOTH,
    )
    CLOSE_OUT_DEPTH = 24, Setting(
        "liquidation", "close_out_depth", MONEY, 0, 0, AMOUNT_MAX,
        "notional at which that charge is twice as dear, 0 where its size does not count",
        scopes=BY_INSTRUMENT,
    )
    CONVERSION_CHARGE_PPM = 25, Setting(
        "liquidation", "conversion_charge_ppm", MILLIONTHS, 200_000, 0, PPM,
        "share of its haircut at which an asset counts for less that a takeover takes for debts",
        scopes=BY_ACCOUNT,
    )
    RELEASE_PPM = 5, Setting(
        "liquidation", "release_ppm", MILLIONTHS, 1_250_000, PPM, 10 * PPM,
        "multiple of maintenance margin at which a liquidation stops",
        scopes=BY_ACCOUNT,
    )
    CONVERSION_COLLAR_PPM = 42, Setting(
        "liquidation", "conversion_collar_ppm", MILLIONTHS, 100_000, 0, PPM,
        "largest distance from the index at which a conversion order may fill, 0 for any",
    )
    CALL_GRACE_NS = 0, Setting(
        "calls", "grace_minutes", MINUTES, HOUR, 0, 7 * DAY,
        "time from a margin call to its deadline",
        scopes=BY_ACCOUNT,
    )
    CALL_MINIMUM = 45, Setting(
        "calls", "minimum", MONEY, 10 * 10**NUMERAIRE_DECIMALS, 0, AMOUNT_MAX,
        "what the groups of a holder must miss together for a margin call",
        earlier={2: 0},
        scopes=BY_ACCOUNT,
    )
    DEBT_INTEREST_PPM = 26, Setting(
        "interest", "debt_interest_ppm", MILLIONTHS, 100_000, 0, PPM,
        "interest on negative balances for a year of 365 days, 0 for none",
    )
    INTEREST_INTERVAL_NS = 27, Setting(
        "interest", "interval_minutes", MINUTES, 8 * HOUR, 0, 30 * DAY,
        "time between two charges of interest, 0 for none",
    )
    GAINS_WINDOW_NS = 7, Setting(
        "waterfall", "gains_window_hours", HOURS, DAY, MINUTE, 30 * DAY,
        "window of gains that a haircut may cut",
    )
    INDEX_STALENESS_NS = 8, Setting(
        "index", "staleness_seconds", SECONDS, 2 * HOUR, SECOND, 7 * DAY,
        "age at which a source no longer counts",
    )
    INDEX_OUTLIER_PPM = 9, Setting(
        "index", "outlier_ppm", MILLIONTHS, 30_000, 100, PPM,
        "distance beyond which two sources disagree, and the trimmed median leaves one out",
    )
    INDEX_SOURCES_MIN = 10, Setting(
        "index", "sources_min", SOURCES, 2, 1, 64,
        "usable sources without which an index is stale; 1 lets one source alone make it",
        earlier={2: 1},
    )
    INDEX_WEIGHT_MIN_PPM = 41, Setting(
        "index", "weight_min_ppm", MILLIONTHS, 500_000, 0, PPM,
        "usable share of the weight of an asset's sources below which its index is narrow",
    )
    JUMP_PPM = 33, Setting(
        "index", "jump_ppm", MILLIONTHS, 200_000, 0, 10 * PPM,
        "change of an index, of the last one, beyond which it is a jump; 0 for none",
        earlier={2: 0},
        scopes=BY_INSTRUMENT,
    )
    JUMP_QUORUM = 34, Setting(
        "index", "jump_quorum", SOURCES, 2, 1, 64,
        "sources that confirm a jump, at least sources_min of them (rule 5.85)",
    )
    JUMP_CONFIRM_NS = 35, Setting(
        "index", "jump_confirm_seconds", SECONDS, 10 * SECOND, 0, HOUR,
        "time for which they agree on it",
    )
    JUMP_PAUSE_NS = 36, Setting(
        "index", "jump_pause_minutes", MINUTES, 5 * MINUTE, 0, DAY,
        "time after which a jump that nobody confirmed counts",
    )
    HALT_MIN_NS = 37, Setting(
        "index", "halt_minutes", MINUTES, 10 * MINUTE, 0, 7 * DAY,
        "time without an index after which a ramp leads to the next one",
    )
    RAMP_PPM = 38, Setting(
        "index", "ramp_ppm", MILLIONTHS, 20_000, 0, 10 * PPM,
        "what a ramp moves in a minute, of where it began; 0 for no ramps",
        earlier={2: 0},
    )
    RAMP_GRACE_NS = 39, Setting(
        "index", "ramp_grace_minutes", MINUTES, MINUTE, 0, DAY,
        "time before a ramp moves",
    )
    SETTLEMENT_RANGE_NS = 40, Setting(
        "index", "settlement_range_hours", HOURS, DAY, HOUR, 30 * DAY,
        "time in whose range of the index two may settle a contract that has lost it",
    )
    SLOW_AVERAGE_NS = 11, Setting(
        "index", "slow_minutes", MINUTES, HOUR, MINUTE, 30 * DAY,
        "time constant of the slow average index",
    )
    BASIS_AVERAGE_NS = 12, Setting(
        "index", "basis_seconds", SECONDS, 5 * MINUTE, SECOND, DAY,
        "time constant of the average basis",
        scopes=BY_INSTRUMENT,
    )
    BASIS_PROTECTION_NS = 43, Setting(
        "index", "basis_protection_seconds", SECONDS, 10 * MINUTE, 0, DAY,
        "time constant of the basis at which accounts must fail too, 0 for the index alone",
        earlier={2: 0},
        scopes=BY_INSTRUMENT,
    )
    HOUSE_PAUSE_MAX_NS = 44, Setting(
        "index", "house_pause_hours", HOURS, DAY, 0, 30 * DAY,
        "longest pause of the house while no index is fresh, 0 for no pauses",
        earlier={2: 0},
    )
    SURFACE_STALENESS_NS = 16, Setting(
        "smile", "staleness_seconds", SECONDS, 2 * HOUR, SECOND, 7 * DAY,
        "age at which a smile no longer counts",
    )
    SMILE_MOVE_PPM = 18, Setting(
        "smile", "move_ppm", MILLIONTHS, 0, 0, 10 * PPM,
        "largest change of the volatility at the money from a smile to the next, of it, 0 for any",
    )
    SETTLEMENT_COVERAGE_PPM = 29, Setting(
        "settlement", "coverage_ppm", MILLIONTHS, 500_000, 1, PPM,
        "share of the settlement window whose index must have been observed to settle at expiry",
        scopes=BY_INSTRUMENT,
    )
    SETTLEMENT_WAIT_NS = 30, Setting(
        "settlement", "wait_hours", HOURS, DAY, 0, 30 * DAY,
        "time after expiry for which a final settlement waits for an index",
        scopes=BY_INSTRUMENT,
    )
    STALE_HORIZON_NS = 31, Setting(
        "index", "stale_horizon_hours", HOURS, DAY, 0, 30 * DAY,
        "age of a stale index at which its asset is worth nothing as collateral, 0 for no decay",
    )
    STALE_ADD_ON_PPM = 32, Setting(
        "margin", "stale_add_on_ppm", MILLIONTHS, 200_000, 0, PPM,
        "share of the notional that margin asks more when an index is as old as the stale horizon",
        scopes=BY_INSTRUMENT,
    )
    # fmt: on


SETTINGS: dict[Parameter, Setting] = {p: p.setting for p in sorted(Parameter)}
"""Every parameter by number; a value outside its limits is refused."""


def initial_parameters(engine_version: int) -> npt.NDArray[np.int64]:
    """Return the values that a journal begins with whose first record has an engine version."""
    return np.array([_default(s, engine_version) for s in SETTINGS.values()], np.int64)


def _default(setting: Setting, engine_version: int) -> int:
    """Return the default with which journals of an engine version begin."""
    last = min((v for v in setting.earlier if v >= engine_version), default=None)
    return setting.default if last is None else setting.earlier[last]


def set_parameters(values: Mapping[Parameter, int]) -> Run:
    """Return the command that sets many parameters for the whole house, at once."""
    columns = {"parameter": [int(p) for p in values], "value": list(values.values())}
    none = [0] * len(values)
    return SET_PARAMETER.run({**columns, "scope": none, "subject": none, "effective_ns": none})


def set_parameter(
    parameter: int,
    value: int,
    scope: Scope = Scope.HOUSE,
    subject: int = 0,
    effective_ns: int = 0,
) -> Run:
    """Return the command that sets one parameter, without more for the whole house and at once."""
    return SET_PARAMETER.row(
        parameter=int(parameter),
        value=value,
        scope=int(scope),
        subject=subject,
        effective_ns=effective_ns,
    )
