"""What recovery shows between the events of a journal."""

from __future__ import annotations

import pytest

from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.catalogue import APPLICATIONS
from novate.engine.state import State
from novate.insight.retrace import MarginObserver, retrace
from novate.message import event
from novate.message.declare import rows_of
from tests.unit.aged import aged, next_version, renamed
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


class Deposits:
    """Adds up deposits, a row at a time."""

    def __init__(self) -> None:
        self.total = 0

    def observe(self, state: State, batch: Batch, run: Run) -> None:
        if run.name == "CollateralPosted":
            [row] = rows_of(run)
            self.total += row["amount"]


def test_an_observer_is_shown_events_in_the_present_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, done = finished()
    old = aged(
        done.engine.journal, write=lambda run: renamed(run, "CollateralPosted", "amount", "sum")
    )
    deposits, again = Deposits(), Deposits()
    retrace(done.engine.journal, [deposits], lambda sequence: None)
    posted = event.COLLATERAL_POSTED
    later = next_version(posted, "sum", "amount")
    monkeypatch.setitem(event.BY_NAME, posted.name, later)
    monkeypatch.setitem(APPLICATIONS, later, APPLICATIONS[posted])

    state = retrace(old, [again], lambda sequence: None)

    assert again.total == deposits.total > 0
    assert state.digest() == done.engine.state.digest()
