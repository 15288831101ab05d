"""Verify a journal file: re-hash, recover, audit, and compare a run's summary with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from novate.adapter.sqlite_journal import SqliteJournal
from novate.engine.engine import Engine
from novate.engine.journal import JournalStore
from novate.engine.ledger_digest import ledger_digest
from novate.engine.recover import AuditReport, audit, recover
from novate.engine.snapshot import decode_snapshot
from novate.engine.version import ENGINE_VERSION
from novate.errors import InputError, JournalError
from novate.insight.claim import check_summary

CHECKED = (
    "journal.db, its anchor, and summary.json: verification, result, payers, this run's column"
)
UNCHECKED = "the rest of summary.json, story.json, *.parquet, report.html"
Progress = Callable[[str, int, int], None]


def verify_run(run: Path, progress: Progress) -> dict[str, Any]:
    """Return what was found about the journal of a run; nothing is written.

    Parameters
    ----------
    run
        Directory of a run, or a journal file.
    progress
        Called with phase, records done, records in all.

    Raises
    ------
    InputError
        If there is no such journal.
    JournalError
        At the first thing that does not follow.
    """
    path = run / "journal.db" if run.is_dir() else run
    if not path.exists():
        raise InputError(f"{path} does not exist; give a run directory or a journal file")
    summary = path.parent / "summary.json"
    has_summary = run.is_dir() and summary.exists()
    journal = SqliteJournal(path, read_only=True)
    try:
        engine, report = _recover_and_audit(journal, progress)
        if has_summary:
            _check(summary, journal, engine)
    finally:
        journal.close()
    return {
        "records": engine.sequence,
        "audited": audited(report),
        "commands": report.commands,
        "events": report.events,
        "earlier": [
            {
                "first": era.first,
                "last": era.last,
                "engine_version": era.engine_version,
                "release": era.release,
            }
            for era in report.earlier
        ],
        "head_hash": engine.head_hash.hex(),
        "state_digest": engine.state.digest().hex(),
        "ledger_digest": ledger_digest(engine.state).hex(),
        "parameter_set": engine.state.parameter_set(),
        "checked": CHECKED if has_summary else "journal.db and its anchor",
        "not checked": UNCHECKED if has_summary else "every other file",
    }


def _recover_and_audit(journal: JournalStore, progress: Progress) -> tuple[Engine, AuditReport]:
    """Fold the journal, decide again what this engine version decided, and compare the states."""
    total = journal.head()[0]
    engine = recover(journal, from_snapshot=False, progress=lambda n: progress("recover", n, total))
    report = audit(journal, progress=lambda n: progress("audit", n, total))
    digest = engine.state.digest()
    if report.digest not in (None, digest):
        raise JournalError("the audited state is not the recovered state")
    snapshot = journal.latest_snapshot()
    if snapshot is not None and snapshot[0] == total:
        kept = decode_snapshot(snapshot[2], snapshot[1])
        if kept.digest() != digest:  # not the digest it was kept with: its version may be earlier
            raise JournalError(f"the snapshot at {total} is not the recovered state")
    return engine, report


def _check(path: Path, journal: JournalStore, engine: Engine) -> None:
    """Hold a summary against the journal."""
    try:
        claimed = json.loads(path.read_text(encoding="utf-8"))
        check_summary(claimed, journal, engine.state)
    except (OSError, ValueError) as error:
        message = f"{path} is not the summary of a run: {type(error).__name__} {error}"
        raise JournalError(message) from error
    except JournalError as error:
        raise JournalError(f"{path}: {error}") from error


def audited(report: AuditReport) -> dict[str, int] | None:
    """Return the first and the last record that were decided again, or nothing."""
    if not report.records:
        return None
    first = report.earlier[-1].last + 1 if report.earlier else 1
    last = first + report.records - 1
    return {"first": first, "last": last, "engine_version": ENGINE_VERSION}
