from __future__ import annotations

from novate.collateral.haircut import CATALOGUE
from novate.collateral.haircut.flat import Flat
from tests.unit.clearing import ClearingHouse


def test_an_asset_that_names_no_rule_keeps_the_haircut_that_was_set() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 700),))

    assert CATALOGUE[0] == Flat()
    assert Flat().haircut_bps(house.state, 1) == 700
    house.price(100)
    assert house.events("HaircutSet") == []
