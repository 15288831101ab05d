from __future__ import annotations

import numpy as np

from novate.canonical import Run
from novate.kernel.codes import DueKind
from novate.message import command, event
from novate.message.declare import rows_of
from novate.message.topic import (
    BOTH_SIDES,
    PAYER,
    Numbers,
    column_work,
    commands,
    named,
    report_only,
)


def test_touched_accounts_are_read_from_a_row_or_from_all_rows() -> None:
    assert PAYER(None, {"payer": 7, "amount": 3}).tolist() == [7]
    assert BOTH_SIDES(None, {"buyer": 1, "seller": 2}).tolist() == [1, 2]
    columns = {"buyer": np.array([1, 2], np.uint32), "seller": np.array([3, 3], np.uint32)}

    assert BOTH_SIDES(None, columns).tolist() == [1, 2, 3, 3]
    assert named("buyer")(None, {"buyer": []}).tolist() == []


def test_no_rows_make_no_command() -> None:
    assert commands(command.PLACE_SLICE, account=[]) == []
    [run] = commands(command.PLACE_SLICE, account=np.array([4, 2]))
    assert (run.name, run.rows) == ("PlaceSlice", 2)


def test_work_of_a_column_is_due_where_it_has_an_instant() -> None:
    column = np.array([0, 5, -1, 3])

    def place(state: object, accounts: Numbers) -> Run:
        return command.PLACE_SLICE.run({"account": accounts})

    work = column_work(DueKind.SLICE, lambda state: column, place)

    subjects, instants = work.due(None)
    assert (subjects.tolist(), instants.tolist()) == ([1, 3], [5, 3])
    assert work.instants(None, np.array([3, 0])).tolist() == [3, 0]
    assert rows_of(work.commands(None, subjects)) == [{"account": 1}, {"account": 3}]


def test_an_event_that_only_reports_changes_nothing() -> None:
    assert report_only(event, {}) is None
