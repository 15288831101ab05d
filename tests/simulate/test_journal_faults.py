"""The journal under power cuts, lying disks, failing writes, kills, and flipped bits.

The law, everywhere: a record that ``append`` acknowledged is there after opening again, or opening
fails with ``JournalError`` and leaves the files alone, or reading fails with ``JournalError``.
There are never fewer records in silence.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from novate.adapter.sqlite_journal import SqliteJournal, database
from novate.canonical import GENESIS, Record, seal
from novate.errors import JournalError
from tests.simulate.recorded_disk import VARIANTS, Operation, RecordedDisk, images

SEED = 20_240_805
SNAPSHOT_DIGEST = b"\x05" * 32
FILES = ("journal", "journal-wal", "anchor")


def chain(length: int, body_bytes: int = 700) -> list[Record]:
    """Records whose bodies cannot be confused, every third one with a source."""
    dice = np.random.default_rng(SEED)
    records: list[Record] = []
    for sequence in range(1, length + 1):
        has_source = sequence % 3 == 0
        records.append(
            seal(
                sequence=sequence,
                instant_ns=sequence,
                engine_version=1,
                source="feed" if has_source else "",
                source_sequence=sequence if has_source else 0,
                previous=records[-1].hash if records else GENESIS,
                body=dice.bytes(body_bytes),
            )
        )
    return records


RECORDS = chain(60)
GROUPS = (1, 1, 2, 1, 3, 1, 1, 2, 1, 1)  # records of each commit


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: thousands of images are synced in it."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder inside it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make bodies overflow their page, and the log be copied back within a few commits."""
    monkeypatch.setattr(database, "PAGE_BYTES", 512)
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 12)


def open_journal(folder: Path, **options: object) -> SqliteJournal:
    return SqliteJournal(folder / "journal", folder / "anchor", **options)  # type: ignore[arg-type]


def put(folder: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    """Read the files; an empty one, such as the log that a reader adds, holds nothing."""
    files = {name: (folder / name).read_bytes() for name in FILES if (folder / name).exists()}
    return {name: content for name, content in files.items() if content}


def recovered(folder: Path) -> list[Record]:
    """Open, read everything, go on writing, and open again."""
    journal = open_journal(folder)
    records = list(journal.read())
    assert journal.head()[0] == len(records)
    journal.append(RECORDS[len(records) : len(records) + 1], epoch=0)
    journal.close()
    journal = open_journal(folder)
    assert list(journal.read()) == RECORDS[: len(records) + 1]
    journal.close()
    return records


def work(disk: RecordedDisk, groups: Sequence[int] = GROUPS) -> None:
    """Append in groups, with a snapshot and one closing and opening in between."""
    journal = open_journal(disk.folder, connection_factory=disk.connect)
    head = 0
    for number, group in enumerate(groups, start=1):
        journal.append(RECORDS[head : head + group], epoch=0)
        head += group
        disk.promise(head)
        if number == len(groups) // 2:
            journal.put_snapshot(head, SNAPSHOT_DIGEST, b"state" * 300)
            journal.close()
            journal = open_journal(disk.folder, connection_factory=disk.connect)
    journal.close()


def recording(
    folder: Path, monkeypatch: pytest.MonkeyPatch, groups: Sequence[int] = GROUPS
) -> RecordedDisk:
    disk = RecordedDisk(folder / "recorded")
    disk.folder.mkdir()
    with monkeypatch.context() as patch:
        disk.watch_os(patch)
        work(disk, groups)
    return disk


def cut_power_everywhere(disk: RecordedDisk, folder: Path, seeds: Sequence[int]) -> int:
    """Open the journal as each power cut leaves it; give the number of different images."""
    seen: set[tuple[int, tuple[tuple[str, bytes], ...]]] = set()
    for seed in seeds:
        for boundary, variant, files in images(disk.operations, seed):
            promised = disk.promised(boundary)
            if (key := (promised, tuple(sorted(files.items())))) in seen:
                continue
            seen.add(key)
            put(folder / "image", files)
            place = f"seed {seed}, {variant} at {boundary}: {disk.operations[boundary - 1].kind}"

            records = recovered(folder / "image")

            assert records == RECORDS[: len(records)], place
            assert len(records) >= promised, place
    return len(seen)


@pytest.mark.rule("14.7")
@pytest.mark.usefixtures("small_pages")
def test_no_power_cut_loses_an_acknowledged_record(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = recording(folder, monkeypatch)

    count = cut_power_everywhere(disk, folder, seeds=range(SEED, SEED + 4))

    print(f"seeds from {SEED}: {len(disk.operations)} operations, {count} images")
    kinds = {(operation.kind, operation.file) for operation in disk.operations}
    checkpoints = ("write", "journal"), ("sync", "journal"), ("delete", "journal-wal")
    assert kinds >= {*checkpoints, ("sync", "anchor"), ("sync", "journal-wal")}
    assert count > 600


@pytest.mark.soak
@pytest.mark.parametrize("page_bytes", [512, 4096, 16_384])
@pytest.mark.parametrize("checkpoint_pages", [4, 30])
def test_no_power_cut_loses_an_acknowledged_record_in_a_long_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, page_bytes: int, checkpoint_pages: int
) -> None:
    monkeypatch.setattr(database, "PAGE_BYTES", page_bytes)
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", checkpoint_pages)
    disk = recording(folder, monkeypatch, groups=GROUPS * 3)

    count = cut_power_everywhere(disk, folder, seeds=range(20))

    print(f"{len(disk.operations)} operations, {count} images")
    assert count > 500


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("liar", ["journal-wal", "journal"])
def test_a_disk_that_lies_about_a_sync_is_found_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, liar: str
) -> None:
    disk = recording(folder, monkeypatch)

    def is_honest(sync: Operation) -> bool:
        return sync.file != liar

    refused = 0
    variants = [variant for variant in VARIANTS if variant != "all"]
    for boundary, _, files in images(disk.operations, SEED, is_honest=is_honest, variants=variants):
        put(folder / "image", files)
        try:
            records = recovered(folder / "image")
        except JournalError:
            refused += 1
            continue
        assert records == RECORDS[: len(records)]
        assert len(records) >= disk.promised(boundary)

    assert refused > 20


