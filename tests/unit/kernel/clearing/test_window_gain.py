from __future__ import annotations

import pytest

from tests.unit.clearing import COIN, ClearingHouse
from tests.unit.margin.test_group_choice import open_sub


def gains(house: ClearingHouse, *names: str) -> list[int]:
    window_gain = house.state.accounts.window_gain
    return [int(window_gain[house.number(name)]) for name in names]


@pytest.mark.rule("7.85")
@pytest.mark.parametrize(
    ("ticks", "conceded"), [(100, (0, 0)), (103, (6, 0)), (98, (0, 4)), (101, (2, 0))]
)
def test_who_pays_more_or_gets_less_than_the_mark_concedes(
    ticks: int, conceded: tuple[int, int]
) -> None:
    house = ClearingHouse()
    house.list_contract("X")
    for name in "AB":
        house.open_client(name, deposit=1_000 * COIN)
    house.price(100)

    house.trade("A", "B", lots=2, ticks=ticks)

    assert gains(house, "A", "B") == [amount * COIN for amount in conceded]


@pytest.mark.rule("7.85")
def test_nothing_is_conceded_inside_a_margin_group() -> None:
    house = ClearingHouse()
    house.list_contract("X")
    house.open_client("A", deposit=1_000 * COIN)
    house.open_client("B", deposit=1_000 * COIN)
    open_sub(house, "A2", "A", group="A")
    house.price(100)

    house.trade("A", "A2", lots=2, ticks=103)

    assert gains(house, "A", "A2") == [0, 0]


@pytest.mark.rule("7.85")
def test_a_rebate_counts_and_a_fee_does_not() -> None:
    house = ClearingHouse()
    house.list_contract("X", maker_fee_ppm=-1_000, taker_fee_ppm=2_000)
    for name in "AB":
        house.open_client(name, deposit=1_000 * COIN)
    house.price(100)

    house.trade("A", "B", lots=2, ticks=100, buyer_is_maker=True)

    assert gains(house, "A", "B") == [200 * COIN // 1_000, 0]
