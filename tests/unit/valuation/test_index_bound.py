"""How much a return to the index can cost follows what it is made from."""

from __future__ import annotations

import pytest

from novate.message import command
from novate.valuation.index_bound import index_bound
from tests.unit.clearing import MINUTE
from tests.unit.margin.test_index_solvency import house_at


@pytest.mark.rule("7.90")
def test_without_a_basis_nobody_is_looked_at() -> None:
    house = house_at(100, margined={"A": 200})
    assert index_bound(house.state).share == 0.0


@pytest.mark.rule("7.90")
def test_the_bound_follows_marks_tiers_and_the_end_of_a_contract() -> None:
    # 5 of 95 are lost of what 2% are asked of: 2.63 times the margin.
    house = house_at(95, margined={"A": 200})
    bound = index_bound(house.state)
    assert bound.share == pytest.approx(5 / 95 / 0.02)
    assert bound.at_index.tolist() == [100]
    assert index_bound(house.state) is bound
    house.submit(
        command.REPLACE_TIERS.row(
            instrument=0, floor=0, initial_ppm=50_000, maintenance_ppm=10_000,
            effective_ns=0,
        )
    )  # fmt: skip
    assert index_bound(house.state).share == pytest.approx(5 / 95 / 0.05)
    house.price(100, last={0: 100}, at_ns=house.state.now_ns + 3_000 * MINUTE)
    assert index_bound(house.state).share == 0.0
