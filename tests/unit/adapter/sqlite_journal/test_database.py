"""The SQLite file of a journal: pragmas, tables, and how it is addressed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from novate.adapter.sqlite_journal import database
from novate.errors import JournalError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "odd name #1?.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    opened = database.connect(f"{path.as_uri()}?mode=rwc")
    yield opened
    opened.close()


def pragma(connection: sqlite3.Connection, name: str) -> int | str:
    value: int | str = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def test_a_new_file_gets_the_pragmas_and_the_tables(
    connection: sqlite3.Connection, path: Path
) -> None:
    assert database.is_new(connection, path)
    database.prepare(connection, path, "FULL")

    assert path.exists()
    assert not database.is_new(connection, path)
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "page_size": database.PAGE_BYTES,
        "wal_autocheckpoint": database.CHECKPOINT_PAGES,
        "journal_size_limit": database.LOG_BYTES_MAX,
        "application_id": database.APPLICATION_ID,
        "user_version": database.SCHEMA_VERSION,
    }
    assert {name: pragma(connection, name) for name in expected} == expected


def test_preparing_again_changes_nothing(connection: sqlite3.Connection, path: Path) -> None:
    database.prepare(connection, path, "FULL")
    schema = connection.execute("SELECT * FROM sqlite_master").fetchall()
    database.prepare(connection, path, "EXTRA")

    assert connection.execute("SELECT * FROM sqlite_master").fetchall() == schema
    assert pragma(connection, "synchronous") == 3


def test_a_database_of_another_program_is_refused_unchanged(
    connection: sqlite3.Connection, path: Path
) -> None:
    connection.execute("CREATE TABLE theirs (x)")

    with pytest.raises(JournalError, match=r"has application_id and user_version \(0, 0\)"):
        database.prepare(connection, path, "FULL")

    assert pragma(connection, "journal_mode") == "delete"


def test_a_journal_of_a_later_version_is_refused(
    connection: sqlite3.Connection, path: Path
) -> None:
    database.prepare(connection, path, "FULL")
    connection.execute(f"PRAGMA user_version = {database.SCHEMA_VERSION + 1}")

    with pytest.raises(JournalError, match="user_version"):
        database.is_new(connection, path)


def test_a_database_that_cannot_keep_a_log_is_refused(path: Path) -> None:
    memory = sqlite3.connect(":memory:", isolation_level=None)

    with pytest.raises(JournalError, match="journal_mode is 'memory' and synchronous is 2"):
        database.prepare(memory, path, "FULL")

    memory.close()


def test_a_closed_journal_is_read_where_nothing_can_be_written(
    connection: sqlite3.Connection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.prepare(connection, path, "FULL")
    monkeypatch.setattr(os, "access", lambda place, mode: False)

    assert "immutable" not in database.read_only_uri(path)  # its log is not empty
    connection.close()
    uri = database.read_only_uri(path)
    assert uri.endswith("?mode=ro&immutable=1")
    reader = database.connect(uri)
    assert not database.is_new(reader, path)
    reader.close()
    assert list(path.parent.iterdir()) == [path]  # no shared memory beside it


def test_a_missing_file_has_no_size(path: Path) -> None:
    assert database.size(path) == 0
    path.write_bytes(b"four")
    assert database.size(path) == 4


@pytest.mark.parametrize("error", [sqlite3.OperationalError("x"), OSError("x"), OverflowError("x")])
def test_errors_of_the_disk_say_what_was_done(error: Exception) -> None:
    with (
        pytest.raises(JournalError, match="reading the file failed: x"),
        database.as_journal_error("reading the file"),
    ):
        raise error


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), database.as_journal_error("reading"):
        raise ZeroDivisionError
