"""Exceptions, and the check that stays on.

Two kinds of trouble are never mixed.  A *refusal* is an ordinary answer to a command that may not
proceed: it is a value, journaled as an event.  A *fault* is an exception from the tree below::

    NovateError
    ├── InvariantError      the program contradicts itself: stop, keep the journal, page a person
    ├── JournalError        the journal contradicts itself: truncated, altered, behind its anchor
    │   ├── ConflictError   a (source, sequence) came back with another body
    │   └── FencedError     another writer has claimed the journal since
    ├── InputError          a file, parameter or argument from outside is not usable
    └── CapacityError       a declared limit of the process would be exceeded
"""

from __future__ import annotations

from dataclasses import dataclass


class NovateError(Exception):
    """Base class; catch it only at the edge of the process."""


class InvariantError(NovateError):
    """The program contradicts itself: stop, keep the journal, page a person."""


class JournalError(NovateError):
    """The journal contradicts itself: a gap, a wrong hash, or a tail behind the head anchor."""


class ConflictError(JournalError):
    """A bulk source repeated a sequence number with another body."""


class FencedError(JournalError):
    """Another writer has claimed the journal since: this one writes no more."""


class InputError(NovateError):
    """Input from outside cannot be used; the message names file, row, column, value, allowed."""


class CapacityError(NovateError):
    """A declared limit would be exceeded; the message gives the limit."""


@dataclass(frozen=True, slots=True)
class RowFault:
    """One cell of an input file that cannot be used; the row is left out and the run goes on.

    Attributes
    ----------
    file
        Path of the file as it was given.
    row
        Row number, counted from 1; in a file with a header line the header is row 1.
    column
        Name of the column.
    value
        The offending text.
    allowed
        What would have been accepted.
    """

    file: str
    row: int
    column: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return (
            f"{self.file}, row {self.row}, {self.column}: {self.value!r}; allowed: {self.allowed}"
        )


def require(condition: bool, message: str) -> None:
    """Stop unless the condition holds; unlike ``assert`` it survives ``python -O``.

    Parameters
    ----------
    condition
        What must hold.
    message
        The thing that holds ("debits equal credits"), not the thing that went wrong.

    Raises
    ------
    InvariantError
        If the condition is false.
    """
    if not condition:
        raise InvariantError(message)
