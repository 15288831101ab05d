from __future__ import annotations

from novate.default_management.state import DefaultState


def test_a_copy_lives_on_by_itself() -> None:
    state = DefaultState()
    state.now_ns = 5
    twin = state.copy()

    twin.defaults.orders.append()
    twin.defaults.waterfall[4] = 6
    twin.now_ns = 7

    assert state.defaults.orders.count == 0
    assert state.defaults.waterfall[4] == 5
    assert (state.now_ns, twin.now_ns) == (5, 7)
