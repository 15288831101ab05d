"""Recover and audit.

*Recover* folds a journal into the state it left.  *Audit* decides every batch again, from the
commands alone, and compares; engine commands must be those that the state called for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from novate.canonical import Record, Run, encode_runs
from novate.engine.batch import CONTROL, apply_record, decode_batch, split_at_control
from novate.engine.consequence import consequences, due_commands, due_list
from novate.engine.decide import INSTANT_MAX
from novate.engine.engine import ENGINE_VERSION, Engine
from novate.engine.journal import JournalStore
from novate.engine.linked import Extract, decide_record
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
        Start from the latest snapshot; False folds the whole journal (of a fork: from the state
        it was forked with).
    progress
        Called with each sequence.

    Raises
    ------
    JournalError
        If the journal is damaged, or a snapshot does not have the digest it claims.
    """
    start, state = _beginning(journal, None if from_snapshot else 0)
    for record in journal.read(start + 1):
        apply_record(state, record)
        if progress is not None:
            progress(record.sequence)
    state.require_sound()
    return Engine(journal, state)


def _beginning(journal: JournalStore, at_most: int | None) -> tuple[int, State]:
    """Return the state to fold records onto, and the sequence after which it was taken.

    Without a snapshot that is the empty state; a fork's journal has one at sequence 0.
    """
    snapshot = journal.latest_snapshot(at_most)
    if snapshot is None:
        return 0, State()
    sequence, digest, payload = snapshot
    state = State.decode(payload)
    if state.digest() != digest:
        raise JournalError(f"the snapshot at {sequence} does not have the digest it claims")
    return sequence, state


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
    _, state = _beginning(journal, 0)
    course, extract = _Course(state), Extract()
    records = events = commands = 0
    for record in journal.read(1):
        if record.engine_version != ENGINE_VERSION:
            raise JournalError(
                f"record {record.sequence} was decided by engine version {record.engine_version};"
                f" this is version {ENGINE_VERSION}"
            )
        batch = decode_batch(record)
        _check_form(state, record, batch.commands)
        course.check(record, batch.commands)
        again = decide_record(state, batch.commands, Origin(record.origin), extract)
        _compare(record, "events", again, batch.events)
        if record.source:
            state.sources_seen[record.source] = record.source_sequence
        if record.instant_ns != state.now_ns:
            raise JournalError(
                f"record {record.sequence} is stamped {record.instant_ns}, its commands end at"
                f" {state.now_ns}"
            )
        state.require_still_sound(batch.events)
        records += 1
        events += sum(run.rows for run in batch.events)
        commands += sum(run.rows for run in batch.commands)
        if progress is not None:
            progress(record.sequence)
    course.require_end()
    state.require_sound()
    return AuditReport(records, events, commands, state.digest())


def _check_form(state: State, record: Record, commands: tuple[Run, ...]) -> None:
    """Stop unless control commands stand alone and the keys of each source rise."""
    outside = commands[1:] if record.origin == Origin.ENGINE else commands
    if len(split_at_control(outside)) > 1 or any(run.name in CONTROL for run in commands[1:]):
        raise JournalError(f"record {record.sequence}: a control command does not stand alone")
    if record.source and record.source_sequence < state.sources_seen.get(record.source, 0):
        raise JournalError(f"record {record.sequence}: {record.source!r} goes back in its numbers")


class _Course:
    """What the records so far call for: consequences, or the rest of what an instant made due."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._is_draining = False  # since an assessment: consequences follow until at rest
        self._due_ns = 0  # instant of due work that the next external command must reach

    def check(self, record: Record, commands: tuple[Run, ...]) -> None:
        """Stop unless engine commands are those the state called for, and none is missing."""
        instant = _instant(commands)
        called = consequences(self._state) if self._is_draining else []
        if record.origin == Origin.ENGINE:
            if not called:
                self._is_draining = False
                called = self._due(instant)
            _compare(record, "engine commands", called, commands)
            return
        if called:
            raise JournalError(f"record {record.sequence}: consequences before it are missing")
        if instant is not None and due_list(self._state, instant):
            raise JournalError(f"record {record.sequence}: due work before it is missing")
        if self._due_ns and (instant is None or instant < self._due_ns):
            raise JournalError(f"record {record.sequence}: work before it was not due yet")
        self._due_ns = 0
        self._is_draining = bool(commands) and commands[0].name == command.ASSESS_MARGIN.name

    def _due(self, instant: int | None) -> list[Run]:
        """Commands of due work up to an instant, at the instant at which it is done."""
        due = due_list(self._state, instant) if instant is not None else []
        if not due:
            return []
        self._due_ns = due[0].instant_ns
        at_ns = max(self._due_ns, self._state.now_ns)
        return [command.ADVANCE_TIME.row(instant_ns=at_ns), *due_commands(self._state, due)]

    def require_end(self) -> None:
        """Stop unless the journal ends at rest: what one call causes is written as a whole."""
        if self._due_ns or (self._is_draining and consequences(self._state)):
            raise JournalError("the journal ends before what its last command causes")


def _instant(commands: tuple[Run, ...]) -> int | None:
    """Instant to which commands move the clock, or nothing."""
    if not commands or commands[0].name != command.ADVANCE_TIME.name:
        return None
    instant = int(rows_of(commands[0])[0]["instant_ns"])
    return instant if instant <= INSTANT_MAX else None


def _compare(record: Record, what: str, expected: list[Run], found: tuple[Run, ...]) -> None:
    if encode_runs((), expected) != encode_runs((), found):
        raise JournalError(
            f"record {record.sequence}: {what} do not follow from the commands before them"
            f" ({[run.name for run in found]} where {[run.name for run in expected]} is expected)"
        )
