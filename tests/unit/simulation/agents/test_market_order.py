from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.agents.market_order import AgentTerms, OrderBatch


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bar_ns", 0),
        ("latency_ns", -1),
        ("participation_ppm", 1_000_001),
        ("floor_ppm", 0),
        ("feedback_ppm", -1),
        ("refill_half_life_ns", 0),
        ("collapse_range_ppm", 0),
    ],
)
def test_a_term_outside_its_range_is_refused(name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"{name} {value} is outside"):
        AgentTerms(tick_e8=np.array([1]), lot_e8=np.array([1]), **{name: value})


def test_ticks_and_lots_must_be_positive_and_belong_together() -> None:
    with pytest.raises(InputError, match="tick_e8 holds 0"):
        AgentTerms(tick_e8=np.array([0]), lot_e8=np.array([1]))
    with pytest.raises(InputError, match="one row each"):
        AgentTerms(tick_e8=np.array([1, 1]), lot_e8=np.array([1]))


def test_the_length_of_a_batch_is_its_number_of_orders() -> None:
    one = np.array([1])
    assert (
        len(OrderBatch(order_id=one, symbol=one, quantity_e8=one, placed_ns=one, limit_e8=one)) == 1
    )
