"""The engine: one writer that decides batches, journals them, and only then answers.

Live service, replay and simulation call the same `Engine`.  A call is decided record by record; the
control commands `AdvanceTime` and `AssessMargin` are records of their own, and after each of them
the engine drains what they cause.

To submit is to decide and to commit.  `Engine.decide` works in memory and queues sealed records,
for any number of clients; `Engine.commit` makes all of them durable together.  Before that nothing
leaves: no outcome, no order of the outbox, no view, no word to a subscriber.
"""

from __future__ import annotations

from collections.abc import Sequence

from novate.canonical import GENESIS, Record, Run, encode_runs, seal
from novate.engine.batch import Batch, asked_digest, split_at_control
from novate.engine.consequence import consequences, due_commands, due_list
from novate.engine.control import latest_instant
from novate.engine.journal import JournalStore
from novate.engine.keys import Keys
from novate.engine.linked import Extract, decide_record
from novate.engine.notice import Changes, Subscriber, Subscribers
from novate.engine.outbox import Outbox
from novate.engine.pending import Pending
from novate.engine.snapshot import take_snapshot
from novate.engine.state import State
from novate.engine.submission import (
    checked,
    require_house,
    require_journalable,
    require_key,
    require_linkable,
)
from novate.engine.version import ENGINE_VERSION, require_readable, version_at
from novate.engine.view import View, ViewBook
from novate.errors import InputError, JournalError, require
from novate.kernel.codes import Origin
from novate.message import command
from novate.message.declare import rows_of


