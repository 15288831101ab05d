"""Keys of sources: a call that comes again is answered with what it led to, and not done twice."""

from __future__ import annotations

from novate.engine.batch import decode_batch, present_batch, recorded_digest
from novate.engine.journal import JournalStore
from novate.engine.pending import Pending
from novate.errors import ConflictError


class Keys:
    """Calls by (source, number): the pending ones here, the committed ones in the journal.

    Parameters
    ----------
    journal
        Where committed calls are looked for.
    """

    def __init__(self, journal: JournalStore) -> None:
        self._journal = journal
        self._pending: dict[tuple[str, int], Pending] = {}

    def add(self, pending: Pending) -> None:
        """Remember a call until its commit."""
        if pending.source:
            self._pending[pending.source, pending.source_sequence] = pending

    def clear(self) -> None:
        """Forget the pending calls: they are in the journal now."""
        self._pending.clear()

    def known(
        self, source: str, source_sequence: int, digest: bytes, seen: dict[str, int]
    ) -> Pending | None:
        """Return the call that a key stands for already.

        Parameters
        ----------
        source, source_sequence
            The key.
        digest
            What is asked under it now, see `engine.batch.asked_digest`.
        seen
            Highest number used by each source.

        Returns
        -------
        Pending or None
            The pending call itself, or the recorded outcome, committed; None for a new key.

        Raises
        ------
        ConflictError
            If the key was used with other commands, or was passed over and is too late.
        """
        known = self._pending.get((source, source_sequence))
        if known is None and source_sequence <= seen.get(source, 0):
            known = self._recorded(source, source_sequence, seen[source])
        if known is not None and known.digest != digest:
            raise ConflictError(
                f"source {source!r} sequence {source_sequence} was used with other commands"
            )
        return known

    def _recorded(self, source: str, source_sequence: int, seen: int) -> Pending:
        """Read a committed call back."""
        first = self._journal.find(source, source_sequence)
        if first is None:
            raise ConflictError(
                f"source {source!r} is at {seen}; {source_sequence} was never used and is too late"
            )
        batches = []
        for record in self._journal.read(first.sequence):
            if (record.source, record.source_sequence) != (source, source_sequence):
                break
            batches.append(present_batch(decode_batch(record)))
        known = Pending(source, source_sequence, recorded_digest(batches))
        for batch in batches:
            known.add(batch)
        known.resolve()
        return known
