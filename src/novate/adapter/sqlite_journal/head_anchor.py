"""Which record a journal has promised to hold, in a file of its own.

A hash chain finds altered records, not a lost tail: the beginning of a chain is a chain.  So after
each commit the sequence and hash of the last record are synced to a second file, better on another
device, and a journal that ends before its anchor is refused.  Whoever rolls back the whole disk
rolls back the anchor with it; export the head elsewhere to see that.

The file has a fixed size and two slots, written in turn, each a line of text (tag, sequence, hash,
checksum) in a disk sector of its own.  It never grows, so a sync has no metadata to write.  A crash
while a slot is written leaves the other one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from novate.errors import JournalError

_TAG = b"novate-head 1"
_SLOT_BYTES = 4096
_SLOTS = 2


class HeadAnchor:
    """Sequence and hash of the head in a file of fixed size with two slots, written in turn.

    Parameters
    ----------
    path
        The file; ``create`` makes it, ``open`` reads it.

    Attributes
    ----------
    path
        The file.
    slots
        (sequence, hash) of each slot that can be read, after ``open``.
    is_damaged
        Whether a slot cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.slots: list[tuple[int, bytes]] = []  # the readable ones
        self.is_damaged = False
        self._descriptor: int | None = None
        self._next_slot = 0

    @property
    def head(self) -> tuple[int, bytes]:
        """Latest anchored sequence and hash."""
        return max(self.slots)

    def create(self, sequence: int, record_hash: bytes) -> None:
        """Put a new file in place, complete or not at all.

        Parameters
        ----------
        sequence, record_hash
            The head for both slots; 0 and 32 zero bytes for an empty journal.

        Raises
        ------
        JournalError
            If there is a file and another process has locked it.
        OSError
            If the file cannot be written.
        """
        if self.path.exists():
            with _descriptor(str(self.path), os.O_RDWR) as file:
                self._lock(file)
                self._replace(sequence, record_hash)
        else:
            self._replace(sequence, record_hash)

    def open(self, *, read_only: bool) -> None:
        """Read the slots; a writer keeps the file locked against a second writer.

        Parameters
        ----------
        read_only
            Take no lock and write nothing.

        Raises
        ------
        JournalError
            If the file is locked, or no slot can be read.
        OSError
            If the file cannot be opened.
        """
        self._descriptor = os.open(self.path, os.O_RDONLY if read_only else os.O_RDWR)
        if not read_only:
            self._lock(self._descriptor)
        content = os.pread(self._descriptor, _SLOT_BYTES * _SLOTS + 1, 0)
        found = [
            _anchor_slot(content[start : start + _SLOT_BYTES])
            for start in range(0, _SLOT_BYTES * _SLOTS, _SLOT_BYTES)
        ]
        self.slots = [slot for slot in found if slot is not None]
        self.is_damaged = len(self.slots) < _SLOTS or len(content) != _SLOT_BYTES * _SLOTS
        if not self.slots:
            message = f"{self.path} is damaged: neither slot can be read; renew it after checking"
            raise JournalError(message)
        self._next_slot = 1 - found.index(self.head)

    def write(self, sequence: int, record_hash: bytes) -> None:
        """Anchor a head durably, over the older slot.

        Parameters
        ----------
        sequence, record_hash
            The head.

        Raises
        ------
        JournalError
            If the file is closed.
        OSError
            If the slot cannot be written or synced: then its content is unknown.
        """
        if self._descriptor is None:
            message = f"{self.path} is closed"
            raise JournalError(message)
        _write(self._descriptor, _anchor_line(sequence, record_hash), self._next_slot * _SLOT_BYTES)
        # No fdatasync on macOS.
        sync = getattr(os, "fdatasync", os.fsync)
        sync(self._descriptor)
        self._next_slot = 1 - self._next_slot

    def close(self) -> None:
        """Close the file, which gives back the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _replace(self, sequence: int, record_hash: bytes) -> None:
        slot = _anchor_line(sequence, record_hash).ljust(_SLOT_BYTES)
        draft = f"{self.path}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with _descriptor(draft, flags) as file:
            _write(file, slot * _SLOTS, 0)
            os.fsync(file)
        os.replace(draft, self.path)
        with _descriptor(str(self.path.parent), os.O_RDONLY) as directory:
            os.fsync(directory)

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"{self.path} is locked: another process writes this journal"
            raise JournalError(message) from error


def _anchor_line(sequence: int, record_hash: bytes) -> bytes:
    line = b"%s %020d %s" % (_TAG, sequence, record_hash.hex().encode())
    return b"%s %s\n" % (line, hashlib.sha256(line).hexdigest()[:16].encode())


def _anchor_slot(slot: bytes) -> tuple[int, bytes] | None:
    """Read one slot; nothing unless every byte of it is what ``create`` and ``write`` put there."""
    fields = slot.split()
    try:
        head = int(fields[2]), bytes.fromhex(fields[3].decode())
    except (IndexError, ValueError):
        return None
    return head if slot == _anchor_line(*head).ljust(_SLOT_BYTES) else None


@contextlib.contextmanager
def _descriptor(path: str, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: bytes, offset: int) -> None:
    written = os.pwrite(descriptor, content, offset)
    if written != len(content):
        message = f"only {written} of {len(content)} bytes were written"
        raise OSError(message)