@pytest.mark.usefixtures("small_pages")
def test_an_append_that_fails_stops_the_journal_and_loses_nothing_acknowledged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations = recording(folder, monkeypatch).operations
    kept: set[bool] = set()
    for fail_at in range(len(operations)):
        shutil.rmtree(folder / "recorded")
        disk = RecordedDisk(folder / "recorded", fail_at=fail_at)
        disk.folder.mkdir()
        with monkeypatch.context() as patch:
            disk.watch_os(patch)
            try:
                work(disk)
            except JournalError:
                pass
            else:
                # SQLite copes alone with a failing checkpoint or deletion of the log.
                assert operations[fail_at].file != "anchor"

        records = recovered(disk.folder)

        promised = max((head for _, head in disk.promises), default=0)
        assert records == RECORDS[: len(records)]
        assert len(records) >= promised, f"fails at {fail_at}: {operations[fail_at]}"
        kept.add(len(records) > promised)

    assert kept == {False, True}  # the outcome of a failed append is indeed unknown


def test_a_failed_journal_refuses_every_later_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = RecordedDisk(tmp_path)
    journal = open_journal(tmp_path, connection_factory=disk.connect)
    journal.append(RECORDS[:2], epoch=0)
    disk.fail_at = len(disk.operations)

    with pytest.raises(JournalError, match=r"appending records up to 3 .* failed"):
        journal.append(RECORDS[2:3], epoch=0)

    for call in (
        lambda: journal.append(RECORDS[2:3], epoch=0),
        journal.head,
        journal.read,
        lambda: journal.find("feed", 1),
        lambda: journal.put_snapshot(1, SNAPSHOT_DIGEST, b""),
        journal.latest_snapshot,
    ):
        with pytest.raises(JournalError, match=r"stopped.*; open it again"):
            call()
    journal.close()
    again = open_journal(tmp_path)  # the lock was given back
    assert list(again.read()) == RECORDS[:2]
    again.close()


