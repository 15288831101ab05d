"""What a format of books and trades is: how a file is recognised, and how it becomes rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from novate.errors import RowFault

Report = Callable[[RowFault], None]


class Sheet(NamedTuple):
    """A file as text.

    Attributes
    ----------
    names
        Columns as the file names them.
    rows
        Row number for messages, counted from 1, and one text for each column; an absent cell is
        the empty text.  A row of another width is reported by who reads the sheet.
    """

    names: list[str]
    rows: list[tuple[int, list[str]]]


class FileFormat(Protocol):
    """A format of tables in files."""

    @property
    def name(self) -> str:
        """What people call it: its suffix."""

    def recognises(self, path: Path) -> bool:
        """Whether a file is of this format, by its name."""

    def read(self, path: Path, report: Report) -> Sheet:
        """Read a file.

        Parameters
        ----------
        path
            The file.
        report
            Called for each row that cannot be read.

        Raises
        ------
        InputError
            If the file is missing, cut short, or as a whole not of this format.
        """
