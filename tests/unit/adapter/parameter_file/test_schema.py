from __future__ import annotations

from novate.adapter.parameter_file import SECTIONS


def test_a_key_stands_once_in_its_section_and_says_what_it_is() -> None:
    for section in SECTIONS:
        keys = [setting.key for setting in section.settings]
        assert len(set(keys)) == len(keys)
        assert section.doc
        assert all(setting.doc and "|" not in setting.doc for setting in section.settings)


def test_section_names_are_unique() -> None:
    names = [section.name for section in SECTIONS]

    assert len(set(names)) == len(names)
