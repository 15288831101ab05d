from __future__ import annotations

from novate.kernel.codes import Bound
from novate.valuation.requirement import OPEN_ORDER_HOLD, Binding, Component, Requirement

ASKED = Requirement(10, 5, (Component("notional tier", 0, 10, 5),), Binding(Bound.CONTRACT, 0, 0))


def test_what_orders_hold_is_a_component_of_initial_margin_alone() -> None:
    held = ASKED.with_hold(3)

    assert (held.initial, held.maintenance, held.binding) == (13, 5, ASKED.binding)
    assert held.components == (*ASKED.components, Component(OPEN_ORDER_HOLD, -1, 3, 0))


def test_without_orders_the_requirement_stays_as_it_is() -> None:
    assert ASKED.with_hold(0) is ASKED