def test_an_append_costs_two_syncs_and_writes_its_bytes_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = RecordedDisk(folder)
    disk.watch_os(monkeypatch)
    journal = open_journal(folder, connection_factory=disk.connect)
    events = 10_000 * 64
    records = chain(3, body_bytes=events)
    journal.append(records[:1], epoch=0)  # the log's header is synced once
    before = len(disk.operations)
    journal.append(records[1:], epoch=0)

    group = disk.operations[before:]
    syncs = [operation.file for operation in group if operation.kind == "sync"]
    written = dict.fromkeys(FILES, 0)
    for operation in group:
        written[operation.file] += len(operation.data)
    journal.close()

    assert syncs == ["journal-wal", "anchor"]
    assert written["journal"] == 0
    assert written["anchor"] < 512
    assert written["journal-wal"] < 2 * events * 1.06


WRITER = """
import sys
from pathlib import Path
from tests.simulate.test_journal_faults import RECORDS, open_journal

journal = open_journal(Path(sys.argv[1]))
for sequence in range(journal.head()[0], len(RECORDS)):
    journal.append(RECORDS[sequence : sequence + 1], epoch=0)
    print(sequence + 1, flush=True)
"""


def test_a_killed_writer_loses_nothing_acknowledged(tmp_path: Path) -> None:
    dice = np.random.default_rng(SEED)
    head = 0
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert writer.stdout is not None
        for _ in range(int(dice.integers(1, 12))):
            head = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        head = max([head, *(int(line) for line in writer.stdout if line.endswith("\n"))])
        assert writer.wait() == -signal.SIGKILL
        writer.stdout.close()

        journal = open_journal(tmp_path, read_only=True)
        records = list(journal.read())
        journal.close()

        assert records == RECORDS[: len(records)]
        assert len(records) >= head


