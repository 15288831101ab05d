from __future__ import annotations

from novate.kernel.codes import Barrier, InstrumentStatus, Monitoring
from novate.message import command
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse


def test_an_expiry_closes_the_orders_in_the_contract_and_no_others() -> None:
    house = ClearingHouse(parameters={Parameter.ORDER_LIFE_NS: 0})
    house.list_contract("X", expiry_ns=START + HOUR)
    house.list_contract("Y")
    house.open_client("A", deposit=6_000 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.trade("A", "B", lots=10, ticks=500, instrument=1)
    house.price(468, at_ns=START + MINUTE)
    placed = {row["order"]: row["subject"] for row in house.events("OrderPlaced")}
    assert sorted(placed.values()) == [0, 1]

    house.advance(START + HOUR)

    names = house.event_names()
    assert names.index("OrderClosed") == names.index("ContractExpired") + 1
    assert [placed[row["order"]] for row in house.events("OrderClosed", last=True)] == [0]


def test_a_touch_by_a_price_closes_the_orders_in_the_option_at_once() -> None:
    house = ClearingHouse()
    house.list_option(barrier=Barrier.UP_OUT, barrier_e8=120 * E8, monitoring=Monitoring.CONTINUOUS)
    for name in ("long", "short"):
        house.open_client(name, deposit=1_000 * COIN)
    house.price(100)
    house.smile(0.6)
    house.assess()
    house.trade("long", "short", lots=10, ticks=500)
    orders = house.state.defaults.orders
    order = orders.append()
    orders.kind[order], orders.is_open[order] = 1, True

    house.advance(house.state.now_ns + 1)
    house.submit(
        command.REPORT_PRICE.row(source=0, price_e8=120 * E8, observed_ns=house.state.now_ns)
    )

    assert house.event_names() == ["PriceReported", "BarrierTouched", "OrderClosed"]
    assert house.state.instruments.status[0] == InstrumentStatus.EXPIRED
    assert not orders.is_open[order]
