from __future__ import annotations

import numpy as np
import pytest

from novate.message import event
from novate.message.declare import TEXT, Message


def test_every_event_is_found_by_its_name() -> None:
    assert {message.name: message for message in event.EVENTS} == event.BY_NAME
    assert len(event.BY_NAME) == len(event.EVENTS)


@pytest.mark.parametrize("message", event.EVENTS, ids=lambda message: message.name)
def test_every_column_has_a_type_that_the_journal_can_write(message: Message) -> None:
    names = [field.name for field in message.fields]

    assert len(set(names)) == len(names)
    for field in message.fields:
        assert field.doc
        assert field.dtype == TEXT or np.dtype(field.dtype).kind in "iubf"
