from __future__ import annotations

import pytest
from novate.margin.parameter import apply_parameter_set, decide_set_parameter

from novate.message.parameter import SETTINGS, Parameter
from novate.message.refusal import SetParameterRefusal
from novate.valuation import ClearingState
from tests.unit.clearing import ClearingHouse, Recorder


@pytest.mark.parametrize("parameter", list(Parameter), ids=lambda parameter: parameter.name)
def test_a_parameter_is_set_up_to_its_limits_and_refused_beyond(parameter: Parameter) -> None:
    setting = SETTINGS[parameter]
    x = ClearingState()
    for value, code, allowed in (
        (setting.minimum, None, None),
        (setting.maximum, None, None),
        (setting.minimum - 1, SetParameterRefusal.BELOW_MINIMUM, setting.minimum),
        (setting.maximum + 1, SetParameterRefusal.ABOVE_MAXIMUM, setting.maximum),
    ):
        emitted = Recorder()

        refusal = decide_set_parameter(x, {"parameter": int(parameter), "value": value}, emitted)

        if code is None:
            assert refusal is None
            assert emitted.only() == {"parameter": parameter, "value": value}
        else:
            assert refusal == (code, value, allowed)
            assert emitted.events == []


@pytest.mark.parametrize("number", [-1, len(Parameter)])
def test_a_parameter_that_does_not_exist_is_refused_whatever_the_value(number: int) -> None:
    refusal = decide_set_parameter(ClearingState(), {"parameter": number, "value": -1}, Recorder())

    assert refusal == (SetParameterRefusal.UNKNOWN_PARAMETER, number, len(Parameter) - 1)


def test_a_parameter_that_was_set_is_in_force_and_the_others_keep_theirs() -> None:
    x = ClearingState()

    apply_parameter_set(x, {"parameter": int(Parameter.SLICE_PPM), "value": 7})

    assert x.parameter(Parameter.SLICE_PPM) == 7
    for other in set(Parameter) - {Parameter.SLICE_PPM}:
        assert x.parameter(other) == SETTINGS[other].default


def test_a_change_is_journaled() -> None:
    house = ClearingHouse(parameters={Parameter.TAKEOVER_PPM: 500_000})

    assert house.events("ParameterSet") == [{"parameter": Parameter.TAKEOVER_PPM, "value": 500_000}]
