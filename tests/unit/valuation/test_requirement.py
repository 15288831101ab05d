from __future__ import annotations

from novate.kernel.clearing.assess import SUM_MAX
from novate.kernel.codes import Bound
from novate.valuation.requirement import OPEN_ORDER_HOLD, Binding, Component, Requirement

ASKED = Requirement(10, 5, (Component("notional tier", 0, 10, 5),), Binding(Bound.CONTRACT, 0, 0))


def test_what_orders_hold_is_a_component_of_initial_margin_alone() -> None:
    held = ASKED.with_hold(3)

    assert (held.initial, held.maintenance, held.binding) == (13, 5, ASKED.binding)
    assert held.components == (*ASKED.components, Component(OPEN_ORDER_HOLD, -1, 3, 0))


def test_without_orders_the_requirement_stays_as_it_is() -> None:
    assert ASKED.with_hold(0) is ASKED


def test_what_an_add_on_asks_is_added_up_to_a_bound_and_binds_nothing() -> None:
    parts = (Component("add-on", 1, 4, 2), Component("add-on", 2, 1, 1))

    asked = ASKED.with_parts(parts)

    assert (asked.initial, asked.maintenance, asked.binding) == (15, 8, ASKED.binding)
    assert asked.components == (*ASKED.components, *parts)
    assert ASKED.with_parts((Component("add-on", 1, SUM_MAX, 2),)).initial == SUM_MAX
