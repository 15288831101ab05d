from __future__ import annotations

import numpy as np
import pytest

from novate.book.ledger import transfer
from novate.default_management.close_out import (
    bindings_of,
    is_flat,
    notional_of,
    position_rows,
    takeover_level,
)
from novate.kernel.codes import Bound
from novate.message.parameter import Parameter
from novate.valuation import ClearingState
from tests.unit.clearing import COIN, ClearingHouse
from tests.unit.default_management.houses import close_liquidator, failing_house


def test_the_notional_of_each_position_and_which_one_asks_for_most() -> None:
    house = ClearingHouse()
    house.list_contract("X", tiers=((0, 100_000, 50_000),))
    house.list_contract("Y", tiers=((0, 400_000, 300_000),))
    house.open_client("A", deposit=10_000 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=20, ticks=500, instrument=1)  # notional 10,000
    house.trade("A", "B", lots=100, ticks=500)  # notional 50,000
    x = house.state

    first, second = position_rows(x, house.number("A"))

    lots = x.positions.lots[[first, second]].tolist()
    assert lots == [100, 20]
    assert [notional_of(x, i, n) for i, n in enumerate(lots)] == [50_000 * COIN, 10_000 * COIN]
    instrument, bound, scenario = bindings_of(x, np.array([house.number("A")]))
    assert instrument.tolist() == [1]  # 3,000 of 2,500
    assert (bound.tolist(), scenario.tolist()) == ([Bound.CONTRACT], [-1])


@pytest.mark.rule("10.3")
@pytest.mark.parametrize("maintenance", [0, 1, 999_999, 1_000_001, 2_500 * COIN, 2**60 + 12_345])
@pytest.mark.parametrize("share_ppm", [0, 333_333, 1_000_000])
def test_the_takeover_level_is_a_share_of_maintenance_margin_rounded_down(
    maintenance: int, share_ppm: int
) -> None:
    x = ClearingState()
    x.parameters[Parameter.TAKEOVER_PPM] = share_ppm

    level = takeover_level(x, np.array([0, 1, 0]), np.array([maintenance, 0, maintenance]))

    one = maintenance * share_ppm // 1_000_000
    assert level.tolist() == [one, 0, one]


@pytest.mark.rule("11.22")
def test_a_liquidator_with_anything_left_is_not_flat() -> None:
    house = failing_house(446, slice_ppm=1_000_000)
    state, liquidator = house.engine.state, house.number("LIQUIDATOR")
    assert not is_flat(state, liquidator)  # lots and an order
    close_liquidator(house, 446)
    assert is_flat(state, liquidator)

    transfer(state.accounts, 1, house.number("B"), liquidator, 1)
    assert not is_flat(state, liquidator)
    transfer(state.accounts, 1, liquidator, house.number("B"), 1)
    order = state.defaults.orders.append()
    state.defaults.orders.account[order] = liquidator
    state.defaults.orders.is_open[order] = True
    assert not is_flat(state, liquidator)


@pytest.mark.rule("11.22")
def test_pending_cash_in_another_asset_is_not_flat() -> None:
    house = ClearingHouse()
    house.list_contract(settlement_asset=1)
    x = house.state
    row = int(x.instruments.suspense[0])
    assert is_flat(x, house.number("SETTLEMENT"))

    x.positions.settlement_cost[row] = 1

    assert not is_flat(x, house.number("SETTLEMENT"))