def crashed(folder: Path, in_database: int, in_log: int) -> dict[str, bytes]:
    """Leave the files of a writer that was killed: some records copied back, some in the log."""
    folder.mkdir()
    journal = open_journal(folder)
    for record in RECORDS[:in_database]:
        journal.append([record], epoch=0)
    journal.put_snapshot(in_database // 2, SNAPSHOT_DIGEST, b"state" * 100)
    journal.close()
    journal = open_journal(folder)
    for record in RECORDS[in_database : in_database + in_log]:
        journal.append([record], epoch=0)
    files = contents(folder)
    journal.close()
    return files


def outcome(folder: Path, files: dict[str, bytes], expected: Sequence[Record]) -> bool:
    """Whether damaged files give everything; otherwise they must be refused and left alone."""
    put(folder, files)
    try:
        journal = open_journal(folder)
    except JournalError:
        assert contents(folder) == {name: files[name] for name in FILES if files.get(name)}
        return False
    try:
        records = list(journal.read())
        snapshot = journal.latest_snapshot()
    except JournalError:
        return False
    finally:
        journal.close()
    assert records == expected
    assert snapshot in (None, (10, SNAPSHOT_DIGEST, b"state" * 100))
    return True


def flip_bits(folder: Path, count: int, seed: int) -> dict[str, list[bool]]:
    """Flip single bits anywhere in each of the files; tell which of them did no harm."""
    files = crashed(folder / "good", in_database=20, in_log=12)
    dice = np.random.default_rng(seed)
    harmless: dict[str, list[bool]] = {name: [] for name in FILES}
    for number in range(count):
        # The database and the log are what a disk is full of; the anchor is two sectors.
        name = FILES[2] if number % 20 == 0 else FILES[number % 2]
        damaged = bytearray(files[name])
        place = int(dice.integers(len(damaged)))
        damaged[place] ^= 1 << int(dice.integers(8))
        harmless[name].append(outcome(folder / "bad", files | {name: bytes(damaged)}, RECORDS[:32]))
    return harmless


def test_no_flipped_bit_takes_a_record_away_in_silence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        database, "PAGE_BYTES", 1024
    )  # else all records are in one page, and logged
    harmless = flip_bits(folder, 500, SEED)

    print(f"seed {SEED}:", {name: (sum(each), len(each)) for name, each in harmless.items()})
    # Free space is harmless, and so is the newer slot of the anchor: the record behind it is there.
    # A test in which nothing else were hit would say nothing.
    assert harmless["journal"].count(False) > 100
    assert harmless["journal-wal"].count(False) > 100
    assert harmless["anchor"].count(False) > 5


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_no_flipped_bit_takes_a_record_away_in_silence_in_a_long_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(database, "PAGE_BYTES", 1024 if seed % 2 else 4096)
    flip_bits(folder, 3000, seed)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_refused_or_complete(folder: Path, name: str) -> None:
    files = crashed(folder / "good", in_database=20, in_log=12)
    size = len(files[name])
    lengths = sorted({0, 1, 100, *range(0, size, max(1, size // 24)), size - 1})

    complete = [
        outcome(folder / "bad", files | {name: files[name][:length]}, RECORDS[:32])
        for length in lengths
    ]

    # The log may hold the very last page too; every other cut is noticed.
    assert not any(complete[:-1])


@pytest.mark.parametrize("name", ["journal", "journal-wal"])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    files = crashed(folder / "good", in_database=20, in_log=12)
    del files[name]

    assert not outcome(folder / "bad", files, RECORDS[:32])


def test_an_older_copy_with_a_newer_anchor_is_refused(tmp_path: Path) -> None:
    older = crashed(tmp_path / "a", in_database=20, in_log=4)
    newer = crashed(tmp_path / "b", in_database=20, in_log=12)
    put(tmp_path / "c", older | {"anchor": newer["anchor"]})

    with pytest.raises(JournalError, match="ends at record 24, its anchor says 32: 8 records"):
        open_journal(tmp_path / "c")


def test_an_anchor_one_commit_behind_is_brought_forward(tmp_path: Path) -> None:
    older = crashed(tmp_path / "a", in_database=20, in_log=4)
    newer = crashed(tmp_path / "b", in_database=20, in_log=5)
    put(tmp_path / "c", newer | {"anchor": older["anchor"]})

    assert outcome(tmp_path / "c", contents(tmp_path / "c"), RECORDS[:25])
    put(tmp_path / "c", older | {"anchor": (tmp_path / "c" / "anchor").read_bytes()})
    with pytest.raises(JournalError, match="its anchor says 25"):
        open_journal(tmp_path / "c")


def edit_tail(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM record WHERE sequence > 24")


def edit_order(database: sqlite3.Connection) -> None:
    for old, new in ((7, 99), (8, 7), (99, 8)):
        database.execute("UPDATE record SET sequence = ? WHERE sequence = ?", (new, old))


def edit_bodies(database: sqlite3.Connection) -> None:
    seven, eight = database.execute("SELECT body FROM record WHERE sequence IN (7, 8)").fetchall()
    database.execute("UPDATE record SET body = ? WHERE sequence = 7", eight)
    database.execute("UPDATE record SET body = ? WHERE sequence = 8", seven)


def edit_gap(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM record WHERE sequence = 9")


def edit_head_and_hash(database: sqlite3.Connection) -> None:
    """Forge the last record with a hash of its own that fits."""
    fields = {"sequence": 32, "instant_ns": 32, "engine_version": 1, "body": b"forged"}
    forged = seal(previous=RECORDS[30].hash, **fields)  # type: ignore[arg-type]
    database.execute(
        "UPDATE record SET body = ?, hash = ?, source = '', source_sequence = 0 "
        "WHERE sequence = 32",
        (forged.body, forged.hash),
    )


def edit_snapshot(database: sqlite3.Connection) -> None:
    database.execute("UPDATE snapshot SET payload = x'00'")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (edit_tail, "ends at record 24, its anchor says 32"),
        (edit_order, "record 7"),
        (edit_bodies, "record 7 is altered"),
        (edit_gap, "record 9 is missing"),
        (edit_head_and_hash, "record 32 is not the one that was anchored"),
        (edit_snapshot, "snapshot after record 10 is altered"),
    ],
)
def test_an_edited_journal_is_found_out(
    tmp_path: Path, edit: Callable[[sqlite3.Connection], None], message: str
) -> None:
    put(tmp_path / "a", crashed(tmp_path / "good", in_database=20, in_log=12))
    database = sqlite3.connect(tmp_path / "a" / "journal", isolation_level=None)
    edit(database)
    database.close()

    def use() -> None:
        journal = open_journal(tmp_path / "a")
        try:
            list(journal.read())
            journal.latest_snapshot()
        finally:
            journal.close()

    with pytest.raises(JournalError, match=message):
        use()
