from __future__ import annotations

import numpy as np
import pytest

from novate.message import command
from novate.message.declare import TEXT, Message
from novate.message.refusal import REFUSALS


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


def test_a_command_has_refusals_of_its_own_unless_only_the_engine_issues_it() -> None:
    external = {message.name for message in command.COMMANDS} - command.ENGINE_ONLY

    assert external - set(REFUSALS) == {"AssessMargin"}
    assert set(REFUSALS) & command.ENGINE_ONLY == set()


def test_what_only_the_engine_may_issue_is_said_by_name() -> None:
    assert {
        "SettleCycle", "SettleFunding", "SettleExpiry", "StartGainsWindow", "CallMargin",
        "MeetCall", "ExpireCall", "StartLiquidation", "StopLiquidation", "PlaceSlice",
        "ExpireOrder", "TakeOver", "RecordShortfall", "AllocateLoss", "SweepSurplus",
        "ObserveBarrier", "UpgradeEngine",
    } == command.ENGINE_ONLY  # fmt: skip
