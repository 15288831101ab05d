"""What recovery shows between the events of a journal."""

from __future__ import annotations

import pytest

from novate.insight.retrace import MarginObserver, retrace
from tests.unit.app.replay.small import finished


@pytest.mark.parametrize("bars", [1, 10])
def test_the_worst_assessment_of_a_bar_stands_in_its_row(bars: int) -> None:
    prepared, done = finished()
    rows = [dict(row) for row in done.run.observer.tables["solvency"][:bars]]
    watch = MarginObserver(prepared.book.accounts.numbers, rows)

    retrace(done.engine.journal, [watch], lambda sequence: None)

    for row in rows:
        assert row["below_maintenance"] <= row["below_initial"] <= len(prepared.book.accounts)
        assert row["assessed_ns"] <= row["instant_ns"]
    if bars == 10:
        assert max(row["below_maintenance"] for row in rows) > 0
        worst = max(rows, key=lambda row: row["maintenance_shortfall"])
        assert worst["initial_shortfall"] > worst["maintenance_shortfall"] > 0
