"""Deciding commands: each run of one type, row by row, every event applied at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from novate.canonical import Run
from novate.engine.apply import apply_run
from novate.engine.catalogue import APPLICATIONS, DECISIONS
from novate.engine.state import State
from novate.engine.touch import note
from novate.errors import InputError
from novate.kernel.codes import Origin
from novate.message import command, event
from novate.message.declare import Message, Refusal, Row, columns_of, rows_of
from novate.message.refusal import EngineCommandRefusal
from novate.message.topic import ColumnDecision


class Events:
    """Events of one batch in order: rows of one type in sequence become one run."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._message: Message | None = None
        self._rows: list[Row] = []
        self.runs: list[Run] = []

    def __call__(self, message: Message, /, **values: Any) -> None:
        """Journal one row and apply it to the state."""
        if message is not self._message:
            self.flush()
            self._message = message
        self._rows.append(values)
        application = APPLICATIONS[message]
        row = values
        if application.is_by_column:
            row = {name: np.array([value]) for name, value in values.items()}
        application.apply(self._state, row)
        note(self._state, application.touches, row)

    def columns(self, message: Message, /, **columns: Any) -> None:
        """Journal many rows of an event, and apply them."""
        self.flush()
        run = message.run(columns)
        apply_run(self._state, run)
        self.runs.append(run)

    def booked(self, message: Message, /, **columns: Any) -> None:
        """Journal rows of an event that its kernel has applied already."""
        self.flush()
        run = message.run(columns)
        note(self._state, APPLICATIONS[message].touches, columns_of(run))
        self.runs.append(run)

    def flush(self) -> None:
        """Close the run of scalar rows that is being collected."""
        if self._message is not None and self._rows:
            names = [field.name for field in self._message.fields]
            self.runs.append(
                self._message.run({name: [row[name] for row in self._rows] for name in names})
            )
        self._message, self._rows = None, []


def decide_run(state: State, run: Run, origin: Origin, events: Events) -> None:
    """Decide one run of commands, journaling events and refusals.

    Raises
    ------
    InputError
        If the command is unknown or of another version: such input never reaches a decision.
    """
    message = command.BY_NAME.get(run.name)
    if message is None or message.version != run.version:
        raise InputError(f"command {run.name!r} version {run.version} is unknown")
    decision = DECISIONS[message]
    if decision.is_engine_only and origin != Origin.ENGINE:
        refusal = Refusal(EngineCommandRefusal.ENGINE_ONLY, int(origin), int(Origin.ENGINE))
        for row in range(run.rows):
            refuse(events, message, row, refusal)
        return
    if isinstance(decision, ColumnDecision):
        for row, refusal in decision.decide(state, columns_of(run), events):
            refuse(events, message, row, refusal)
        return
    for row, values in enumerate(rows_of(run)):
        answer = decision.decide(state, values, events)
        if answer is not None:
            refuse(events, message, row, answer)


def refuse(events: Events, message: Message, row: int, refusal: Refusal) -> None:
    """Journal a refusal."""
    events(
        event.COMMAND_REFUSED,
        command=message.name,
        row=row,
        code=int(refusal.code),
        actual=int(refusal.actual),
        allowed=int(refusal.allowed),
    )
