"""Streams of commands for the laws: drawn once while an engine runs, then replayed at will."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from novate.adapter.memory_journal import MemoryJournal
from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.engine import Engine
from novate.message import command
from novate.message.declare import rows_of
from tests.simulate.naive.workload import Workload

Stream = tuple[list[Run], ...]
STEPS = int(os.environ.get("NOVATE_LAW_STEPS", "14"))
"""Steps of a stream; `make soak` takes more."""


@functools.cache
def stream_of(seed: int, steps: int = STEPS) -> Stream:
    """The stream of a seed: what its toy market sent to an engine of its own."""
    engine = Engine(MemoryJournal())
    workload = Workload(seed, steps=steps)
    taken = []
    for runs in workload.batches():
        taken.append(runs)
        workload.learn(events_of(engine.submit(runs)))
    return tuple(taken)


def events_of(batches: Sequence[Batch]) -> list[tuple[str, dict[str, Any]]]:
    """All events of some batches in order."""
    return [(run.name, row) for batch in batches for run in batch.events for row in rows_of(run)]


def play(stream: Sequence[list[Run]], engine: Engine | None = None) -> Engine:
    """Submit a stream to an engine, a new one by default."""
    engine = engine or Engine(MemoryJournal())
    for runs in stream:
        engine.submit(runs)
    return engine


def row_by_row(runs: Sequence[Run]) -> list[Run]:
    """The same commands, each a run of its own; those of a table or a surface stay together."""
    single: list[Run] = []
    for run in runs:
        if run.name in ("ReplaceTiers", "ReportSurface"):
            single.append(run)
        else:
            single += [command.BY_NAME[run.name].row(**row) for row in rows_of(run)]
    return single


seeds = st.integers(0, 2**16)
