from __future__ import annotations

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.engine.batch import asked_digest
from novate.engine.engine import Engine
from novate.engine.keys import Keys
from novate.engine.pending import Pending
from novate.errors import ConflictError
from novate.message import command

ASSET = command.DECLARE_ASSET.row(symbol="A", decimals=6, haircut_bps=0)
DIGEST = asked_digest([[ASSET]], is_linked=False)


def test_a_new_key_stands_for_nothing() -> None:
    keys = Keys(MemoryJournal())

    assert keys.known("feed", 1, DIGEST, {}) is None
    assert keys.known("feed", 9, DIGEST, {"feed": 8}) is None


def test_a_pending_call_is_found_until_its_commit() -> None:
    keys = Keys(MemoryJournal())
    call = Pending("feed", 3, DIGEST)
    keys.add(call)
    keys.add(Pending("", 0, b""))

    assert keys.known("feed", 3, DIGEST, {"feed": 3}) is call
    with pytest.raises(ConflictError, match="'feed' sequence 3 was used with other commands"):
        keys.known("feed", 3, b"other", {"feed": 3})
    keys.clear()
    assert keys.known("feed", 3, DIGEST, {}) is None


def test_a_committed_call_is_read_back() -> None:
    journal = MemoryJournal()
    batches = Engine(journal).submit([ASSET], source="feed", source_sequence=5)
    keys = Keys(journal)

    call = keys.known("feed", 5, DIGEST, {"feed": 5})

    assert call is not None
    assert call.is_committed
    assert call.batches == batches
    with pytest.raises(ConflictError, match="other commands"):
        keys.known("feed", 5, b"other", {"feed": 5})


def test_a_key_that_was_passed_over_is_too_late() -> None:
    keys = Keys(MemoryJournal())

    with pytest.raises(ConflictError, match="'feed' is at 5; 4 was never used and is too late"):
        keys.known("feed", 4, DIGEST, {"feed": 5})
