"""The durable journal: one SQLite row for each batch, and the head anchored in a second file.

What each part is for:

* *WAL and* ``synchronous=FULL``: a commit returns when the batch is on the disk.  NORMAL would lose
  the commits since the last checkpoint at a power cut, so it is refused.
* *Hash chain*: finds every altered byte of a record.  SQLite's own check misses most of them.
* *Head anchor* (``head_anchor.py``): finds a lost tail, which a chain cannot see, for the beginning
  of a chain is a chain.  SQLite cuts its log at the first bad frame in silence.

Order of one append: commit (log synced), anchor written and synced, return.  A crash between the
two leaves a journal ahead of its anchor by a commit that nobody was told of; opening checks that
tail and moves the anchor.  A journal behind its anchor has lost what it promised and is refused.

After any error while writing the object stops for good.  The outcome of that commit is unknown,
and going on over the same connection could overwrite it; opening again reads what is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from novate.adapter.sqlite_journal import database
from novate.adapter.sqlite_journal.head_anchor import HeadAnchor
from novate.canonical import GENESIS, HASH_BYTES, Record, check_chain, check_links
from novate.engine.journal import require_epoch
from novate.errors import InputError, JournalError

READ_ROWS = 16  # rows fetched at once: no cursor stays open while the caller works

_FIELDS = (
    "sequence, instant_ns, engine_version, origin, source, source_sequence, previous, body, hash"
)
_row = attrgetter(*_FIELDS.split(", "))
_INSERT = f"INSERT INTO record ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
_SELECT = f"SELECT {_FIELDS} FROM record "  # noqa: S608 - constants


class SqliteJournal:
    """Records and snapshots in one SQLite file; see ``novate.engine.journal.JournalStore``.

    Parameters
    ----------
    path
        The database file; created when neither it nor the anchor exists.
    anchor_path
        The head anchor, better on another device; by default ``<path>.anchor``.
    read_only
        Write nothing, not even the anchor; works beside a writing process.
    renew_anchor
        Check the whole chain and anchor its head anew, whatever the old anchor says.  For a person
        who knows from elsewhere (an exported head, a receipt) that the tail is complete.
    synchronous
        ``"FULL"`` or ``"EXTRA"``.
    connection_factory
        Opens a ``file:`` URI; for tests that watch the writes.

    Raises
    ------
    InputError
        If ``synchronous`` is something else, or the anchor of a read-only journal is to be renewed.
    JournalError
        If the journal is behind its anchor, differs from it, is damaged in the part that was not
        anchored, or is open in another writer.  The files are left as they were found.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        anchor_path: str | os.PathLike[str] | None = None,
        *,
        read_only: bool = False,
        renew_anchor: bool = False,
        synchronous: str = "FULL",
        connection_factory: Callable[[str], sqlite3.Connection] = database.connect,
    ) -> None:
        if synchronous not in (allowed := database.SYNCHRONOUS):
            message = f"synchronous is {synchronous!r}; a journal needs {' or '.join(allowed)}"
            raise InputError(message)
        if read_only and renew_anchor:
            raise InputError("a journal that is open for reading only keeps its anchor")
        self._path = Path(path).absolute()
        self._read_only = read_only
        self._connect = connection_factory
        self._stopped = ""  # why every call is refused
        self._connection: sqlite3.Connection | None = None
        self._anchor = HeadAnchor(Path(anchor_path or f"{self._path}.anchor").absolute())
        try:
            with database.as_journal_error(f"opening {self._path}"):
                if renew_anchor:
                    self._renew_anchor()
                self._head = self._open(synchronous)
        except BaseException:
            self._release()
            raise

    def claim(self) -> int:
        """Take the journal over for writing, durably, and return the epoch of the new writer.

        Raises
        ------
        JournalError
            If the journal is read-only, or writing failed: then the object has stopped.
        """
        self._writable()
        epoch = self._claimed() + 1
        with self._stopping_on_error(f"claiming epoch {epoch}"):
            self._commit("INSERT INTO writer VALUES (?)", [(epoch,)])
        return epoch

    def append(self, records: Sequence[Record], *, epoch: int) -> None:
        """Commit records in one transaction, then anchor the last one.

        Parameters
        ----------
        records
            The next records as ``seal`` made them; no records, no commit.
        epoch
            What the writer's `claim` gave.

        Raises
        ------
        FencedError
            If another writer has claimed the journal since: nothing is written.
        JournalError
            If they do not continue the chain: nothing is written.  If writing fails: the outcome is
            unknown and the object has stopped.
        """
        self._writable()
        require_epoch(epoch, self._claimed())
        head = check_links(records, self._head)
        if not records:
            return
        rows = [_row(record) for record in records]
        with self._stopping_on_error(f"appending records up to {head[0]}"):
            self._commit(_INSERT, rows, epoch)
            self._anchor.write(*head)
        self._head = head

    def head(self) -> tuple[int, bytes]:
        """Return sequence and hash of the last record; (0, 32 zero bytes) when there is none.

        A read-only journal keeps the head that it found when it was opened.
        """
        self._open_connection()
        return self._head

    def read(self, from_sequence: int = 1, to_sequence: int | None = None) -> Iterator[Record]:
        """Stream records in order, each checked against its hash and the record before it.

        Parameters
        ----------
        from_sequence, to_sequence
            First and last record wanted; by default everything up to the head.

        Returns
        -------
        iterator of Record
            Empty when ``from_sequence`` is behind the last one wanted.

        Raises
        ------
        JournalError
            If ``from_sequence`` is below 1, or naming the first record missing or altered.
        """
        self._open_connection()
        if from_sequence < 1:
            message = f"from_sequence is {from_sequence}, records are numbered from 1"
            raise JournalError(message)
        last = self._head[0] if to_sequence is None else min(to_sequence, self._head[0])
        return self._stream(from_sequence, last)

    def find(self, source: str, source_sequence: int) -> Record | None:
        """Return the first record with this key of a bulk source, or nothing.

        Whether a key was seen is for the engine's own high-water mark to say: the index used here
        is covered by no hash.

        Parameters
        ----------
        source, source_sequence
            Name of the source and its own number of the batch.

        Raises
        ------
        JournalError
            If the record is altered.
        """
        if not source:
            return None
        rows = self._query(
            _SELECT + "WHERE source = ? AND source_sequence = ? AND source <> '' "
            "ORDER BY sequence LIMIT 1",
            (source, source_sequence),
        )
        for row in rows:
            record = Record(*row)
            check_chain((record,), (record.sequence - 1, record.previous))
            return record
        return None

    def put_snapshot(self, sequence: int, digest: bytes, payload: bytes) -> None:
        """Keep the state after a record, durably.

        Parameters
        ----------
        sequence, digest, payload
            The record, the 32-byte state digest, and the state.

        Raises
        ------
        JournalError
            If the record does not exist, is kept with another digest, or writing failed.
        """
        self._writable()
        if not 0 <= sequence <= self._head[0] or len(digest) != HASH_BYTES:
            message = (
                f"snapshot after record {sequence} with a digest of {len(digest)} bytes; "
                f"0..{self._head[0]} and {HASH_BYTES} bytes are allowed"
            )
            raise JournalError(message)
        for (kept,) in self._query("SELECT digest FROM snapshot WHERE sequence = ?", (sequence,)):
            if kept != digest:
                message = (
                    f"snapshot after record {sequence} is kept with digest {kept!r}, "
                    f"now it has {digest!r}"
                )
                raise JournalError(message)
        row = (sequence, digest, _snapshot_checksum(sequence, digest, payload), payload)
        with self._stopping_on_error(f"keeping the snapshot after record {sequence}"):
            self._commit("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?)", [row])

    def latest_snapshot(self, at_most: int | None = None) -> tuple[int, bytes, bytes] | None:
        """Return (sequence, digest, payload) of the latest snapshot not after ``at_most``.

        Parameters
        ----------
        at_most
            Last sequence allowed; by default any up to the head.

        Raises
        ------
        JournalError
            If that snapshot is damaged; an earlier one can be asked for with ``at_most``.
        """
        self._open_connection()
        last = self._head[0] if at_most is None else min(at_most, self._head[0])
        rows = self._query(
            "SELECT sequence, digest, checksum, payload FROM snapshot WHERE sequence <= ? "
            "ORDER BY sequence DESC LIMIT 1",
            (last,),
        )
        for sequence, digest, checksum, payload in rows:
            # Damage can change the types too.
            is_whole = type(digest) is type(payload) is bytes
            if not is_whole or checksum != _snapshot_checksum(sequence, digest, payload):
                message = f"snapshot after record {sequence} is altered: its checksum differs"
                raise JournalError(message)
            return sequence, digest, payload
        return None

    def close(self) -> None:
        """Copy the log back into the database and close; closing twice does nothing."""
        if self._connection is not None and not self._read_only:
            with self._stopping_on_error("closing"):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._stopped = self._stopped or "is closed"
        self._release()

    # ---- opening

    def _open(self, synchronous: str) -> tuple[int, bytes]:
        """Check the files against each other, connect, and give the head."""
        if not self._anchor.path.exists():
            if self._path.exists() or self._read_only:
                message = (
                    f"{self._path} has no head anchor {self._anchor.path}: a lost tail would go "
                    "unseen; bring the anchor back, or renew it after checking"
                )
                raise JournalError(message)
            self._anchor.create(0, GENESIS)
        self._anchor.open(read_only=self._read_only)
        if self._anchor.head[0] > 0 and database.size(self._path) < database.PAGE_BYTES_MIN:
            # Without opening it: SQLite deletes the log of an empty database, even when reading.
            self._refuse_lost(0)
        if self._read_only or self._anchor.head[0] > 0:
            # A writer tidies up the log when it closes, which would destroy what can still be saved
            # from a damaged one.  So the first look is through a connection that cannot write.
            self._connection = self._connect(database.read_only_uri(self._path))
            head = self._check_anchor()
            if self._read_only:
                return head
            self._connection.close()
        self._connection = self._connect(f"{self._path.as_uri()}?mode=rwc")
        database.prepare(self._connection, self._path, synchronous)
        head = self._check_anchor()
        if head != self._anchor.head:
            self._anchor.write(*head)
        return head

    def _renew_anchor(self) -> None:
        if not database.size(self._path) and database.size(Path(f"{self._path}-wal")):
            message = f"{self._path} is empty beside its log; opening it would delete the log"
            raise JournalError(message)
        self._connection = self._connect(database.read_only_uri(self._path))
        head = None if database.is_new(self._open_connection(), self._path) else self._last()
        self._anchor.create(*check_chain(self._stream(1, head[0] if head else 0)))
        self._connection.close()

    def _check_anchor(self) -> tuple[int, bytes]:
        """Compare the journal with its anchor, check what is not anchored, and give the head."""
        anchored = self._anchor.head[0]
        found = None if database.is_new(self._open_connection(), self._path) else self._last()
        sequence = found[0] if found else 0
        if sequence < anchored:
            self._refuse_lost(sequence)
        if self._anchor.is_damaged and sequence == anchored:
            # A crash tears the write of an anchor only after its commit, and leaves the other slot:
            # then there is a record that is not anchored.  Here there is none.
            message = (
                f"{self._anchor.path} is damaged and {self._path} ends at record {sequence}: "
                "records may be lost behind it; renew the anchor after checking"
            )
            raise JournalError(message)
        for slot_sequence, slot_hash in self._anchor.slots:
            if slot_sequence and self._hash_of(slot_sequence) != slot_hash:
                message = f"{self._path}: record {slot_sequence} is not the one that was anchored"
                raise JournalError(message)
        head = (0, GENESIS)
        for record in self._stream(max(anchored, 1), sequence):  # the anchored record is read too
            head = (record.sequence, record.hash)
        return head

    def _refuse_lost(self, sequence: int) -> None:
        anchored = self._anchor.head[0]
        message = (
            f"{self._path} ends at record {sequence}, its anchor says {anchored}: "
            f"{anchored - sequence} records are lost; keep the files and restore a copy"
        )
        raise JournalError(message)

    # ---- reading

    def _stream(self, first: int, last: int) -> Iterator[Record]:
        previous = self._hash_of(first - 1) if 1 < first <= last else GENESIS
        for start in range(first, last + 1, READ_ROWS):
            end = min(start + READ_ROWS - 1, last)
            try:
                rows = self._query(
                    _SELECT + "WHERE sequence BETWEEN ? AND ? ORDER BY sequence", (start, end)
                )
            except JournalError as error:
                message = f"{error}; records up to {start - 1} were read and are sound"
                raise JournalError(message) from error
            head = (start - 1, previous)
            for row in rows:
                record = Record(*row)
                head = check_chain((record,), head)
                yield record
            if head[0] != end:
                message = f"record {head[0] + 1} is missing in {self._path}"
                raise JournalError(message)
            previous = head[1]

    def _last(self) -> tuple[int, bytes] | None:
        rows = self._query("SELECT sequence, hash FROM record ORDER BY sequence DESC LIMIT 1")
        return (rows[0][0], rows[0][1]) if rows else None

    def _hash_of(self, sequence: int) -> bytes:
        rows = self._query("SELECT hash FROM record WHERE sequence = ?", (sequence,))
        if not rows:
            message = f"record {sequence} is missing in {self._path}"
            raise JournalError(message)
        found: bytes = rows[0][0]
        return found

    def _query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with database.as_journal_error(f"reading {self._path}"):
            return self._open_connection().execute(sql, parameters).fetchall()

    # ---- writing

    def _claimed(self) -> int:
        """Epoch that was claimed last, 0 before the first claim."""
        return int(self._query("SELECT coalesce(max(epoch), 0) FROM writer")[0][0])

    def _commit(self, sql: str, rows: Sequence[Sequence[Any]], epoch: int | None = None) -> None:
        """Write rows in one transaction, with an epoch only while it is the last one claimed."""
        connection = self._open_connection()
        connection.execute("BEGIN IMMEDIATE")
        if epoch is not None:
            require_epoch(epoch, self._claimed())  # nobody can claim until the transaction ends
        connection.executemany(sql, rows)
        connection.execute("COMMIT")

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            message = f"{self._path} {self._stopped}; open it again to go on"
            raise JournalError(message)
        return self._connection

    def _writable(self) -> None:
        self._open_connection()
        if self._read_only:
            message = f"{self._path} is open for reading only"
            raise JournalError(message)

    @contextlib.contextmanager
    def _stopping_on_error(self, doing: str) -> Iterator[None]:
        """Stop for good when the block fails: its outcome on the disk is unknown."""
        try:
            with database.as_journal_error(f"{doing} in {self._path}"):
                yield
        except BaseException as error:
            self._stopped = f"has stopped, {doing} failed with an unknown outcome ({error})"
            self._release()
            raise

    def _release(self) -> None:
        """Give back connection and lock, whatever state they are in."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        self._anchor.close()


def _snapshot_checksum(sequence: int, digest: bytes, payload: bytes) -> bytes:
    checksum = hashlib.sha256(b"%d" % sequence)
    checksum.update(digest)
    checksum.update(payload)
    return checksum.digest()
