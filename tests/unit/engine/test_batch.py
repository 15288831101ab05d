from __future__ import annotations

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.engine.batch import (
    apply_record,
    asked_digest,
    decode_batch,
    recorded_digest,
    split_at_control,
)
from novate.engine.engine import Engine
from novate.engine.state import State
from novate.kernel.codes import Origin
from novate.message import command
from tests.unit.clearing import COIN, HOUR, START, ClearingHouse

TICK = command.ADVANCE_TIME.row(instant_ns=START + 1)
ASSESS = command.ASSESS_MARGIN.row(instant_ns=START + 1)
LAST = command.REPORT_LAST.row(instrument=0, ticks=5)
DEPOSIT = command.POST_COLLATERAL.row(account=0, asset=0, amount=7)


@pytest.mark.rule("4.1")
def test_control_commands_stand_alone_and_the_rest_stays_together() -> None:
    parts = split_at_control([LAST, DEPOSIT, TICK, LAST, ASSESS, TICK, DEPOSIT])

    assert [[run.name for run in part] for part in parts] == [
        ["ReportLast", "PostCollateral"],
        ["AdvanceTime"],
        ["ReportLast"],
        ["AssessMargin"],
        ["AdvanceTime"],
        ["PostCollateral"],
    ]


@pytest.mark.rule("4.1")
def test_every_row_of_a_control_command_is_a_part() -> None:
    parts = split_at_control([command.ADVANCE_TIME.run({"instant_ns": [3, 4, 5]})])

    assert [[(run.name, run.rows) for run in part] for part in parts] == [[("AdvanceTime", 1)]] * 3
    assert split_at_control([command.ADVANCE_TIME.run({"instant_ns": []})]) == []
    assert split_at_control([]) == []


def test_calls_are_told_apart_by_their_commands_and_by_the_link() -> None:
    digests = {
        asked_digest(split_at_control(commands), is_linked=linked)
        for commands in ([DEPOSIT], [DEPOSIT, DEPOSIT], [DEPOSIT, LAST], [])
        for linked in (False, True)
    }

    assert len(digests) == 8


def test_what_was_asked_is_known_from_the_records_that_it_led_to() -> None:
    house = ClearingHouse()
    house.list_contract(funding_ns=HOUR)
    house.open_client("A", deposit=5_500 * COIN)
    house.price(500)
    asked = [LAST, command.ADVANCE_TIME.row(instant_ns=START + 3 * HOUR)]

    batches = house.submit(*asked)

    assert {batch.origin for batch in batches} == {Origin.EXTERNAL, Origin.ENGINE}
    assert recorded_digest(batches) == asked_digest(split_at_control(asked), is_linked=False)
    linked = house.engine.submit([DEPOSIT], linked=True)
    assert recorded_digest(linked) == asked_digest([[DEPOSIT]], is_linked=True)


def test_a_record_is_decoded_and_applied_as_it_was_decided() -> None:
    engine = Engine(MemoryJournal())
    [asked] = engine.submit([command.DECLARE_ASSET.row(symbol="A", decimals=6, haircut_bps=0)])
    [record] = engine.journal.read() if engine.journal else []
    state = State()

    assert decode_batch(record) == asked == apply_record(state, record)
    assert state.digest() == engine.state.digest()
    assert state.assets.symbols == ["A"]
