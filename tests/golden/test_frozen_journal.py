"""Journals made by earlier releases must recover to the ledger they left, for ever."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.book.columns import AccountColumns
from novate.canonical import digest_columns
from novate.engine.batch import decode_batch
from novate.engine.earlier_state import Named
from novate.engine.ledger_digest import ledger_digest
from novate.engine.recover import audit, recover
from novate.engine.snapshot import SNAPSHOT_FORMAT, encode_snapshot
from novate.engine.state_version import STATE_VERSION
from novate.engine.version import ENGINE_VERSION, eras_of
from novate.errors import JournalError
from novate.message import event
from novate.message.declare import rows_of
from novate.message.version import command_of, event_of, present_command, present_event
from tests.golden.frozen import (
    committed,
    freeze,
    journals,
    read_sidecar,
    require_appended,
    sidecar_of,
    sidecar_path,
    thaw,
    unpacked,
)
from tests.golden.make_frozen import go_on, is_earlier, main, play

FILES = journals()
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@cache
def folded(path: Path) -> tuple[bytes, bytes]:
    """State digest and ledger digest of a frozen journal, folded from its first record."""
    state = recover(thaw(path)[0], from_snapshot=False).state
    return state.digest(), ledger_digest(state)


def test_the_first_frozen_journal_is_there() -> None:
    assert FILES[0].name == "frozen-1.json"
    assert [path.name for path in FILES] == [f"frozen-{n + 1}.json" for n in range(len(FILES))]


# ---- what must hold for ever


@each_file
def test_a_frozen_journal_recovers_to_the_ledger_it_left(path: Path) -> None:
    journal, stated = thaw(path)
    sidecar = read_sidecar(path)

    engine = recover(journal)

    assert (engine.sequence, engine.head_hash.hex()) == (stated["sequence"], stated["head"])
    assert ledger_digest(engine.state).hex() == sidecar["ledger_digest"]


@each_file
def test_it_recovers_to_the_state_digest_that_is_known_for_this_state_version(path: Path) -> None:
    states = dict(read_sidecar(path)["states"])

    assert thaw(path)[1]["digest"] in states.values()
    if STATE_VERSION in states:
        assert folded(path)[0].hex() == states[STATE_VERSION]


@each_file
def test_a_snapshot_of_its_time_and_the_records_after_it_give_the_same_state(path: Path) -> None:
    journal, _ = thaw(path)
    kept = read_sidecar(path)["snapshot"]
    journal.put_snapshot(kept["sequence"], bytes.fromhex(kept["digest"]), unpacked(kept["payload"]))
    seen: list[int] = []

    state = recover(journal, progress=seen.append).state

    assert seen[0] == kept["sequence"] + 1
    assert (state.digest(), ledger_digest(state)) == folded(path)


@each_file
def test_a_snapshot_of_this_release_halfway_gives_the_same_state(path: Path) -> None:
    journal, stated = thaw(path)
    half = recover(thaw(path, until=stated["sequence"] // 2)[0])
    journal.put_snapshot(half.sequence, half.state.digest(), encode_snapshot(half.state))

    state = recover(journal).state

    assert (state.digest(), ledger_digest(state)) == folded(path)


@each_file
def test_every_message_has_its_present_columns_after_upcasting(path: Path) -> None:
    for record in thaw(path)[0].read():
        batch = decode_batch(record)
        pairs = [(command_of(run), present_command(run)) for run in batch.commands]
        pairs += [(event_of(run), present_event(run)) for run in batch.events]
        for message, run in pairs:
            assert [name for name, _ in run.columns] == [field.name for field in message.fields]
            assert run == message.run(dict(run.columns)), "a column that changed is a new version"


@each_file
def test_it_goes_on_with_an_upgrade_and_is_audited_from_there(path: Path) -> None:
    head = thaw(path)[1]["sequence"]

    engine = go_on(path)

    report = audit(engine.journal)
    assert report.digest == engine.state.digest()
    assert recover(engine.journal, from_snapshot=False).state.digest() == report.digest
    eras = eras_of(engine.journal)
    assert eras[-1].engine_version == ENGINE_VERSION
    assert report.earlier == tuple(eras[:-1])
    if is_earlier(path):
        assert eras[-1].first == head + 1
        [stated] = rows_of(decode_batch(next(engine.journal.read(head + 1))).events[0])
        assert stated["ledger_digest"] == read_sidecar(path)["ledger_digest"]


@each_file
def test_looking_at_it_writes_nothing_and_says_who_audits_it(path: Path) -> None:
    journal, stated = thaw(path)

    recover(journal)
    report = audit(journal)

    assert journal.head() == (stated["sequence"], bytes.fromhex(stated["head"]))
    assert journal.latest_snapshot() is None
    if is_earlier(path):
        assert (report.records, report.digest) == (0, None)
        assert report.earlier[-1].last == stated["sequence"]
        assert all(era.release != "unknown" for era in report.earlier)
    else:
        assert report.digest is not None


# ---- snapshots with more and with fewer columns


def snapshot_halfway() -> tuple[int, Named]:
    """The snapshot beside the first frozen journal as columns, and its sequence."""
    kept = read_sidecar(FILES[0])["snapshot"]
    kind = list[tuple[str, str, list[int], bytes]]  # as release 2026.11.0 wrote it
    items = msgspec.msgpack.decode(unpacked(kept["payload"]), type=kind)
    return kept["sequence"], {
        name: np.frombuffer(data, dtype).reshape(shape) for name, dtype, shape, data in items
    }


def with_snapshot(sequence: int, named: Named, digest: bytes | None = None) -> MemoryJournal:
    """The first frozen journal with a snapshot of state version 1."""
    items = [(n, a.dtype.str, list(a.shape), a.tobytes()) for n, a in named.items()]
    payload = b"nvsn" + msgspec.msgpack.encode((SNAPSHOT_FORMAT, 1, 1, items))
    journal, _ = thaw(FILES[0])
    journal.put_snapshot(sequence, digest or digest_columns(sorted(named.items())), payload)
    return journal


class WiderAccounts(AccountColumns):
    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {**AccountColumns.SPEC, "mood": (np.int8, 3)}


def test_a_new_column_with_a_default_needs_no_upcaster(monkeypatch: pytest.MonkeyPatch) -> None:
    sequence, named = snapshot_halfway()
    state_digest, ledger = folded(FILES[0])  # before the table is another one
    monkeypatch.setattr("novate.book.state.AccountColumns", WiderAccounts)

    restored = recover(with_snapshot(sequence, named)).state
    whole = recover(thaw(FILES[0])[0], from_snapshot=False).state

    assert restored.accounts.used("mood").tolist() == [3] * restored.accounts.count
    assert restored.digest() == whole.digest() != state_digest
    assert ledger_digest(restored) == ledger


def test_a_column_lost_from_a_snapshot_is_found_by_the_digest_of_what_was_stored() -> None:
    sequence, named = snapshot_halfway()
    digest = digest_columns(sorted(named.items()))
    lost = {name: array for name, array in named.items() if name != "accounts.slice_ns"}

    with pytest.raises(JournalError, match=f"after record {sequence}: .* the digest it claims"):
        recover(with_snapshot(sequence, lost, digest))


def test_a_column_that_was_never_stored_has_its_default() -> None:
    sequence, named = snapshot_halfway()
    never = {name: array for name, array in named.items() if name != "accounts.deadline_ns"}
    assert not named["accounts.deadline_ns"].any()

    state = recover(with_snapshot(sequence, never)).state

    assert ledger_digest(state) == folded(FILES[0])[1]


def test_a_column_of_a_later_release_is_named() -> None:
    sequence, named = snapshot_halfway()
    more = {**named, "accounts.mood": np.zeros(len(named["accounts.mode"]), np.int8)}

    with pytest.raises(JournalError, match=r"'accounts\.mood' of state version 1 is unknown"):
        recover(with_snapshot(sequence, more))


# ---- frozen means frozen


@each_file
def test_a_committed_sidecar_is_only_added_to(path: Path) -> None:
    present = json.loads(sidecar_path(path).read_text())

    for before in committed(sidecar_path(path)):
        require_appended(before, present)


def test_an_edited_journal_is_refused(tmp_path: Path) -> None:
    for path in (FILES[0], sidecar_path(FILES[0])):
        shutil.copy(path, tmp_path)
    copy = tmp_path / FILES[0].name
    read_sidecar(copy)

    copy.write_text(copy.read_text().replace("four days", "five days"))

    with pytest.raises(ValueError, match=r"frozen-1\.json was edited"):
        read_sidecar(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"states": [[1, "b"]]}, "'states' of a sidecar was edited"),
        ({"states": []}, "'states' of a sidecar was edited"),
        ({"states": [[1, "a"], [1, "b"]]}, r"state versions of a sidecar rise, these are \[1, 1\]"),
        ({"sha256": "y"}, "'sha256' of a sidecar was edited"),
        ({"ledger_digest": None}, "'ledger_digest' of a sidecar was edited"),
    ],
)
def test_an_edited_sidecar_is_refused(change: dict[str, object], message: str) -> None:
    before = {"sha256": "x", "ledger_digest": "l", "states": [[1, "a"]]}
    require_appended(before, {**before, "states": [[1, "a"], [2, "b"]]})

    with pytest.raises(ValueError, match=message):
        require_appended(before, {**before, **change})


def test_what_was_committed_is_read_from_the_history(tmp_path: Path) -> None:
    path = tmp_path / "frozen-1.sidecar.json"
    assert committed(path) == []
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=n@example.org"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for number in (1, 2):
        path.write_text(json.dumps({"states": number}))
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "--quiet", "--message", "sidecar"], check=True)

    assert committed(path) == [{"states": 2}, {"states": 1}]


# ---- making the next ones


def test_every_event_is_in_a_frozen_journal_or_in_the_next_one() -> None:
    frozen = [thaw(path)[0] for path in FILES]
    seen = {
        run.name
        for journal in (*frozen, play().journal, go_on(FILES[0]).journal)
        for record in journal.read()
        for run in decode_batch(record).events
    }

    assert set(event.BY_NAME) - seen == set(), "add it to the scenario"


def test_freezing_what_was_thawed_gives_the_same_journal(tmp_path: Path) -> None:
    journal, stated = thaw(FILES[0])
    again = tmp_path / "again.json"

    again.write_text(freeze(recover(journal), stated["note"]))

    assert {**thaw(again)[1], "digest": ""} == {**stated, "digest": ""}
    assert list(thaw(again)[0].read()) == list(journal.read())


def test_the_next_journals_come_after_those_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (FILES[0], sidecar_path(FILES[0])):
        shutil.copy(path, tmp_path)

    assert main([str(tmp_path)]) == 0

    made = journals(tmp_path)
    assert [path.name for path in made] == ["frozen-1.json", "frozen-2.json", "frozen-3.json"]
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert made[0].read_bytes() == FILES[0].read_bytes()
    for path in made[1:]:
        assert read_sidecar(path) == sidecar_of(path)
        assert not is_earlier(path)
    assert [len(eras_of(thaw(path)[0])) for path in made] == [1, 1, 2]
    names = [run.name for record in thaw(made[2])[0].read() for run in decode_batch(record).events]
    assert "EngineUpgraded" in names


def test_the_scenario_ends_in_one_state_however_often_it_is_played(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert main([str(tmp_path / name)]) == 0

    one, two = (sorted((tmp_path / name).iterdir()) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert [path.name for path in one] == ["frozen-1.json", "frozen-1.sidecar.json"]
