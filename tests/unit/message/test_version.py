from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.canonical import Run
from novate.errors import InputError, InvariantError, JournalError
from novate.message import command, event
from novate.message.declare import TEXT, Field, Message, rows_of
from novate.message.version import (
    command_of,
    event_of,
    present_command,
    present_event,
    upcast,
    upcast_once,
)

ACCOUNT = Field("account", "uint32", "who")


def run_of(version: int, **columns: Any) -> Run:
    """A run as an earlier version wrote it."""
    arrays = [
        (name, values if isinstance(values, tuple) else np.array(values))
        for name, values in columns.items()
    ]
    return Run("Note", version, len(arrays[0][1]), tuple(arrays))


def test_a_new_column_has_its_default_in_older_rows() -> None:
    note = Message(
        "Note",
        2,
        (
            ACCOUNT,
            Field("reason", TEXT, "why", since=2, default="none"),
            Field("share", "float64", "how much", since=2, default=0.5),
        ),
        "",
    )

    run = upcast(note, run_of(1, account=[3, 4]))

    assert (run.version, run.rows) == (2, 2)
    assert rows_of(run) == [
        {"account": 3, "reason": "none", "share": 0.5},
        {"account": 4, "reason": "none", "share": 0.5},
    ]
    assert upcast(note, run_of(1, account=[])).rows == 0


def test_a_renamed_column_keeps_its_values() -> None:
    note = Message("Note", 2, (Field("payer", "uint32", "who"),), "", renamed={2: {"who": "payer"}})

    assert rows_of(upcast(note, run_of(1, who=[7]))) == [{"payer": 7}]


def test_two_columns_may_change_their_names_with_each_other() -> None:
    fields = (Field("a", "int64", "one"), Field("b", "int64", "other"))
    note = Message("Note", 2, fields, "", renamed={2: {"a": "b", "b": "a"}})

    assert rows_of(upcast(note, run_of(1, a=[1], b=[2]))) == [{"a": 2, "b": 1}]


def test_a_column_that_got_wider_needs_no_word() -> None:
    note = Message("Note", 2, (Field("lots", "int64", "size"),), "", renamed={2: {}})

    [(_, lots)] = upcast(note, run_of(1, lots=np.array([-4], np.int8))).columns

    assert lots.dtype == np.int64
    assert lots.tolist() == [-4]


def split(columns: dict[str, Any]) -> dict[str, Any]:
    """A signed amount becomes a size and a side."""
    amount = columns.pop("amount")
    return {**columns, "size": np.abs(amount), "is_debit": amount < 0}


def test_a_function_stands_where_renames_and_defaults_do_not_suffice() -> None:
    fields = (Field("size", "int64", "size"), Field("is_debit", "bool", "side"))
    note = Message("Note", 2, fields, "", upcasters={2: split})

    assert rows_of(upcast(note, run_of(1, amount=[-3]))) == [{"size": 3, "is_debit": True}]


CHAIN = Message(
    "Note",
    5,
    (
        Field("size", "int64", "size"),
        Field("is_debit", "bool", "side"),
        Field("margin_account", "uint32", "who", since=3, default=9),
    ),
    "A message that changed four times.",
    renamed={2: {"sum": "amount"}, 4: {"account": "margin_account"}},
    upcasters={5: split},
)


def test_versions_follow_one_another_and_a_name_is_that_of_its_time() -> None:
    seen = [run_of(1, sum=[-3])]
    for _ in range(3):
        seen.append(upcast_once(CHAIN, seen[-1]))

    assert [(run.version, [name for name, _ in run.columns]) for run in seen] == [
        (1, ["sum"]),
        (2, ["amount"]),
        (3, ["amount", "account"]),
        (4, ["amount", "margin_account"]),
    ]
    assert rows_of(upcast(CHAIN, seen[0])) == [{"size": 3, "is_debit": True, "margin_account": 9}]
    assert upcast(CHAIN, seen[2]) == upcast(CHAIN, seen[0])


def test_what_its_version_cannot_have_written_is_refused() -> None:
    note = Message("Note", 2, (Field("payer", "uint32", "who"),), "", renamed={2: {}})

    with pytest.raises(InputError, match=r"Note: unknown column \['who'\]"):
        upcast(note, run_of(1, who=[7]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": 3, "renamed": {2: {}}}, r"every version says what it changed, not \[3\]"),
        ({"version": 1, "renamed": {2: {}}}, r"Note has version 1, it names \[2\]"),
        (
            {"version": 2, "renamed": {2: {}}, "upcasters": {2: split}},
            "version 2 either renames or has a function",
        ),
        ({"version": 1, "renamed": {1: {}}}, "version 1 either renames or has a function"),
        ({"version": 2, "renamed": {2: {"who": "payer"}}}, r"\['payer'\] is renamed to a column"),
        (
            {"version": 2, "fields": (ACCOUNT, Field("size", "int64", "size", since=2))},
            "Note.size: a column added later has a default",
        ),
    ],
)
def test_a_version_that_does_not_say_what_it_changed_cannot_be_declared(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvariantError, match=message):
        Message(**{"name": "Note", "fields": (ACCOUNT,), "doc": "", **options})


@pytest.mark.parametrize("version", [0, 2])
def test_a_version_that_this_release_does_not_know_is_refused(version: int) -> None:
    name, fields = "CommandRefused", ()
    with pytest.raises(JournalError, match=rf"'{name}' version {version} is unknown .* release"):
        event_of(Run(name, version, 0, fields))
    with pytest.raises(InputError, match=f"'SetTier' version {version} is unknown"):
        command_of(Run("SetTier", version, 0, fields))


def test_a_name_that_nobody_declared_is_refused() -> None:
    with pytest.raises(JournalError, match="event 'Guessed' version 1 is unknown to this release"):
        present_event(Run("Guessed", 1, 0, ()))
    with pytest.raises(InputError, match="command 'Guess' version 1 is unknown"):
        present_command(Run("Guess", 1, 0, ()))


def test_a_run_of_the_present_version_stays_as_it_is() -> None:
    tick = command.ADVANCE_TIME.row(instant_ns=5)
    ticked = event.TIME_ADVANCED.row(instant_ns=5)

    assert present_command(tick) is tick
    assert present_event(ticked) is ticked
