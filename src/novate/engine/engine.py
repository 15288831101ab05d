"""The engine: one writer that decides batches, journals them, and only then answers.

Live service, replay and simulation call the same `Engine.submit`.  A batch is decided record by
record; the control commands `AdvanceTime` and `AssessMargin` are records of their own, and after
each of them the engine drains what they cause.  All records of one call are made durable together
before anything is returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from novate.book.state import SINGLE_ROLES
from novate.canonical import Record, Run, command_digest, decode_runs, encode_runs, seal
from novate.engine.apply import apply_run
from novate.engine.catalogue import BEFORE_HOUSE
from novate.engine.consequence import consequences, due_commands, due_list
from novate.engine.control import INSTANT_MAX
from novate.engine.decide import Events, decide_run
from novate.engine.journal import JournalStore
from novate.engine.snapshot import encode_snapshot
from novate.engine.state import State
from novate.engine.version import ENGINE_VERSION, require_readable, version_at
from novate.errors import ConflictError, InputError, JournalError, require
from novate.kernel.codes import Origin
from novate.margin.catalogue import CATALOGUE
from novate.message import command
from novate.message.declare import columns_of, rows_of
from novate.message.version import command_of, present_command, present_event, upcast
from novate.valuation.margin_model import MarginModel

CASCADE_MAX = 100_000
"""Engine batches one control command may cause before the engine stops itself."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One journaled batch, decoded: what was asked and what happened."""

    sequence: int
    instant_ns: int
    origin: Origin
    commands: tuple[Run, ...]
    events: tuple[Run, ...]


