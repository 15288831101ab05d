"""Batches: what one record asked and what happened, and how a call is split into records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from novate.canonical import Record, Run, command_digest, decode_runs
from novate.engine.apply import apply_run
from novate.engine.state import State
from novate.kernel.codes import Origin
from novate.message import command
from novate.message.declare import rows_of
from novate.message.version import present_command, present_event


@dataclass(frozen=True, slots=True)
class Batch:
    """One record, decoded.

    Attributes
    ----------
    sequence
        Place in the journal, from 1.
    instant_ns
        Journal time, nanoseconds since 1970 UTC.
    origin
        Who asked, and whether the commands were linked.
    commands, events
        What was asked and what happened, runs in order.
    """

    sequence: int
    instant_ns: int
    origin: Origin
    commands: tuple[Run, ...]
    events: tuple[Run, ...]


CONTROL = frozenset({command.ADVANCE_TIME.name, command.ASSESS_MARGIN.name})
"""Commands that are records of their own."""


def split_at_control(commands: Sequence[Run]) -> list[list[Run]]:
    """Split a batch so that every row of a control command stands alone.

    That is what makes a batch give the same events as its rows one by one.
    """
    parts: list[list[Run]] = []
    open_part: list[Run] = []
    for run in commands:
        if run.name not in CONTROL:
            open_part.append(run)
            continue
        if open_part:
            parts.append(open_part)
            open_part = []
        message = command.BY_NAME[run.name]
        parts.extend([message.row(**row)] for row in rows_of(run))
    if open_part:
        parts.append(open_part)
    return parts


def asked_digest(parts: Sequence[Sequence[Run]], *, is_linked: bool) -> bytes:
    """Identify what a call asked: equal digests, equal calls.

    Parameters
    ----------
    parts
        Commands from outside as `split_at_control` gives them, in the versions that are compared.
    is_linked
        Whether they are booked together or not at all: the same commands one by one are another
        call.
    """
    return bytes([is_linked]) + command_digest([run for part in parts for run in part])


def recorded_digest(batches: Sequence[Batch]) -> bytes:
    """`asked_digest` of a call from the batches that it led to, in the present versions."""
    asked = [batch for batch in batches if batch.origin != Origin.ENGINE]
    is_linked = any(batch.origin == Origin.LINKED for batch in asked)
    return asked_digest([batch.commands for batch in asked], is_linked=is_linked)


def decode_batch(record: Record) -> Batch:
    """Decode a record: what was written, in the versions of its time."""
    commands, events = decode_runs(record.body)
    return Batch(
        record.sequence, record.instant_ns, Origin(record.origin), tuple(commands), tuple(events)
    )


def present_batch(batch: Batch) -> Batch:
    """Return a batch with every run in the present version of its message: what a reader wants."""
    return replace(
        batch,
        commands=tuple(present_command(run) for run in batch.commands),
        events=tuple(present_event(run) for run in batch.events),
    )


def apply_record(state: State, record: Record) -> Batch:
    """Apply a record's events to a state, which must be sound afterwards: recovery of one batch."""
    batch = decode_batch(record)
    for run in batch.events:
        apply_run(state, run)
    if record.source:
        state.sources_seen[record.source] = record.source_sequence
    state.require_still_sound(batch.events)
    return batch
