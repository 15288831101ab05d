from __future__ import annotations

import numpy as np

from novate.default_management.state import DefaultState
from novate.engine.consequence import due_list
from novate.engine.state import State
from novate.kernel.codes import DueKind
from novate.message.parameter import Parameter


def state_with_orders(*answered_ns: int) -> State:
    """Accounts, and an open order of each whose last answer came at an instant."""
    state = State()
    for _ in answered_ns:
        state.accounts.append()
    orders = state.defaults.orders
    rows = orders.add(len(answered_ns))
    orders.account[rows] = np.arange(len(answered_ns))
    orders.answered_ns[rows] = answered_ns
    orders.is_open[rows] = True
    state.enter_orders(rows)
    return state


def due(state: State, until_ns: int) -> list[list[int]]:
    return due_list(state, until_ns).tolist()


def test_a_slice_that_is_set_is_due_then_and_one_that_is_taken_back_is_not() -> None:
    state = state_with_orders(0, 0, 0)
    state.parameters[Parameter.ORDER_LIFE_NS] = 0
    assert due(state, 10) == []

    state.set_slices(np.array([2, 0]), 7)
    state.set_slices(np.array([1]), np.array([8]))
    assert due(state, 6) == []
    assert due(state, 10) == [[7, DueKind.SLICE, 0], [7, DueKind.SLICE, 2]]

    state.set_slices(np.array([2, 0]), 0)
    assert due(state, 10) == [[8, DueKind.SLICE, 1]]


def test_the_life_of_an_order_ends_that_long_after_its_last_answer() -> None:
    state = state_with_orders(100, 50)
    state.parameters[Parameter.ORDER_LIFE_NS] = 30
    assert state.order_ends(np.array([0, 1])).tolist() == [130, 80]
    assert due(state, 200) == [[80, DueKind.ORDER_LIFE, 2]]

    state.now_ns = 120
    state.defaults.orders.quantity[1] = -10
    state.book_answer(2, -4)
    assert state.defaults.orders.quantity[1] == -6
    assert due(state, 200) == [[130, DueKind.ORDER_LIFE, 1]]

    state.parameters[Parameter.ORDER_LIFE_NS] = 0
    assert state.order_ends(np.array([0, 1])).tolist() == [0, 0]
    assert due(state, 200) == []


def test_dropping_what_is_derived_leaves_done_rows_and_entries_behind() -> None:
    state = state_with_orders(100, 50)
    state.defaults.orders.end(np.array([0]))

    state.drop_caches()

    assert state.defaults.orders.count == 1
    assert due(state, 10**18)[0][2] == 2


def test_a_copy_has_orders_of_its_own() -> None:
    state = DefaultState()
    twin = state.copy()
    twin.defaults.orders.append()

    assert state.defaults.orders.count == 0