class Engine:
    """A clearing house over a journal.

    Parameters
    ----------
    journal
        Where records go; its head must be the record that led to ``state``.
    state
        State at the head, an empty one by default.
    models
        Margin models of an empty state; a state that is handed in has its own.
    """

    def __init__(
        self,
        journal: JournalStore,
        state: State | None = None,
        models: Iterable[MarginModel] = CATALOGUE,
    ) -> None:
        self.journal = journal
        self.state = state or State(models)
        self._sequence, self._previous = journal.head()
        self._pending: list[Record] = []
        self._batches: list[Batch] = []
        self._key = ("", 0)
        self._stopped = False
        self._decided_by = ENGINE_VERSION  # who decided the last record
        if self._sequence:
            self._decided_by = version_at(journal, self._sequence)
            require_readable(self._sequence, self._decided_by)
        if state is None and self._sequence:
            raise JournalError(
                f"the journal holds {self._sequence} records: recover their state first"
            )

    @property
    def sequence(self) -> int:
        """Sequence of the last record."""
        return self._sequence

    @property
    def head_hash(self) -> bytes:
        """Hash of the last record."""
        return self._previous

    def submit(
        self, commands: Sequence[Run], *, source: str = "", source_sequence: int = 0
    ) -> list[Batch]:
        """Decide commands, make them durable, and return what happened.

        Parameters
        ----------
        commands
            Runs in order; a run holds rows of one message, in the present version or an earlier.
        source, source_sequence
            Key of a bulk source.  A repeat returns the recorded outcome and changes nothing.

        Raises
        ------
        ConflictError
            If the key was used with other commands.
        InputError
            If a command is unknown or malformed, a key is not usable, or commands move money before
            the clearing house has its own accounts.  Nothing has happened then.
        NovateError
            Any other fault stops the engine: recover from the journal.
        """
        require(not self._stopped, "a stopped engine is recovered, not used")
        commands = [_checked(run) for run in commands]
        _check_key(source, source_sequence)
        self._check_house(commands)
        if source and source_sequence <= self.state.sources_seen.get(source, 0):
            return self._repeat(commands, source, source_sequence)
        parts = split_at_control(commands)
        with self._stopping_on_error():
            if parts:
                self._upgrade()
            self._pending, self._batches = [], []
            self._key = (source, source_sequence) if source else ("", 0)
            for part in parts:
                self._submit_part(part)
            self.journal.append(self._pending)
        return self._batches

    @contextmanager
    def _stopping_on_error(self) -> Iterator[None]:
        """Stop for good when the block fails: state may lead the journal."""
        try:
            yield
        except BaseException:
            self._stopped = True
            raise

    def _upgrade(self) -> None:
        """Before the first record after those of an earlier engine version: journal the change.

        It is made durable before anything is decided, and belongs to no call.
        """
        if self._decided_by == ENGINE_VERSION:
            return
        self._pending, self._batches, self._key = [], [], ("", 0)
        versions = {"from_version": self._decided_by, "to_version": ENGINE_VERSION}
        self._decide([command.UPGRADE_ENGINE.row(**versions)], Origin.ENGINE)
        self.journal.append(self._pending)
        self._decided_by = ENGINE_VERSION
        self._keep_state()

    def _check_house(self, commands: Sequence[Run]) -> None:
        """Refuse commands that book anything before the house has all of its own accounts."""
        missing = {role for role in SINGLE_ROLES if self.state.single(role) < 0}
        for run in commands:
            if not missing:
                return
            if run.name == command.OPEN_ACCOUNT.name:
                missing -= {int(role) for role in columns_of(run)["role"]}
            elif run.name not in BEFORE_HOUSE:
                names = sorted(role.name.lower() for role in missing)
                raise InputError(f"{run.name}: the house's own accounts are not open: {names}")

    def _submit_part(self, part: list[Run]) -> None:
        control = part[0].name if part else ""
        if control == command.ADVANCE_TIME.name:
            until_ns = int(rows_of(part[0])[0]["instant_ns"])
            if until_ns <= INSTANT_MAX:  # else it will be refused
                self._drain_due(until_ns)
        self._decide(part, Origin.EXTERNAL)
        if control == command.ASSESS_MARGIN.name:
            self._drain_consequences()

    def _drain_due(self, until_ns: int) -> None:
        """Do all work due up to an instant, each at its own instant."""
        for _ in range(CASCADE_MAX):
            due = due_list(self.state, until_ns)
            if not due:
                return
            at_ns = max(due[0].instant_ns, self.state.now_ns)
            clock = command.ADVANCE_TIME.row(instant_ns=at_ns)
            self._decide([clock, *due_commands(self.state, due)], Origin.ENGINE)
        require(False, f"work due comes to an end within {CASCADE_MAX} batches")

    def _drain_consequences(self) -> None:
        """Do what the state calls for until it is at rest."""
        for _ in range(CASCADE_MAX):
            runs = consequences(self.state)
            if not runs:
                return
            self._decide(runs, Origin.ENGINE)
        require(False, f"a cascade comes to rest within {CASCADE_MAX} batches")

    def _decide(self, commands: Sequence[Run], origin: Origin) -> None:
        """Decide one record's commands, apply its events, seal it.

        Every record that a keyed batch led to carries its key, those of the engine too: a repeat
        then finds the whole outcome and nothing else.
        """
        source, source_sequence = self._key
        events = Events(self.state)
        for run in commands:
            decide_run(self.state, run, origin, events)
        events.flush()
        if source:
            self.state.sources_seen[source] = source_sequence
        self.state.require_still_sound()
        record = seal(
            sequence=self._sequence + 1,
            instant_ns=self.state.now_ns,
            engine_version=ENGINE_VERSION,
            previous=self._previous,
            body=encode_runs(commands, events.runs),
            origin=int(origin),
            source=source,
            source_sequence=source_sequence,
        )
        self._sequence, self._previous = record.sequence, record.hash
        self._pending.append(record)
        self._batches.append(
            Batch(record.sequence, record.instant_ns, origin, tuple(commands), tuple(events.runs))
        )

    def _repeat(self, commands: Sequence[Run], source: str, source_sequence: int) -> list[Batch]:
        """Return what a repeated key led to, or say that it came with another body."""
        first = self.journal.find(source, source_sequence)
        if first is None:
            raise ConflictError(
                f"source {source!r} is at {self.state.sources_seen[source]}; "
                f"{source_sequence} was never used and is too late"
            )
        batches = []
        asked: list[Run] = []
        for record in self.journal.read(first.sequence):
            if (record.source, record.source_sequence) != (source, source_sequence):
                break
            batch = present_batch(decode_batch(record))
            batches.append(batch)
            if batch.origin == Origin.EXTERNAL:
                asked.extend(batch.commands)
        parts = [run for part in split_at_control(commands) for run in part]
        if command_digest(parts) != command_digest(asked):
            raise ConflictError(
                f"source {source!r} sequence {source_sequence} was used with other commands"
            )
        return batches

    def snapshot(self) -> bytes:
        """Store a snapshot of the state at the head and return its digest.

        A journal of an earlier engine version is upgraded first.
        """
        with self._stopping_on_error():
            self._upgrade()
        return self._keep_state()

    def _keep_state(self) -> bytes:
        digest = self.state.digest()
        self.journal.put_snapshot(self._sequence, digest, encode_snapshot(self.state))
        return digest

    def fork(self, journal: JournalStore) -> Engine:
        """Return an independent engine with a copy of the state and a journal of its own.

        The journal starts with a snapshot of that state at sequence 0: what it goes on to record
        recovers and audits without the journal that it was forked from.

        Parameters
        ----------
        journal
            An empty store.

        Raises
        ------
        JournalError
            If the store holds records or another beginning.
        """
        sequence, _ = journal.head()
        if sequence:
            raise JournalError(f"a fork needs an empty journal, this one holds {sequence} records")
        state = self.state.copy()
        journal.put_snapshot(0, state.digest(), encode_snapshot(state))
        return Engine(journal, state)