class Engine:
    """A clearing house over a journal, or over none: then it only simulates.

    One thread uses an engine at a time.

    Parameters
    ----------
    journal
        Where records go; its head must be the record that led to ``state``.  Without one, records
        are neither encoded nor sealed: their outcome is all there is.
    state
        State at the head, an empty one by default.

    Attributes
    ----------
    journal
        As given.
    state
        The present state; it leads the journal by what has been decided since the last commit.
    """

    def __init__(self, journal: JournalStore | None, state: State | None = None) -> None:
        self.journal = journal
        self.state = state or State()
        self._sequence, self._previous = journal.head() if journal is not None else (0, GENESIS)
        self._decided_by = ENGINE_VERSION  # who decided the last record
        if journal is not None and self._sequence:
            self._decided_by = version_at(journal, self._sequence)
            require_readable(self._sequence, self._decided_by)
        if state is None and self._sequence:
            raise JournalError(
                f"the journal holds {self._sequence} records: recover their state first"
            )
        self._epoch: int | None = None
        self._records: list[Record] = []
        self._pending: list[Pending] = []
        self._keys = Keys(journal) if journal is not None else None
        self._stopped = False
        self._is_telling = False
        self._changes = Changes()
        self._outbox = Outbox.of(self.state)
        self._extract = Extract()
        self._views = ViewBook()
        self._subscribers = Subscribers()

    @property
    def sequence(self) -> int:
        """Sequence of the last record decided."""
        return self._sequence

    @property
    def head_hash(self) -> bytes:
        """Hash of the last record decided; without a journal 32 zero bytes."""
        return self._previous

    # ---- deciding and committing

    def submit(
        self,
        commands: Sequence[Run],
        *,
        source: str = "",
        source_sequence: int = 0,
        linked: bool = False,
    ) -> list[Batch]:
        """Decide commands, commit them with everything that is pending, and return what happened.

        Parameters, errors: as `decide` and `commit`.
        """
        pending = self.decide(
            commands, source=source, source_sequence=source_sequence, linked=linked
        )
        self.commit()
        return pending.batches

    def decide(
        self,
        commands: Sequence[Run],
        *,
        source: str = "",
        source_sequence: int = 0,
        linked: bool = False,
    ) -> Pending:
        """Decide commands in memory and queue their records for the next commit.

        Parameters
        ----------
        commands
            Runs in order; a run holds rows of one message, in the present version or an earlier.
        source, source_sequence
            Key of a source, whose numbers rise.  A repeat changes nothing: of a pending call it
            returns that same `Pending`, of a committed one the recorded outcome.
        linked
            Book all rows or none of them, see `engine.submission.LINKABLE`.

        Returns
        -------
        Pending
            To be read after the commit.

        Raises
        ------
        ConflictError
            If the key was used with other commands, or is behind those of its source.
        InputError
            If a command is unknown or malformed, cannot be linked, a key is not usable, or commands
            move money before the clearing house has its own accounts.  As with a conflict nothing
            has happened then, to this client or another, and the engine goes on.
        NovateError
            Any other fault stops the engine: recover from the journal.  What is pending was not
            done.
        """
        require(not self._stopped, "a stopped engine is recovered, not used")
        parts = self._checked(commands, linked=linked)
        require_key(source, source_sequence)
        digest = asked_digest(parts, is_linked=linked) if source else b""
        known = self._known((source, source_sequence), digest)
        if known is not None:
            return known
        pending = Pending(source, source_sequence if source else 0, digest)
        origin = Origin.LINKED if linked else Origin.EXTERNAL
        try:
            self._claim()
            if parts:
                self._upgrade()
            for part in parts:
                self._decide_part(part, origin, pending)
        except BaseException:
            self._stopped = True  # the state may be half way through
            raise
        self._pending.append(pending)
        if self._keys is not None:
            self._keys.add(pending)
        return pending

    def commit(self) -> int:
        """Make everything pending durable in one transaction, then answer and tell.

        Returns
        -------
        int
            Sequence of the last record.

        Raises
        ------
        FencedError
            If another writer has claimed the journal since: the engine has stopped.
        JournalError
            If the store failed: the engine has stopped, no call was answered, and what the journal
            holds is what happened.
        """
        require(not self._stopped, "a stopped engine is recovered, not used")
        self._require_not_telling()
        try:
            self._append()
        except BaseException:
            self._stopped = True  # the state leads a journal whose end is unknown
            raise
        pending, self._pending = self._pending, []
        if self._keys is not None:
            self._keys.clear()
        batches = [batch for call in pending for batch in call.resolve()]
        if batches:
            self._tell(batches)
        return self._sequence

    def _checked(self, commands: Sequence[Run], *, linked: bool) -> list[list[Run]]:
        """Find all that can be wrong with commands, and split them into records."""
        self._require_not_telling()
        runs = [checked(run) for run in commands]
        if linked:
            require_linkable(runs)
        if self.journal is not None:
            require_journalable(runs)
        require_house(self.state, runs)
        return split_at_control(runs)

    def _known(self, key: tuple[str, int], digest: bytes) -> Pending | None:
        """Return the call that a key stands for already; without a source there is none."""
        if not key[0]:
            return None
        if self._keys is None:
            raise InputError("without a journal no outcome is kept: a call has no key")
        return self._keys.known(*key, digest, self.state.sources_seen)

    def _claim(self) -> None:
        """Take the journal over before the first record: whoever wrote it so far is fenced off."""
        if self.journal is None or self._epoch is not None:
            return
        self._epoch = self.journal.claim()
        if self.journal.head() != (self._sequence, self._previous):
            raise JournalError("the journal went on since this state was taken from it: recover")

    def _upgrade(self) -> None:
        """Before the first record after those of an earlier engine version: journal the change.

        It is made durable before anything is decided, and belongs to no call.
        """
        if self.journal is None or self._decided_by == ENGINE_VERSION:
            return
        self._claim()
        versions = {"from_version": self._decided_by, "to_version": ENGINE_VERSION}
        run = command.UPGRADE_ENGINE.row(**versions)
        self._decide([run], Origin.ENGINE, Pending("", 0, b""))
        self._append()
        self._decided_by = ENGINE_VERSION
        self._keep_state(self.journal)

    def _append(self) -> None:
        """Make the queued records durable."""
        if self.journal is not None and self._records and self._epoch is not None:
            self.journal.append(self._records, epoch=self._epoch)
        self._records = []

    # ---- records

    def _decide_part(self, part: list[Run], origin: Origin, pending: Pending) -> None:
        control = part[0].name
        if control == command.ADVANCE_TIME.name:
            until_ns = int(rows_of(part[0])[0]["instant_ns"])
            if until_ns <= latest_instant(self.state):  # else it will be refused
                self._drain_due(until_ns, pending)
        self._decide(part, origin, pending)
        if control == command.ASSESS_MARGIN.name:
            self._drain_consequences(pending)

    def _drain_due(self, until_ns: int, pending: Pending) -> None:
        """Do all work due up to an instant, each at its own instant."""
        while len(due := due_list(self.state, until_ns)):
            at_ns = max(int(due[0, 0]), self.state.now_ns)
            clock = command.ADVANCE_TIME.row(instant_ns=at_ns)
            self._decide([clock, *due_commands(self.state, due)], Origin.ENGINE, pending)

    def _drain_consequences(self, pending: Pending) -> None:
        """Do what the state calls for until it is at rest."""
        while runs := consequences(self.state):
            self._decide(runs, Origin.ENGINE, pending)

    def _decide(self, commands: Sequence[Run], origin: Origin, pending: Pending) -> None:
        """Decide one record's commands, apply its events, and queue it sealed.

        Every record that a keyed call led to carries its key, those of the engine too: a repeat
        then finds the whole outcome and nothing else.
        """
        state = self.state
        events = decide_record(state, commands, origin, self._extract)
        if pending.source:
            state.sources_seen[pending.source] = pending.source_sequence
        touched = state.require_still_sound(events)
        if self._views or self._subscribers:
            self._changes.add(touched, events)
        self._sequence += 1
        if self.journal is not None:
            record = seal(
                sequence=self._sequence,
                instant_ns=state.now_ns,
                engine_version=ENGINE_VERSION,
                previous=self._previous,
                body=encode_runs(commands, events),
                origin=int(origin),
                source=pending.source,
                source_sequence=pending.source_sequence,
            )
            self._previous = record.hash
            self._records.append(record)
        pending.add(Batch(self._sequence, state.now_ns, origin, tuple(commands), tuple(events)))

    # ---- readers

    def outbox(self) -> Outbox:
        """Return the open orders of the last commit: what the world may be asked to do."""
        return self._outbox

    def view(self, now_ns: int) -> View:
        """Return the book as of a commit: immutable, and consistent in itself.

        A view is made when it is asked for, at most every `engine.view.INTERVAL_NS` and not while
        calls are pending; else the last one is returned again.

        Parameters
        ----------
        now_ns
            A clock of the caller's that never goes back, nanoseconds.

        Raises
        ------
        InputError
            If there is no view yet and calls are pending.
        """
        may_renew = not self._stopped and not self._pending
        if may_renew and self._views.is_due(self._sequence, now_ns):
            self._views.renew(self.state, self._sequence, self._outbox, now_ns)
        return self._views.last()

    def subscribe(self, callback: Subscriber) -> None:
        """Tell ``callback`` of every later commit, before `commit` returns.

        It gets a `Notice`, must not call the engine, and is dropped when it raises.

        Raises
        ------
        InputError
            While calls are pending: they belong to a commit that is half decided.
        """
        if self._pending:
            raise InputError("calls are pending: subscribe after their commit")
        self._subscribers.add(self.state, callback)

    @property
    def dropped(self) -> list[tuple[Subscriber, Exception]]:
        """Subscribers that raised and are told no more, each with its exception."""
        return self._subscribers.dropped

    def _tell(self, batches: Sequence[Batch]) -> None:
        """Let what was committed be seen."""
        if self._outbox.is_changed_by(run.name for batch in batches for run in batch.events):
            self._outbox = Outbox.of(self.state)
        if not self._views and not self._subscribers:
            return
        touched = self._changes.take()
        if touched is not None:
            touched = self.state.whole_groups(touched)
        self._views.note(touched, self.state.accounts.count)
        if self._subscribers:
            self._is_telling = True
            try:
                self._subscribers.tell(self.state, self._sequence, touched, batches)
            finally:
                self._is_telling = False

    def _require_not_telling(self) -> None:
        if self._is_telling:
            raise InputError("a subscriber does not call the engine")

    # ---- snapshots and forks

    def snapshot(self) -> bytes:
        """Find the whole state sound, store a snapshot of it at the head, and return its digest.

        A journal of an earlier engine version is upgraded first.

        Raises
        ------
        InputError
            While calls are pending, or without a journal.
        """
        require(not self._stopped, "a stopped engine is recovered, not used")
        if self.journal is None or self._records:
            raise InputError("a snapshot needs a journal and nothing pending")
        try:
            self._upgrade()
            self.state.require_sound()
        except BaseException:
            self._stopped = True
            raise
        return self._keep_state(self.journal)

    def _keep_state(self, journal: JournalStore) -> bytes:
        """Store a snapshot of the state at the head, and return its digest."""
        kept = take_snapshot(self.state)
        journal.put_snapshot(self._sequence, *kept)
        return kept.digest

    def fork(self, journal: JournalStore | None = None) -> Engine:
        """Return an independent engine with a copy of the state, and a journal of its own or none.

        With a journal, that begins with a snapshot of the state at sequence 0: what it goes on to
        record recovers and audits without the journal that it was forked from.  Without one the
        fork simulates: it decides and applies, and encodes, seals and digests nothing.

        Parameters
        ----------
        journal
            An empty store, or none.

        Raises
        ------
        InputError
            While calls are pending.
        JournalError
            If the store holds records or another beginning.
        """
        if self._pending:
            raise InputError("calls are pending: fork after their commit")
        if journal is not None and journal.head()[0]:
            held = journal.head()[0]
            raise JournalError(f"a fork needs an empty journal, this one holds {held} records")
        state = self.state.copy()
        if journal is not None:
            journal.put_snapshot(0, *take_snapshot(state))
        return Engine(journal, state)
