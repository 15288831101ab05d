from __future__ import annotations

from collections.abc import Sequence

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Record, Run
from novate.engine.batch import decode_batch
from novate.engine.engine import Engine
from novate.engine.ledger_digest import ledger_digest
from novate.engine.recover import audit, recover
from novate.engine.snapshot import decode_snapshot
from novate.engine.state_version import STATE_VERSION
from novate.engine.upgrade import decide_upgrade_engine, require_upgrade
from novate.engine.version import ENGINE_VERSION, Era, eras_of
from novate.errors import InvariantError, JournalError
from novate.kernel.codes import Origin
from novate.message import command, event
from novate.message.declare import rows_of
from tests.unit.aged import aged
from tests.unit.clearing import Recorder
from tests.unit.engine.test_engine import DEPOSIT, content
from tests.unit.engine.test_recover import eventful_house

ROW = {"from_version": 1, "to_version": 2}


def old_engine(journal: MemoryJournal | None = None) -> tuple[Engine, int]:
    """An engine that recovered a journal of engine version 1, and the sequence of its head."""
    old = aged(eventful_house().engine.journal, into=journal)
    return recover(old), old.head()[0]


def test_an_upgrade_states_what_it_found() -> None:
    state = eventful_house().engine.state
    emit = Recorder()

    decide_upgrade_engine(state, ROW, emit)

    assert emit.names == ["EngineUpgraded"]
    assert emit.only() == {
        **ROW,
        "state_version": STATE_VERSION,
        "state_digest": state.digest().hex(),
        "ledger_digest": ledger_digest(state).hex(),
    }


@pytest.mark.rule("14.10")
def test_the_first_new_command_upgrades_the_journal_and_keeps_the_state() -> None:
    engine, head = old_engine()
    found = engine.state.digest()
    assert engine.journal.head()[0] == head, "recovery writes nothing"

    [batch] = engine.submit([DEPOSIT])

    assert batch.sequence == head + 2
    upgrade = decode_batch(next(engine.journal.read(head + 1)))
    assert upgrade.origin == Origin.ENGINE
    assert [run.name for run in upgrade.commands] == ["UpgradeEngine"]
    [stated] = rows_of(upgrade.events[0])
    assert (stated["from_version"], stated["to_version"]) == (1, ENGINE_VERSION)
    assert stated["state_digest"] == found.hex()
    kept = engine.journal.latest_snapshot()
    assert kept is not None
    assert kept[:2] == (head + 1, found)
    assert decode_snapshot(kept[2], kept[1]).digest() == found
    assert eras_of(engine.journal) == [Era(1, head, 1), Era(head + 1, head + 2, ENGINE_VERSION)]


def test_it_happens_once() -> None:
    engine, head = old_engine()
    engine.submit([DEPOSIT])

    again = recover(engine.journal)
    again.submit([DEPOSIT])

    assert again.sequence == head + 3
    assert len(eras_of(again.journal)) == 2


def test_nothing_but_a_new_record_upgrades() -> None:
    house = eventful_house()
    house.engine.submit([DEPOSIT], source="feed", source_sequence=1)
    old = aged(house.engine.journal)
    head = old.head()
    engine = recover(old)

    engine.submit([])
    audit(old)
    [batch] = engine.submit([DEPOSIT], source="feed", source_sequence=1)

    assert batch.sequence == head[0]
    assert old.head() == head


def test_a_snapshot_upgrades_too() -> None:
    engine, head = old_engine()

    digest = engine.snapshot()

    assert engine.sequence == head + 1
    assert engine.state.digest() == digest


@pytest.mark.rule("14.10")
def test_the_key_of_the_call_is_not_that_of_the_upgrade() -> None:
    engine, head = old_engine()
    first = engine.submit([DEPOSIT], source="feed", source_sequence=1)

    again = recover(engine.journal).submit([DEPOSIT], source="feed", source_sequence=1)

    assert next(engine.journal.read(head + 1)).source == ""
    assert content(again) == content(first)


def test_a_fork_of_an_old_journal_begins_at_the_present_version() -> None:
    engine, head = old_engine()

    fork = engine.fork(MemoryJournal())
    fork.submit([DEPOSIT])

    assert eras_of(fork.journal) == [Era(1, 1, ENGINE_VERSION)]
    assert engine.sequence == head
    assert audit(fork.journal).digest == fork.state.digest()


# ---- audit


