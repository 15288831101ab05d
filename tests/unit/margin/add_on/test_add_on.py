from __future__ import annotations

from novate.margin.add_on import CATALOGUE
from novate.margin.catalogue import CATALOGUE as MODELS
from novate.valuation.add_on import by_number


def test_add_ons_are_listed_in_order_of_number_and_named_once() -> None:
    assert [add_on.number for add_on in CATALOGUE] == sorted(by_number(CATALOGUE))
    names = [each.name for each in (*CATALOGUE, *MODELS)]
    assert len(set(names)) == len(names)
