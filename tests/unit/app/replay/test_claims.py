"""The headline of a run, folded from its journal, is that of the run itself."""

from __future__ import annotations

from novate.app.replay import summary
from novate.app.replay.claims import headline
from tests.unit.app.replay.small import finished


def test_the_headline_of_a_journal_is_that_of_the_live_run() -> None:
    prepared, done = finished()

    found = headline(done.engine.journal, done.engine.state)

    assert found["result"] == summary.result_of(done, prepared.book)
    assert found["outcome"] == summary.outcome(done, prepared.book).shown()
    live = {row["layer"]: row["amount"] for row in summary.payers_of(done, prepared.book)}
    del live["defaulter_collateral"]
    assert found["payers"] == live
