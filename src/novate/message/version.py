"""Reading messages of earlier versions: upcasting, one version at a time.

A journal keeps what was written.  A run of an earlier version becomes one of the present version by
what the message declares: renamed columns, new columns with a default, or a function.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from novate.canonical import Run
from novate.errors import InputError, JournalError
from novate.message import command, event
from novate.message.declare import TEXT, Field, Message


def upcast_once(message: Message, run: Run) -> Run:
    """Return a run as the next version of its message would have written it.

    Parameters
    ----------
    message
        Declaration of the present version.
    run
        Rows of an earlier version.

    Raises
    ------
    InputError
        If the columns that come out are not those of the present version, once it is reached.
    """
    version = run.version + 1
    columns: dict[str, Any] = dict(run.columns)
    if version in message.upcasters:
        columns = message.upcasters[version](columns)
    else:
        renamed = message.renamed.get(version, {})
        columns = {renamed.get(name, name): values for name, values in columns.items()}
        for field in message.fields:
            if field.since == version:
                columns[message.name_in(version, field)] = _filled(field, run.rows)
    if version == message.version:
        return message.run(columns)
    return Run(run.name, version, run.rows, tuple(columns.items()))


def _filled(field: Field, rows: int) -> Any:
    """Return the default of a column, once for each row."""
    if field.dtype == TEXT:
        return (field.default,) * rows
    return np.full(rows, field.default, field.dtype)


def upcast(message: Message, run: Run) -> Run:
    """Return a run in the present version of its message.

    Raises
    ------
    InputError
        If its columns cannot have been written by the version that it states.
    """
    while run.version < message.version:
        run = upcast_once(message, run)
    return run


def command_of(run: Run) -> Message:
    """Return the declaration of a run of commands.

    Raises
    ------
    InputError
        If this release does not know the command, or not in so high a version.
    """
    message = command.BY_NAME.get(run.name)
    if message is None or not 1 <= run.version <= message.version:
        raise InputError(f"command {run.name!r} version {run.version} is unknown")
    return message


def event_of(run: Run) -> Message:
    """Return the declaration of a run of events.

    Raises
    ------
    JournalError
        If this release does not know the event, or not in so high a version.
    """
    message = event.BY_NAME.get(run.name)
    if message is None or not 1 <= run.version <= message.version:
        raise JournalError(
            f"event {run.name!r} version {run.version} is unknown to this release:"
            " read the journal with the release that wrote it, or a later one"
        )
    return message


def present_command(run: Run) -> Run:
    """Return a run of commands in the present version; `command_of` and `upcast` say the errors."""
    return upcast(command_of(run), run)


def present_event(run: Run) -> Run:
    """Return a run of events in the present version; `event_of` and `upcast` say the errors."""
    return upcast(event_of(run), run)