def _checked(run: Run) -> Run:
    """Return a run as the present version of its message declares it, or refuse it."""
    message = command_of(run)
    try:
        checked = message.run(dict(upcast(message, run).columns))
        encode_runs([checked], [])
    except JournalError as error:
        raise InputError(f"command {run.name!r} cannot be journaled: {error}") from error
    return checked


def _check_key(source: str, source_sequence: int) -> None:
    """Refuse a key that the journal could not hold."""
    is_number = type(source_sequence) is int  # not a bool, not a NumPy scalar
    if not is_number or not 0 <= source_sequence < 2**63 or (source and source_sequence < 1):
        raise InputError(f"source {source!r}: sequence {source_sequence!r}; allowed: from 1")
    if not source.isprintable() or len(source) > 200:
        raise InputError(f"source {source!r}; allowed: up to 200 printable characters")


CONTROL = frozenset({command.ADVANCE_TIME.name, command.ASSESS_MARGIN.name})
"""Commands that are records of their own."""


def split_at_control(commands: Sequence[Run]) -> list[list[Run]]:
    """Split a batch so that every row of a control command stands alone.

    That is what makes a batch give the same events as its rows one by one.
    """
    parts: list[list[Run]] = []
    open_part: list[Run] = []
    for run in commands:
        if run.name not in CONTROL:
            open_part.append(run)
            continue
        if open_part:
            parts.append(open_part)
            open_part = []
        message = command.BY_NAME[run.name]
        parts.extend([message.row(**row)] for row in rows_of(run))
    if open_part:
        parts.append(open_part)
    return parts


def decode_batch(record: Record) -> Batch:
    """Decode a record: what was written, in the versions of its time."""
    commands, events = decode_runs(record.body)
    return Batch(
        record.sequence, record.instant_ns, Origin(record.origin), tuple(commands), tuple(events)
    )


def present_batch(batch: Batch) -> Batch:
    """Return a batch with every run in the present version of its message: what a reader wants."""
    return replace(
        batch,
        commands=tuple(present_command(run) for run in batch.commands),
        events=tuple(present_event(run) for run in batch.events),
    )


def apply_record(state: State, record: Record) -> Batch:
    """Apply a record's events to a state: recovery of one batch."""
    batch = decode_batch(record)
    for run in batch.events:
        apply_run(state, run)
    if record.source:
        state.sources_seen[record.source] = record.source_sequence
    return batch
