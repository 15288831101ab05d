from __future__ import annotations

import numpy as np

from novate.canonical import Run
from novate.message import event
from novate.message.deciding_price import DecidingPrice
from novate.message.declare import rows_of
from novate.message.version import present_event

TOLD = (
    event.MARGIN_CALLED,
    event.DEFAULT_DECLARED,
    event.LIQUIDATION_STARTED,
    event.ACCOUNT_TAKEN_OVER,
)


def test_events_against_an_account_tell_what_decided_by_the_same_columns() -> None:
    columns = ("decided_by", "worth", "level")
    for message in TOLD:
        assert tuple(field.name for field in message.fields)[-3:] == columns
    for message in (event.MARGIN_CALL_MET, event.LIQUIDATION_STOPPED):
        assert message.fields[-1].name == "decided_by"


def test_a_default_of_version_1_does_not_tell_what_decided() -> None:
    columns = {
        "account": np.array([3], np.uint32),
        "equity": np.array([1]),
        "requirement": np.array([5]),
        "net": np.array([1]),
    }
    [row] = rows_of(present_event(Run("DefaultDeclared", 1, 1, tuple(columns.items()))))
    assert (row["decided_by"], row["worth"], row["level"]) == (DecidingPrice.NOT_TOLD, 0, 0)


def test_a_call_that_waited_in_version_1_named_a_contract_in_a_narrower_column() -> None:
    columns = {
        "account": np.array([3], np.uint32),
        "deadline_ns": np.array([9]),
        "instrument": np.array([4], np.uint32),
    }
    [row] = rows_of(present_event(Run("CallExtended", 1, 1, tuple(columns.items()))))
    assert (row["instrument"], row["grace_ns"]) == (4, 0)
