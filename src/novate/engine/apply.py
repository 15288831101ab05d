"""Applying events: the only way state changes, live and in recovery alike."""

from __future__ import annotations

from novate.canonical import Run
from novate.engine.catalogue import APPLICATIONS
from novate.engine.state import State
from novate.engine.touch import note
from novate.errors import JournalError
from novate.message import event
from novate.message.declare import columns_of, rows_of


def apply_run(state: State, run: Run) -> None:
    """Apply one run of events.

    Raises
    ------
    JournalError
        If the event is unknown or of a version this engine cannot read.
    """
    message = event.BY_NAME.get(run.name)
    if message is None or message.version != run.version:
        raise JournalError(f"event {run.name!r} version {run.version} is unknown to this engine")
    application = APPLICATIONS[message]
    rows = [columns_of(run)] if application.is_by_column else rows_of(run)
    for row in rows:
        application.apply(state, row)
        note(state, application.touches, row)
