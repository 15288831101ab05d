from __future__ import annotations

import numpy as np

from novate.default_management.columns import DefaultColumns
from novate.kernel.codes import Layer
from novate.message.layer import DECLARED_ORDER


def with_orders(*accounts: int) -> DefaultColumns:
    columns = DefaultColumns()
    for account in accounts:
        number = columns.orders.append()
        columns.orders.account[number] = account
        columns.orders.is_open[number] = True
    return columns


def test_the_order_in_force_at_first_is_the_declared_one() -> None:
    assert DefaultColumns().waterfall.tolist() == [int(layer) for layer in DECLARED_ORDER]
    assert DECLARED_ORDER[0] == Layer.OWN_CONTRIBUTION
    assert DECLARED_ORDER[-1] == Layer.GAINS_HAIRCUT


def test_open_orders_of_an_account_come_oldest_first_without_closed_ones() -> None:
    columns = with_orders(7, 8, 7, 7)
    columns.orders.is_open[2] = False

    assert columns.open_orders(7).tolist() == [0, 3]
    assert columns.open_orders(8).tolist() == [1]
    assert columns.open_orders(9).size == 0


def test_a_copy_shares_nothing() -> None:
    columns = with_orders(7)
    twin = columns.copy()
    twin.orders.is_open[0] = False
    twin.losses.append()
    twin.waterfall[4] = Layer.AUTO_DELEVERAGING

    assert columns.open_orders(7).tolist() == [0]
    assert columns.losses.count == 0
    assert np.array_equal(columns.waterfall, DefaultColumns().waterfall)


def test_an_answer_takes_off_what_was_filled_and_renews_the_life_of_the_order() -> None:
    columns = with_orders(7, 8)
    columns.orders.quantity[1] = -10

    columns.book_answer(2, -4, 99)

    assert columns.orders.quantity[:2].tolist() == [0, -6]
    assert columns.orders.answered_ns[:2].tolist() == [0, 99]
