from __future__ import annotations

import pytest

from novate.adapter.parameter_file import SECTIONS, Kind
from novate.message.parameter import Parameter


def test_a_key_stands_once_in_its_section_and_says_what_it_is() -> None:
    for section in SECTIONS:
        keys = [setting.key for setting in section.settings]
        assert len(set(keys)) == len(keys)
        assert section.doc
        assert all(setting.doc and "|" not in setting.doc for setting in section.settings)


def test_section_names_are_unique() -> None:
    names = [section.name for section in SECTIONS]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("parameter", Parameter, ids=lambda parameter: parameter.name)
def test_every_parameter_has_a_key_with_its_default_and_limits(parameter: Parameter) -> None:
    declared = parameter.setting
    [section] = [section for section in SECTIONS if section.name == declared.section]
    [setting] = [setting for setting in section.settings if setting.key == declared.key]

    assert setting.minimum is not None
    assert setting.maximum is not None
    assert setting.default * declared.unit.scale == declared.default
    assert setting.minimum * declared.unit.scale >= declared.minimum
    assert setting.maximum * declared.unit.scale == declared.maximum
    assert setting.doc == declared.doc
    assert (setting.kind is Kind.DECIMAL) == (declared.unit.decimals > 0)
