"""A journal is held against the state that its run left."""

from __future__ import annotations

from novate.adapter.memory_journal import MemoryJournal
from novate.app.replay.verification import verify
from tests.unit.app.replay.small import finished


def test_a_journal_is_recovered_and_audited() -> None:
    _, done = finished()
    told: list[str] = []

    checks = verify(
        done.engine.journal,
        done.engine.state.digest(),
        lambda phase, done, total: told.append(phase),
    )
    other = verify(done.engine.journal, bytes(32), lambda phase, done, total: None)

    assert (checks.recovered, checks.audited) == (True, True)
    assert set(told) == {"recover", "audit"}
    assert (other.recovered, other.audited) == (False, False)


def test_an_empty_journal_is_verified_as_empty() -> None:
    checks = verify(MemoryJournal(), bytes(32), lambda phase, done, total: None)

    assert not checks.recovered
