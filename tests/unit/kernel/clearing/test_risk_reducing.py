from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.risk_reducing import has_model, sale_floor
from novate.message.refusal import SubmitTradeRefusal as No
from tests.unit.clearing import COIN, ClearingHouse


@pytest.mark.rule("7.12")
@pytest.mark.parametrize(
    ("mark", "share_ppm", "floor"),
    [
        (1_000, 100_000, 900),
        (1_001, 100_000, 900),  # the share is rounded up to whole ticks
        (5, 100_000, 4),
        (1, 100_000, 0),
        (1_000, 0, 1_000),
        (1_000, 1_000_000, 0),
        (10**10, 999_999, 10**4),
    ],
)
def test_the_floor_of_a_sale_is_the_mark_less_its_share(
    mark: int, share_ppm: int, floor: int
) -> None:
    assert sale_floor(mark, share_ppm) == floor


@pytest.mark.rule("7.12")
def test_only_long_options_have_a_floor() -> None:
    house = ClearingHouse()
    house.list_contract("X")
    house.list_option("C")
    for name in ("A", "B"):
        house.open_client(name, deposit=10_000 * COIN)
    house.price(100)
    house.smile(0.6)
    house.assess()
    mark = int(house.state.marks.mark[1])
    house.trade("A", "B", lots=10, ticks=100)
    house.trade("A", "B", lots=10, ticks=mark, instrument=1)
    balance = house.state.accounts.balance[:, 0]
    moved = house.balance("A") - 60 * COIN  # between 50 and 100, the margins of the contract
    balance[house.number("A")] -= moved
    balance[house.number("B")] += moved
    house.trade("B", "A", lots=1, ticks=99)
    run = house.trade_run("B", "A", lots=1, ticks=mark // 2, instrument=1)
    house.submit(run, allow_refusals=True)
    assert house.refusals() == [No.BELOW_WORTH]


@pytest.mark.rule("3.31")
def test_a_model_or_an_add_on_of_its_group_is_asked_outside() -> None:
    house = ClearingHouse()
    house.open_client("A")
    accounts, columns, a = house.state.account_arrays(), house.state.accounts, house.number("A")
    some, none = np.zeros((2, 4), np.int64), np.zeros((0, 4), np.int64)

    assert not has_model(accounts, some, a)
    columns.add_ons[a] = 1 << 62
    assert has_model(accounts, some, a)
    assert not has_model(accounts, none, a)
    columns.add_ons[a], columns.margin_model[a] = 0, 1
    assert has_model(accounts, some, a)
