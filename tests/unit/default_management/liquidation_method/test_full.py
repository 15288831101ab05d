from __future__ import annotations

import numpy as np
import pytest

from novate.default_management.liquidation_method.full import Full
from novate.kernel.codes import AccountStatus
from novate.message import command
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, MINUTE, START, ClearingHouse
from tests.unit.default_management.liquidation_method.test_method import house_in_two_contracts


@pytest.mark.rule("11.26")
def test_all_of_every_position_is_ordered() -> None:
    house = house_in_two_contracts()
    a, b = house.number("A"), house.number("B")

    assert Full().orders(house.state, np.array([b, a])).tolist() == [
        [b, 0, 100], [b, 1, -40], [a, 0, -100], [a, 1, 40],
    ]  # fmt: skip


@pytest.mark.rule("11.21", "11.26")
def test_an_account_is_closed_by_one_order_and_the_rest_is_placed_anew() -> None:
    house = ClearingHouse(parameters={Parameter.SLICE_PPM: 250_000})
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.submit(command.SET_LIQUIDATION_METHOD.row(account=house.number("A"), method=1))
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)

    house.price(468, at_ns=START + MINUTE)
    assert [order["quantity"] for order in house.events("OrderPlaced")] == [-100]
    house.fill(1, 60, 468, is_final=True)
    house.advance(START + 2 * MINUTE)
    assert [order["quantity"] for order in house.events("OrderPlaced")] == [-100, -40]
    house.fill(2, 40, 468)
    house.assess()

    assert house.lots("A") == 0
    assert house.status("A") == AccountStatus.OPEN
