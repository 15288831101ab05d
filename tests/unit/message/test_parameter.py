from __future__ import annotations

import pytest

from novate.message.parameter import SETTINGS, Parameter, Setting


def test_every_parameter_has_a_setting_and_a_number_of_its_own() -> None:
    assert list(SETTINGS) == list(Parameter)
    assert [int(parameter) for parameter in Parameter] == list(range(len(Parameter)))


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=[p.name for p in SETTINGS])
def test_every_default_lies_inside_its_limits(setting: Setting) -> None:
    assert setting.minimum <= setting.default <= setting.maximum
    assert setting.minimum < setting.maximum
    assert setting.unit
    assert setting.doc


def test_an_account_is_released_at_no_less_than_its_maintenance_margin() -> None:
    assert SETTINGS[Parameter.RELEASE_PPM].minimum == 1_000_000
    assert SETTINGS[Parameter.TAKEOVER_PPM].maximum == 1_000_000
