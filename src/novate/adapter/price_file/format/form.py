"""What a file format is: how a file is recognised, and how it becomes columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from novate.errors import RowFault

Report = Callable[[RowFault], None]


class Cells(NamedTuple):
    """A file as it was written; text stays text.

    Attributes
    ----------
    columns
        Arrow arrays of one length, by the names of the file.
    row
        Int64 ``[n]``: row numbers for messages, counted from 1, a header line included.
    """

    columns: dict[str, pa.Array]
    row: npt.NDArray[np.int64]


class FileFormat(Protocol):
    """A format of tables in files."""

    @property
    def name(self) -> str:
        """What people call it: its suffix."""

    def recognises(self, path: Path) -> bool:
        """Whether a file is of this format, by its name."""

    def read(
        self,
        path: Path,
        aliases: Mapping[str, tuple[str, ...]],
        report: Report,
        headless: tuple[str, ...] | None,
    ) -> Cells:
        """Read a file.

        Parameters
        ----------
        path
            The file.
        aliases
            Accepted column names by canonical name; others need not be read.
        report
            Called for each row that cannot be read.
        headless
            Column names of a table without names; None refuses such a file.

        Raises
        ------
        InputError
            If the file as a whole cannot be trusted.
        """
