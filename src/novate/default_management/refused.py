"""Which rows of a run may not proceed, and why: the first reason that is found counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import I64
from novate.message.declare import Refusal

B1 = npt.NDArray[np.bool_]


class Refused:
    """Reasons against the rows of one run.

    Parameters
    ----------
    rows
        Number of rows.
    """

    def __init__(self, rows: int) -> None:
        self._passes = np.ones(rows, np.bool_)
        self._reasons: dict[int, Refusal] = {}

    def where(self, is_wrong: B1, code: int, actual: npt.ArrayLike, allowed: npt.ArrayLike) -> None:
        """Refuse the rows that are wrong and have passed so far; numbers for each, or for all."""
        found = np.flatnonzero(is_wrong & self._passes)
        numbers = (np.broadcast_to(n, is_wrong.shape)[found].tolist() for n in (actual, allowed))
        for row, broke, may in zip(found.tolist(), *numbers, strict=True):
            self._reasons[row] = Refusal(code, broke, may)
        self._passes &= ~is_wrong

    def passing(self) -> I64:
        """Rows without a reason, in order."""
        rows: I64 = np.flatnonzero(self._passes)
        return rows

    def reasons(self) -> list[tuple[int, Refusal]]:
        """Refused rows in order, each with its reason."""
        return sorted(self._reasons.items())


def known(numbers: npt.NDArray[np.integer[Any]], count: int) -> tuple[I64, B1]:
    """Return numbers that index a table of ``count`` rows, and which of them are in it.

    An unknown one is 0 in the first column, so that columns can be asked before it is refused.
    """
    is_known: B1 = numbers < count
    return np.where(is_known, numbers, 0).astype(np.int64), is_known
