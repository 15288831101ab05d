"""The headline of a run, folded from its journal, is that of the run itself."""

from __future__ import annotations

from novate.insight import figure
from novate.insight.claim import headline
from tests.unit.app.replay.small import finished


def test_the_headline_of_a_journal_is_that_of_the_live_run() -> None:
    _, done = finished()

    found = headline(done.engine.journal, done.engine.state)

    assert found["result"] == figure.result_of(done.run)
    assert found["outcome"] == figure.outcome(done.run).shown()
    live = {row["layer"]: row["amount"] for row in figure.payers_of(done.run)}
    del live["defaulter_collateral"]
    assert found["payers"] == live
