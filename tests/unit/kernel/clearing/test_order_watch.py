"""Orders that are new or changed, or whose contract moved, are due; ended ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.order_watch import orders_due, orders_unsure
from novate.message import command
from novate.valuation.index_bound import index_bound
from tests.unit.clearing import COIN, ClearingHouse

NUMBER, INSTRUMENT = np.array([4, 7, 9]), np.array([0, 1, 0], np.int32)
LOTS, HOLD = np.array([5, -5, 2]), np.array([10, 20, 30])


@pytest.mark.parametrize(
    ("change", "moved", "due"),
    [
        ({}, (), []),
        ({}, (1,), [1]),
        ({}, (0,), [0, 2]),
        ({"number": (4, 8, 9)}, (), [1]),
        ({"lots": (5, -4, 2)}, (), [1]),
        ({"lots": (5, 0, 2)}, (1,), []),
        ({"hold": (10, 20, 31)}, (), [2]),
    ],
)
def test_rows_that_differ_from_what_was_seen_are_due(
    change: dict[str, tuple[int, ...]], moved: tuple[int, ...], due: list[int]
) -> None:
    now = {"number": NUMBER, "lots": LOTS, "hold": HOLD}
    now |= {name: np.array(values) for name, values in change.items()}
    out, has_moved = np.empty(3, np.int64), np.isin(np.arange(2), moved)

    count = orders_due(
        now["number"], INSTRUMENT, now["lots"], now["hold"], NUMBER, LOTS, HOLD, has_moved, out
    )

    assert out[:count].tolist() == due


def test_rows_beyond_those_that_were_seen_are_due() -> None:
    out = np.empty(3, np.int64)
    seen = NUMBER[:1], LOTS[:1], HOLD[:1]

    assert orders_due(NUMBER, INSTRUMENT, LOTS, HOLD, *seen, np.zeros(2, np.bool_), out) == 2
    assert out[:2].tolist() == [1, 2]


def unsure(house: ClearingHouse, **bounds: float) -> list[int]:
    """Rows of open orders whose groups a bound does not clear."""
    x, margin = house.state, house.state.margin_cache.columns()
    rows = np.empty(x.reservations.count, np.int64)
    count = orders_unsure(
        x.account_arrays(), x.reservations.arrays(), index_bound(x)._replace(**bounds),
        margin.equity, margin.initial, False, rows,
    )  # fmt: skip
    return rows[:count].tolist()


@pytest.mark.rule("7.58")
def test_orders_of_groups_that_a_bound_does_not_clear_are_listed() -> None:
    # Orders for 20 lots at 100 ask for 200; A has 400 and B 1,000, C is below initial margin, D has
    # no orders.
    house = ClearingHouse()
    house.list_contract()
    for name, amount in (("A", 400), ("B", 1_000), ("C", 400), ("D", 10**6)):
        house.open_client(name, deposit=amount * COIN)
    house.price(100)
    for name in "ABC":
        row = {"account": house.number(name), "instrument": 0, "lots": 20, "limit_ticks": 100}
        house.submit(command.RESERVE_MARGIN.row(**row))
    house.state.accounts.balance[house.number("C"), 0] -= 250 * COIN
    house.state.drop_caches()
    assert unsure(house, asked=1.9) == []
    assert unsure(house, asked=2.1) == [0]
    assert unsure(house, asked=5.0) == [0, 1]
    house.submit(command.RELEASE_MARGIN.row(reservation=1))
    assert unsure(house, asked=5.0) == [1]
