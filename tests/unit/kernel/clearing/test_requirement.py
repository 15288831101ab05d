from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.requirement import (
    short_requirement_of,
    tier_margin,
    tier_of,
    tier_requirement_of,
)
from tests.unit.clearing import COIN, ClearingHouse

TIERS = ((0, 100_000, 50_000), (1_000 * COIN, 200_000, 100_000))


def tables(house: ClearingHouse) -> tuple[object, object]:
    return house.state.instrument_arrays(), house.state.asset_arrays()


def listed() -> ClearingHouse:
    """X at 100 in two tiers, Y without a mark, and a call that is marked."""
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)))
    house.list_contract("X", tiers=TIERS)
    house.list_contract("Y", underlying=2)
    house.list_option("C")
    house.price(100)
    house.smile(0.5)
    house.assess()
    return house


@pytest.mark.rule("3.7")
@pytest.mark.parametrize(
    ("notional", "tier", "margin"),
    [(0.0, 0, (0, 0)), (999.5, 0, (100, 50)), (1_000.0 * COIN, 1, (100 * COIN, 50 * COIN))],
)
def test_a_notional_is_margined_in_its_tier(
    notional: float, tier: int, margin: tuple[int, int]
) -> None:
    instruments, _ = tables(listed())

    assert tier_of(instruments, 0, notional) == tier
    assert tier_margin(instruments, 0, notional) == margin


@pytest.mark.rule("3.5", "3.6")
def test_initial_margin_counts_the_worse_side_of_the_orders() -> None:
    arrays = tables(listed())

    # 8 lots are 800; with 4 more 1,200, in the second tier: 20% less 100.
    assert tier_requirement_of(*arrays, 0, 8, 4, 2) == (140 * COIN, 40 * COIN, 0)
    assert tier_requirement_of(*arrays, 0, -8, 2, 4) == (140 * COIN, 40 * COIN, 0)
    assert tier_requirement_of(*arrays, 0, 12, 0, 0) == (140 * COIN, 70 * COIN, 1)


@pytest.mark.rule("3.3", "3.18")
def test_without_a_mark_or_lots_nothing_is_asked() -> None:
    arrays = tables(listed())

    assert tier_requirement_of(*arrays, 1, 8, 4, 2) == (0, 0, 0)
    assert tier_requirement_of(*arrays, 0, 0, 0, 0) == (0, 0, 0)
    assert short_requirement_of(*arrays, 2, 5, 0, 5) == (0, 0)
    assert short_requirement_of(*arrays, 2, 0, 0, 0) == (0, 0)


@pytest.mark.rule("3.13", "3.15", "3.17")
def test_a_short_option_asks_for_what_its_mark_says() -> None:
    house = listed()
    marks, unit = house.state.marks, int(house.state.instruments.unit[2])
    initial, maintenance = int(marks.short_initial[2]), int(marks.short_maintenance[2])

    asked = short_requirement_of(*tables(house), 2, -3, 0, 2)

    assert asked == (5 * unit * initial, 3 * unit * maintenance)
    assert short_requirement_of(*tables(house), 2, 1, 0, 2) == (unit * initial, 0)


@pytest.mark.rule("3.14")
def test_a_dearer_entry_is_asked_for_where_the_rule_counts_it() -> None:
    house = listed()
    house.state.instruments.entry_counts[2] = True
    unit, mark = int(house.state.instruments.unit[2]), int(house.state.marks.mark[2])
    plain, _ = short_requirement_of(*tables(house), 2, -3, -3 * unit * mark, 0)

    dearer, _ = short_requirement_of(*tables(house), 2, -3, -3 * unit * mark - 700, 0)

    assert dearer - plain == 700
    assert np.int64(plain) == 3 * unit * int(house.state.marks.short_initial[2])
