"""The due table against a scan of the columns it is derived from."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.due import DueTable

KINDS = (3, 7)


class Columns:
    """One column of instants per kind, and the table that follows them."""

    def __init__(self, rows: int) -> None:
        self.column = {kind: np.zeros(rows, np.int64) for kind in KINDS}
        self.table = DueTable()
        self.terms = b"a"

    def put(self, kind: int, subjects: I64, instants: I64) -> None:
        self.column[kind][subjects] = instants
        self.table.enter(kind, subjects, instants)

    def earliest(self, until_ns: int) -> list[list[int]]:
        def due(kind: int) -> tuple[I64, I64]:
            return np.arange(len(self.column[kind])), self.column[kind]

        return self.table.earliest(
            until_ns,
            self.terms,
            {kind: lambda kind=kind: due(kind) for kind in KINDS},
            lambda kind, subjects: self.column[kind][subjects],
        ).tolist()

    def scanned(self, until_ns: int) -> list[list[int]]:
        found = [
            [int(column[k]), kind, k]
            for kind, column in self.column.items()
            for k in np.flatnonzero((column > 0) & (column <= until_ns)).tolist()
        ]
        return sorted(entry for entry in found if entry[0] == min(found)[0])


@pytest.mark.parametrize("seed", range(20))
def test_the_table_finds_what_a_scan_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = Columns(40)
    for _ in range(60):
        subjects = rng.choice(40, int(rng.choice([1, 1, 2, 30])), replace=False)
        instants = rng.integers(-2, 30, subjects.size)
        columns.put(int(rng.choice(KINDS)), subjects, instants)
        if rng.random() < 0.1:
            columns.table.forget()
        if rng.random() < 0.1:  # all instants of a kind depend on a parameter that changes
            columns.terms += b"b"
            columns.column[7] += columns.column[7] > 0
        until = int(rng.integers(0, 40))
        assert columns.earliest(until) == columns.scanned(until)


def test_work_that_is_not_done_is_found_again() -> None:
    columns = Columns(3)
    columns.put(3, np.array([2, 0]), np.array([5, 5]))

    assert columns.earliest(5) == columns.earliest(9) == [[5, 3, 0], [5, 3, 2]]
    assert columns.earliest(4) == []


def test_kinds_break_ties_of_the_instant_and_subjects_those_of_the_kind() -> None:
    columns = Columns(3)
    columns.earliest(0)
    columns.put(7, np.array([1, 0]), np.array([5, 5]))
    columns.put(3, np.array([2]), np.array([5]))

    assert columns.earliest(5) == [[5, 3, 2], [5, 7, 0], [5, 7, 1]]


def test_old_entries_do_not_pile_up() -> None:
    columns = Columns(4)
    columns.earliest(0)
    for instant in range(1, 2_000):
        columns.put(3, np.array([instant % 4]), np.array([instant + 10**6]))
        columns.earliest(0)

    held = sum(len(run) for run in columns.table._runs or [])
    assert held < 16
