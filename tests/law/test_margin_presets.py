"""What every preset of a published margin methodology keeps."""

from __future__ import annotations

import pytest

from tests.golden.margin_preset import NAMES, preset

UNCONFIRMED = "_unconfirmed"


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_carries_the_name_of_its_file_a_date_and_its_sources(name: str) -> None:
    terms = preset(name).terms

    assert terms.name == name
    assert [len(part) for part in terms.as_of.split("-")] == [4, 2, 2]
    assert terms.kind in {"portfolio", "position"}
    assert terms.sources
    assert len(preset(name).digest) == 64


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_that_nothing_confirms_says_so_in_name_and_title(name: str) -> None:
    found = preset(name)
    says_so = name.endswith(UNCONFIRMED), "unconfirmed" in found.terms.title

    assert says_so == (not found.is_confirmed, not found.is_confirmed)
    assert found.is_confirmed or found.terms.unconfirmed


def test_no_two_presets_have_the_same_parameters() -> None:
    assert len({preset(name).digest for name in NAMES}) == len(NAMES)
