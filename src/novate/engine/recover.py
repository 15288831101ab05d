"""Recover and audit.

*Recover* folds a journal into the state it left, whichever engine versions decided it.  *Audit*
decides batches again, from the commands alone, and compares; engine commands must be those that the
state called for.  It takes the records of the present engine version: those before its upgrade are
for the releases that decided them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from novate.canonical import Record, Run, encode_runs
from novate.engine.batch import CONTROL, Batch, apply_record, decode_batch, split_at_control
from novate.engine.consequence import consequences, due_commands, due_list
from novate.engine.control import latest_instant
from novate.engine.engine import Engine
from novate.engine.journal import JournalStore
from novate.engine.linked import Extract, decide_record
from novate.engine.plugin import PLUGINS, Plugins
from novate.engine.snapshot import decode_snapshot
from novate.engine.state import State
from novate.engine.upgrade import require_upgrade
from novate.engine.version import ENGINE_VERSION, Era, eras_of, require_readable, version_at
from novate.errors import JournalError
from novate.kernel.codes import Origin
from novate.message import command
from novate.message.declare import rows_of
from novate.message.parameter import initial_parameters

Progress = Callable[[int], None]


def recover(
    journal: JournalStore,
    *,
    from_snapshot: bool = True,
    progress: Progress | None = None,
    plugins: Plugins = PLUGINS,
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
    plugins
        What the journal was decided with, and is from here on.

    Raises
    ------
    JournalError
        If the journal is damaged or of a later release, a snapshot does not have the digest it
        claims, or an upgrade states another ledger than the records before it give.
    """
    start, state = _beginning(journal, None if from_snapshot else 0, plugins)
    _fold(journal, state, start, journal.head()[0], progress)
    state.require_sound()
    return Engine(journal, state)


def _beginning(journal: JournalStore, at_most: int | None, plugins: Plugins) -> tuple[int, State]:
    """Return the state to fold records onto, and the sequence after which it was taken.

    Without a snapshot that is the empty state, with the parameters that the engine of the first
    record began with; a fork's journal has one at sequence 0.
    """
    snapshot = journal.latest_snapshot(at_most)
    if snapshot is None:
        state = State(plugins)
        for record in journal.read(1, 1):
            state.parameters = initial_parameters(record.engine_version)
        return 0, state
    sequence, digest, payload = snapshot
    try:
        return sequence, decode_snapshot(payload, digest, plugins)
    except JournalError as error:
        raise JournalError(f"after record {sequence}: {error}") from error


def _fold(
    journal: JournalStore, state: State, start: int, end: int, progress: Progress | None
) -> None:
    """Apply the records after ``start``, and hold each upgrade to what it states."""
    before = version_at(journal, start) if start else 0
    for record in journal.read(start + 1, end):
        require_readable(record.sequence, record.engine_version)
        batch = apply_record(state, record)
        if before and record.engine_version != before:
            versions = (before, record.engine_version)
            require_upgrade(state, record.sequence, batch.commands, batch.events, versions)
        before = record.engine_version
        if progress is not None:
            progress(record.sequence)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found.

    Attributes
    ----------
    records, events, commands
        How many were decided again.
    digest
        Digest of the state it arrived at, or nothing where no record was audited.
    earlier
        Records before those, by the engine version that decided them.
    """

    records: int
    events: int
    commands: int
    digest: bytes | None
    earlier: tuple[Era, ...] = ()


def audit(
    journal: JournalStore, *, progress: Progress | None = None, plugins: Plugins = PLUGINS
) -> AuditReport:
    """Decide every batch since the last upgrade again and compare it with the journal.

    A journal that this engine version has not taken over yet is not audited; the report says so.

    Raises
    ------
    JournalError
        Naming the first record whose events, or whose engine commands, do not follow.
    """
    eras = eras_of(journal)
    if eras and eras[-1].engine_version < ENGINE_VERSION:
        return AuditReport(0, 0, 0, None, tuple(eras))
    earlier = tuple(eras[:-1])
    first = eras[-1].first if eras else 1
    state = _state_at_upgrade(journal, first, earlier, plugins)
    records = events = commands = 0
    course, extract = _Course(state), Extract()
    for record in journal.read(first):
        batch = decode_batch(record)
        if record.sequence > first or not earlier:
            _decide_again(state, record, batch, course, extract)
        records += 1
        events += sum(run.rows for run in batch.events)
        commands += sum(run.rows for run in batch.commands)
        if progress is not None:
            progress(record.sequence)
    course.require_end()
    state.require_sound()
    return AuditReport(records, events, commands, state.digest(), earlier)


def _state_at_upgrade(
    journal: JournalStore, first: int, earlier: tuple[Era, ...], plugins: Plugins
) -> State:
    """Return the state at which an audit begins: that of the upgrade, which is held to it."""
    if not earlier:
        return _beginning(journal, 0, plugins)[1]
    start, state = _beginning(journal, first, plugins)
    # Applied once more where the snapshot is its own: it changes nothing, and is checked.
    _fold(journal, state, min(start, first - 1), first, None)
    return state


def _decide_again(
    state: State, record: Record, batch: Batch, course: _Course, extract: Extract
) -> None:
    """Decide one record from its commands and compare its events, and its place in the journal."""
    require_readable(record.sequence, record.engine_version)
    if record.engine_version != ENGINE_VERSION:
        raise JournalError(
            f"record {record.sequence} was decided by engine version {record.engine_version}"
            f" after records of version {ENGINE_VERSION}"
        )
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
        instant = _instant(self._state, commands)
        called = consequences(self._state) if self._is_draining else []
        if record.origin == Origin.ENGINE:
            if not called:
                self._is_draining = False
                called = self._due(instant)
            _compare(record, "engine commands", called, commands)
            return
        if called:
            raise JournalError(f"record {record.sequence}: consequences before it are missing")
        if instant is not None and len(due_list(self._state, instant)):
            raise JournalError(f"record {record.sequence}: due work before it is missing")
        if self._due_ns and (instant is None or instant < self._due_ns):
            raise JournalError(f"record {record.sequence}: work before it was not due yet")
        self._due_ns = 0
        self._is_draining = bool(commands) and commands[0].name == command.ASSESS_MARGIN.name

    def _due(self, instant: int | None) -> list[Run]:
        """Commands of due work up to an instant, at the instant at which it is done."""
        due = due_list(self._state, -1 if instant is None else instant)
        if not len(due):
            return []
        self._due_ns = int(due[0, 0])
        at_ns = max(self._due_ns, self._state.now_ns)
        return [command.ADVANCE_TIME.row(instant_ns=at_ns), *due_commands(self._state, due)]

    def require_end(self) -> None:
        """Stop unless the journal ends at rest: what one call causes is written as a whole."""
        if self._due_ns or (self._is_draining and consequences(self._state)):
            raise JournalError("the journal ends before what its last command causes")


def _instant(state: State, commands: tuple[Run, ...]) -> int | None:
    """Instant to which commands move the clock, or nothing if they do not or may not."""
    if not commands or commands[0].name != command.ADVANCE_TIME.name:
        return None
    instant = int(rows_of(commands[0])[0]["instant_ns"])
    return instant if instant <= latest_instant(state) else None


def _compare(record: Record, what: str, expected: list[Run], found: tuple[Run, ...]) -> None:
    if encode_runs((), expected) != encode_runs((), found):
        raise JournalError(
            f"record {record.sequence}: {what} do not follow from the commands before them"
            f" ({[run.name for run in found]} where {[run.name for run in expected]} is expected)"
        )
