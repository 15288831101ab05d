"""Recover and audit.

*Recover* folds a journal into the state it left.  *Audit* decides every batch again, from the
commands alone, and compares; engine commands must be those that the state called for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from novate.canonical import Record, Run, encode_runs
from novate.engine.consequence import consequences, due_commands, due_list
from novate.engine.decide import Events, decide_run
from novate.engine.engine import CONTROL, ENGINE_VERSION, Engine, apply_record, decode_batch
from novate.engine.journal import JournalStore
from novate.engine.state import State
from novate.errors import JournalError
from novate.kernel.codes import Origin
from novate.message import command
from novate.message.declare import rows_of

Progress = Callable[[int], None]


def recover(
    journal: JournalStore, *, from_snapshot: bool = True, progress: Progress | None = None
) -> Engine:
    """Return an engine with the state that the journal left.

    Parameters
    ----------
    journal
        Store to read and to go on writing.
    from_snapshot
        Start from the latest snapshot; False folds the whole journal.
    progress
        Called with each sequence.

    Raises
    ------
    JournalError
        If the journal is damaged, or a snapshot does not have the digest it claims.
    """
    state = State()
    start = 0
    snapshot = journal.latest_snapshot() if from_snapshot else None
    if snapshot is not None:
        start, digest, payload = snapshot
        state = State.decode(payload)
        if state.digest() != digest:
            raise JournalError(f"the snapshot at {start} does not have the digest it claims")
    for record in journal.read(start + 1):
        apply_record(state, record)
        if progress is not None:
            progress(record.sequence)
    state.require_sound()
    return Engine(journal, state)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found: counts, and the digest of the state it arrived at."""

    records: int
    events: int
    commands: int
    digest: bytes


def audit(journal: JournalStore, *, progress: Progress | None = None) -> AuditReport:
    """Decide every batch again and compare it with the journal.

    Raises
    ------
    JournalError
        Naming the first record whose events, or whose engine commands, do not follow.
    """
    state = State()
    records = events = commands = 0
    expected: list[Run] | None = None
    draining = False
    for record in journal.read(1):
        if record.engine_version != ENGINE_VERSION:
            raise JournalError(
                f"record {record.sequence} was decided by engine version {record.engine_version};"
                f" this is version {ENGINE_VERSION}"
            )
        batch = decode_batch(record)
        if record.origin == Origin.ENGINE:
            expected = _expected(state, batch.commands, draining)
            _compare(record, "engine commands", expected, batch.commands)
        elif draining and consequences(state):
            raise JournalError(f"record {record.sequence}: consequences before it are missing")
        elif batch.commands and batch.commands[0].name == command.ADVANCE_TIME.name:
            until = int(rows_of(batch.commands[0])[0]["instant_ns"])
            if due_list(state, until):
                raise JournalError(f"record {record.sequence}: due work before it is missing")
        again = Events(state)
        for run in batch.commands:
            decide_run(state, run, Origin(record.origin), again)
        again.flush()
        _compare(record, "events", again.runs, batch.events)
        if record.source:
            state.sources_seen[record.source] = record.source_sequence
        state.require_sound()
        if record.origin == Origin.EXTERNAL:
            name = batch.commands[0].name if batch.commands else ""
            draining = name in CONTROL and name == command.ASSESS_MARGIN.name
        records += 1
        events += sum(run.rows for run in batch.events)
        commands += sum(run.rows for run in batch.commands)
        if progress is not None:
            progress(record.sequence)
    return AuditReport(records, events, commands, state.digest())


def _expected(state: State, found: tuple[Run, ...], draining: bool) -> list[Run]:
    """Engine commands that the state calls for at this point of the journal."""
    if found and found[0].name == command.ADVANCE_TIME.name:
        at_ns = int(rows_of(found[0])[0]["instant_ns"])
        due = due_list(state, at_ns)
        return [found[0], *due_commands(state, due)]
    return consequences(state) if draining else []


def _compare(
    record: Record, what: str, expected: list[Run], found: tuple[Run, ...]
) -> None:
    if encode_runs((), expected) != encode_runs((), found):
        raise JournalError(
            f"record {record.sequence}: {what} do not follow from the commands before them"
            f" ({[run.name for run in found]} where {[run.name for run in expected]} is expected)"
        )
