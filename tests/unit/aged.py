"""Journals as an earlier release would have left them: sealed again with what it would write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import GENESIS, Record, Run, decode_runs, encode_runs, seal
from novate.engine.journal import JournalStore
from novate.message.declare import Message


def as_written(run: Run) -> Run:
    """The run as it is."""
    return run


def aged(
    journal: JournalStore,
    engine_version: int = 1,
    *,
    until: int | None = None,
    write: Callable[[Run], Run] = as_written,
    into: MemoryJournal | None = None,
) -> MemoryJournal:
    """The records of a journal as an earlier engine version would have left them.

    ``until`` is the last one with that version, by default the last of all; ``write`` makes the
    runs that it wrote from those of today; ``into`` is an empty journal for them.
    """
    records: list[Record] = []
    for record in journal.read():
        is_later = until is not None and record.sequence > until
        commands, events = ([write(run) for run in side] for side in decode_runs(record.body))
        records.append(
            seal(
                sequence=record.sequence,
                instant_ns=record.instant_ns,
                engine_version=record.engine_version if is_later else engine_version,
                previous=records[-1].hash if records else GENESIS,
                body=encode_runs(commands, events),
                origin=record.origin,
                source=record.source,
                source_sequence=record.source_sequence,
            )
        )
    old = into or MemoryJournal()
    old.append(records, epoch=old.claim())
    return old


def renamed(run: Run, message: str, old: str, new: str) -> Run:
    """The run with another name of a column, if it is of that message."""
    if run.name != message:
        return run
    columns = tuple((new if name == old else name, values) for name, values in run.columns)
    return replace(run, columns=columns)


def next_version(message: Message, old: str, new: str) -> Message:
    """The declaration of the release that gave a column its present name."""
    version = message.version + 1
    return replace(message, version=version, renamed={**message.renamed, version: {old: new}})
