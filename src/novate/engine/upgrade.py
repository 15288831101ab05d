"""An engine version takes a journal over from an earlier one.

The upgrade is a record of its own: it states what the later version found, so that the fold of the
earlier records can be held to it for ever, and an audit by the later version begins at it.
"""

from __future__ import annotations

from collections.abc import Sequence

from novate.canonical import Run
from novate.engine.ledger_digest import ledger_digest
from novate.engine.state import State
from novate.engine.state_version import STATE_VERSION
from novate.errors import JournalError
from novate.message import command, event
from novate.message.declare import Emit, Row, rows_of
from novate.message.refusal import EngineCommandRefusal
from novate.message.topic import NOBODY, Application, Decision, Topic, report_only
from novate.message.version import present_command, present_event


def decide_upgrade_engine(state: State, row: Row, emit: Emit) -> None:
    """State which versions follow one another, and what the state is at this point."""
    emit(
        event.ENGINE_UPGRADED,
        from_version=row["from_version"],
        to_version=row["to_version"],
        state_version=STATE_VERSION,
        state_digest=state.digest().hex(),
        ledger_digest=ledger_digest(state).hex(),
    )


def require_upgrade(
    state: State,
    sequence: int,
    commands: Sequence[Run],
    events: Sequence[Run],
    versions: tuple[int, int],
) -> None:
    """Stop unless a record is an upgrade and the state that it states was found again.

    Parameters
    ----------
    state
        State after the record, as the records up to it gave it now.
    sequence
        Number of the record.
    commands, events
        What it holds.
    versions
        Engine version of the record before, and its own.

    Raises
    ------
    JournalError
        Saying what differs.
    """
    place = f"record {sequence}"
    names = [run.name for run in (*commands, *events)]
    if names != [command.UPGRADE_ENGINE.name, event.ENGINE_UPGRADED.name]:
        raise JournalError(f"{place} is the first of engine version {versions[1]} and no upgrade")
    [asked], [stated] = rows_of(present_command(commands[0])), rows_of(present_event(events[0]))
    for row in (asked, stated):
        if (row["from_version"], row["to_version"]) != versions or versions[0] >= versions[1]:
            raise JournalError(
                f"{place} upgrades from {row['from_version']} to {row['to_version']},"
                f" engine version {versions[1]} follows {versions[0]}"
            )
    if stated["ledger_digest"] != ledger_digest(state).hex():
        raise JournalError(f"{place}: the records before it give another ledger digest")
    is_present = stated["state_version"] == STATE_VERSION
    if is_present and stated["state_digest"] != state.digest().hex():
        raise JournalError(f"{place}: the records before it give another state digest")


TOPIC: Topic[State] = Topic(
    name="upgrade",
    decisions=(
        Decision(
            command.UPGRADE_ENGINE,
            decide_upgrade_engine,
            EngineCommandRefusal,
            is_engine_only=True,
            is_before_house=True,
        ),
    ),
    applications=(Application(event.ENGINE_UPGRADED, report_only, NOBODY),),
)
