from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

from novate import message
from novate.message import command, event
from novate.message.declare import TEXT, Message


def test_every_command_is_listed_once_and_found_by_its_name() -> None:
    listed = [value for value in vars(command).values() if isinstance(value, Message)]

    assert set(command.COMMANDS) == set(listed)
    assert {each.name: each for each in command.COMMANDS} == command.BY_NAME
    assert len(command.BY_NAME) == len(command.COMMANDS)


def test_every_message_that_a_topic_declares_is_a_command_or_an_event() -> None:
    modules = [
        importlib.import_module(f"novate.message.{module.name}")
        for module in pkgutil.iter_modules(message.__path__)
        if module.name not in {"command", "event"}
    ]
    declared = [
        value for module in modules for value in vars(module).values() if isinstance(value, Message)
    ]

    assert len(declared) == len(set(declared)), "each is declared once"
    assert set(declared) == {*command.COMMANDS, *event.EVENTS}
    assert set(command.COMMANDS).isdisjoint(event.EVENTS)


@pytest.mark.parametrize("declared", command.COMMANDS, ids=lambda declared: declared.name)
def test_every_column_has_a_type_that_the_journal_can_write(declared: Message) -> None:
    names = [field.name for field in declared.fields]

    assert len(set(names)) == len(names)
    for field in declared.fields:
        assert field.doc
        assert field.dtype == TEXT or np.dtype(field.dtype).kind in "iub"
