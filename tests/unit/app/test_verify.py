"""What `novate verify` finds about a run, and what it takes for a fault."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.sqlite_journal import SqliteJournal
from novate.app.cli import main
from novate.app.replay.run import run_job
from novate.app.verify import audited, verify_run
from novate.engine.journal import JournalStore
from novate.engine.recover import AuditReport, recover
from novate.engine.snapshot import encode_snapshot
from novate.engine.version import Era
from novate.errors import InputError, JournalError
from tests.unit.aged import aged
from tests.unit.app.replay.small import finished, job
from tests.unit.engine.test_engine import DEPOSIT
from tests.unit.engine.test_recover import eventful_house


def silent(phase: str, done: int, total: int) -> None:
    """No progress."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the small run."""
    folder = tmp_path_factory.mktemp("verify")
    run_job(job(folder), folder / "run", silent, with_variants=False)
    return folder / "run"


def test_a_run_is_verified_with_its_summary(run: Path) -> None:
    told: dict[str, tuple[int, int]] = {}

    found = verify_run(run, lambda phase, done, total: told.update({phase: (done, total)}))

    records = finished()[1].engine.sequence
    assert found["head_hash"] == finished()[1].engine.head_hash.hex()
    assert found["records"] == records
    assert "summary.json" in found["checked"]
    assert told == {"recover": (records, records), "audit": (records, records)}


def test_a_journal_alone_is_verified_without_a_summary(run: Path) -> None:
    assert verify_run(run / "journal.db", silent)["checked"] == "journal.db and its anchor"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not the summary of a run: JSONDecodeError"),
        ("{}", "not the summary of a run: KeyError 'payers'"),
        ("", r"result\.defaults is 7; the journal gives"),
    ],
)
def test_a_summary_that_does_not_follow_is_a_fault(
    run: Path, tmp_path: Path, text: str, message: str
) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    path = copy / "summary.json"
    content = json.loads(path.read_text())
    content["result"]["defaults"] = 7
    path.write_text(text or json.dumps(content))

    with pytest.raises(JournalError, match=message) as caught:
        verify_run(copy, silent)
    assert str(path) in str(caught.value)


def written(folder: Path, journal: JournalStore) -> Path:
    """The records of a journal in a file."""
    path = folder / "journal.db"
    store = SqliteJournal(path)
    store.append(list(journal.read()), epoch=store.claim())
    store.close()
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """File of a journal of engine version 1."""
    return written(tmp_path, aged(eventful_house().engine.journal))


def test_a_journal_of_this_release_is_audited_as_a_whole(tmp_path: Path) -> None:
    engine = eventful_house().engine
    told: list[str] = []

    found = verify_run(
        written(tmp_path, engine.journal), lambda phase, done, total: told.append(phase)
    )

    assert found["audited"] == {"first": 1, "last": engine.sequence, "engine_version": 3}
    assert found["records"] == engine.sequence
    assert found["earlier"] == []
    assert found["state_digest"] == engine.state.digest().hex()
    assert told == ["recover"] * engine.sequence + ["audit"] * engine.sequence


def test_an_old_journal_is_recovered_and_left_as_it_is(old: Path) -> None:
    before = old.read_bytes()

    found = verify_run(old, silent)

    last = eventful_house().engine.sequence
    assert (found["records"], found["audited"], found["events"]) == (last, None, 0)
    assert found["earlier"] == [
        {"first": 1, "last": last, "engine_version": 1, "release": "2026.11.0"}
    ]
    assert old.read_bytes() == before


def test_an_upgraded_journal_is_audited_from_its_upgrade_on(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = SqliteJournal(old)
    engine = recover(store)
    engine.submit([DEPOSIT])
    store.close()

    code = main(["verify", str(old), "--json"])

    found = json.loads(capsys.readouterr().out)
    last = engine.sequence
    assert code == 0
    assert found["audited"] == {"first": last - 1, "last": last, "engine_version": 3}
    assert found["earlier"][0]["last"] == last - 2
    assert main(["verify", str(old)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"audited {last - 1} to {last}" in shown
    assert f"records 1 to {last - 2} were decided by engine version 1" in shown


def test_a_snapshot_at_the_head_that_is_another_state_is_a_fault(tmp_path: Path) -> None:
    house = eventful_house()
    path = written(tmp_path, house.engine.journal)
    sequence = house.engine.sequence
    house.deposit("B", 1)
    state = house.engine.state
    store = SqliteJournal(path)
    store.put_snapshot(sequence, state.digest(), encode_snapshot(state))
    store.close()

    with pytest.raises(JournalError, match=f"the snapshot at {sequence} is not the recovered"):
        verify_run(path, silent)


def test_a_journal_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; give a run directory"):
        verify_run(tmp_path / "nowhere", silent)
    with pytest.raises(InputError, match=r"journal\.db does not exist"):
        verify_run(tmp_path, silent)


def test_an_empty_journal_is_verified(tmp_path: Path) -> None:
    found = verify_run(written(tmp_path, MemoryJournal()), silent)

    assert (found["records"], found["audited"], found["earlier"]) == (0, None, [])


def test_the_audited_range_follows_the_earlier_records() -> None:
    report = AuditReport(3, 0, 0, bytes(32), (Era(1, 4, 1),))

    assert audited(report) == {"first": 5, "last": 7, "engine_version": 3}
