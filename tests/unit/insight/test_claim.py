"""The headline of a run, folded from its journal, is that of the run itself."""

from __future__ import annotations

from typing import Any

import pytest

from novate.engine.state_version import STATE_VERSION
from novate.errors import JournalError
from novate.insight import figure
from novate.insight.claim import check_summary, headline
from novate.message import event
from tests.unit.aged import aged, next_version, renamed
from tests.unit.app.replay.small import finished


def test_the_headline_of_a_journal_is_that_of_the_live_run() -> None:
    _, done = finished()

    found = headline(done.engine.journal, done.engine.state)

    assert found["result"] == figure.result_of(done.run)
    assert found["outcome"] == figure.outcome(done.run).shown()
    live = {row["layer"]: row["amount"] for row in figure.payers_of(done.run)}
    del live["defaulter_collateral"]
    assert found["payers"] == live
    proof = figure.verification_of(done.run, {})
    assert found["size"] == {"records": proof["records"], "events": proof["events"]}


def test_the_headline_does_not_depend_on_what_columns_were_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, done = finished()
    found = headline(done.engine.journal, done.engine.state)
    old = aged(
        done.engine.journal, write=lambda run: renamed(run, "CollateralPosted", "amount", "sum")
    )
    posted = event.COLLATERAL_POSTED
    later = next_version(posted, "sum", "amount")
    monkeypatch.setitem(event.BY_NAME, posted.name, later)

    assert headline(old, done.engine.state) == found


def claims(**change: object) -> dict[str, Any]:
    """A summary that claims what a run proves, with other values or, for None, without them."""
    _, done = finished()
    verification = {
        **figure.verification_of(done.run, {"recovered": True, "audited": True}),
        **change,
    }
    return {
        "verification": {name: v for name, v in verification.items() if v is not None},
        "result": figure.result_of(done.run),
        "payers": figure.payers_of(done.run),
        "controls": None,
        "bounds": None,
    }


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"state_version": STATE_VERSION + 1, "state_digest": "ab" * 32},
        {"state_version": None, "ledger_digest": None},
    ],
)
def test_a_summary_of_another_state_version_is_held_to_the_ledger(
    change: dict[str, object],
) -> None:
    _, done = finished()

    check_summary(claims(**change), done.engine.journal, done.engine.state)


@pytest.mark.parametrize(
    "change",
    [
        {"state_digest": "ab" * 32},
        {"ledger_digest": "ab" * 32},
        {"ledger_digest": "ab" * 32, "state_version": STATE_VERSION + 1},
        {"records": 1},
        {"events": 1},
    ],
)
def test_a_claim_that_can_be_compared_is(change: dict[str, object]) -> None:
    _, done = finished()
    name = next(iter(change))

    with pytest.raises(JournalError, match=rf"verification\.{name} is"):
        check_summary(claims(**change), done.engine.journal, done.engine.state)
