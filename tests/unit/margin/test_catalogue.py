from __future__ import annotations

from novate.kernel.clearing.requirement import STANDARD
from novate.margin.catalogue import CATALOGUE
from novate.valuation.margin_model import by_number


def test_models_are_listed_in_order_of_number_and_the_first_is_the_standard_one() -> None:
    numbers = [model.number for model in CATALOGUE]

    assert numbers == sorted(by_number(CATALOGUE))
    assert (numbers[0], CATALOGUE[0].name) == (STANDARD, "standard")
