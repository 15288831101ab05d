from __future__ import annotations

import pytest

from novate.book.ledger import transfer
from novate.engine import consequence
from novate.engine.consequence import consequences, due_commands, due_list
from novate.engine.state import State
from novate.kernel.codes import AccountStatus, DueKind, Origin, Role, ShortfallPolicy
from novate.message.declare import rows_of
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse


def crowded_house() -> ClearingHouse:
    """Two contracts and two accounts on which everything falls due when a test says so."""
    house = ClearingHouse()
    house.list_contract("X", funding_ns=8 * HOUR)
    house.list_contract("Y")
    house.open_client("A", deposit=20_000 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    return house


@pytest.mark.rule("4.5", "4.6")
def test_ties_of_an_instant_are_done_in_order_of_kind_and_number() -> None:
    house = crowded_house()
    x, at = house.state, START + 30 * MINUTE
    a, b = house.number("A"), house.number("B")
    x.instruments.next_funding_ns[:2] = at
    x.instruments.next_cycle_ns[:2] = at
    x.instruments.next_expiry_ns[1] = at
    x.accounts.deadline_ns[b] = at
    x.accounts.slice_ns[a] = at
    x.accounts.slice_ns[b] = at + 1  # later: not of this instant
    orders = house.engine.state.defaults.orders
    orders.is_open[orders.append()] = True
    orders.answered_ns[0] = at - x.parameter(Parameter.ORDER_LIFE_NS)
    x.window_ns = at - x.parameter(Parameter.GAINS_WINDOW_NS)  # over, but no instant turns it
    x.parameters[Parameter.INTEREST_INTERVAL_NS] = 30 * MINUTE
    x.interest_ns = START
    x.drop_caches()  # nobody has entered what the test has set

    due = due_list(house.engine.state, at + 10)

    assert due.tolist() == [
        [at, DueKind.FUNDING, 0],
        [at, DueKind.FUNDING, 1],
        [at, DueKind.CYCLE, 0],
        [at, DueKind.CYCLE, 1],
        [at, DueKind.EXPIRY, 1],
        [at, DueKind.CALL_DEADLINE, b],
        [at, DueKind.ORDER_LIFE, 1],
        [at, DueKind.SLICE, a],
        [at, DueKind.INTEREST, 0],
    ]
    x.instruments.cycle[1] = 6
    runs = due_commands(house.engine.state, due)
    assert [(run.name, rows_of(run)) for run in runs] == [
        ("SettleFunding", [{"instrument": 0, "period": 1}, {"instrument": 1, "period": 1}]),
        ("SettleCycle", [{"instrument": 0, "cycle": 1}, {"instrument": 1, "cycle": 7}]),
        ("SettleExpiry", [{"instrument": 1}]),
        ("ExpireCall", [{"account": b}]),
        ("ExpireOrder", [{"order": 1}]),
        ("PlaceSlice", [{"account": a}]),
        ("ChargeInterest", [{"instant_ns": at}]),
    ]


@pytest.mark.rule("4.3")
def test_the_earliest_instant_comes_first_and_nothing_is_due_before_it() -> None:
    house = crowded_house()
    state = house.engine.state

    assert not due_list(state, START + HOUR - 1).size
    assert set(due_list(state, START + 20 * HOUR)[:, 0].tolist()) == {START + HOUR}
    assert not due_list(State(), START).size


@pytest.mark.rule("4.3", "4.4")
def test_work_of_each_instant_is_a_record_of_its_own_at_that_instant() -> None:
    house = crowded_house()
    house.price(100)

    batches = house.advance(START + 3 * HOUR)

    assert [(batch.origin, batch.instant_ns) for batch in batches] == [
        (Origin.ENGINE, START + HOUR),
        (Origin.ENGINE, START + 2 * HOUR),
        (Origin.ENGINE, START + 3 * HOUR),
        (Origin.EXTERNAL, START + 3 * HOUR),
    ]
    assert [run.name for run in batches[0].commands] == ["AdvanceTime", "SettleCycle"]


def stages(house: ClearingHouse) -> list[list[str]]:
    """Commands of the engine's records in the last call."""
    return [
        [run.name for run in batch.commands]
        for batch in house.last
        if batch.origin == Origin.ENGINE
    ]


def failing_house(**parameters: int) -> ClearingHouse:
    """A (5,500) and D (5,500, called first) are long 100 at 500 against B."""
    house = ClearingHouse(
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()}
    )
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.open_client("D", deposit=5_500 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.trade("D", "B", lots=100, ticks=500)
    return house


@pytest.mark.rule("4.8", "4.9", "4.12")
def test_a_gap_goes_through_the_stages_one_record_at_a_time() -> None:
    house = failing_house()

    house.price(440)

    assert stages(house) == [
        ["StartLiquidation"],  # A
        ["TakeOver"],
        ["AllocateLoss"],
        ["CallMargin"],  # D
        ["ExpireCall"],  # below the takeover level: at once
        ["TakeOver"],
        ["AllocateLoss"],
        ["PlaceSlice"],  # of the liquidator
    ]
    assert consequences(house.engine.state) == []


@pytest.mark.rule("4.9", "4.18", "4.19")
def test_a_small_fall_liquidates_one_and_calls_the_other() -> None:
    house = failing_house()

    house.price(468)

    assert stages(house) == [["StartLiquidation"], ["CallMargin"], ["PlaceSlice"]]


@pytest.mark.rule("4.9", "4.15", "4.16")
def test_a_recovery_releases_and_meets() -> None:
    house = failing_house()
    house.price(468)

    house.price(500)

    assert stages(house) == [["StopLiquidation"], ["MeetCall"]]


@pytest.mark.rule("4.9", "4.14")
def test_the_liquidators_shortfall_is_recorded_before_anything_is_released() -> None:
    house = failing_house()
    house.price(446)  # A and D taken over with 100 each
    house.open_client("E", deposit=5_500 * COIN)
    house.trade("E", "B", lots=100, ticks=446)

    house.price(410)

    names = [name for [name] in stages(house)]
    assert names[:3] == ["RecordShortfall", "AllocateLoss", "StartLiquidation"]


@pytest.mark.rule("4.18")
def test_the_worst_account_is_liquidated_first_and_ties_go_by_number() -> None:
    house = ClearingHouse(parameters={Parameter.TAKEOVER_PPM: 0})
    house.list_contract()
    house.open_client("B", deposit=90_000 * COIN)
    for name, deposit in (("C", 5_520), ("D", 5_510), ("E", 5_520), ("F", 5_530), ("G", 9_000)):
        house.open_client(name, deposit=deposit * COIN)
    house.price(500)
    for name in "CDEFG":
        house.trade(name, "B", lots=100, ticks=500)

    house.price(467)

    names = house.state.accounts.references
    started = [names[row["account"]] for row in house.events("LiquidationStarted")]
    assert started == ["D", "C", "E", "F"]


@pytest.mark.rule("4.22")
def test_nothing_is_started_called_or_taken_over_while_a_price_is_blocked() -> None:
    house = failing_house(index_staleness_ns=MINUTE)
    for name in ("A", "D"):
        transfer(house.state.accounts, 0, house.number(name), house.number("B"), 5_400 * COIN)

    house.price(None, at_ns=START + 2 * MINUTE)
    assert stages(house) == []
    assert house.status("A") == AccountStatus.OPEN

    house.price(500, at_ns=START + 3 * MINUTE)
    assert stages(house)[:2] == [["StartLiquidation"], ["TakeOver"]]


@pytest.mark.rule("4.29")
def test_what_a_record_does_not_take_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consequence, "RECORD_ROWS", 2)
    house = ClearingHouse(parameters={Parameter.TAKEOVER_PPM: 0})
    house.list_contract()
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    for name in "CDEFG":
        house.open_client(name, deposit=5_500 * COIN)
        house.trade(name, "B", lots=100, ticks=500)

    house.price(467)

    taken = [
        (run.name, run.rows)
        for batch in house.last
        if batch.origin == Origin.ENGINE
        for run in batch.commands
    ]
    assert taken == [(name, n) for name in ("StartLiquidation", "PlaceSlice") for n in (2, 2, 1)]

    house.advance(house.state.now_ns + MINUTE)
    slices = [batch.commands[1] for batch in house.last if batch.origin == Origin.ENGINE]
    assert [(run.name, run.rows) for run in slices] == [("PlaceSlice", n) for n in (2, 2, 1)]


@pytest.mark.rule("4.24")
def test_without_a_liquidator_nothing_follows() -> None:
    state = State()

    assert state.single(Role.LIQUIDATOR) == -1
    assert consequences(state) == []


@pytest.mark.rule("4.21")
def test_a_surplus_is_swept_last() -> None:
    house = failing_house(slice_ppm=1_000_000)
    house.deposit("D", 20_000 * COIN)
    house.price(446, at_ns=START + MINUTE)
    order = house.events("OrderPlaced")[-1]
    house.fill(order["order"], 100, 447)

    house.assess()

    assert stages(house) == [["SweepSurplus"]]
    assert house.events("SurplusSwept")[0]["amount"] == 200 * COIN
