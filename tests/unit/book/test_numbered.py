"""Rows with a number for life."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from novate.book.numbered import DONE_MIN, NumberedColumns


class Tickets(NumberedColumns):
    """A table with one column of its own."""

    LIVE = "is_open"
    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "number": (np.int64, 0),
        "account": (np.int32, 0),
        "size": (np.int64, 0),
        "is_open": (np.bool_, False),
    }


def filled(rows: int, capacity: int = 4) -> Tickets:
    """A table whose rows are open and as large as their number."""
    table = Tickets(capacity)
    open_rows(table, rows)
    return table


def open_rows(table: Any, rows: int) -> None:
    added = table.add(rows)
    table.size[added] = table.number[added]
    table.is_open[added] = True


def close(table: Any, numbers: list[int]) -> None:
    table.end(table.rows_of(numbers))


def test_numbers_start_at_one_and_follow_one_another() -> None:
    table = filled(3)
    open_rows(table, 2)

    assert table.used("number").tolist() == [1, 2, 3, 4, 5]
    assert table.given == 5


def test_a_row_is_found_by_its_number_until_it_is_done() -> None:
    table = filled(5)
    close(table, [2, 5])

    assert table.rows_of([0, 1, 2, 3, 5, 6]).tolist() == [-1, 0, -1, 2, -1, -1]
    assert (table.row_of(4), table.row_of(2), table.row_of(-7)) == (3, -1, -1)


def test_nothing_is_found_in_an_empty_table() -> None:
    assert Tickets().rows_of([0, 1]).tolist() == [-1, -1]


def test_done_rows_leave_when_they_are_more_than_the_others_and_numbers_go_on() -> None:
    table = filled(2 * DONE_MIN)
    close(table, list(range(1, DONE_MIN + 1)))
    open_rows(table, 1)
    assert table.count == 2 * DONE_MIN + 1

    close(table, [DONE_MIN + 1, DONE_MIN + 2])
    open_rows(table, 1)

    assert table.count == DONE_MIN
    assert (int(table.done[0]), table.given) == (0, 2 * DONE_MIN + 2)
    assert table.used("number").tolist() == list(range(DONE_MIN + 3, 2 * DONE_MIN + 3))
    assert (table.used("size") == table.used("number")).all()
    assert table.row_of(3) == -1


def test_an_export_has_neither_done_rows_nor_layout() -> None:
    table, other = filled(9), filled(9, capacity=1_000)
    for one in (table, other):
        close(one, [1, 4, 9])
    other.drop_done()

    for name, column in table.export().items():
        assert np.array_equal(column, other.export()[name])
    assert table.export()["number"].tolist() == [2, 3, 5, 6, 7, 8]
    assert table.export()["given"].tolist() == [9]


def test_an_export_is_restored_and_goes_on_with_the_next_number() -> None:
    table = filled(9)
    close(table, [1, 9])
    again = Tickets()

    again.restore(table.export())
    open_rows(again, 1)

    assert again.used("number").tolist() == [2, 3, 4, 5, 6, 7, 8, 10]


def test_a_copy_is_independent() -> None:
    table = filled(3)
    twin = table.copy()
    close(twin, [1])
    open_rows(twin, 1)

    assert (table.given, int(table.done[0]), table.row_of(1)) == (3, 0, 0)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_column_of_additions_is_that_many_single_ones(rows: int) -> None:
    whole, single = filled(rows), Tickets(4)
    for _ in range(rows):
        row = single.append()
        single.size[row] = single.number[row]
        single.is_open[row] = True

    for name, column in whole.export().items():
        assert np.array_equal(column, single.export()[name])


@pytest.mark.parametrize("seed", range(20))
def test_rows_of_accounts_come_in_the_order_of_the_accounts_and_then_of_number(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = filled(60)
    table.account[:60] = rng.integers(0, 9, 60)
    close(table, (1 + rng.choice(60, 20, replace=False)).tolist())
    accounts = rng.permutation(12)[: int(rng.integers(0, 12))]

    expected = [
        row for a in accounts for row in range(60) if table.is_open[row] and table.account[row] == a
    ]
    assert table.of(accounts).tolist() == expected
