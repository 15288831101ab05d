from __future__ import annotations

import numpy as np
import pytest

from novate.canonical import Run
from novate.engine.apply import apply_run
from novate.engine.catalogue import APPLICATIONS
from novate.engine.state import State
from novate.errors import JournalError
from novate.message import event
from novate.message.declare import Field, Message, Row
from novate.message.topic import ACCOUNT, Application
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
        event.MARGIN_ASSESSED.row(
            accounts=1, breaches=0, equity=2, initial=3, maintenance=4, unpaid=5
        ),
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


# ---- earlier versions

TOY = Message(
    "Toy",
    3,
    (Field("account", "uint32", "who"), Field("amount", "int64", "sum", since=3, default=5)),
    "An event whose first version was applied in another way, and whose columns changed since.",
    renamed={2: {"who": "account"}},
)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that knows the toy event: version 1 is applied by its own function for ever."""

    def apply_toy(state: State, row: Row) -> None:
        state.accounts.balance[row["account"], 0] += row["amount"]

    def apply_toy_1(state: State, row: Row) -> None:
        state.accounts.balance[row["who"], 0] += 1_000

    monkeypatch.setitem(event.BY_NAME, "Toy", TOY)
    toy = Application(TOY, apply_toy, ACCOUNT, older=((1, apply_toy_1),))
    monkeypatch.setitem(APPLICATIONS, TOY, toy)


def toy_run(version: int, **columns: list[int]) -> Run:
    rows = len(next(iter(columns.values())))
    return Run("Toy", version, rows, tuple((name, np.array(c)) for name, c in columns.items()))


@pytest.mark.parametrize(
    ("run", "gained"),
    [
        (toy_run(1, who=[0, 0]), 2_000),
        (toy_run(2, account=[0, 0]), 10),
        (toy_run(3, account=np.array([0], np.uint32), amount=[7]), 7),
    ],
)
def test_each_version_of_an_event_is_applied_by_its_own_rule(
    toy: None, run: Run, gained: int
) -> None:
    state = ClearingHouse().engine.state
    state.margin_cache.numbers()

    apply_run(state, run)

    assert state.accounts.balance[0, 0] == gained
    assert state.margin_cache.numbers()[0, 0] == gained, "the cache was told"
    assert state.is_moved


def test_a_version_that_is_not_there_yet_is_refused(toy: None) -> None:
    with pytest.raises(JournalError, match="event 'Toy' version 4 is unknown to this release"):
        apply_run(State(), toy_run(4, account=[0]))
