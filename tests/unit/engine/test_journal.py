"""The engine's view of a journal store names everything that the stores offer, and no more."""

from __future__ import annotations

import inspect

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.sqlite_journal import SqliteJournal
from novate.engine.journal import JournalStore


def methods(kind: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(value)
        for name, value in vars(kind).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }


@pytest.mark.parametrize("store", [MemoryJournal, SqliteJournal])
def test_a_store_has_the_methods_of_the_protocol_with_the_same_arguments(store: type) -> None:
    assert methods(store) == methods(JournalStore)
