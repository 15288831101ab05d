"""Versions of the engine, and which release audits what an earlier one decided."""

from __future__ import annotations

from dataclasses import dataclass

from novate.engine.journal import JournalStore
from novate.errors import JournalError

ENGINE_VERSION = 3
"""Stamped on every record.

Raise it once for a release in which the same commands may give other events, a message has a new
version, or the state has one; and add the release before to `RELEASES`.
"""

RELEASES = {1: "2026.11.0", 2: "2026.11.1"}
"""The last release that decides as an earlier engine version did, by that version."""


@dataclass(frozen=True, slots=True)
class Era:
    """Records in sequence that one engine version decided: first and last, and which."""

    first: int
    last: int
    engine_version: int

    @property
    def release(self) -> str:
        """Release that audits these records."""
        return RELEASES.get(self.engine_version, "unknown")


def require_readable(sequence: int, engine_version: int) -> None:
    """Stop at a record of a later release: what it means is not known here.

    Raises
    ------
    JournalError
        Naming the record and both versions.
    """
    if engine_version > ENGINE_VERSION:
        raise JournalError(
            f"record {sequence} was decided by engine version {engine_version}, this release has"
            f" version {ENGINE_VERSION}: read it with a later release"
        )


def version_at(journal: JournalStore, sequence: int) -> int:
    """Return the engine version that decided a record."""
    (record,) = journal.read(sequence, sequence)
    return record.engine_version


def eras_of(journal: JournalStore) -> list[Era]:
    """Return the eras of a journal in order, by looking at a few records: versions only rise."""
    eras: list[Era] = []
    first, end = 1, journal.head()[0]
    while first <= end:
        version = version_at(journal, first)
        last, behind = first, end + 1  # of the same version, and not
        while behind - last > 1:
            middle = (last + behind) // 2
            if version_at(journal, middle) == version:
                last = middle
            else:
                behind = middle
        eras.append(Era(first, last, version))
        first = behind
    return eras
