"""The SQLite file: how it is opened, what is set on it, and its tables."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from novate.errors import JournalError

APPLICATION_ID = 0x6E767461  # "nvta" in the header of the database file
SCHEMA_VERSION = 2
"""Version 1 had no table of writers; opening such a file for writing adds it."""
READABLE_VERSIONS = (1, SCHEMA_VERSION)

# A batch of 10,000 events is 640 kB: 40 pages of 16 KiB need a quarter of the writes that pages of
# 4 KiB need, and a batch of one still writes only one or two.  Larger pages gained nothing more.
PAGE_BYTES = 16_384
PAGE_BYTES_MIN = 512  # of any SQLite file
# The log is as exposed as the database, so it is copied back often: after 4 MiB.
CHECKPOINT_PAGES = 256
# The log file is overwritten in place, which costs no new disk blocks; it is cut back only after a
# commit far larger than usual, such as a snapshot.
LOG_BYTES_MAX = 16 * 2**20
SYNCHRONOUS = {"FULL": 2, "EXTRA": 3}
_WRITERS = (
    f"PRAGMA user_version = {SCHEMA_VERSION}",
    "CREATE TABLE writer (epoch INTEGER PRIMARY KEY)",  # the last one may write
)
_SCHEMA = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    # The body comes last: the other fields are then found without walking its overflow pages.
    """CREATE TABLE record (sequence INTEGER PRIMARY KEY, instant_ns INTEGER NOT NULL,
    engine_version INTEGER NOT NULL, origin INTEGER NOT NULL, source TEXT NOT NULL,
    source_sequence INTEGER NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL,
    body BLOB NOT NULL)""",
    "CREATE INDEX record_by_source ON record (source, source_sequence) WHERE source <> ''",
    """CREATE TABLE snapshot (sequence INTEGER PRIMARY KEY, digest BLOB NOT NULL,
    checksum BLOB NOT NULL, payload BLOB NOT NULL)""",
    *_WRITERS,
)


def connect(uri: str) -> sqlite3.Connection:
    """Open a ``file:`` URI with the sqlite3 of the standard library.

    Parameters
    ----------
    uri
        With its ``mode``.

    Returns
    -------
    sqlite3.Connection
        In autocommit mode; usable from any thread, by one at a time.
    """
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def read_only_uri(path: Path) -> str:
    """Address a database that is not to be written, by its absolute path."""
    uri = f"{path.as_uri()}?mode=ro"
    # SQLite wants to put its shared memory beside the file.  Where it cannot, nobody can write
    # either, and a database without a log is complete by itself.
    if not os.access(path.parent, os.W_OK) and not size(Path(f"{path}-wal")):
        uri += "&immutable=1"
    return uri


def size(path: Path) -> int:
    """Size of a file in bytes; a missing file has none."""
    return path.stat().st_size if path.exists() else 0


def is_new(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file holds no tables yet; refuse one that is somebody else's.

    Raises
    ------
    JournalError
        If there are tables, and not those of a journal of a version that can be read.
    """
    if not _value(connection, "SELECT count(*) FROM sqlite_master"):
        return True
    found = _value(connection, "PRAGMA application_id"), _value(connection, "PRAGMA user_version")
    if found not in [(APPLICATION_ID, version) for version in READABLE_VERSIONS]:
        message = (
            f"{path} has application_id and user_version {found}; a journal has "
            f"{(APPLICATION_ID, SCHEMA_VERSION)}"
        )
        raise JournalError(message)
    return False


def prepare(connection: sqlite3.Connection, path: Path, synchronous: str) -> None:
    """Set and check the pragmas, and make the tables that a new or an earlier file lacks.

    Parameters
    ----------
    connection, path
        A connection that can write, and its file.
    synchronous
        A key of ``SYNCHRONOUS``.

    Raises
    ------
    JournalError
        If a pragma was not taken, or the file is somebody else's.
    """
    is_fresh = is_new(connection, path)
    if is_fresh:
        _value(connection, f"PRAGMA page_size = {PAGE_BYTES}")
    mode = _value(connection, "PRAGMA journal_mode = WAL")
    for pragma, value in (
        ("synchronous", synchronous),
        ("fullfsync", "ON"),  # where a plain fsync does not reach the disk (macOS)
        ("checkpoint_fullfsync", "ON"),
        ("wal_autocheckpoint", CHECKPOINT_PAGES),
        ("journal_size_limit", LOG_BYTES_MAX),
        ("secure_delete", "OFF"),  # records are never deleted: do not blank pages before use
    ):
        _value(connection, f"PRAGMA {pragma} = {value}")
    level = _value(connection, "PRAGMA synchronous")
    if mode != "wal" or level != SYNCHRONOUS[synchronous]:
        message = (
            f"{path}: journal_mode is {mode!r} and synchronous is {level!r}; 'wal' and "
            f"{SYNCHRONOUS[synchronous]} are needed"
        )
        raise JournalError(message)
    tables: tuple[str, ...] = _SCHEMA if is_fresh else ()
    if not is_fresh and _value(connection, "PRAGMA user_version") != SCHEMA_VERSION:
        tables = _WRITERS
    if tables:
        for statement in ("BEGIN IMMEDIATE", *tables, "COMMIT"):
            _value(connection, statement)


def _value(connection: sqlite3.Connection, sql: str) -> int | str | None:
    """Run one statement and give the first value of its first row, if it has one."""
    rows = connection.execute(sql).fetchall()
    return rows[0][0] if rows else None


@contextlib.contextmanager
def as_journal_error(doing: str) -> Iterator[None]:
    """Turn errors of SQLite and of files into ``JournalError``; the message says doing what."""
    try:
        yield
    except (sqlite3.Error, OSError, OverflowError) as error:
        message = f"{doing} failed: {error}"
        if isinstance(error, sqlite3.DatabaseError) and "malformed" in str(error):
            message += (
                "; the file is damaged: restore it from a copy, and compare its last record with "
                "the head anchor beside it"
            )
        raise JournalError(message) from error
