"""Recover a run's journal once more and observe the state between its events.

That is recovery, one run of events at a time.  It shows what the live run cannot: accounts as an
assessment found them, before what it caused, and how one account's equity came to where it failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from novate.canonical import Run
from novate.engine.apply import apply_run
from novate.engine.batch import Batch, decode_batch
from novate.engine.journal import JournalStore
from novate.engine.state import State
from novate.insight.measure import BELOW, below_margin
from novate.message.version import present_event

I64 = npt.NDArray[np.int64]
ROW_BY_ROW = frozenset(
    {"OrderFilled", "AssetConverted", "CycleSettled", "FundingSettled", "InterestCharged",
     "ContractExpired", "OptionExpired", "CollateralPosted", "CollateralWithdrawn",
     "CollateralTransferred", "PositionTransferred"}
)  # fmt: skip
"""Events that are applied one at a time, so that each one's effect stands apart from the next."""


class StateObserver(Protocol):
    """What observes the state after each run of events."""

    def observe(self, state: State, batch: Batch, run: Run) -> None:
        """Take in the state that a run of events has just made."""
        ...


def retrace(
    journal: JournalStore, observers: Sequence[StateObserver], progress: Callable[[int], None]
) -> State:
    """Fold a whole journal into the state it left.

    Parameters
    ----------
    journal
        Journal of a run, from its first record.
    observers
        Shown the state after every run of events.
    progress
        Called with each sequence.
    """
    state = State()
    for record in journal.read(1):
        batch = decode_batch(record)
        for run in batch.events:
            for part in _parts(run):
                apply_run(state, part)
                for observer in observers:
                    observer.observe(state, batch, present_event(part))
        if record.source:
            state.sources_seen[record.source] = record.source_sequence
        progress(record.sequence)
    state.require_sound()
    return state


def _parts(run: Run) -> list[Run]:
    """A run of events as it is, or its rows."""
    if run.rows == 1 or run.name not in ROW_BY_ROW:
        return [run]
    return [
        replace(
            run, rows=1, columns=tuple((name, column[k : k + 1]) for name, column in run.columns)
        )
        for k in range(run.rows)
    ]


class MarginObserver:
    """Fills in, for each bar, how many accounts lacked margin in its worst assessment."""

    def __init__(self, accounts: I64, solvency: list[dict[str, Any]]) -> None:
        self._accounts = accounts
        self._bars = solvency
        self._ends = np.array([row["instant_ns"] for row in solvency], np.int64)
        self._first_ns = int(self._ends[0] - np.diff(self._ends).min(initial=10**18))

    def observe(self, state: State, batch: Batch, run: Run) -> None:
        """Measure after an assessment, before what it causes."""
        if run.name != "MarginAssessed" or batch.instant_ns <= self._first_ns:
            return
        bar = int(np.searchsorted(self._ends, batch.instant_ns))
        if bar == len(self._ends):
            return
        numbers = state.assess_all()[self._accounts]
        found = dict(zip(BELOW, (batch.instant_ns, *below_margin(numbers)), strict=True))
        row = self._bars[bar]
        keys = ("below_maintenance", "below_initial", "maintenance_shortfall")
        if [found[key] for key in keys] > [row[key] for key in keys]:
            row.update(found)
