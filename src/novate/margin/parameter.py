"""Risk parameters: every change is bounded, journaled, and effective from its event on."""

from __future__ import annotations

from typing import Any

from novate.message import event
from novate.message.declare import Emit, Refusal
from novate.message.parameter import SETTINGS, Parameter
from novate.message.refusal import SetParameterRefusal as No
from novate.valuation import ClearingState


def decide_set_parameter(x: ClearingState, row: dict[str, Any], emit: Emit) -> Refusal | None:
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


def apply_parameter_set(x: ClearingState, row: dict[str, Any]) -> None:
    """Book the value."""
    x.parameters[row["parameter"]] = row["value"]
