"""The values of risk parameters in force, by scope, and those that wait for their instant.

The narrowest value that fits counts: of the account, its margin group, the instrument, the house.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from novate.canonical import digest_columns
from novate.kernel.clearing.columns import I8, I64, NONE, Columns
from novate.message.declare import Row
from novate.message.parameter import SETTINGS, Parameter, Scope


class Key(NamedTuple):
    """What has one value: a parameter for a subject of a scope."""

    parameter: int
    scope: int
    subject: int


class OverrideColumns(Columns):
    """Values that hold for one subject, in the order in which they were first set."""

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        "parameter": (np.int64, 0),
        "scope": (np.int8, 0),
        "subject": (np.int64, 0),
        "value": (np.int64, 0),
    }
    parameter: I64
    scope: I8
    subject: I64
    value: I64

    def __init__(self, capacity: int = 4) -> None:
        super().__init__(capacity)

    def rows_of(self, parameter: int, scope: int) -> I64:
        """Rows of a parameter in a scope."""
        mine = self.used("parameter") == parameter
        found: I64 = np.flatnonzero(mine & (self.used("scope") == scope))
        return found

    def row_of(self, parameter: int, scope: int, subject: int) -> int:
        """Row of a parameter for one subject, -1 for none."""
        rows = self.rows_of(parameter, scope)
        found = rows[self.subject[rows] == subject]
        return int(found[0]) if found.size else NONE


class ParameterChangeColumns(OverrideColumns):
    """Values that wait for an instant; one for each subject and instant."""

    SPEC: ClassVar[dict[str, tuple[Any, Any]]] = {
        **OverrideColumns.SPEC,
        "effective_ns": (np.int64, 0),
    }
    effective_ns: I64

    def waiting_row(self, key: Key, effective_ns: int) -> int:
        """Row of what waits for an instant, -1 for none."""
        rows = self.rows_of(key.parameter, key.scope)
        is_it = (self.subject[rows] == key.subject) & (self.effective_ns[rows] == effective_ns)
        found = rows[is_it]
        return int(found[0]) if found.size else NONE


class ParameterState:
    """The parameters in force: the part of the state that every floor may ask.

    ``parameters`` holds what is in force for the whole house, by number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.parameters = np.array([s.default for s in SETTINGS.values()], np.int64)
        self.overrides = OverrideColumns()
        self.parameter_changes = ParameterChangeColumns()

    def groups_of(self, accounts: I64) -> I64:
        """Return the margin groups of some accounts: each is one, until the book says otherwise."""
        return accounts

    def parameter(
        self, parameter: Parameter, *, instrument: int = NONE, account: int = NONE
    ) -> int:
        """Return a risk parameter in its unit, for an instrument or an account where one is named.

        The narrowest value counts: account, margin group, instrument, house.
        """
        if self.overrides.count:
            for scope, subject in (
                (Scope.ACCOUNT, account),
                (Scope.GROUP, int(self.groups_of(np.array(account))) if account >= 0 else NONE),
                (Scope.INSTRUMENT, instrument),
            ):
                row = self.overrides.row_of(parameter, scope, subject)
                if row >= 0:
                    return int(self.overrides.value[row])
        return int(self.parameters[parameter])

    def forget_parameters(self) -> None:
        """Forget what was derived from parameters: one of them changed."""

    def parameter_of(self, parameter: Parameter, accounts: I64, other: int | None = None) -> I64:
        """Return a risk parameter for many accounts; the shape is that of ``accounts``.

        ``other`` stands where no narrower value holds; without one, that of the house.
        """
        house = int(self.parameters[parameter])
        values: I64 = np.full(accounts.shape, house if other is None else other, np.int64)
        overrides = self.overrides
        if overrides.count:
            groups = self.groups_of(accounts.ravel())
            for scope, subjects in ((Scope.GROUP, groups), (Scope.ACCOUNT, accounts.ravel())):
                for row in overrides.rows_of(parameter, scope):
                    values.flat[subjects == overrides.subject[row]] = overrides.value[row]
        return values

    def parameter_set(self, changed: Mapping[Key, int] | None = None) -> str:
        """Return the version of the values in force: SHA-256 over all of them, in hex.

        Equal values have equal versions, however they came about.

        Parameters
        ----------
        changed
            Values in the place of those in force, to say what the version would be.
        """
        values = {Key(p, Scope.HOUSE, 0): int(v) for p, v in enumerate(self.parameters)}
        o = self.overrides
        for row in range(o.count):
            key = Key(int(o.parameter[row]), int(o.scope[row]), int(o.subject[row]))
            values[key] = int(o.value[row])
        values.update(changed or {})
        rows = np.array([(*key, value) for key, value in sorted(values.items())], np.int64)
        return digest_columns([("parameters", rows)]).hex()


def key_of(row: Row) -> Key:
    """Return what a command or an event gives a value."""
    return Key(row["parameter"], row["scope"], row["subject"])


def apply_parameter_set(state: ParameterState, row: Row) -> None:
    """Let a value hold; it no longer waits."""
    state.forget_parameters()
    key = key_of(row)
    waiting = state.parameter_changes.waiting_row(key, row["effective_ns"])
    if waiting >= 0:
        state.parameter_changes.remove(waiting)
    if key.scope == Scope.HOUSE:
        state.parameters[key.parameter] = row["value"]
        return
    _put(state.overrides, state.overrides.row_of(*key), row)


def apply_parameter_scheduled(state: ParameterState, row: Row) -> None:
    """Remember a value that waits; a later one for the same instant takes its place."""
    changes = state.parameter_changes
    _put(changes, changes.waiting_row(key_of(row), row["effective_ns"]), row)


def _put(table: OverrideColumns, at: int, row: Row) -> None:
    """Write a row, at the end if there is none yet."""
    at = at if at >= 0 else table.append()
    for name in table.SPEC:
        getattr(table, name)[at] = row[name]
