from __future__ import annotations

import pytest

from novate.canonical import Run
from novate.engine.apply import apply_run
from novate.engine.state import State
from novate.errors import JournalError
from novate.message import event
from tests.unit.clearing import COIN, ClearingHouse


@pytest.mark.parametrize(
    "run",
    [
        Run("NothingHappened", 1, 0, ()),
        Run("TimeAdvanced", 2, 0, ()),
    ],
)
def test_an_event_of_another_engine_is_refused(run: Run) -> None:
    with pytest.raises(JournalError, match=f"event '{run.name}' version {run.version} is unknown"):
        apply_run(State(), run)


def test_events_that_only_report_change_nothing() -> None:
    state = State()
    before = state.digest()

    apply_run(
        state,
        event.MARGIN_ASSESSED.row(accounts=1, breaches=0, equity=2, initial=3, maintenance=4),
    )
    apply_run(
        state,
        event.COMMAND_REFUSED.row(command="SetTier", row=0, code=1, actual=2, allowed=3),
    )

    assert state.digest() == before


def test_trades_are_booked_by_their_kernel() -> None:
    house = ClearingHouse()
    house.list_contract()
    for name in ("A", "B"):
        house.open_client(name, deposit=20_000 * COIN)
    house.price(500)

    house.trade("A", "B", lots=3, ticks=500)
    again = house.engine.state.copy()
    apply_run(again, house.last[0].events[0])

    assert house.lots("A") == 3
    row = [
        k for k in range(again.positions.count) if again.positions.account[k] == house.number("A")
    ]
    assert again.positions.lots[row[0]] == 6
