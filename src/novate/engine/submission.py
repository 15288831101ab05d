"""What may be asked of the engine: everything that can be wrong is found before it is decided.

A batch that is refused here has changed nothing, for its client or for any other, and the engine
goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from novate.book.account import apply_account_opened, decide_open_account
from novate.book.state import SINGLE_ROLES, BookState
from novate.canonical import Run, encode_runs
from novate.engine.batch import CONTROL
from novate.engine.catalogue import BEFORE_HOUSE, ENGINE_ONLY
from novate.engine.state import State
from novate.errors import InputError, JournalError
from novate.message import command
from novate.message.declare import TEXT, Message, rows_of
from novate.message.version import command_of, upcast

LINKED_MAX = 64
"""Rows that one call may link."""

LINKABLE = (
    frozenset(command.BY_NAME)
    - ENGINE_ONLY
    - CONTROL
    - {
        message.name
        for message in (
            command.REPORT_PRICE,
            command.REPORT_LAST,
            command.REPORT_SURFACE,
            command.REPORT_FILL,
        )
    }
)
"""Commands that can be linked: not control commands, and not what the world reports.

A price or a fill has happened, whatever becomes of the rest.
"""

_WHOLE_NUMBERS = {
    message: tuple((field.name, np.dtype(field.dtype)) for field in message.fields)
    for message in command.COMMANDS
    if all(field.dtype not in (TEXT, "float64") for field in message.fields)
}
"""Commands without texts and floats, and the types of their columns."""


def checked(run: Run) -> Run:
    """Return a run as the present version of its message declares it.

    Raises
    ------
    InputError
        If the command is unknown, or a column is missing, malformed or out of its type's range.
    """
    message = command_of(run)
    columns = _WHOLE_NUMBERS.get(message)
    is_present = run.version == message.version
    if is_present and columns is not None and _is_declared(run, columns):
        return run
    return message.run(dict(upcast(message, run).columns))


def _is_declared(run: Run, columns: tuple[tuple[str, np.dtype[Any]], ...]) -> bool:
    """Whether a run has these columns as they are: what `Message.run` makes."""
    return len(run.columns) == len(columns) and all(
        name == wanted
        and isinstance(values, np.ndarray)
        and values.dtype == dtype
        and values.shape == (run.rows,)
        and values.flags.c_contiguous
        for (name, values), (wanted, dtype) in zip(run.columns, columns, strict=True)
    )


def require_journalable(commands: Sequence[Run]) -> None:
    """Refuse commands that have no canonical bytes.

    Checked columns of whole numbers always have them: only texts and floats are looked at.

    Raises
    ------
    InputError
        Naming the first command that cannot be journaled.
    """
    for run in commands:
        if command.BY_NAME[run.name] in _WHOLE_NUMBERS:
            continue
        try:
            encode_runs([run], [])
        except JournalError as error:
            raise InputError(f"command {run.name!r} cannot be journaled: {error}") from error


def require_key(source: str, source_sequence: int) -> None:
    """Refuse a key that the journal could not hold.

    Raises
    ------
    InputError
        If the source is no printable text, or its number is none from 1.
    """
    is_number = type(source_sequence) is int  # not a bool, not a NumPy scalar
    if not is_number or not 0 <= source_sequence < 2**63 or (source and source_sequence < 1):
        raise InputError(f"source {source!r}: sequence {source_sequence!r}; allowed: from 1")
    if not source.isprintable() or len(source) > 200:
        raise InputError(f"source {source!r}; allowed: up to 200 printable characters")


def require_linkable(commands: Sequence[Run]) -> None:
    """Refuse to link commands that cannot be all or none.

    Raises
    ------
    InputError
        If there are more than `LINKED_MAX` rows, or a command that is not `LINKABLE`.
    """
    rows = sum(run.rows for run in commands)
    if rows > LINKED_MAX:
        raise InputError(f"{rows} rows are linked; allowed: up to {LINKED_MAX}")
    for run in commands:
        if run.name not in LINKABLE:
            raise InputError(f"{run.name} cannot be linked; allowed: {sorted(LINKABLE)}")


def require_house(state: State, commands: Sequence[Run]) -> None:
    """Refuse commands that book anything before the house has all of its own accounts.

    An opening counts when it will be accepted: it is decided here on a copy of the few accounts
    that there are before the house is complete.

    Raises
    ------
    InputError
        Naming the command and the accounts that are missing.
    """
    if len(state.own_accounts()) == len(SINGLE_ROLES):
        return
    missing = {role for role in SINGLE_ROLES if state.single(role) < 0}
    house = BookState()
    house.accounts = state.accounts.copy()
    for run in commands:
        if run.name == command.OPEN_ACCOUNT.name:
            for row in rows_of(run):
                if decide_open_account(house, row, _Unheard()) is None:
                    apply_account_opened(house, row)
                    missing.discard(row["role"])
                if not missing:
                    return
        elif run.name not in BEFORE_HOUSE:
            names = sorted(role.name.lower() for role in missing)
            raise InputError(f"{run.name}: the house's own accounts are not open: {names}")


class _Unheard:
    """An `Emit` that nobody listens to: for deciding without applying."""

    def __call__(self, message: Message, /, **values: Any) -> None:
        """Take one row of an event."""

    def columns(self, message: Message, /, **columns: Any) -> None:
        """Take many rows of an event."""

    def booked(self, message: Message, /, **columns: Any) -> None:
        """Take rows of an event that was applied already."""
