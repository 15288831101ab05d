from __future__ import annotations

import pytest

from novate.app.margin.presets import directory, load, load_all, names
from novate.errors import InputError


def test_presets_are_found_by_name_and_by_file() -> None:
    assert [preset.terms.name for preset in load_all()] == names()
    path = directory() / "paradex_2024.toml"
    assert load(str(path)).digest == load("paradex_2024").digest


def test_a_name_that_nobody_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="model 'best'; allowed: a TOML file, or one of binance"):
        load("best")


def test_eight_presets_are_confirmed_and_four_of_them_are_portfolio_models() -> None:
    confirmed = [preset for preset in load_all() if preset.is_confirmed]

    assert len(confirmed) >= 8
    venues = {preset.terms.venue for preset in confirmed if preset.terms.kind == "portfolio"}
    assert len(venues) >= 4
