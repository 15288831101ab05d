"""The durable journal: one SQLite row for each batch, and the head anchored in a second file."""

from __future__ import annotations

from novate.adapter.sqlite_journal.store import SqliteJournal

__all__ = ["SqliteJournal"]
