from __future__ import annotations

import pytest

from novate.engine.apply import apply_run
from novate.engine.control import (
    INSTANT_MAX,
    STEP_MAX_NS,
    decide_advance_time,
    decide_assess_margin,
)
from novate.engine.state import State
from novate.message import event
from novate.message.refusal import AdvanceTimeRefusal, EngineCommandRefusal
from tests.unit.clearing import COIN, START, ClearingHouse, Recorder


@pytest.mark.parametrize(
    ("instant_ns", "code"),
    [
        (0, AdvanceTimeRefusal.INSTANT_BEFORE_PRESENT),
        (START - 1, AdvanceTimeRefusal.INSTANT_BEFORE_PRESENT),
        (START + STEP_MAX_NS + 1, AdvanceTimeRefusal.INSTANT_OUT_OF_RANGE),
        (START, None),
        (START + STEP_MAX_NS, None),
    ],
)
def test_the_clock_moves_forward_by_366_days_at_most(
    instant_ns: int, code: AdvanceTimeRefusal | None
) -> None:
    state = State()
    state.now_ns = START

    refusal = decide_advance_time(state, {"instant_ns": instant_ns}, Recorder())

    assert (refusal and refusal.code) == code


@pytest.mark.rule("4.2", "4.90")
@pytest.mark.parametrize("now_ns", [0, INSTANT_MAX - 5])
def test_the_first_instant_is_any_up_to_the_last_one(now_ns: int) -> None:
    state = State()
    state.now_ns = now_ns

    assert decide_advance_time(state, {"instant_ns": INSTANT_MAX}, Recorder()) is None
    refusal = decide_advance_time(state, {"instant_ns": INSTANT_MAX + 1}, Recorder())

    assert refusal == (AdvanceTimeRefusal.INSTANT_OUT_OF_RANGE, INSTANT_MAX + 1, INSTANT_MAX)


@pytest.mark.rule("8.16")
def test_the_first_instant_starts_the_gains_window() -> None:
    state = State()

    apply_run(state, event.TIME_ADVANCED.run({"instant_ns": [START, START + 5]}))

    assert state.now_ns == START + 5
    assert state.window_ns == START


@pytest.mark.rule("4.7")
def test_an_assessment_is_of_the_present_instant() -> None:
    house = ClearingHouse()
    now = house.state.now_ns

    refusal = decide_assess_margin(house.state, {"instant_ns": now + 1}, Recorder())

    assert refusal == (EngineCommandRefusal.NOT_DUE, now + 1, now)


def test_an_assessment_goes_through_its_phases_and_adds_up() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.list_option()
    house.open_client("A", deposit=20_000 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=10, ticks=500)

    house.assess()

    assert house.event_names() == ["IndexUpdated", "MarkUpdated", "OptionMarked", "MarginAssessed"]
    [total] = house.events("MarginAssessed", last=True)
    assert (total["accounts"], total["breaches"]) == (2, 0)
    assert total["equity"] == 40_000 * COIN
