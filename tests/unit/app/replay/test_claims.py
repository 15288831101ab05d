"""The headline of a run, folded from its journal, is that of the run itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from novate.app.replay import summary
from novate.app.replay.claims import check_summary, headline
from novate.engine.state_version import STATE_VERSION
from novate.errors import JournalError
from novate.message import event
from tests.unit.aged import aged, next_version, renamed
from tests.unit.app.replay.small import finished


def test_the_headline_of_a_journal_is_that_of_the_live_run() -> None:
    prepared, done = finished()

    found = headline(done.engine.journal, done.engine.state)

    assert found["result"] == summary.result_of(done, prepared.book)
    assert found["outcome"] == summary.outcome(done, prepared.book).shown()
    live = {row["layer"]: row["amount"] for row in summary.payers_of(done, prepared.book)}
    del live["defaulter_collateral"]
    assert found["payers"] == live
    proof = summary.verification_of(done, {})
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


def claims(tmp_path: Path, **change: object) -> Path:
    """A summary that claims what a run proves, with other values or, for None, without them."""
    prepared, done = finished()
    verification = {
        **summary.verification_of(done, {"recovered": True, "audited": True}),
        **change,
    }
    content = {
        "verification": {name: v for name, v in verification.items() if v is not None},
        "result": summary.result_of(done, prepared.book),
        "payers": summary.payers_of(done, prepared.book),
        "controls": None,
        "bounds": None,
    }
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"state_version": STATE_VERSION + 1, "state_digest": "ab" * 32},
        {"state_version": None, "ledger_digest": None},
    ],
)
def test_a_summary_of_another_state_version_is_held_to_the_ledger(
    tmp_path: Path, change: dict[str, object]
) -> None:
    _, done = finished()

    check_summary(claims(tmp_path, **change), done.engine.journal, done.engine.state)


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
def test_a_claim_that_can_be_compared_is(tmp_path: Path, change: dict[str, object]) -> None:
    _, done = finished()
    name = next(iter(change))

    with pytest.raises(JournalError, match=rf"verification\.{name} is"):
        check_summary(claims(tmp_path, **change), done.engine.journal, done.engine.state)
