from __future__ import annotations

import numpy as np
import pytest

from novate.default_management.columns import DECLARED_ORDER, DefaultColumns
from novate.kernel.codes import Layer


def with_orders(*accounts: int) -> DefaultColumns:
    columns = DefaultColumns()
    for account in accounts:
        number = columns.orders.append()
        columns.orders.account[number] = account
        columns.orders.is_open[number] = True
    return columns


@pytest.mark.rule("13.1")
def test_the_order_in_force_at_first_is_the_declared_one() -> None:
    assert DefaultColumns().waterfall.tolist() == [int(layer) for layer in DECLARED_ORDER]
    assert DECLARED_ORDER[0] == Layer.OWN_CONTRIBUTION
    assert DECLARED_ORDER[-1] == Layer.GAINS_HAIRCUT


def test_what_is_pending_are_open_losses_and_what_stayed_uncovered() -> None:
    columns = DefaultColumns()
    rows = columns.losses.add(3)
    columns.losses.amount[rows] = 10, 20, 40
    columns.losses.is_open[rows] = True
    columns.losses.end(columns.losses.rows_of([2]))
    columns.uncovered = 7

    assert columns.pending() == 57


def test_a_copy_shares_nothing() -> None:
    columns = with_orders(7)
    twin = columns.copy()
    twin.orders.end(twin.orders.rows_of([1]))
    twin.losses.append()
    twin.uncovered = 5
    twin.waterfall[4] = Layer.AUTO_DELEVERAGING

    assert columns.orders.of(np.array([7])).tolist() == [0]
    assert (columns.losses.count, columns.uncovered) == (0, 0)
    assert np.array_equal(columns.waterfall, DefaultColumns().waterfall)
