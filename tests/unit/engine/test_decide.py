from __future__ import annotations

import pytest

from novate.canonical import Run
from novate.engine.catalogue import ENGINE_ONLY
from novate.engine.decide import Events, decide_run
from novate.engine.state import State
from novate.errors import InputError
from novate.kernel.codes import Origin
from novate.message import command, event
from novate.message.declare import rows_of
from novate.message.refusal import (
    AdvanceTimeRefusal,
    EngineCommandRefusal,
    PostCollateralRefusal,
)
from tests.unit.clearing import COIN, START, ClearingHouse


@pytest.mark.parametrize("run", [Run("Guess", 1, 0, ()), Run("AdvanceTime", 9, 0, ())])
def test_a_command_of_another_engine_never_reaches_a_decision(run: Run) -> None:
    state = State()

    with pytest.raises(InputError, match=f"command '{run.name}' version {run.version} is unknown"):
        decide_run(state, run, Origin.EXTERNAL, Events(state))


@pytest.mark.rule("4.27")
@pytest.mark.parametrize("name", sorted(ENGINE_ONLY))
def test_a_command_of_the_engine_is_refused_from_outside_row_by_row(name: str) -> None:
    house = ClearingHouse()
    message = command.BY_NAME[name]
    run = message.run({field.name: [0, 1] for field in message.fields})

    house.submit(run, allow_refusals=True)

    assert house.refusals() == [EngineCommandRefusal.ENGINE_ONLY] * 2
    assert [row["row"] for row in house.events("CommandRefused")] == [0, 1]


def test_rows_of_one_event_in_sequence_become_one_run() -> None:
    state = State()
    events = Events(state)
    for instant in (1, 2):
        events(event.TIME_ADVANCED, instant_ns=instant)
    events(event.ASSET_DECLARED, asset=0, symbol="USDT", decimals=6, haircut_bps=0)
    events.booked(event.TRADE_NOVATED, **{f.name: [] for f in event.TRADE_NOVATED.fields})
    events(event.TIME_ADVANCED, instant_ns=3)
    events.flush()
    events.flush()

    assert [(run.name, run.rows) for run in events.runs] == [
        ("TimeAdvanced", 2),
        ("AssetDeclared", 1),
        ("TradeNovated", 0),
        ("TimeAdvanced", 1),
    ]
    assert state.now_ns == 3
    assert state.assets.symbols == ["USDT"]


@pytest.mark.rule("4.25")
def test_a_refusal_names_row_code_and_both_numbers_and_the_next_row_goes_on() -> None:
    house = ClearingHouse()
    house.open_client("A")
    a = house.number("A")

    house.submit(
        command.POST_COLLATERAL.run(
            {"account": [a, a, 99], "asset": [0, 0, 0], "amount": [-5, 7, 1]}
        ),
        allow_refusals=True,
    )

    assert house.balance("A") == 7
    assert house.events("CommandRefused", last=True) == [
        {
            "command": "PostCollateral",
            "row": 0,
            "code": PostCollateralRefusal.AMOUNT_NOT_POSITIVE,
            "actual": -5,
            "allowed": 1,
        },
        {
            "command": "PostCollateral",
            "row": 2,
            "code": PostCollateralRefusal.UNKNOWN_ACCOUNT,
            "actual": 99,
            "allowed": a,
        },
    ]


@pytest.mark.rule("4.2")
@pytest.mark.parametrize(("instant", "allowed"), [(START - 1, START), (0, START), (-1, START)])
def test_the_clock_does_not_go_back(instant: int, allowed: int) -> None:
    house = ClearingHouse()

    house.submit(command.ADVANCE_TIME.row(instant_ns=instant), allow_refusals=True)

    [row] = house.events("CommandRefused", last=True)
    assert row["code"] == AdvanceTimeRefusal.INSTANT_BEFORE_PRESENT
    assert (row["actual"], row["allowed"]) == (instant, allowed)
    assert house.state.now_ns == START


@pytest.mark.rule("4.7")
def test_an_assessment_is_of_the_present_instant() -> None:
    house = ClearingHouse()

    house.submit(command.ASSESS_MARGIN.row(instant_ns=START + 1), allow_refusals=True)

    assert house.refusals() == [EngineCommandRefusal.NOT_DUE]
    assert house.events("MarginAssessed") == []


@pytest.mark.rule("3.26", "4.7")
def test_an_assessment_updates_prices_in_order_and_sums_up_margin_accounts() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)))
    house.list_contract()
    house.open_client("A", deposit=6_000 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.deposit("INSURANCE_FUND", 77 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.price(465)  # A: 2,500 of 2,325; B: 23,500

    assert [row["asset"] for row in house.events("IndexUpdated", last=True)] == [1, 2]
    assert house.events("MarginAssessed", last=True) == [
        {
            "accounts": 2,
            "breaches": 0,
            "equity": 26_000 * COIN,
            "initial": 9_300 * COIN,
            "maintenance": 4_650 * COIN,
            "unpaid": 0,
        }
    ]
    house.price(463)
    assert house.events("MarginAssessed", last=True)[0]["breaches"] == 1


@pytest.mark.rule("4.26", "7.22")
def test_trades_are_decided_row_by_row() -> None:
    house = ClearingHouse()
    house.list_contract()
    for name in ("A", "B"):
        house.open_client(name, deposit=20_000 * COIN)
    house.price(500)
    good = house.trade_run("A", "B", lots=1, ticks=500)
    rows = [*rows_of(good), {**rows_of(good)[0], "lots": 0}, *rows_of(good)]
    run = command.SUBMIT_TRADE.run({name: [row[name] for row in rows] for name in rows[0]})

    house.submit(run, allow_refusals=True)

    assert [row["row"] for row in house.events("TradeNovated")] == [0, 2]
    assert [row["row"] for row in house.events("CommandRefused")] == [1]
    assert house.event_names() == ["TradeNovated", "CommandRefused"]
