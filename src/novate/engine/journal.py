"""What the engine needs of a journal store.

The journal is the only authority: state is what ``apply`` makes of it.  A store keeps sealed
records in their order, makes each group of them durable before it returns, and gives them back.

A writer *claims* the journal before its first record and gets an *epoch*, a number that only rises.
Every append carries it.  A writer that was thought dead and goes on is refused as soon as another
one has claimed the journal: there are never two histories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from novate.canonical import Record
from novate.errors import FencedError, JournalError


class JournalStore(Protocol):
    """A durable, ordered, hash-chained list of records with snapshots beside it.

    One thread uses a store at a time, and one process writes to it.  Every method raises
    ``JournalError`` when the store is closed, has stopped after an error, or finds damage.
    """

    def claim(self) -> int:
        """Take the journal over for writing, durably, and return the epoch of the new writer.

        Epochs count from 1; a store without a claim is at 0.

        Raises
        ------
        JournalError
            If the store is read-only, or writing failed: then it has stopped.
        """
        ...

    def append(self, records: Sequence[Record], *, epoch: int) -> None:
        """Make records durable, all or none of them, in one transaction, before returning.

        Parameters
        ----------
        records
            The next records; the first one continues ``head()``.  An empty sequence does nothing.
        epoch
            What the writer's `claim` gave.

        Raises
        ------
        FencedError
            If another writer has claimed the journal since; nothing is written.
        JournalError
            If the records do not continue the chain (nothing is written and the store stays
            usable), or if writing failed: then the outcome is unknown, the store has stopped, and
            only opening it again tells whether the records are there.
        """
        ...

    def head(self) -> tuple[int, bytes]:
        """Return sequence and hash of the last record; (0, 32 zero bytes) when there is none."""
        ...

    def read(self, from_sequence: int = 1, to_sequence: int | None = None) -> Iterator[Record]:
        """Stream records in order; memory does not grow with their number.

        Parameters
        ----------
        from_sequence
            First record wanted, from 1.
        to_sequence
            Last record wanted; by default the head when reading starts.  What lies behind the head
            is not there and is not given.

        Yields
        ------
        Record
            Each one checked against its hash and against the record before it.

        Raises
        ------
        JournalError
            Naming the first record that is missing or altered, or if ``from_sequence`` is below 1.
        """
        ...

    def find(self, source: str, source_sequence: int) -> Record | None:
        """Return the first record with this key of a bulk source, or nothing.

        Parameters
        ----------
        source
            Name of the source; the empty name stands for "no source" and finds nothing.
        source_sequence
            The source's own number of the batch.
        """
        ...

    def put_snapshot(self, sequence: int, digest: bytes, payload: bytes) -> None:
        """Keep the state after a record, durably.

        Parameters
        ----------
        sequence
            The record after which the state was taken, 0..head.
        digest
            State digest, 32 bytes.
        payload
            The state's columns; their form is the caller's.

        Raises
        ------
        JournalError
            If the record does not exist, or the same sequence is already kept with another digest.
        """
        ...

    def latest_snapshot(self, at_most: int | None = None) -> tuple[int, bytes, bytes] | None:
        """Return (sequence, digest, payload) of the latest snapshot not after ``at_most``.

        Raises
        ------
        JournalError
            If that snapshot is damaged; an earlier one can be asked for with ``at_most``.
        """
        ...

    def close(self) -> None:
        """Give the store back; closing twice does nothing."""
        ...


def require_epoch(epoch: int, claimed: int) -> None:
    """Refuse a writer whose epoch is not the one that was claimed last.

    Raises
    ------
    FencedError
        If a later writer has claimed the journal.
    JournalError
        If nobody ever claimed this epoch.
    """
    if epoch < claimed:
        raise FencedError(f"epoch {epoch} is over: the journal was claimed as epoch {claimed}")
    if epoch > claimed:
        raise JournalError(f"epoch {epoch} was never claimed, the last one is {claimed}")
