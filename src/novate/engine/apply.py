"""Applying events: the only way state changes, live and in recovery alike."""

from __future__ import annotations

from novate.canonical import Run
from novate.engine.catalogue import APPLICATIONS
from novate.engine.state import State
from novate.engine.touch import note
from novate.message.declare import columns_of, rows_of
from novate.message.topic import EVERYBODY
from novate.message.version import event_of, upcast_once


def apply_run(state: State, run: Run) -> None:
    """Apply one run of events, of this or an earlier version.

    A version whose rule was another one is applied by that rule; else it is upcast by one version.

    Raises
    ------
    JournalError
        If the event is unknown or of a version this engine cannot read.
    """
    message = event_of(run)
    application = APPLICATIONS[message]
    older = dict(application.older)
    while run.version < message.version:
        if run.version in older:
            for row in rows_of(run):
                older[run.version](state, row)
            note(state, EVERYBODY, {})
            return
        run = upcast_once(message, run)
    for row in [columns_of(run)] if application.is_by_column else rows_of(run):
        application.apply(state, row)
        note(state, application.touches, row)
