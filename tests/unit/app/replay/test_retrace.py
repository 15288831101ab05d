"""What recovery shows between the events of a journal."""

from __future__ import annotations

import numpy as np
import pytest

from novate.app.replay.retrace import MarginWatch, below, retrace
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE, WIDTH
from tests.unit.app.replay.small import finished

UNIT = 10**6


def test_accounts_below_a_margin_are_counted_with_what_they_lack() -> None:
    numbers = np.zeros((4, WIDTH), np.int64)
    numbers[:, INITIAL] = np.array([10, 10, 10, 0]) * UNIT
    numbers[:, MAINTENANCE] = np.array([5, 5, 5, 0]) * UNIT
    numbers[:, EQUITY] = np.array([10, 7, -1, -3]) * UNIT

    assert below(numbers) == (2, 1, 14.0, 6.0)


@pytest.mark.parametrize("bars", [1, 10])
def test_the_worst_assessment_of_a_bar_stands_in_its_row(bars: int) -> None:
    prepared, done = finished()
    rows = [dict(row) for row in done.observer.tables["solvency"][:bars]]
    watch = MarginWatch(prepared.book.accounts, rows)

    retrace(done.engine.journal, [watch], lambda sequence: None)

    for row in rows:
        assert row["below_maintenance"] <= row["below_initial"] <= len(prepared.book.accounts)
        assert row["assessed_ns"] <= row["instant_ns"]
    if bars == 10:
        assert max(row["below_maintenance"] for row in rows) > 0
        worst = max(rows, key=lambda row: row["maintenance_shortfall"])
        assert worst["initial_shortfall"] > worst["maintenance_shortfall"] > 0
