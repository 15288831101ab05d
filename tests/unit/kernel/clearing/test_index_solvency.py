"""The bound of the return never passes what a look at the index refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.valuation.index_bound import index_bound
from tests.unit.clearing import E8, MINUTE
from tests.unit.margin.test_index_solvency import (
    INVERSE,
    ORDER,
    TIGHT,
    TRADE,
    house_at,
    reserve,
    trade,
)


def answers(seed: int, *, looks_at_all: bool) -> list[Any]:
    """Refusals of random trades and orders of A and B with R in three contracts."""
    house = house_at(96, 104, margined={"A": 500, "B": 400})
    house.list_contract("I", tiers=TIGHT, basis_clamp_ppm=100_000, **INVERSE)
    house.price(100, last={2: 97}, at_ns=house.state.now_ns + MINUTE)
    house.deposit("A", E8, asset=1)
    if looks_at_all:
        house.state.kept_bound = (-1, index_bound(house.state)._replace(asked=1e18))
    draw, found = np.random.default_rng(seed), []
    for _ in range(60):
        i, lots = int(draw.integers(3)), int(draw.integers(1, 120))
        name, side = ("A", "B")[int(draw.integers(2))], int(draw.choice((1, -1)))
        ticks = int(house.state.marks.mark[i]) + int(draw.integers(-4, 5))
        if draw.random() < 0.3:
            found.append(reserve(house, name, side * lots, ticks, instrument=i))
            continue
        buyer, seller = (name, "R") if side > 0 else ("R", name)
        found.append(trade(house, buyer, seller, instrument=i, lots=lots, ticks=ticks))
    return found


@pytest.mark.rule("7.90")
def test_the_bound_never_passes_what_a_look_refuses() -> None:
    found = [answers(seed, looks_at_all=False) for seed in range(6)]
    assert found == [answers(seed, looks_at_all=True) for seed in range(6)]
    assert any([TRADE] in one for one in found)
    assert any([ORDER] in one for one in found)
