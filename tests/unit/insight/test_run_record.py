"""The record of a run: holdings and money as text, and how much is kept."""

from __future__ import annotations

import numpy as np

from novate.insight.run_record import FACTS_MAX, money
from novate.message import event
from tests.unit.insight.scene import A, B, observer, row, take


def test_money_is_shown_with_all_its_decimals() -> None:
    assert money(1_234_567_890_123) == "1,234,567.890123"
    assert money(-5) == "-0.000005"


def test_holdings_are_told_in_units_of_the_coin() -> None:
    o = observer()
    take(o)
    assert o.positions_text(A) == ""
    o.before = (
        np.array([A, A, B], np.int32),
        np.array([0, 1, 0], np.int32),
        np.array([2_500, -7, 3], np.int64),
    )

    assert o.positions_text(A) == "+2.5 BTCUSDT, -0.007 ETHUSDT"


def test_a_story_is_cut_at_its_last_fact() -> None:
    o = observer()

    for _ in range(FACTS_MAX + 10):
        take(o, row(event.COLLATERAL_POSTED, account=A, amount=1))

    assert len(o.facts[A]) == FACTS_MAX
