from __future__ import annotations

import pytest

from novate.message import event
from novate.message.declare import Message, rows_of
from novate.message.version import present_event


@pytest.mark.rule("5.41")
def test_a_mark_of_the_first_version_adds_up_the_index_of_the_mark() -> None:
    before = tuple(field for field in event.MARK_UPDATED.fields if field.since == 1)
    first = Message("MarkUpdated", 1, before, "")
    values = {field.name: k for k, field in enumerate(before)}
    [row] = rows_of(present_event(first.row(**values)))
    assert row == {**values, "final_index": values["index"], "slow_basis_e8": 0}
