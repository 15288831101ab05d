"""What a phase causes elsewhere: commands of the next batch, from the engine itself.

A cascade is therefore a readable sequence in the journal and not a recursion.  `due` lists work
that an instant makes due; `consequences` lists what the present state calls for.  Both are pure
functions of the state: an auditor who recomputes them must find the commands that were journaled.
Their order is that of `engine.order`.
"""

from __future__ import annotations

from typing import NamedTuple

from novate.canonical import Run
from novate.engine.order import STAGES, WORK
from novate.engine.state import State
from novate.kernel.clearing.columns import MarginColumns
from novate.kernel.codes import NEW_TERMS, DueKind, Role

_WORK = {work.kind: work for work in WORK}


class Due(NamedTuple):
    """Work due at an instant; the tuple order is the order in which it is done."""

    instant_ns: int
    kind: DueKind
    subject: int


def due_list(state: State, until_ns: int) -> list[Due]:
    """Return what is due up to an instant, only the earliest instant's work, in order.

    New terms come alone: what else is due at their instant is asked for again under them.
    """
    found: list[Due] = []
    for work in WORK:
        subjects, instants = work.due(state)
        is_due = instants <= until_ns
        found.extend(
            Due(instant, work.kind, subject)
            for subject, instant in zip(
                subjects[is_due].tolist(), instants[is_due].tolist(), strict=True
            )
        )
    if not found:
        return []
    first = min(found).instant_ns
    ready = sorted(entry for entry in found if entry.instant_ns == first)
    return [entry for entry in ready if entry.kind in NEW_TERMS] or ready


def due_commands(state: State, due: list[Due]) -> list[Run]:
    """Return the commands that do what is due."""
    return [_WORK[kind].command(state, subject, instant) for instant, kind, subject in due]


def consequences(state: State) -> list[Run]:
    """Return the next batch that the present state calls for; empty when it is at rest.

    One stage at a time: what a stage changes is seen by the next.
    """
    if state.single(Role.LIQUIDATOR) < 0:
        return []
    margin = MarginColumns(*state.margin_cache.numbers().T)
    for stage in STAGES:
        runs = stage(state, margin)
        if runs:
            return runs
    return []
