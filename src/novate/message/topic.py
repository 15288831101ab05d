"""How a topic registers: once, at the end of the module that decides and applies its messages.

A *topic* lists its decisions (what becomes of a command), its applications (what an event changes,
and whom it touches), and what the engine calls by itself: phases of an assessment, work that an
instant makes due, and stages of what the present state calls for.  `engine.catalogue` lists the
topics, `engine.order` the order in which phases, work and stages happen.

Every function takes the state as its first argument and annotates the part that it needs: a state
class of its own floor, from which those of the floors above inherit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from novate.canonical import Run
from novate.kernel.clearing.columns import MarginColumns
from novate.kernel.codes import DueKind
from novate.message.declare import Emit, Message, Refusal, Row

S_contra = TypeVar("S_contra", contravariant=True)
"""State, or the part of it that a function needs."""

Numbers: TypeAlias = npt.NDArray[np.int64]

Accounts: TypeAlias = npt.NDArray[np.integer[Any]]
"""Numbers of accounts, repeats allowed."""


class Reach(Enum):
    """Whom an event touches, where it is nobody by name."""

    NOBODY = "moves no money, no lots and no open orders"
    HOUSE = "only accounts of the clearing house itself"
    EVERYBODY = "may touch every account"


NOBODY, HOUSE, EVERYBODY = Reach.NOBODY, Reach.HOUSE, Reach.EVERYBODY


def named(*columns: str) -> Callable[[object, Row], Accounts]:
    """Return what reads the touched accounts from columns of the event, one row or all rows."""

    def read(state: object, row: Row) -> Accounts:
        accounts: Accounts = np.array([row[name] for name in columns], np.int64)
        return accounts.reshape(-1)

    return read


ACCOUNT, PAYER, BOTH_SIDES = named("account"), named("payer"), named("buyer", "seller")


@dataclass(frozen=True, slots=True)
class Decision(Generic[S_contra]):
    """What becomes of a command, row by row.

    Attributes
    ----------
    command
        Declaration of the command.
    decide
        ``decide(state, row, emit)``: emits events, or returns why not and changes nothing.
    refusals
        Its reasons, in the order in which they are tested.
    is_engine_only
        Whether the engine alone may issue it.
    is_before_house
        Whether it needs none of the clearing house's own accounts.
    """

    command: Message
    decide: Callable[[S_contra, Row, Emit], Refusal | None]
    refusals: type[IntEnum]
    is_engine_only: bool = False
    is_before_house: bool = False


@dataclass(frozen=True, slots=True)
class ColumnDecision(Generic[S_contra]):
    """What becomes of a command whose rows are decided together, by a kernel or as one table.

    ``decide(state, columns, emit)`` takes the columns of a run and returns the refused rows in
    order, each with its reason.  The other attributes are those of `Decision`.
    """

    command: Message
    decide: Callable[[S_contra, Row, Emit], Sequence[tuple[int, Refusal]]]
    refusals: type[IntEnum]
    is_engine_only: bool = False
    is_before_house: bool = False


@dataclass(frozen=True, slots=True)
class Application(Generic[S_contra]):
    """What an event changes, and whom it touches.

    Attributes
    ----------
    event
        Declaration of the event.
    apply
        ``apply(state, row)``; integer arithmetic only.
    touches
        Whose balances, lots or open orders it changes: a `Reach`, or a function of state and row
        that is asked after `apply`.  What touches anybody touches the clearing house's own
        accounts too: every movement has its other side there.
    is_by_column
        Whether `apply` and `touches` take the columns of a whole run in the place of a row.
    older
        Pairs of (version, apply) of the rules before: they take rows with the columns of that
        version, and stay for ever.
    """

    event: Message
    apply: Callable[[S_contra, Row], None]
    touches: Reach | Callable[[S_contra, Row], Accounts]
    is_by_column: bool = False
    older: tuple[tuple[int, Callable[[S_contra, Row], None]], ...] = ()


def report_only(state: object, row: Row) -> None:
    """Apply an event that only reports: nothing changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Generic[S_contra]):
    """Work that an instant makes due.

    Attributes
    ----------
    kind
        Code of the work.
    due
        Subjects that have an instant, and that instant in ns; both of shape (subjects,).
    instants
        ``instants(state, subjects)``: the instants of some subjects, not positive where they have
        none.  Who moves one enters it in the state's due table.
    commands
        ``commands(state, subjects)``: the run of commands that does the work, a row a subject.
    """

    kind: DueKind
    due: Callable[[S_contra], tuple[Numbers, Numbers]]
    instants: Callable[[S_contra, Numbers], Numbers]
    commands: Callable[[S_contra, Numbers], Run]


Phase: TypeAlias = Callable[[S_contra, Emit], None]
"""Part of an assessment: computes and emits what the floors above go by."""

Stage: TypeAlias = Callable[[S_contra, MarginColumns], list[Run]]
"""Commands that the present state calls for, none when it is at rest in this respect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic(Generic[S_contra]):
    """Everything that one topic adds to the engine, in its own order."""

    name: str
    decisions: tuple[Decision[S_contra] | ColumnDecision[S_contra], ...] = ()
    applications: tuple[Application[S_contra], ...] = ()
    phases: tuple[Phase[S_contra], ...] = ()
    work: tuple[Work[S_contra], ...] = ()
    stages: tuple[Stage[S_contra], ...] = ()


def commands(message: Message, **columns: Any) -> list[Run]:
    """Return a run of these rows in a list, or nothing where there are none."""
    is_empty = all(len(column) == 0 for column in columns.values())  # most stages, most often
    return [] if is_empty else [message.run(columns)]


def column_work(
    kind: DueKind,
    column: Callable[[S_contra], Numbers],
    commands_of: Callable[[S_contra, Numbers], Run],
) -> Work[S_contra]:
    """Return work whose instants are a column of the state by subject; not positive for none."""

    def due(state: S_contra) -> tuple[Numbers, Numbers]:
        instants = column(state)
        waiting = np.flatnonzero(instants > 0)
        return waiting, instants[waiting]

    def instants(state: S_contra, subjects: Numbers) -> Numbers:
        found: Numbers = column(state)[subjects]
        return found

    return Work(kind=kind, due=due, instants=instants, commands=commands_of)
