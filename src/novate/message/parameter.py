"""Risk parameters of the clearing house: one table, and how a parameter is set.

A parameter is one entry of `Parameter`.  The limits of `SetParameter`, the keys of parameter files,
the opening of a venue and the reference pages follow from it.  Every change is bounded, journaled,
and effective from its event on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from novate.message.declare import Emit, Field, Refusal, Row, declare
from novate.message.topic import NOBODY, Application, Decision, Topic
from novate.units import AMOUNT_MAX, NUMERAIRE_DECIMALS, PPM

SET_PARAMETER = declare(
    "SetParameter",
    "Set one risk parameter of the clearing house.",
    Field("parameter", "int64", "number of the parameter"),
    Field("value", "int64", "value in the parameter's unit"),
)

PARAMETER_SET = declare(
    "ParameterSet",
    "A risk parameter changed.",
    Field("parameter", "int64", "parameter"),
    Field("value", "int64", "value"),
)


class SetParameterRefusal(IntEnum):
    """Why setting a parameter was refused."""

    UNKNOWN_PARAMETER = 1
    BELOW_MINIMUM = 2
    ABOVE_MAXIMUM = 3


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
        The default that journals begin with which engine version 1 began, where it was another.
    """

    section: str
    key: str
    unit: Unit
    default: int
    minimum: int
    maximum: int
    doc: str
    earlier: int | None = None


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
    )
    TRADE_COLLAR_PPM = 14, Setting(
        "margin", "trade_collar_ppm", MILLIONTHS, 100_000, 0, PPM,
        "largest distance of a trade from the mark, 0 for any; not with the external market",
        earlier=0,
    )
    RISK_REDUCING_SALE_PPM = 17, Setting(
        "margin", "risk_reducing_sale_ppm", MILLIONTHS, 100_000, 0, PPM,
        "share of the mark that a long option sold below initial margin may give up",
    )
    SLICE_PPM = 1, Setting(
        "liquidation", "slice_ppm", MILLIONTHS, 250_000, 1, PPM,
        "share of a position sent to the market per slice",
    )
    SLICE_FLOOR = 13, Setting(
        "liquidation", "slice_floor", MONEY, 10_000 * 10**NUMERAIRE_DECIMALS, 0, AMOUNT_MAX,
        "notional below which a slice is the whole position",
    )
    SLICE_INTERVAL_NS = 2, Setting(
        "liquidation", "interval_seconds", SECONDS, MINUTE, SECOND, DAY,
        "time between slices of one account",
    )
    ORDER_LIFE_NS = 15, Setting(
        "liquidation", "order_minutes", MINUTES, 10 * MINUTE, 0, 7 * DAY,
        "time without a fill after which an order is withdrawn, 0 for never",
    )
    LIQUIDATION_FEE_PPM = 3, Setting(
        "liquidation", "fee_ppm", MILLIONTHS, 5_000, 0, 100_000,
        "fee on liquidation fills, paid to the insurance fund",
    )
    TAKEOVER_PPM = 4, Setting(
        "liquidation", "takeover_ppm", MILLIONTHS, 333_333, 0, PPM,
        "share of maintenance margin below which an account is taken over",
    )
    RELEASE_PPM = 5, Setting(
        "liquidation", "release_ppm", MILLIONTHS, 1_250_000, PPM, 10 * PPM,
        "multiple of maintenance margin at which a liquidation stops",
    )
    CALL_GRACE_NS = 0, Setting(
        "calls", "grace_minutes", MINUTES, HOUR, 0, 7 * DAY,
        "time from a margin call to its deadline",
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
        "distance from the median at which a source is left out",
    )
    INDEX_SOURCES_MIN = 10, Setting(
        "index", "sources_min", SOURCES, 1, 1, 64,
        "usable sources without which an index is stale",
    )
    SLOW_AVERAGE_NS = 11, Setting(
        "index", "slow_minutes", MINUTES, HOUR, MINUTE, 30 * DAY,
        "time constant of the slow average index",
    )
    BASIS_AVERAGE_NS = 12, Setting(
        "index", "basis_seconds", SECONDS, 5 * MINUTE, SECOND, DAY,
        "time constant of the average basis",
    )
    SURFACE_STALENESS_NS = 16, Setting(
        "smile", "staleness_seconds", SECONDS, 2 * HOUR, SECOND, 7 * DAY,
        "age at which a smile no longer counts",
    )
    SMILE_MOVE_PPM = 18, Setting(
        "smile", "move_ppm", MILLIONTHS, 0, 0, 10 * PPM,
        "largest change of the volatility at the money from a smile to the next, of it, 0 for any",
    )
    # fmt: on


SETTINGS: dict[Parameter, Setting] = {p: p.setting for p in sorted(Parameter)}
"""Every parameter by number; a value outside its limits is refused."""


def initial_parameters(engine_version: int) -> npt.NDArray[np.int64]:
    """Return the values that a journal begins with whose first record has an engine version."""
    return np.array(
        [
            setting.earlier if engine_version == 1 and setting.earlier is not None
            else setting.default
            for setting in SETTINGS.values()
        ],
        np.int64,
    )  # fmt: skip


class ParameterState:
    """The parameters in force: the part of the state that every floor may ask."""

    def __init__(self) -> None:
        super().__init__()
        self.parameters = np.array([s.default for s in SETTINGS.values()], np.int64)

    def parameter(self, parameter: Parameter) -> int:
        """Return a risk parameter in its unit."""
        return int(self.parameters[parameter])


def decide_set_parameter(state: ParameterState, row: Row, emit: Emit) -> Refusal | None:
    """Set a parameter inside its limits."""
    setting = SETTINGS.get(row["parameter"])
    if setting is None:
        return Refusal(SetParameterRefusal.UNKNOWN_PARAMETER, row["parameter"], len(Parameter) - 1)
    if row["value"] < setting.minimum:
        return Refusal(SetParameterRefusal.BELOW_MINIMUM, row["value"], setting.minimum)
    if row["value"] > setting.maximum:
        return Refusal(SetParameterRefusal.ABOVE_MAXIMUM, row["value"], setting.maximum)
    emit(PARAMETER_SET, **row)
    return None


def apply_parameter_set(state: ParameterState, row: Row) -> None:
    """Book the value."""
    state.parameters[row["parameter"]] = row["value"]


TOPIC: Topic[ParameterState] = Topic(
    name="parameters",
    decisions=(
        Decision(SET_PARAMETER, decide_set_parameter, SetParameterRefusal, is_before_house=True),
    ),
    applications=(Application(PARAMETER_SET, apply_parameter_set, NOBODY),),
)
