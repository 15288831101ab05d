from __future__ import annotations

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import seal
from novate.engine.version import (
    ENGINE_VERSION,
    RELEASES,
    Era,
    eras_of,
    require_readable,
    version_at,
)
from novate.errors import JournalError


def journal_of(*versions: int) -> MemoryJournal:
    """A journal of one empty record for each engine version given."""
    journal = MemoryJournal()
    for version in versions:
        sequence, previous = journal.head()
        record = seal(
            sequence=sequence + 1,
            instant_ns=0,
            engine_version=version,
            previous=previous,
            body=b"",
        )
        journal.append([record], epoch=0)
    return journal


def test_the_release_that_audits_is_known_for_every_earlier_version() -> None:
    assert set(RELEASES) == set(range(1, ENGINE_VERSION))


@pytest.mark.parametrize(
    ("versions", "eras"),
    [
        ((), []),
        ((2,), [Era(1, 1, 2)]),
        ((1, 1, 1), [Era(1, 3, 1)]),
        ((1, 2), [Era(1, 1, 1), Era(2, 2, 2)]),
        ((1, 1, 1, 2, 2, 4), [Era(1, 3, 1), Era(4, 5, 2), Era(6, 6, 4)]),
    ],
)
def test_records_are_parted_by_who_decided_them(versions: tuple[int, ...], eras: list[Era]) -> None:
    assert eras_of(journal_of(*versions)) == eras


@pytest.mark.parametrize("length", range(1, 12))
def test_every_change_of_version_is_found(length: int) -> None:
    for last in range(1, length + 1):
        versions = [1] * last + [2] * (length - last)
        found = eras_of(journal_of(*versions))
        assert [
            version
            for era in found
            for version in [era.engine_version] * (era.last - era.first + 1)
        ] == versions


def test_a_record_says_who_decided_it() -> None:
    journal = journal_of(1, 2)

    assert [version_at(journal, sequence) for sequence in (1, 2)] == [1, 2]
    assert Era(1, 3, 1).release == RELEASES[1]
    assert Era(1, 3, 0).release == "unknown"


def test_a_record_of_a_later_release_is_not_read() -> None:
    require_readable(1, ENGINE_VERSION)

    with pytest.raises(JournalError, match=r"record 7 was decided .* read it with a later release"):
        require_readable(7, ENGINE_VERSION + 1)
