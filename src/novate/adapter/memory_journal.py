"""A journal that forgets everything at the end of the process.

For tests and throw-away simulation.  It obeys the same contract as the durable stores, hash checks
included, so that code that works with it works with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from novate.canonical import GENESIS, HASH_BYTES, Record, check_chain, check_links
from novate.engine.journal import require_epoch
from novate.errors import JournalError


class MemoryJournal:
    """Records and snapshots in this process; see ``novate.engine.journal.JournalStore``."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._by_key: dict[tuple[str, int], int] = {}
        self._snapshots: dict[int, tuple[bytes, bytes]] = {}
        self._epoch = 0
        self._closed = False

    def claim(self) -> int:
        """Take the journal over for writing and return the epoch of the new writer, from 1."""
        self._check_open()
        self._epoch += 1
        return self._epoch

    def append(self, records: Sequence[Record], *, epoch: int) -> None:
        """Append records that continue the chain, all or none of them.

        Parameters
        ----------
        records
            The next records.
        epoch
            What the writer's `claim` gave.

        Raises
        ------
        FencedError
            If another writer has claimed the journal since.
        JournalError
            If they do not continue the chain.
        """
        self._check_open()
        require_epoch(epoch, self._epoch)
        check_links(records, self.head())
        for record in records:
            self._records.append(record)
            if record.source:
                self._by_key.setdefault((record.source, record.source_sequence), record.sequence)

    def head(self) -> tuple[int, bytes]:
        """Return sequence and hash of the last record; (0, 32 zero bytes) when there is none."""
        self._check_open()
        return (len(self._records), self._records[-1].hash) if self._records else (0, GENESIS)

    def read(self, from_sequence: int = 1, to_sequence: int | None = None) -> Iterator[Record]:
        """Stream records in order, each checked.

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
            If ``from_sequence`` is below 1, or a record is altered.
        """
        last = self.head()[0]
        if from_sequence < 1:
            message = f"from_sequence is {from_sequence}, records are numbered from 1"
            raise JournalError(message)
        if to_sequence is not None:
            last = min(last, to_sequence)
        return self._stream(from_sequence, last)

    def find(self, source: str, source_sequence: int) -> Record | None:
        """Return the first record with this key of a bulk source, or nothing.

        Parameters
        ----------
        source, source_sequence
            Name of the source and its own number of the batch.
        """
        self._check_open()
        sequence = self._by_key.get((source, source_sequence))
        return None if sequence is None else self._records[sequence - 1]

    def put_snapshot(self, sequence: int, digest: bytes, payload: bytes) -> None:
        """Keep the state after a record.

        Parameters
        ----------
        sequence, digest, payload
            The record, the 32-byte state digest, and the state.

        Raises
        ------
        JournalError
            If the record does not exist, or it is already kept with another digest.
        """
        last = self.head()[0]
        if not 0 <= sequence <= last or len(digest) != HASH_BYTES:
            message = (
                f"snapshot after record {sequence} with a digest of {len(digest)} bytes; "
                f"0..{last} and {HASH_BYTES} bytes are allowed"
            )
            raise JournalError(message)
        kept = self._snapshots.get(sequence)
        if kept is not None and kept[0] != digest:
            message = (
                f"snapshot after record {sequence} is kept with digest {kept[0]!r}, "
                f"now it has {digest!r}"
            )
            raise JournalError(message)
        self._snapshots[sequence] = (bytes(digest), bytes(payload))

    def latest_snapshot(self, at_most: int | None = None) -> tuple[int, bytes, bytes] | None:
        """Return (sequence, digest, payload) of the latest snapshot not after ``at_most``.

        Parameters
        ----------
        at_most
            Last sequence allowed; by default any.
        """
        self._check_open()
        sequences = [n for n in self._snapshots if at_most is None or n <= at_most]
        return (max(sequences), *self._snapshots[max(sequences)]) if sequences else None

    def close(self) -> None:
        """Refuse every later call; closing twice does nothing."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            message = "the journal is closed"
            raise JournalError(message)

    def _stream(self, first: int, last: int) -> Iterator[Record]:
        previous = GENESIS if first == 1 or first > last else self._records[first - 2].hash
        for sequence in range(first, last + 1):
            self._check_open()
            record = self._records[sequence - 1]
            _, previous = check_chain((record,), (sequence - 1, previous))
            yield record
