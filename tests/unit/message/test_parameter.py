from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from novate import message
from novate.message.parameter import (
    SETTINGS,
    Parameter,
    ParameterState,
    Setting,
    apply_parameter_set,
    decide_set_parameter,
    initial_parameters,
)
from novate.message.refusal import SetParameterRefusal
from tests.unit.clearing import ClearingHouse, Recorder


def test_every_parameter_has_a_setting_and_a_number_of_its_own() -> None:
    assert [int(parameter) for parameter in SETTINGS] == list(range(len(Parameter)))
    places = [(setting.section, setting.key) for setting in SETTINGS.values()]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=[p.name for p in SETTINGS])
def test_every_default_lies_inside_its_limits(setting: Setting) -> None:
    assert setting.minimum <= setting.default <= setting.maximum
    assert setting.minimum < setting.maximum
    assert setting.default % setting.unit.scale == 0, "a file can state it"
    assert setting.maximum % setting.unit.scale == 0
    assert setting.doc
    assert "|" not in setting.doc


def test_an_account_is_released_at_no_less_than_its_maintenance_margin() -> None:
    assert SETTINGS[Parameter.RELEASE_PPM].minimum == 1_000_000
    assert SETTINGS[Parameter.TAKEOVER_PPM].maximum == 1_000_000


@pytest.mark.rule("6.13")
@pytest.mark.parametrize("parameter", list(Parameter), ids=lambda parameter: parameter.name)
def test_a_parameter_is_set_up_to_its_limits_and_refused_beyond(parameter: Parameter) -> None:
    setting = SETTINGS[parameter]
    x = ParameterState()
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


@pytest.mark.rule("6.13")
@pytest.mark.parametrize("number", [-1, len(Parameter)])
def test_a_parameter_that_does_not_exist_is_refused_whatever_the_value(number: int) -> None:
    refusal = decide_set_parameter(ParameterState(), {"parameter": number, "value": -1}, Recorder())

    assert refusal == (SetParameterRefusal.UNKNOWN_PARAMETER, number, len(Parameter) - 1)


@pytest.mark.rule("6.13")
def test_a_parameter_that_was_set_is_in_force_and_the_others_keep_theirs() -> None:
    x = ParameterState()

    apply_parameter_set(x, {"parameter": int(Parameter.SLICE_PPM), "value": 7})

    assert x.parameter(Parameter.SLICE_PPM) == 7
    for other in set(Parameter) - {Parameter.SLICE_PPM}:
        assert x.parameter(other) == SETTINGS[other].default


def test_a_change_is_journaled() -> None:
    house = ClearingHouse(parameters={Parameter.TAKEOVER_PPM: 500_000})

    assert house.events("ParameterSet")[-1] == {
        "parameter": Parameter.TAKEOVER_PPM, "value": 500_000,
    }  # fmt: skip


def test_a_parameter_is_named_in_three_files_at_most() -> None:
    """Its entry, and what reads it: schema, limits, opening of a venue and pages follow."""
    source = Path(message.__file__).parent.parent
    texts = {path: path.read_text(encoding="utf-8") for path in source.rglob("*.py")}
    for parameter in Parameter:
        names = re.compile(rf"\bParameter\.{parameter.name}\b|\b{parameter.name} = ")
        found = [path.name for path, text in texts.items() if names.search(text)]
        assert 2 <= len(found) <= 3, f"{parameter.name}: {found}"


def test_journals_of_the_first_engine_version_begin_with_the_defaults_of_their_time() -> None:
    present, first = initial_parameters(2), initial_parameters(1)

    assert present.tolist() == ParameterState().parameters.tolist()
    assert {list(SETTINGS)[p].name: int(first[p]) for p in np.flatnonzero(first != present)} == {
        "TRADE_COLLAR_PPM": 0
    }
