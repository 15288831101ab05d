"""Growing tables."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
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


def test_an_empty_table_is_restored_empty() -> None:
    table = Pair(2)
    table.restore(Pair(2).export())
    assert table.count == 0
