"""An assessment looks again at those open orders whose hold may be another, and at no others."""

from __future__ import annotations

import numpy as np

from novate.default_management.order_watch import OrderWatch
from novate.message import command
from novate.message.parameter import Parameter, Scope
from tests.unit.clearing import COIN, ClearingHouse


def house_with_orders(**terms: int) -> ClearingHouse:
    """Two contracts at 100; A has an order in each, B one in the first."""
    built = ClearingHouse()
    built.list_contract(cycle_ns=0, **terms)
    built.list_contract("Y", cycle_ns=0)
    for name in ("A", "B"):
        built.open_client(name, deposit=10**6 * COIN)
    built.price(100)
    for name, instrument in (("A", 0), ("A", 1), ("B", 0)):
        order(built, name, instrument)
    built.price(100)
    return built


def order(built: ClearingHouse, name: str, instrument: int) -> None:
    row = {"account": built.number(name), "instrument": instrument, "lots": 10, "limit_ticks": 100}
    built.submit(command.RESERVE_MARGIN.row(**row))


def due(built: ClearingHouse) -> list[int]:
    """Numbers of the reservations that the state of the house looks at."""
    rows = built.state.order_watch.due(built.state)
    numbers: list[int] = built.state.reservations.number[rows].tolist()
    return numbers


def test_after_an_assessment_no_order_is_looked_at() -> None:
    built = house_with_orders()

    assert due(built) == []
    assert OrderWatch().due(built.state).tolist() == [0, 1, 2]


def test_orders_of_a_contract_whose_mark_moved_are_looked_at() -> None:
    built = house_with_orders()

    built.state.marks.mark[0] += 1

    assert due(built) == [1, 3]


def test_an_order_that_is_new_or_changed_is_looked_at_and_one_that_ended_is_not() -> None:
    built = house_with_orders()

    order(built, "B", 1)
    assert due(built) == [4]
    built.submit(built.trade_run("A", "B", lots=4, ticks=100, buyer_reservation=1))
    assert due(built) == [1, 4]
    built.state.reservations.open_order_hold[2] += 1
    assert due(built) == [1, 3, 4]
    built.submit(command.RELEASE_MARGIN.row(reservation=1))
    assert due(built) == [3, 4]


def test_another_band_or_fee_is_followed() -> None:
    built = house_with_orders()

    built.submit(command.SET_PARAMETER.run(band(20_000)))
    assert due(built) == [2]
    built.price(100)
    assert due(built) == []
    built.state.instruments.taker_fee_ppm[0] += 1
    assert due(built) == [1, 3]


def band(value: int) -> dict[str, list[int]]:
    """The order band of the second contract, from now on."""
    row = {"parameter": int(Parameter.ORDER_BAND_PPM), "value": value}
    fields = {field.name: field.default for field in command.SET_PARAMETER.fields}
    fields |= row | {"scope": int(Scope.INSTRUMENT), "subject": 1}
    return {name: [0 if value is None else value] for name, value in fields.items()}


def test_where_groups_have_debt_shares_of_their_own_every_order_is_looked_at() -> None:
    built = house_with_orders(form=2, settlement_asset=1)
    state = built.state
    assert due(built) == []

    state._debt_groups = np.array([3]), np.array([[1, 1]])

    assert due(built) == [1, 2, 3]


def test_a_fork_and_a_dropped_cache_look_at_every_order() -> None:
    built = house_with_orders()

    fork = built.engine.fork().state
    assert fork.order_watch.due(fork).size == 3
    built.state.drop_caches()
    assert due(built) == [1, 2, 3]
