"""What is particular to the journal in memory; the contract is tested for every store."""

from __future__ import annotations

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import GENESIS, seal
from novate.errors import JournalError


def test_what_the_caller_does_with_the_list_afterwards_changes_nothing() -> None:
    records = [seal(sequence=1, instant_ns=0, engine_version=1, previous=GENESIS, body=b"a")]
    journal = MemoryJournal()
    journal.append(records, epoch=0)
    expected = records.copy()
    records.clear()

    assert list(journal.read()) == expected


def test_two_journals_share_nothing() -> None:
    one, two = MemoryJournal(), MemoryJournal()
    one.append(
        [seal(sequence=1, instant_ns=0, engine_version=1, previous=GENESIS, body=b"a")], epoch=0
    )

    assert two.head() == (0, GENESIS)


def test_closing_ends_a_reading_in_progress() -> None:
    first = seal(sequence=1, instant_ns=0, engine_version=1, previous=GENESIS, body=b"a")
    second = seal(sequence=2, instant_ns=0, engine_version=1, previous=first.hash, body=b"b")
    journal = MemoryJournal()
    journal.append([first, second], epoch=0)
    reading = journal.read()
    next(reading)
    journal.close()

    with pytest.raises(JournalError, match="closed"):
        next(reading)
