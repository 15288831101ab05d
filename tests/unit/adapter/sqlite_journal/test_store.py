"""Opening, anchoring and stopping of the SQLite journal; its contract and faults are elsewhere."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from novate.adapter.sqlite_journal import SqliteJournal, database
from novate.canonical import GENESIS, Record, seal
from novate.errors import InputError, JournalError


def chain(length: int) -> list[Record]:
    records: list[Record] = []
    for sequence in range(1, length + 1):
        previous = records[-1].hash if records else GENESIS
        records.append(
            seal(
                sequence=sequence,
                instant_ns=0,
                engine_version=1,
                previous=previous,
                body=b"%d" % sequence,
                source="feed",
                source_sequence=sequence,
            )
        )
    return records


RECORDS = chain(30)


def made(folder: Path, length: int) -> Path:
    """Make a closed journal with some records, one commit each."""
    journal = SqliteJournal(folder / "journal")
    for record in RECORDS[:length]:
        journal.append([record], epoch=0)
    journal.close()
    return folder / "journal"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[-4:] != "-shm"}


@pytest.mark.parametrize("synchronous", ["NORMAL", "OFF", "full", "1", ""])
def test_a_journal_that_could_lose_commits_at_a_power_cut_is_refused(
    tmp_path: Path, synchronous: str
) -> None:
    with pytest.raises(InputError, match="a journal needs FULL or EXTRA"):
        SqliteJournal(tmp_path / "journal", synchronous=synchronous)

    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_does_not_sync_is_refused(tmp_path: Path) -> None:
    class Careless(sqlite3.Connection):
        def execute(self, sql: str, *rest: object) -> sqlite3.Cursor:  # type: ignore[override]
            return super().execute(sql.replace("= FULL", "= NORMAL"), *rest)  # type: ignore[arg-type]

    def connect(uri: str) -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, isolation_level=None, factory=Careless)

    with pytest.raises(JournalError, match="synchronous is 1; 'wal' and 2 are needed"):
        SqliteJournal(tmp_path / "journal", connection_factory=connect)


def test_the_anchor_lies_beside_the_journal_or_where_it_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    SqliteJournal(tmp_path / "a").close()
    SqliteJournal(tmp_path / "b", tmp_path / "elsewhere" / "head").close()

    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"a", "a.anchor", "b", "elsewhere/head"}


def test_a_second_writer_is_refused_until_the_first_one_closes(tmp_path: Path) -> None:
    first = SqliteJournal(tmp_path / "journal")

    with pytest.raises(JournalError, match="another process writes this journal"):
        SqliteJournal(tmp_path / "journal")

    first.append(RECORDS[:1], epoch=0)
    first.close()
    SqliteJournal(tmp_path / "journal").close()


def test_a_reader_beside_a_writer_sees_what_was_there_when_it_opened(tmp_path: Path) -> None:
    writer = SqliteJournal(tmp_path / "journal")
    writer.append(RECORDS[:3], epoch=0)
    reader = SqliteJournal(tmp_path / "journal", read_only=True)
    writer.append(RECORDS[3:5], epoch=0)
    writer.put_snapshot(5, b"\x01" * 32, b"")

    assert reader.head() == (3, RECORDS[2].hash)
    assert list(reader.read()) == RECORDS[:3]
    assert reader.latest_snapshot() is None
    reader.close()
    assert list(writer.read()) == RECORDS[:5]
    writer.close()


def test_a_reader_writes_nothing_and_does_not_move_the_anchor(tmp_path: Path) -> None:
    path = made(tmp_path, 3)
    anchor = path.with_name("journal.anchor").read_bytes()
    made(tmp_path, 0)
    writer = SqliteJournal(path)
    writer.append(RECORDS[3:4], epoch=0)
    path.with_name("journal.anchor").write_bytes(anchor)  # as after a crash before the anchor
    before = contents(tmp_path)

    reader = SqliteJournal(path, read_only=True)
    assert list(reader.read()) == RECORDS[:4]
    for refused in (
        lambda: reader.append(RECORDS[4:5], epoch=0),
        lambda: reader.put_snapshot(1, b"\x01" * 32, b""),
    ):
        with pytest.raises(JournalError, match="is open for reading only"):
            refused()
    reader.close()

    assert contents(tmp_path) == before
    writer.close()


def test_a_reader_does_not_make_a_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="has no head anchor"):
        SqliteJournal(tmp_path / "journal", read_only=True)

    assert list(tmp_path.iterdir()) == []


def test_a_journal_without_its_anchor_is_refused_until_it_is_renewed(tmp_path: Path) -> None:
    path = made(tmp_path, 20)
    path.with_name("journal.anchor").unlink()

    with pytest.raises(JournalError, match="has no head anchor"):
        SqliteJournal(path)

    journal = SqliteJournal(path, renew_anchor=True)
    assert list(journal.read()) == RECORDS[:20]
    journal.append(RECORDS[20:], epoch=0)
    journal.close()
    SqliteJournal(path).close()


def test_renewing_the_anchor_checks_the_whole_chain(tmp_path: Path) -> None:
    path = made(tmp_path, 20)
    database_file = sqlite3.connect(path, isolation_level=None)
    database_file.execute("UPDATE record SET instant_ns = 1 WHERE sequence = 2")
    database_file.close()
    before = contents(tmp_path)

    with pytest.raises(JournalError, match="record 2 is altered"):
        SqliteJournal(path, renew_anchor=True)

    assert contents(tmp_path)["journal.anchor"] == before["journal.anchor"]


def test_renewing_gives_up_a_lost_tail_knowingly(tmp_path: Path) -> None:
    path = made(tmp_path, 20)
    older = path.read_bytes()
    made(tmp_path, 0)
    journal = SqliteJournal(path)
    journal.append(RECORDS[20:], epoch=0)
    journal.close()
    path.write_bytes(older)

    with pytest.raises(JournalError, match="10 records are lost"):
        SqliteJournal(path)

    journal = SqliteJournal(path, renew_anchor=True)
    assert journal.head() == (20, RECORDS[19].hash)
    journal.close()


def test_an_empty_journal_can_have_its_anchor_renewed(tmp_path: Path) -> None:
    path = made(tmp_path, 0)
    path.with_name("journal.anchor").write_bytes(b"spoilt")
    with pytest.raises(JournalError, match="neither slot can be read"):
        SqliteJournal(path)

    journal = SqliteJournal(path, renew_anchor=True)
    assert journal.head() == (0, GENESIS)
    journal.close()


def test_the_anchor_of_a_running_writer_is_not_renewed(tmp_path: Path) -> None:
    writer = SqliteJournal(tmp_path / "journal")
    writer.append(RECORDS[:1], epoch=0)

    with pytest.raises(JournalError, match="another process writes this journal"):
        SqliteJournal(tmp_path / "journal", renew_anchor=True)

    writer.append(RECORDS[1:2], epoch=0)
    writer.close()


def test_renewing_leaves_the_log_of_an_emptied_database_alone(tmp_path: Path) -> None:
    path = made(tmp_path, 0)
    log = path.with_name("journal-wal")
    path.write_bytes(b"")
    log.write_bytes(b"what can still be saved")

    with pytest.raises(JournalError, match="is empty beside its log"):
        SqliteJournal(path, renew_anchor=True)

    assert log.read_bytes() == b"what can still be saved"


def test_a_reader_cannot_renew_the_anchor(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="reading only"):
        SqliteJournal(made(tmp_path, 1), read_only=True, renew_anchor=True)


def test_a_damaged_anchor_without_a_record_behind_it_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path, 3)
    anchor = path.with_name("journal.anchor")
    content = bytearray(anchor.read_bytes())
    older = min((0, 4096), key=lambda start: content[start : start + 40])
    content[older + 60] ^= 1
    anchor.write_bytes(content)

    with pytest.raises(JournalError, match=r"damaged and .* ends at record 3"):
        SqliteJournal(path)


def test_a_torn_anchor_with_its_record_behind_it_is_mended(tmp_path: Path) -> None:
    path = made(tmp_path, 3)
    anchor = path.with_name("journal.anchor")
    content = bytearray(anchor.read_bytes())
    newer = max((0, 4096), key=lambda start: content[start : start + 40])
    content[newer + 60] ^= 1
    anchor.write_bytes(content)

    for _ in range(2):  # the second time nothing is left to mend
        journal = SqliteJournal(path)
        assert list(journal.read()) == RECORDS[:3]
        journal.close()


def test_a_missing_database_is_refused_and_not_made_anew(tmp_path: Path) -> None:
    path = made(tmp_path, 3)
    path.unlink()

    with pytest.raises(JournalError, match="ends at record 0, its anchor says 3"):
        SqliteJournal(path)

    assert not path.exists()


def test_an_interrupted_append_stops_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(tmp_path / "journal")

    def interrupt(sequence: int, record_hash: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(journal._anchor, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        journal.append(RECORDS[:1], epoch=0)

    with pytest.raises(JournalError, match="has stopped"):
        journal.append(RECORDS[:1], epoch=0)
    again = SqliteJournal(tmp_path / "journal")
    assert list(again.read()) == RECORDS[:1]  # it was committed, and nobody was told
    again.close()


def test_closing_copies_the_log_back_and_leaves_one_file_and_the_anchor(tmp_path: Path) -> None:
    path = made(tmp_path, 3)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["journal", "journal.anchor"]
    assert path.stat().st_size % database.PAGE_BYTES == 0


def test_a_record_whose_index_points_to_altered_bytes_is_not_given(tmp_path: Path) -> None:
    path = made(tmp_path, 3)
    database_file = sqlite3.connect(path, isolation_level=None)
    database_file.execute("UPDATE record SET body = x'00' WHERE sequence = 2")
    database_file.close()

    journal = SqliteJournal(path)
    with pytest.raises(JournalError, match="record 2 is altered"):
        journal.find("feed", 2)
    journal.close()


def test_damage_says_which_records_are_sound_and_what_to_do(tmp_path: Path) -> None:
    records = chain(600)
    journal = SqliteJournal(tmp_path / "journal")
    journal.append(records, epoch=0)
    journal.close()
    whole = bytearray((tmp_path / "journal").read_bytes())
    page = database.PAGE_BYTES
    whole[5 * page : 6 * page] = bytes(page)  # a leaf of the records' tree
    (tmp_path / "journal").write_bytes(whole)

    with pytest.raises(JournalError, match=r"records up to \d+ were read and are sound") as raised:
        list(SqliteJournal(tmp_path / "journal", read_only=True).read())

    assert "the file is damaged: restore it from a copy" in str(raised.value)