def test_an_old_journal_is_recovered_and_not_audited() -> None:
    engine, head = old_engine()

    report = audit(engine.journal)

    assert (report.records, report.digest) == (0, None)
    assert report.earlier == (Era(1, head, 1),)
    assert report.earlier[0].release == "2026.11.0"


def test_an_upgraded_journal_is_audited_from_the_upgrade_on() -> None:
    engine, head = old_engine()
    engine.submit([DEPOSIT])
    seen: list[int] = []

    report = audit(engine.journal, progress=seen.append)

    assert report.digest == engine.state.digest()
    assert seen == [head + 1, head + 2]
    assert (report.records, report.commands, report.events) == (2, 2, 2)
    assert report.earlier == (Era(1, head, 1),)
    assert recover(engine.journal, from_snapshot=False).state.digest() == report.digest


class FailingSnapshots(MemoryJournal):
    """A journal that keeps records and loses power before it keeps a state."""

    def put_snapshot(self, sequence: int, digest: bytes, payload: bytes) -> None:
        raise JournalError("no power")


class FailingRecords(MemoryJournal):
    """A journal that has no room for more."""

    is_full = False

    def append(self, records: Sequence[Record], *, epoch: int) -> None:
        if self.is_full:
            raise JournalError("no space left")
        super().append(records, epoch=epoch)


def test_a_crash_between_the_upgrade_and_its_snapshot_is_recovered() -> None:
    engine, head = old_engine(FailingSnapshots())
    with pytest.raises(JournalError, match="no power"):
        engine.submit([DEPOSIT])
    with pytest.raises(InvariantError, match="a stopped engine is recovered"):
        engine.submit([DEPOSIT])

    again = recover(engine.journal)
    again.submit([DEPOSIT])

    assert again.sequence == head + 2
    assert again.journal.latest_snapshot() is None
    assert audit(again.journal).digest == again.state.digest()


@pytest.mark.parametrize("call", ["submit", "snapshot"])
def test_an_upgrade_that_cannot_be_written_stops_the_engine(call: str) -> None:
    journal = FailingRecords()
    engine, head = old_engine(journal)
    journal.is_full = True

    with pytest.raises(JournalError, match="no space left"):
        engine.submit([DEPOSIT]) if call == "submit" else engine.snapshot()

    with pytest.raises(InvariantError, match="a stopped engine is recovered"):
        engine.submit([DEPOSIT])
    assert journal.head()[0] == head


# ---- what an upgrade must be


def test_a_later_engine_version_without_an_upgrade_is_found_out() -> None:
    house = eventful_house()
    head = house.engine.sequence
    house.engine.submit([DEPOSIT])
    joined = aged(house.engine.journal, until=head)

    for read in (recover, audit):
        with pytest.raises(JournalError, match=f"record {head + 1} is the first of .* no upgrade"):
            read(joined)


def stated(**change: object) -> tuple[list[Run], list[Run]]:
    """Commands and events of an upgrade of an eventful house, with other values."""
    emit = Recorder()
    decide_upgrade_engine(eventful_house().engine.state, ROW, emit)
    return [command.UPGRADE_ENGINE.row(**ROW)], [
        event.ENGINE_UPGRADED.row(**{**emit.only(), **change})
    ]


@pytest.mark.parametrize(
    ("change", "versions", "message"),
    [
        ({"ledger_digest": "ab" * 32}, (1, 2), "record 9: .* another ledger digest"),
        ({"state_digest": "ab" * 32}, (1, 2), "record 9: .* another state digest"),
        ({"from_version": 2}, (1, 2), "record 9 upgrades from 2 to 2, .* 2 follows 1"),
        ({}, (1, 3), "record 9 upgrades from 1 to 2, engine version 3 follows 1"),
        ({"to_version": 1}, (2, 1), "record 9 upgrades from 1 to 2, engine version 1 follows 2"),
    ],
)
def test_an_upgrade_that_states_something_else_is_found_out(
    change: dict[str, object], versions: tuple[int, int], message: str
) -> None:
    with pytest.raises(JournalError, match=message):
        require_upgrade(eventful_house().engine.state, 9, *stated(**change), versions)


def test_a_state_digest_of_another_state_version_is_not_compared() -> None:
    runs = stated(state_digest="ab" * 32, state_version=STATE_VERSION + 1)

    require_upgrade(eventful_house().engine.state, 9, *runs, (1, 2))
