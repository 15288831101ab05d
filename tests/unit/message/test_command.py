from __future__ import annotations

import numpy as np
import pytest

from novate.message import command
from novate.message.declare import TEXT, Message


def test_every_command_is_listed_once_and_found_by_its_name() -> None:
    declared = [value for value in vars(command).values() if isinstance(value, Message)]

    assert list(command.COMMANDS) == declared
    assert {message.name: message for message in declared} == command.BY_NAME
    assert len(command.BY_NAME) == len(declared)


@pytest.mark.parametrize("message", command.COMMANDS, ids=lambda message: message.name)
def test_every_column_has_a_type_that_the_journal_can_write(message: Message) -> None:
    names = [field.name for field in message.fields]

    assert len(set(names)) == len(names)
    for field in message.fields:
        assert field.doc
        assert field.dtype == TEXT or np.dtype(field.dtype).kind in "iub"
