from __future__ import annotations

import numpy as np
import pytest

from novate.engine.outbox import ORDER_EVENTS, Outbox, frozen
from novate.kernel.codes import OrderKind
from tests.unit.clearing import COIN, ClearingHouse


def falling_house() -> ClearingHouse:
    """A is liquidated: the first slice is in the outbox."""
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.price(468)
    return house


def test_open_orders_are_copied_with_their_numbers() -> None:
    house = falling_house()

    outbox = Outbox.of(house.state)

    assert len(outbox) == 1
    assert (outbox.number[0], outbox.account[0]) == (1, house.number("A"))
    assert (outbox.kind[0], outbox.subject[0]) == (OrderKind.POSITION, 0)
    assert outbox.quantity[0] < 0
    assert (outbox.reference[0], outbox.placed_ns[0]) == (468, house.state.now_ns)
    with pytest.raises(ValueError, match="read-only"):
        outbox.quantity[0] = 0


def test_an_outbox_stays_as_it_was_when_orders_are_answered() -> None:
    house = falling_house()
    before = Outbox.of(house.state)
    quantity = int(before.quantity[0])

    house.fill(1, -quantity, 467)

    assert int(before.quantity[0]) == quantity
    assert 1 not in Outbox.of(house.state).number.tolist()


def test_a_frozen_array_is_the_same_array() -> None:
    array = np.arange(3)

    assert frozen(array) is array
    assert not array.flags.writeable


def test_the_events_of_orders_are_those_that_name_one() -> None:
    assert {"AssetConverted", "OrderClosed", "OrderFilled", "OrderPlaced"} == ORDER_EVENTS
