"""Refusals of the rows of a run: the first reason found for a row is the one it is given."""

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
        """Refuse rows that have passed so far.

        Parameters
        ----------
        is_wrong
            Which rows the reason is true of; shape (rows,).
        code
            Code of the reason.
        actual, allowed
            Number that broke and number allowed, one for each row or one for all.
        """
        found = np.flatnonzero(is_wrong & self._passes)
        numbers = (np.broadcast_to(n, is_wrong.shape)[found].tolist() for n in (actual, allowed))
        for row, broke, may in zip(found.tolist(), *numbers, strict=True):
            self._reasons[row] = Refusal(code, broke, may)
        self._passes &= ~is_wrong

    def passing(self) -> I64:
        """Return the rows without a reason, ascending."""
        rows: I64 = np.flatnonzero(self._passes)
        return rows

    def reasons(self) -> list[tuple[int, Refusal]]:
        """Return the refused rows, ascending, each with its reason."""
        return sorted(self._reasons.items())


def known(numbers: npt.NDArray[np.integer[Any]], count: int) -> tuple[I64, B1]:
    """Return numbers that index a table of ``count`` rows, and which of them are in it.

    An unknown one is 0 in the first column, so that columns can be asked before it is refused.
    """
    is_known: B1 = numbers < count
    return np.where(is_known, numbers, 0).astype(np.int64), is_known
