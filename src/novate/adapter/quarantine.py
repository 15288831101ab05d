"""Collect the rows that readers leave out: every one is counted, a few are kept as examples.

Readers know nothing of this class: they call a function with each `RowFault`, and a `Quarantine`
is such a function.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from novate.errors import InputError, RowFault


@dataclass(slots=True, kw_only=True)
class Quarantine:
    """A callable that takes faults; give it to a reader as its ``report``.

    Attributes
    ----------
    faults_max
        Number of faults that is still accepted; one more raises `InputError`, so that a broken
        file cannot pass as a short one.  None accepts any number.
    examples_max
        Number of faults kept per (file, column).
    counts
        Faults seen, by (file, column).
    examples
        The first faults of each (file, column), in the order they came.
    """

    faults_max: int | None = None
    examples_max: int = 5
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[RowFault] = field(default_factory=list)

    def __call__(self, fault: RowFault) -> None:
        """Count a fault and keep it when it is among the first of its kind.

        Raises
        ------
        InputError
            If the fault is one more than ``faults_max``.
        """
        key = (fault.file, fault.column)
        self.counts[key] += 1
        if self.counts[key] <= self.examples_max:
            self.examples.append(fault)
        if self.faults_max is not None and self.count > self.faults_max:
            message = f"{self.count} unusable rows, the last one: {fault}; {self._limit()}"
            raise InputError(message)

    def _limit(self) -> str:
        return f"at most {self.faults_max} unusable rows are allowed"

    @property
    def count(self) -> int:
        """Number of faults in all."""
        return self.counts.total()

    def summary(self) -> list[dict[str, str | int]]:
        """Return one row per file and column: file, column, count and the first example."""
        first: dict[tuple[str, str], RowFault] = {}
        for fault in self.examples:
            first.setdefault((fault.file, fault.column), fault)
        return [
            {
                "file": file,
                "column": column,
                "count": count,
                "first_row": first[file, column].row if (file, column) in first else 0,
                "example": str(first[file, column]) if (file, column) in first else "",
            }
            for (file, column), count in sorted(self.counts.items())
        ]
