from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from novate import message
from novate.canonical import Run
from novate.message.declare import rows_of
from novate.message.parameter import (
    PARAMETER_SET,
    SET_PARAMETER,
    SETTINGS,
    Parameter,
    Scope,
    Setting,
    initial_parameters,
    set_parameter,
    set_parameters,
)
from novate.message.parameter_state import ParameterState
from novate.message.version import upcast
from novate.units import PPM


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


def test_a_parameter_has_no_scope_twice_and_the_house_is_always_one() -> None:
    for parameter, setting in SETTINGS.items():
        assert len(set(setting.scopes)) == len(setting.scopes), parameter.name
        assert Scope.HOUSE not in setting.scopes


def test_a_command_without_more_is_for_the_whole_house_and_at_once() -> None:
    one = set_parameter(Parameter.SLICE_PPM, 5)
    many = set_parameters({Parameter.SLICE_PPM: 5, Parameter.RELEASE_PPM: PPM})

    assert rows_of(one) == [
        {"parameter": 1, "value": 5, "scope": 0, "subject": 0, "effective_ns": 0}
    ]
    assert rows_of(many)[0] == rows_of(one)[0]
    assert rows_of(many)[1]["parameter"] == Parameter.RELEASE_PPM


def test_messages_of_the_first_version_are_for_the_whole_house_and_at_once() -> None:
    columns = (("parameter", np.array([1])), ("value", np.array([5])))
    command = upcast(SET_PARAMETER, Run("SetParameter", 1, 1, columns))
    event = upcast(PARAMETER_SET, Run("ParameterSet", 1, 1, columns))

    assert rows_of(command) == rows_of(set_parameter(1, 5))
    assert rows_of(event) == [{**rows_of(command)[0], "parameter_set": ""}]


def test_a_parameter_is_named_in_three_files_at_most() -> None:
    """Its entry, and what reads it: schema, limits, opening of a venue and pages follow."""
    source = Path(message.__file__).parent.parent
    texts = {path: path.read_text(encoding="utf-8") for path in source.rglob("*.py")}
    for parameter in Parameter:
        names = re.compile(rf"\bParameter\.{parameter.name}\b|\b{parameter.name} = ")
        found = [path.name for path, text in texts.items() if names.search(text)]
        assert 2 <= len(found) <= 3, f"{parameter.name}: {found}"


def test_journals_of_an_earlier_engine_version_begin_with_the_defaults_of_their_time() -> None:
    first, second, present = (initial_parameters(version) for version in (1, 2, 3))

    def changed(before: Any, after: Any) -> dict[str, int]:
        return {list(SETTINGS)[p].name: int(before[p]) for p in np.flatnonzero(before != after)}

    assert present.tolist() == ParameterState().parameters.tolist()
    assert changed(first, second) == {"TRADE_COLLAR_PPM": 0}
    assert changed(second, present) == {
        "INDEX_SOURCES_MIN": 1,
        "JUMP_PPM": 0,
        "RAMP_PPM": 0,
        "BASIS_PROTECTION_NS": 0,
        "HOUSE_PAUSE_MAX_NS": 0,
        "CALL_MINIMUM": 0,
    }
