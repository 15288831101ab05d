"""Risk parameters of the clearing house: number, unit, default and limits, in one place.

Every change is bounded, journaled, and effective from its event on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from novate.message import command, event
from novate.message.declare import Emit, Refusal, Row
from novate.message.refusal import SetParameterRefusal as No
from novate.message.topic import NOBODY, Application, Decision, Topic

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 3_600 * SECOND


class Parameter(IntEnum):
    """Numbers of the parameters; never reused."""

    CALL_GRACE_NS = 0
    SLICE_PPM = 1
    SLICE_INTERVAL_NS = 2
    LIQUIDATION_FEE_PPM = 3
    TAKEOVER_PPM = 4
    RELEASE_PPM = 5
    LIQUIDATION_COST_PPM = 6
    GAINS_WINDOW_NS = 7
    INDEX_STALENESS_NS = 8
    INDEX_OUTLIER_PPM = 9
    INDEX_SOURCES_MIN = 10
    SLOW_AVERAGE_NS = 11
    BASIS_AVERAGE_NS = 12
    SLICE_FLOOR = 13
    TRADE_COLLAR_PPM = 14
    ORDER_LIFE_NS = 15
    SURFACE_STALENESS_NS = 16
    RISK_REDUCING_SALE_PPM = 17
    SMILE_MOVE_PPM = 18


@dataclass(frozen=True, slots=True)
class Setting:
    """Unit, default and limits of a parameter."""

    unit: str
    default: int
    minimum: int
    maximum: int
    doc: str


SETTINGS: dict[Parameter, Setting] = {
    Parameter.CALL_GRACE_NS: Setting(
        "ns", HOUR, 0, 7 * 24 * HOUR, "time from a margin call to its deadline"
    ),
    Parameter.SLICE_PPM: Setting(
        "1e-6", 250_000, 1, 1_000_000, "share of a position sent to the market per slice"
    ),
    Parameter.SLICE_INTERVAL_NS: Setting(
        "ns", MINUTE, SECOND, 24 * HOUR, "time between slices of one account"
    ),
    Parameter.LIQUIDATION_FEE_PPM: Setting(
        "1e-6", 5_000, 0, 100_000, "fee on liquidation fills, paid to the insurance fund"
    ),
    Parameter.TAKEOVER_PPM: Setting(
        "1e-6",
        333_333,
        0,
        1_000_000,
        "share of maintenance margin below which an account is taken over",
    ),
    Parameter.RELEASE_PPM: Setting(
        "1e-6",
        1_250_000,
        1_000_000,
        10_000_000,
        "multiple of maintenance margin at which a liquidation stops",
    ),
    Parameter.LIQUIDATION_COST_PPM: Setting(
        "1e-6", 5_000, 0, 1_000_000, "cost of liquidation kept back on a withdrawal, of notional"
    ),
    Parameter.GAINS_WINDOW_NS: Setting(
        "ns", 24 * HOUR, MINUTE, 30 * 24 * HOUR, "window of gains that a haircut may cut"
    ),
    Parameter.INDEX_STALENESS_NS: Setting(
        "ns", 2 * HOUR, SECOND, 7 * 24 * HOUR, "age at which a source no longer counts"
    ),
    Parameter.INDEX_OUTLIER_PPM: Setting(
        "1e-6", 30_000, 100, 1_000_000, "distance from the median at which a source is left out"
    ),
    Parameter.INDEX_SOURCES_MIN: Setting(
        "sources", 1, 1, 64, "usable sources without which an index is stale"
    ),
    Parameter.SLOW_AVERAGE_NS: Setting(
        "ns", HOUR, MINUTE, 30 * 24 * HOUR, "time constant of the slow average index"
    ),
    Parameter.BASIS_AVERAGE_NS: Setting(
        "ns", 5 * MINUTE, SECOND, 24 * HOUR, "time constant of the average basis"
    ),
    Parameter.SLICE_FLOOR: Setting(
        "numeraire units",
        10_000_000_000,
        0,
        2**60,
        "notional below which a slice is the whole position",
    ),
    Parameter.TRADE_COLLAR_PPM: Setting(
        "1e-6",
        0,
        0,
        1_000_000,
        "largest distance of a member trade's price from the mark, 0 for "
        "any; trades with the external market are free",
    ),
    Parameter.ORDER_LIFE_NS: Setting(
        "ns",
        10 * MINUTE,
        0,
        7 * 24 * HOUR,
        "time without a fill after which an order is withdrawn, 0 for never",
    ),
    Parameter.SURFACE_STALENESS_NS: Setting(
        "ns", 2 * HOUR, SECOND, 7 * 24 * HOUR, "age at which a smile no longer counts"
    ),
    Parameter.RISK_REDUCING_SALE_PPM: Setting(
        "1e-6",
        100_000,
        0,
        1_000_000,
        "share of the mark that a long option sold by an account below initial margin may give up",
    ),
    Parameter.SMILE_MOVE_PPM: Setting(
        "1e-6",
        0,
        0,
        10_000_000,
        "largest change of the volatility at the money from a smile that counts to the next, "
        "of it, 0 for any",
    ),
}
"""Every parameter; a value outside its limits is refused."""


class ParameterState:
    """The parameters in force: the part of the state that every floor may ask."""

    def __init__(self) -> None:
        super().__init__()
        self.parameters = np.array([SETTINGS[p].default for p in Parameter], np.int64)

    def parameter(self, parameter: Parameter) -> int:
        """Return a risk parameter in its unit."""
        return int(self.parameters[parameter])


def decide_set_parameter(state: ParameterState, row: Row, emit: Emit) -> Refusal | None:
    """Set a parameter inside its limits."""
    if row["parameter"] not in list(Parameter):
        return Refusal(No.UNKNOWN_PARAMETER, row["parameter"], len(Parameter) - 1)
    setting = SETTINGS[Parameter(row["parameter"])]
    if row["value"] < setting.minimum:
        return Refusal(No.BELOW_MINIMUM, row["value"], setting.minimum)
    if row["value"] > setting.maximum:
        return Refusal(No.ABOVE_MAXIMUM, row["value"], setting.maximum)
    emit(event.PARAMETER_SET, **row)
    return None


def apply_parameter_set(state: ParameterState, row: Row) -> None:
    """Book the value."""
    state.parameters[row["parameter"]] = row["value"]


TOPIC: Topic[ParameterState] = Topic(
    name="parameters",
    decisions=(Decision(command.SET_PARAMETER, decide_set_parameter, No, is_before_house=True),),
    applications=(Application(event.PARAMETER_SET, apply_parameter_set, NOBODY),),
)
