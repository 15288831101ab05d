"""A call that has been decided and waits for its commit."""

from __future__ import annotations

from novate.engine.batch import Batch
from novate.errors import InputError


class Pending:
    """What one call of `Engine.decide` led to; it may be read when it has been committed.

    Attributes
    ----------
    source, source_sequence
        Key of the call, empty and 0 without one.
    digest
        What was asked, see `engine.batch.asked_digest`; empty without a key.
    """

    __slots__ = ("_batches", "_is_committed", "digest", "source", "source_sequence")

    def __init__(self, source: str, source_sequence: int, digest: bytes) -> None:
        self.source = source
        self.source_sequence = source_sequence
        self.digest = digest
        self._batches: list[Batch] = []
        self._is_committed = False

    @property
    def is_committed(self) -> bool:
        """Whether the outcome is durable."""
        return self._is_committed

    @property
    def batches(self) -> list[Batch]:
        """The records of the call, decoded.

        Raises
        ------
        InputError
            Before the commit: nobody may act on what could still be lost.
        """
        if not self._is_committed:
            raise InputError("this call is not committed yet: its outcome may still be lost")
        return self._batches

    def add(self, batch: Batch) -> None:
        """Take one more record of the call: for the engine."""
        self._batches.append(batch)

    def resolve(self) -> list[Batch]:
        """Say that the call is durable, and return its records: for the engine."""
        self._is_committed = True
        return self._batches
