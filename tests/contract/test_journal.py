"""What every journal store promises, whatever it is made of."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.sqlite_journal import SqliteJournal
from novate.canonical import GENESIS, Record, Run, check_chain, decode_runs, encode_runs, seal
from novate.engine.journal import JournalStore
from novate.errors import FencedError, JournalError

DIGEST, OTHER_DIGEST = b"\x01" * 32, b"\x02" * 32


def chain(length: int, *, source: str = "", keys: list[int] | None = None) -> list[Record]:
    """Records 1..length; with a source, numbered by ``keys`` or like the records."""
    records: list[Record] = []
    for sequence in range(1, length + 1):
        run = Run("T", 1, 3, (("lots", np.arange(3, dtype=np.int64) * sequence),))
        key = (keys[sequence - 1] if keys else sequence) if source else 0
        records.append(
            seal(
                sequence=sequence,
                instant_ns=-sequence,
                engine_version=7,
                origin=sequence % 2,
                source=source,
                source_sequence=key,
                previous=records[-1].hash if records else GENESIS,
                body=encode_runs([run], []),
            )
        )
    return records


class JournalContract:
    """Inherited once for each store; pytest does not collect a name without ``Test``."""

    def make(self, folder: Path) -> JournalStore:
        raise NotImplementedError

    @pytest.fixture
    def journal(self, tmp_path: Path) -> Iterator[JournalStore]:
        store = self.make(tmp_path)
        yield store
        store.close()

    def test_a_new_journal_is_empty(self, journal: JournalStore) -> None:
        assert journal.head() == (0, GENESIS)
        assert list(journal.read()) == []
        assert journal.find("feed", 1) is None
        assert journal.latest_snapshot() is None

    def test_what_was_appended_is_read_back_in_order(self, journal: JournalStore) -> None:
        records = chain(40)
        journal.append(records[:1], epoch=0)
        journal.append(records[1:39], epoch=0)
        journal.append(records[39:], epoch=0)

        assert list(journal.read()) == records
        assert journal.head() == (40, records[-1].hash) == check_chain(journal.read())
        commands, _ = decode_runs(next(iter(journal.read(3))).body)
        assert commands[0] == decode_runs(records[2].body)[0][0]

    def test_appending_nothing_changes_nothing(self, journal: JournalStore) -> None:
        journal.append([], epoch=0)

        assert journal.head() == (0, GENESIS)

    @pytest.mark.parametrize(
        ("first", "last", "expected"),
        [
            (1, None, range(1, 41)),
            (17, None, range(17, 41)),
            (1, 16, range(1, 17)),
            (16, 33, range(16, 34)),
            (40, 40, range(40, 41)),
            (38, 99, range(38, 41)),
            (5, 4, range(0)),
            (41, None, range(0)),
            (99, 120, range(0)),
        ],
    )
    def test_a_part_is_read_from_the_first_to_the_last_wanted(
        self, journal: JournalStore, first: int, last: int | None, expected: range
    ) -> None:
        journal.append(chain(40), epoch=0)

        assert [record.sequence for record in journal.read(first, last)] == list(expected)

    def test_records_are_numbered_from_one(self, journal: JournalStore) -> None:
        with pytest.raises(JournalError, match="from_sequence is 0"):
            journal.read(0)

    def test_reading_ends_at_the_head_of_its_beginning_while_more_is_appended(
        self, journal: JournalStore
    ) -> None:
        records = chain(40)
        journal.append(records[:20], epoch=0)
        reading = journal.read()
        next(reading)
        journal.append(records[20:], epoch=0)

        assert len(list(reading)) == 19

    @pytest.mark.parametrize(
        ("order", "message"),
        [
            ([3], "record 3 is missing: 4"),
            ([1], "record 3 is missing: 2"),
            ([2, 2], "record 4 is missing: 3"),
            ([2, 4], "record 4 is missing: 5"),
            ([3, 2], "record 3 is missing: 4"),
        ],
    )
    def test_a_gap_is_refused_and_nothing_of_the_group_is_kept(
        self, journal: JournalStore, order: list[int], message: str
    ) -> None:
        records = chain(5)
        journal.append(records[:2], epoch=0)

        with pytest.raises(JournalError, match=message):
            journal.append([records[index] for index in order], epoch=0)

        assert list(journal.read()) == records[:2]
        journal.append(records[2:], epoch=0)  # a refusal is not an error of writing
        assert list(journal.read()) == records

    def test_a_record_of_another_chain_is_refused(self, journal: JournalStore) -> None:
        journal.append(chain(1), epoch=0)

        with pytest.raises(JournalError, match="record 2 does not continue record 1"):
            journal.append(chain(2, source="feed")[1:], epoch=0)

    def test_a_value_out_of_range_is_refused_before_it_is_written(
        self, journal: JournalStore
    ) -> None:
        record = dataclasses.replace(chain(1)[0], instant_ns=2**63)

        with pytest.raises(JournalError, match="instant_ns is 9223372036854775808"):
            journal.append([record], epoch=0)

        assert journal.head() == (0, GENESIS)

    def test_every_claim_is_a_higher_epoch_and_only_the_last_one_writes(
        self, journal: JournalStore
    ) -> None:
        records = chain(3)
        first = journal.claim()
        journal.append(records[:1], epoch=first)
        second = journal.claim()

        for epoch in (first, 0):
            with pytest.raises(FencedError, match=f"epoch {epoch} is over: .* as epoch {second}"):
                journal.append(records[1:], epoch=epoch)

        assert (first, second) == (1, 2)
        assert list(journal.read()) == records[:1]
        journal.append(records[1:], epoch=second)
        assert list(journal.read()) == records

    def test_an_epoch_that_nobody_claimed_writes_nothing(self, journal: JournalStore) -> None:
        with pytest.raises(JournalError, match="epoch 1 was never claimed, the last one is 0"):
            journal.append(chain(1), epoch=1)

        assert journal.head() == (0, GENESIS)

    def test_an_altered_record_is_named_when_it_is_read(self, journal: JournalStore) -> None:
        records = chain(3)
        records[2] = dataclasses.replace(records[2], body=b"other")
        journal.append(records, epoch=0)

        reading = journal.read()
        assert [next(reading), next(reading)] == records[:2]
        with pytest.raises(JournalError, match="record 3 is altered"):
            next(reading)

    def test_a_record_is_found_by_source_and_number(self, journal: JournalStore) -> None:
        records = chain(3, source="feed")
        journal.append(records, epoch=0)

        assert [journal.find("feed", key) for key in (1, 2, 3, 4)] == [*records, None]
        assert journal.find("other", 1) is None

    def test_the_first_record_of_a_repeated_key_is_found(self, journal: JournalStore) -> None:
        records = chain(3, source="feed", keys=[8, 9, 8])
        journal.append(records, epoch=0)

        assert journal.find("feed", 8) == records[0]

    def test_the_empty_source_finds_nothing(self, journal: JournalStore) -> None:
        journal.append(chain(2), epoch=0)

        assert journal.find("", 0) is None

    def test_the_latest_snapshot_not_after_a_record_is_given(self, journal: JournalStore) -> None:
        journal.append(chain(5), epoch=0)
        journal.put_snapshot(4, DIGEST, b"four")
        journal.put_snapshot(0, DIGEST, b"")
        journal.put_snapshot(2, OTHER_DIGEST, b"two")

        two, four = (2, OTHER_DIGEST, b"two"), (4, DIGEST, b"four")
        found = [journal.latest_snapshot(at_most) for at_most in (None, 9, 4, 3, 2, 1, 0)]
        assert found == [four, four, four, two, two, (0, DIGEST, b""), (0, DIGEST, b"")]

    def test_the_same_snapshot_can_be_put_again_and_another_cannot(
        self, journal: JournalStore
    ) -> None:
        journal.append(chain(1), epoch=0)
        journal.put_snapshot(1, DIGEST, b"old form")
        journal.put_snapshot(1, DIGEST, b"new form")

        with pytest.raises(JournalError, match=r"after record 1 is kept with digest b'\\x01"):
            journal.put_snapshot(1, OTHER_DIGEST, b"another state")

        assert journal.latest_snapshot() == (1, DIGEST, b"new form")

    @pytest.mark.parametrize(("sequence", "digest"), [(2, DIGEST), (-1, DIGEST), (1, b"short")])
    def test_a_snapshot_belongs_to_a_record_and_has_a_digest(
        self, journal: JournalStore, sequence: int, digest: bytes
    ) -> None:
        journal.append(chain(1), epoch=0)

        with pytest.raises(JournalError, match=r"0\.\.1 and 32 bytes are allowed"):
            journal.put_snapshot(sequence, digest, b"")

    def test_a_closed_journal_refuses_everything_but_closing(self, journal: JournalStore) -> None:
        journal.append(chain(2), epoch=0)
        reading = journal.read()
        journal.close()
        journal.close()

        for call in (
            lambda: journal.append([], epoch=0),
            journal.claim,
            journal.head,
            journal.read,
            lambda: next(reading),
            lambda: journal.find("feed", 1),
            lambda: journal.put_snapshot(1, DIGEST, b""),
            journal.latest_snapshot,
        ):
            with pytest.raises(JournalError, match="is closed"):
                call()


class TestMemoryJournal(JournalContract):
    def make(self, folder: Path) -> JournalStore:
        return MemoryJournal()


class TestSqliteJournal(JournalContract):
    def make(self, folder: Path) -> JournalStore:
        return SqliteJournal(folder / "a journal # 100%.db")

    def test_an_epoch_outlives_closing_and_opening(self, tmp_path: Path) -> None:
        journal = self.make(tmp_path)
        old = journal.claim()
        journal.close()

        journal = self.make(tmp_path)
        assert journal.claim() == old + 1
        with pytest.raises(FencedError):
            journal.append(chain(1), epoch=old)
        journal.close()

    def test_a_journal_of_the_first_form_is_read_and_written(self, tmp_path: Path) -> None:
        journal = self.make(tmp_path)
        records = chain(2)
        journal.append(records[:1], epoch=0)
        journal.close()
        [path] = (path for path in tmp_path.iterdir() if path.suffix == ".db")
        earlier = sqlite3.connect(path)
        earlier.executescript("DROP TABLE writer; PRAGMA user_version = 1;")
        earlier.close()

        reader = SqliteJournal(path, read_only=True)
        assert list(reader.read()) == records[:1]
        reader.close()
        journal = self.make(tmp_path)
        journal.append(records[1:], epoch=journal.claim())
        assert list(journal.read()) == records
        journal.close()

    def test_what_was_appended_is_there_after_closing_and_opening(self, tmp_path: Path) -> None:
        records = chain(6, source="feed")
        for start in (0, 2, 4):
            journal = self.make(tmp_path)
            journal.append(records[start : start + 2], epoch=0)
            journal.put_snapshot(start + 1, DIGEST, b"%d" % start)
            journal.close()

        journal = self.make(tmp_path)
        assert list(journal.read()) == records
        assert journal.find("feed", 2) == records[1]
        assert journal.latest_snapshot() == (5, DIGEST, b"4")
        journal.close()
