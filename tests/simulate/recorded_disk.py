"""A disk that remembers every write, so that a test can pull its plug between any two of them.

SQLite runs over an apsw file system (VFS) that passes every call on to the real files and records
writes, truncations, syncs and deletions; the anchor's own writes are recorded through the ``os``
functions it calls.  From the record the files are rebuilt as a power cut would have left them: what
was synced is there, and of what was written since then all, nothing, a beginning, some, or a
beginning whose last write is cut at a multiple of 512 bytes.

Assumed, as SQLite does: the entry of a file in its directory is durable once it was created and
synced; a sector of 512 bytes is written as a whole or not at all.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import apsw
import numpy as np
import pytest

SECTOR = 512
VARIANTS = ("all", "none", "beginning", "torn", "some")
_names = itertools.count()


@dataclass(frozen=True)
class Operation:
    """One thing done to one file: write, truncate, sync, delete, replace (by ``data``'s name)."""

    kind: str
    file: str
    offset: int = 0
    data: bytes = b""


@dataclass
class RecordedDisk:
    """Everything done to the files of one folder, in order, and what the writer was promised.

    Attributes
    ----------
    folder
        Where the files lie.
    operations
        In the order in which they happened.
    promises
        Pairs (number of operations so far, head sequence that was acknowledged then).
    fail_at
        Index of the operation that fails instead of happening; none by default.
    """

    folder: Path
    operations: list[Operation] = field(default_factory=list)
    promises: list[tuple[int, int]] = field(default_factory=list)
    fail_at: int | None = None

    def __post_init__(self) -> None:
        self.name = f"recorded-{next(_names)}"
        self.vfs = _RecordingFileSystem(self)

    def connect(self, uri: str) -> sqlite3.Connection:
        """Open a ``file:`` URI over this disk; looks like a connection of sqlite3."""
        return cast("sqlite3.Connection", _Connection(uri, self.name))

    def promise(self, sequence: int) -> None:
        self.promises.append((len(self.operations), sequence))

    def promised(self, boundary: int) -> int:
        """Head that had been acknowledged before this many operations were complete."""
        return max((head for count, head in self.promises if count <= boundary), default=0)

    def happen(self, operation: Operation, error: type[Exception]) -> None:
        """Record an operation, or make it fail with an error of the caller's kind."""
        if len(self.operations) == self.fail_at:
            self.fail_at = None
            raise error(f"injected at {operation.kind} of {operation.file}")
        self.operations.append(operation)

    def watch_os(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Record what Python itself writes and syncs in the folder."""
        watched = _WatchedOs(self)
        for name in ("open", "close", "pwrite", "replace", "fsync", "fdatasync"):
            monkeypatch.setattr(os, name, getattr(watched, name))


class _WatchedOs:
    """The functions of ``os`` that the anchor calls."""

    def __init__(self, disk: RecordedDisk) -> None:
        self.disk = disk
        self.names: dict[int, str] = {}  # of open files in the folder, by descriptor
        self.real_open, self.real_close, self.real_pwrite = os.open, os.close, os.pwrite
        self.real_replace, self.real_fsync, self.real_fdatasync = os.replace, os.fsync, os.fdatasync

    def open(self, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        descriptor = self.real_open(path, flags, *rest, **more)
        if Path(os.fsdecode(path)).parent == self.disk.folder:
            name = self.names[descriptor] = Path(os.fsdecode(path)).name
            if flags & os.O_TRUNC:
                self.disk.happen(Operation("truncate", name), OSError)
        return descriptor

    def close(self, descriptor: int) -> None:
        self.names.pop(descriptor, None)
        self.real_close(descriptor)

    def pwrite(self, descriptor: int, data: bytes, offset: int) -> int:
        self._happen("write", descriptor, offset, bytes(data))
        return self.real_pwrite(descriptor, data, offset)

    def replace(self, old: Any, new: Any) -> None:
        target = Path(new).name.encode()
        self.disk.happen(Operation("replace", Path(old).name, data=target), OSError)
        self.real_replace(old, new)

    def fsync(self, descriptor: int) -> None:
        self._happen("sync", descriptor)
        self.real_fsync(descriptor)

    def fdatasync(self, descriptor: int) -> None:
        self._happen("sync", descriptor)
        self.real_fdatasync(descriptor)

    def _happen(self, kind: str, descriptor: int, offset: int = 0, data: bytes = b"") -> None:
        if descriptor in self.names:
            self.disk.happen(Operation(kind, self.names[descriptor], offset, data), OSError)


def images(
    operations: Sequence[Operation],
    seed: int,
    *,
    is_honest: Callable[[Operation], bool] = lambda sync: True,
    variants: Sequence[str] = VARIANTS,
) -> Iterator[tuple[int, str, dict[str, bytes]]]:
    """Rebuild the files as a power cut after each operation would leave them.

    Parameters
    ----------
    operations
        The record of a disk.
    seed
        Chooses how much of the writes since the last sync is there.
    is_honest
        Whether the disk did what a sync asked for; a lying disk returns and keeps its cache.
    variants
        Which of ``VARIANTS`` to rebuild.

    Yields
    ------
    tuple
        Number of operations complete, variant, and the content of each file.
    """
    dice = np.random.default_rng(seed)
    durable: dict[str, bytes] = {}
    ghosts: dict[str, bytes] = {}  # deleted, the deletion not yet durable
    pending: list[Operation] = []
    for boundary, operation in enumerate(operations, start=1):
        name = operation.file
        if operation.kind == "sync" and is_honest(operation):
            _apply(durable, [each for each in pending if each.file == name])
            pending = [each for each in pending if each.file != name]
            ghosts.clear()
        elif operation.kind == "delete":
            if name in durable:
                ghosts[name] = durable.pop(name)
            pending = [each for each in pending if each.file != name]
        elif operation.kind == "replace":
            durable[operation.data.decode()] = durable.pop(name)
        elif operation.kind != "sync":
            pending.append(operation)
            durable.setdefault(name, b"")
        for variant in variants:
            files = durable | ghosts if variant == "none" else dict(durable)
            _apply(files, _surviving(pending, variant, dice))
            yield boundary, variant, files


def _surviving(
    pending: Sequence[Operation], variant: str, dice: np.random.Generator
) -> list[Operation]:
    """Choose what of the unsynced operations reached the disk."""
    if variant == "all":
        return list(pending)
    if variant == "none" or not pending:
        return []
    if variant == "some":
        return [each for each in pending if dice.random() < 0.5]
    kept = list(pending[: dice.integers(1, len(pending) + 1)])
    if variant == "torn":
        last = kept.pop()
        # Sectors are counted on the disk, so the first piece of a write ends at a sector's end.
        cuts = range(SECTOR - last.offset % SECTOR, len(last.data), SECTOR)
        if cuts:
            data = last.data[: dice.choice(cuts)]
            kept.append(Operation(last.kind, last.file, last.offset, data))
    return kept


def _apply(files: dict[str, bytes], operations: Sequence[Operation]) -> None:
    changed: dict[str, bytearray] = {}
    for operation in operations:
        content = changed.setdefault(operation.file, bytearray(files.get(operation.file, b"")))
        end = operation.offset + len(operation.data)
        if operation.kind == "truncate":
            del content[operation.offset :]
        content.extend(bytes(max(0, end - len(content))))
        content[operation.offset : end] = operation.data
    files.update({name: bytes(content) for name, content in changed.items()})


class _RecordingFileSystem(apsw.VFS):
    def __init__(self, disk: RecordedDisk) -> None:
        self.disk = disk
        super().__init__(disk.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite names it
        return _RecordingFile(self.disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite names it
        self.disk.happen(Operation("delete", Path(filename).name), apsw.IOError)
        super().xDelete(filename, syncdir)


class _RecordingFile(apsw.VFSFile):
    def __init__(self, disk: RecordedDisk, name: Any, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self.disk = disk
        self.file = Path(path).name
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite names it
        self.disk.happen(Operation("write", self.file, offset, bytes(data)), apsw.IOError)
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite names it
        self.disk.happen(Operation("truncate", self.file, newsize), apsw.IOError)
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite names it
        self.disk.happen(Operation("sync", self.file), apsw.IOError)
        super().xSync(flags)


@dataclass
class _Rows:
    rows: list[Any]  # fetched at once: apsw runs a statement while its rows are fetched

    def fetchall(self) -> list[Any]:
        return self.rows


class _Connection:
    """What the journal uses of a connection, over apsw."""

    def __init__(self, uri: str, vfs: str) -> None:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
        with _as_sqlite3_error():
            self._connection = apsw.Connection(uri, flags, vfs)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> _Rows:
        with _as_sqlite3_error():
            return _Rows(self._connection.execute(sql, parameters).fetchall())

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> _Rows:
        with _as_sqlite3_error():
            return _Rows(self._connection.executemany(sql, parameters).fetchall())

    def close(self) -> None:
        # As in sqlite3, where closing reports no error of the file system.
        with contextlib.suppress(apsw.Error):
            self._connection.close()


@contextlib.contextmanager
def _as_sqlite3_error() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise sqlite3.OperationalError(str(error)) from error
