"""Growing tables."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.clearing.columns import I64, Columns


class Pair(Columns):
    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {"left": (np.int64, 0), "right": (np.int8, -1)}
    left: I64


def add(table: Pair, value: int) -> None:
    row = table.append()  # first: growing replaces the column
    table.left[row] = value


@given(st.lists(st.integers(-(2**62), 2**62), max_size=200))
def test_a_table_keeps_its_rows_while_it_grows(values: list[int]) -> None:
    table = Pair(2)
    for value in values:
        add(table, value)
    assert table.used("left").tolist() == values
    assert table.used("right").tolist() == [-1] * len(values)
    assert table.capacity >= table.count


def test_room_is_made_by_doubling() -> None:
    table = Pair(3)
    table.ensure(7)
    assert table.capacity == 12
    table.ensure(2)
    assert table.capacity == 12


def test_what_is_exported_is_restored_and_a_copy_is_independent() -> None:
    table = Pair(1)
    for value in (4, 5, 6):
        add(table, value)
    twin = Pair(1)
    twin.restore({name: column.copy() for name, column in table.export().items()})
    copy = table.copy()
    table.left[0] = 9
    assert twin.used("left").tolist() == [4, 5, 6]
    assert copy.used("left").tolist() == [4, 5, 6]


def test_a_column_newer_than_the_rows_has_its_initial_value() -> None:
    table = Pair(1)
    table.restore({"left": np.array([4, 5, 6])})
    assert table.used("left").tolist() == [4, 5, 6]
    assert table.used("right").tolist() == [-1, -1, -1]


def test_a_column_that_got_wider_is_taken_and_one_that_does_not_fit_is_refused() -> None:
    table = Pair(1)
    table.restore({"left": np.array([4], np.int32)})
    assert table.used("left").tolist() == [4]
    with pytest.raises(ValueError, match=r"right: int64\(1,\), 1 int8 expected"):
        Pair(1).restore({"right": np.array([300])})
    with pytest.raises(ValueError, match=r"right: int8\(2,\), 1 int8 expected"):
        Pair(1).restore({"left": np.array([4]), "right": np.array([1, 2], np.int8)})


def test_an_empty_table_is_restored_empty() -> None:
    table = Pair(2)
    table.restore(Pair(2).export())
    assert table.count == 0


@pytest.mark.parametrize("row", [0, 1, 2])
def test_rows_behind_one_that_is_taken_out_move_up(row: int) -> None:
    table = Pair(2)
    for value in (4, 5, 6):
        add(table, value)
    table.remove(row)
    assert table.count == 2
    assert table.used("left").tolist() == [left for k, left in enumerate((4, 5, 6)) if k != row]
    assert table.left[2] == Pair(1).left[0], "a row that is added has initial values"
