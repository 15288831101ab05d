"""One thing to measure, again and again, in one process of one tree."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from novate.engine.batch import Batch


def nothing() -> None:
    """What is done before or after a turn that needs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A call that is timed, and what is done around it.

    Attributes
    ----------
    unit, amount
        What one call works through: ``amount`` of ``unit``.
    call
        The work; it returns the batches that came of it.
    before, after
        Done outside the time, so that every turn finds what the first one found.
    warm
        Compiles what the call needs; by default one turn does.
    """

    unit: str
    amount: int
    call: Callable[[], Sequence[Batch]]
    before: Callable[[], object] = nothing
    after: Callable[[], object] = nothing
    warm: Callable[[], object] | None = None


def take(turn: Turn) -> dict[str, Any]:
    """Take one turn: seconds of the processor and on the wall, and the rows by event."""
    turn.before()
    gc.collect()
    wall, processor = time.perf_counter(), time.process_time()
    batches = turn.call()
    processor = time.process_time() - processor
    wall = time.perf_counter() - wall
    turn.after()
    outcome: Counter[str] = Counter()
    for batch in batches:
        for run in batch.events:
            outcome[run.name] += run.rows
    return {
        "unit": turn.unit,
        "amount": turn.amount,
        "processor": processor,
        "wall": wall,
        "outcome": dict(sorted(outcome.items())),
    }
