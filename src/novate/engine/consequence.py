"""What a phase causes elsewhere: commands of the next batch, from the engine itself.

A cascade is therefore a readable sequence in the journal and not a recursion.  `due` lists work
that an instant makes due; `consequences` lists what the present state calls for.  Both are pure
functions of the state: an auditor who recomputes them must find the commands that were journaled.
Their order is that of `engine.order`.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from novate.canonical import Run
from novate.engine.order import HELD_BY_PAUSE, STAGES, WORK
from novate.engine.state import State
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import NEW_TERMS, Role

RECORD_ROWS = 65_536
"""Most rows of commands that the engine gives itself in one record; the rest goes on in the next.
"""

_WORK = {int(work.kind): work for work in WORK}


def due_list(state: State, until_ns: int) -> I64:
    """Return what is due up to an instant, only the earliest instant's work, in order.

    Rows of (instant, kind, subject); at most `RECORD_ROWS` of them.  New terms come alone: what
    else is due at their instant is asked for again under them.
    """
    due = state.due.earliest(
        until_ns,
        state.parameters.tobytes(),
        {kind: partial(work.due, state) for kind, work in _WORK.items() if kind not in NEW_TERMS},
        lambda kind, subjects: _WORK[kind].instants(state, subjects),
    )
    first = int(due[0, 0]) if len(due) else until_ns
    new = _new_terms(state, first)
    return new if len(new) else due[:RECORD_ROWS]


def _new_terms(state: State, until_ns: int) -> I64:
    """Rows of the terms that are the first to become effective up to an instant.

    They are few, and their rows move up when one is in force: no table knows them.
    """
    found = []
    for kind in NEW_TERMS:
        subjects, instants = _WORK[kind].due(state)
        found.append(np.stack((instants, np.full_like(instants, kind), subjects), axis=1))
    rows = np.concatenate(found)
    rows = rows[rows[:, 0] <= until_ns]
    earliest: I64 = rows[rows[:, 0] == rows[:, 0].min(initial=until_ns)]
    return earliest[:RECORD_ROWS]


def due_commands(state: State, due: I64) -> list[Run]:
    """Return the commands that do what is due, a run of each kind."""
    kinds = np.unique(due[:, 1]).tolist()
    return [_WORK[kind].commands(state, due[due[:, 1] == kind, 2]) for kind in kinds]


def consequences(state: State) -> list[Run]:
    """Return the next batch that the present state calls for; empty when it is at rest.

    One stage at a time: what a stage changes is seen by the next.  What a stage calls for beyond
    `RECORD_ROWS` is called for again, after all stages have been asked.
    """
    if state.single(Role.LIQUIDATOR) < 0:
        return []
    margin = state.margin_cache.columns()
    held = HELD_BY_PAUSE if state.is_paused() else ()
    for stage in STAGES:
        runs = [] if stage in held else stage(state, margin)
        if runs:
            return [_first_rows(run) for run in runs]
    return []


def _first_rows(run: Run) -> Run:
    """A run without its rows beyond the most that a record takes."""
    if run.rows <= RECORD_ROWS:
        return run
    columns = tuple((name, column[:RECORD_ROWS]) for name, column in run.columns)
    return Run(run.name, run.version, RECORD_ROWS, columns)
