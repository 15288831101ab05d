"""Due work by instant: derived from the columns, and taken in order of time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from novate.kernel.clearing.columns import I64

Kinds: TypeAlias = dict[int, Callable[[], tuple[I64, I64]]]
"""For each kind of work, what gives all its subjects and their instants."""

Instants: TypeAlias = Callable[[int, I64], I64]
"""Instants at which work of a kind is due for its subjects; not positive where it is not."""


class DueTable:
    """Entries (instant, kind, subject), in a few sorted runs of rising size.

    A changed instant is entered anew; the old entry stays until it comes up, and is dropped then,
    because the state has another instant for its subject.  A new or forgotten table is empty: it is
    built from the columns when it is asked.
    """

    def __init__(self) -> None:
        self._terms = b""
        self._runs: list[I64] | None = None
        self._entered: list[tuple[int, npt.ArrayLike, npt.ArrayLike]] = []

    def forget(self) -> None:
        """Forget all entries: they are derived."""
        self._runs = None
        self._entered.clear()

    def enter(self, kind: int, subjects: npt.ArrayLike, instants: npt.ArrayLike) -> None:
        """Enter one piece of work, or a column of it; what is not positive is not due.

        Arrays are kept as they are until the table is asked: nobody writes to them any more.
        """
        if self._runs is not None:
            self._entered.append((kind, subjects, instants))

    def earliest(self, until_ns: int, terms: bytes, kinds: Kinds, instants: Instants) -> I64:
        """Return the work of the earliest instant that has any, if that is not after ``until_ns``.

        Parameters
        ----------
        until_ns
            Last instant looked at.
        terms
            Parameters that instants depend on: other ones make the table anew.
        kinds
            All work there is; asked where the table is made.
        instants
            What is due now for some subjects of a kind.

        Returns
        -------
        ndarray
            Rows of (instant, kind, subject) in that order; none where nothing is due.
        """
        if terms != self._terms:
            self.forget()
            self._terms = terms
        if self._runs is None:
            every = [_entries(kind, *due()) for kind, due in kinds.items()]
            self._runs = [_sorted(np.concatenate(every))] if every else []
        elif self._entered:
            entered = [_entries(*work) for work in self._entered]
            self._take_in(_sorted(np.concatenate(entered)), instants)
        self._entered.clear()
        while True:
            heads = [int(run[0, 0]) for run in self._runs if len(run)]
            if not heads or min(heads) > until_ns:
                return np.empty((0, 3), np.int64)
            first = min(heads)
            at_once = [run[: np.searchsorted(run[:, 0], first, "right")] for run in self._runs]
            found = _still_due(_sorted(np.concatenate(at_once)), instants)
            if len(found):
                return found
            self._runs = [run[len(gone) :] for run, gone in zip(self._runs, at_once, strict=True)]

    def _take_in(self, run: I64, instants: Instants) -> None:
        """Add a run; those that are not twice as long join it, without what is no longer due."""
        runs = self._runs or []
        while runs and len(runs[-1]) < 2 * len(run):
            run = _still_due(_sorted(np.concatenate((runs.pop(), run))), instants)
        self._runs = [*runs, run]


def _entries(kind: int, subjects: npt.ArrayLike, instants: npt.ArrayLike) -> I64:
    at = np.asarray(instants, np.int64)
    found = np.empty((at.size, 3), np.int64)
    found[:, 0], found[:, 1], found[:, 2] = at, kind, subjects
    due: I64 = found[found[:, 0] > 0]
    return due


def _sorted(entries: I64) -> I64:
    """Sort entries and drop repeats."""
    if len(entries) < 2:
        return entries
    entries = entries[np.lexsort((entries[:, 2], entries[:, 1], entries[:, 0]))]
    is_new = np.ones(len(entries), np.bool_)
    is_new[1:] = (entries[1:] != entries[:-1]).any(axis=1)
    kept: I64 = entries[is_new]
    return kept


def _still_due(entries: I64, instants: Instants) -> I64:
    """Entries whose instant the state still has."""
    holds = np.zeros(len(entries), np.bool_)
    for kind in np.unique(entries[:, 1]).tolist():
        of_kind = np.flatnonzero(entries[:, 1] == kind)
        at, subjects = entries[of_kind, 0], entries[of_kind, 2]
        holds[of_kind] = instants(kind, subjects) == at
    kept: I64 = entries[holds]
    return kept
