"""Applying events: the only way state changes, live and in recovery alike."""

from __future__ import annotations

from novate.canonical import Run
from novate.engine.catalogue import APPLICATIONS
from novate.engine.state import State
from novate.engine.touch import note
from novate.errors import JournalError
from novate.message import event
from novate.message.declare import columns_of, rows_of
from novate.message.topic import EVERYBODY


def apply_run(state: State, run: Run) -> None:
    """Apply one run of events, by the rule of its version.

    Raises
    ------
    JournalError
        If the event is unknown or of a version this engine cannot read.
    """
    message = event.BY_NAME.get(run.name)
    if message is None:
        raise JournalError(f"event {run.name!r} version {run.version} is unknown to this engine")
    application = APPLICATIONS[message]
    if message.version == run.version:
        rows = [columns_of(run)] if application.is_by_column else rows_of(run)
        for row in rows:
            application.apply(state, row)
            note(state, application.touches, row)
        return
    earlier = dict(application.older).get(run.version)
    if earlier is None:
        raise JournalError(f"event {run.name!r} version {run.version} is unknown to this engine")
    for row in rows_of(run):
        earlier(state, row)
    note(state, EVERYBODY, {})
