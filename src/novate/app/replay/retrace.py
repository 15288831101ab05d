"""Fold a run's journal once more and look at the state between its events.

That is recovery, one run of events at a time.  It shows what the live run cannot: accounts as an
assessment found them, before what it caused, and how one account's equity came to where it failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from novate.app.replay.observe import BELOW, UNIT
from novate.canonical import Run
from novate.engine.apply import apply_run
from novate.engine.batch import Batch, decode_batch
from novate.engine.journal import JournalStore
from novate.engine.state import State
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.message.declare import rows_of
from novate.message.event import BY_NAME

I64 = npt.NDArray[np.int64]
ROW_BY_ROW = frozenset(
    {"OrderFilled", "AssetConverted", "CycleSettled", "FundingSettled", "ContractExpired",
     "OptionExpired", "CollateralPosted", "CollateralWithdrawn"}
)  # fmt: skip
"""Events that are applied one at a time, so that each one's effect can be told from the next."""


class Visitor(Protocol):
    """Something that looks at a state after each run of events."""

    def visit(self, state: State, batch: Batch, run: Run) -> None:
        """Look at the state that a run of events has just made."""
        ...


def retrace(
    journal: JournalStore, visitors: Sequence[Visitor], progress: Callable[[int], None]
) -> State:
    """Fold a whole journal into the state it left.

    Parameters
    ----------
    journal
        Journal of a run, from its first record.
    visitors
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
                for visitor in visitors:
                    visitor.visit(state, batch, part)
        if record.source:
            state.sources_seen[record.source] = record.source_sequence
        progress(record.sequence)
    state.require_sound()
    return state


def _parts(run: Run) -> list[Run]:
    """A run of events as it is, or its rows."""
    if run.rows == 1 or run.name not in ROW_BY_ROW:
        return [run]
    return [BY_NAME[run.name].row(**row) for row in rows_of(run)]


class MarginWatch:
    """Fills in, for each bar, how many accounts lacked margin in its worst assessment."""

    def __init__(self, accounts: I64, solvency: list[dict[str, Any]]) -> None:
        self._accounts = accounts
        self._bars = solvency
        self._ends = np.array([row["instant_ns"] for row in solvency], np.int64)
        self._first_ns = int(self._ends[0] - np.diff(self._ends).min(initial=10**18))

    def visit(self, state: State, batch: Batch, run: Run) -> None:
        """Measure after an assessment, before what it causes."""
        if run.name != "MarginAssessed" or batch.instant_ns <= self._first_ns:
            return
        bar = int(np.searchsorted(self._ends, batch.instant_ns))
        if bar == len(self._ends):
            return
        numbers = state.assess_all()[self._accounts]
        found = dict(zip(BELOW, (batch.instant_ns, *below(numbers)), strict=True))
        row = self._bars[bar]
        keys = ("below_maintenance", "below_initial", "maintenance_shortfall")
        if [found[key] for key in keys] > [row[key] for key in keys]:
            row.update(found)


def below(numbers: I64) -> tuple[int, int, float, float]:
    """Accounts below initial and below maintenance margin, and what they lack of each together.

    Parameters
    ----------
    numbers
        Assessments of accounts, columns of `kernel.clearing.assess`.
    """
    counts, short = [], []
    for column in (INITIAL, MAINTENANCE):
        # An account without positions owes no margin; what it owes in cash is negative equity.
        is_below = (numbers[:, column] > 0) & (numbers[:, EQUITY] < numbers[:, column])
        counts.append(int(np.count_nonzero(is_below)))
        lacking = numbers[is_below, column] - numbers[is_below, EQUITY]
        short.append(int(lacking.sum()) / UNIT)
    return counts[0], counts[1], short[0], short[1]
