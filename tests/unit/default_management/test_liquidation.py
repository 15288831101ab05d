from __future__ import annotations

import numpy as np
import pytest

from novate.default_management.close_out import assess_many, has_blocked_price, is_flat
from novate.default_management.liquidation import (
    decide_place_slices,
    decide_start_liquidations,
    decide_stop_liquidations,
    release_level,
    slices,
)
from novate.engine.state import State
from novate.kernel.clearing.assess import INITIAL, MAINTENANCE
from novate.kernel.codes import AccountStatus, Bound, OrderKind, Role, ShortfallPolicy
from novate.message import command
from novate.message.deciding_price import DecidingPrice
from novate.message.declare import rows_of
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse, Recorder, decide_one
from tests.unit.default_management.houses import breached_house, liquidator_house

TWO_COINS = (("BTC", 8, 0), ("ETH", 8, 0))


def level_of(house: ClearingHouse, account: str) -> int:
    """Equity at which the liquidation of an account stops."""
    number = np.array([house.number(account)])
    numbers = assess_many(house.state, number)
    [level] = release_level(house.state, number, numbers[:, INITIAL], numbers[:, MAINTENANCE])
    return int(level)


@pytest.mark.parametrize("maintenance", [0, 1, 799_999, 2**57 + 3, 2**61])
@pytest.mark.parametrize("share_ppm", [1_000_000, 1_250_000, 9_999_999])
def test_the_release_level_is_a_multiple_rounded_up_that_stays_inside_64_bits(
    maintenance: int, share_ppm: int
) -> None:
    state = State()
    state.parameters[Parameter.RELEASE_PPM] = share_ppm
    column = np.array([maintenance])

    [level] = release_level(state, np.array([0]), column * 0, column)

    assert level == min(-(-maintenance * share_ppm // 1_000_000), 2**62)


@pytest.mark.rule("4.18", "11.1", "11.2")
def test_an_account_below_maintenance_margin_is_liquidated_and_its_cause_told() -> None:
    house = breached_house()

    assert house.events("LiquidationStarted") == [
        {
            "account": house.number("A"),
            "equity": 2_300 * COIN,
            "requirement": 2_340 * COIN,
            "binding": 0,
            "mark": 468,
            "net": 2_300 * COIN,
            "model": 0,
            "bound": Bound.CONTRACT,
            "scenario": -1,
            "index_equity": 2_300 * COIN,
            "index_requirement": 2_340 * COIN,
            "decided_by": DecidingPrice.MARK,
            "worth": 2_300 * COIN,
            "level": 2_340 * COIN,
        }
    ]
    assert house.status("A") == AccountStatus.LIQUIDATING


@pytest.mark.rule("4.18")
def test_equity_equal_to_maintenance_margin_is_enough() -> None:
    house = breached_house(deposit=5_540)  # 2,340 of 2,340

    assert house.status("A") == AccountStatus.OPEN


@pytest.mark.rule("11.2")
def test_the_binding_instrument_is_the_one_that_asks_for_the_most() -> None:
    house = ClearingHouse()
    house.list_contract("X", tiers=((0, 100_000, 50_000),))
    house.list_contract("Y", tiers=((0, 400_000, 300_000),))
    house.open_client("A", deposit=10_000 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)  # notional 50,000, maintenance 2,500
    house.trade("A", "B", lots=20, ticks=500, instrument=1)  # notional 10,000, maintenance 3,000

    house.price(459)  # 10,000 - 4,920 = 5,080 of 5,049
    house.price(458)

    assert house.events("LiquidationStarted")[0]["binding"] == 1


@pytest.mark.rule("11.5", "11.6")
@pytest.mark.parametrize(
    ("parameters", "lots"),
    [
        ({}, 25),
        ({"slice_ppm": 251_000}, 26),  # 25.1 lots: up
        ({"slice_ppm": 1}, 1),
        ({"slice_floor": 46_800 * COIN}, 100),  # the notional is 46,800: not above the floor
        ({"slice_floor": 46_800 * COIN - 1}, 25),
    ],
)
def test_a_slice_is_a_share_of_the_position_or_all_of_a_small_one(
    parameters: dict[str, int], lots: int
) -> None:
    house = breached_house(**parameters)

    assert house.events("OrderPlaced") == [
        {
            "order": 1,
            "account": house.number("A"),
            "kind": OrderKind.POSITION,
            "subject": 0,
            "quantity": -lots,
            "reference": 468,
            "instant_ns": START + MINUTE,
            "limit": 1,
        }
    ]


@pytest.mark.rule("11.5")
def test_a_short_position_is_bought_back() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("B", "A", lots=100, ticks=500)
    house.price(530)  # 2,500 of 2,650

    assert house.events("OrderPlaced")[0]["quantity"] == 25


@pytest.mark.rule("11.5", "11.11")
def test_slices_follow_at_the_interval_and_wait_for_the_order_that_is_out() -> None:
    house = breached_house()
    assert house.events("SliceScheduled")[-1]["instant_ns"] == START + 2 * MINUTE

    house.advance(START + 3 * MINUTE)
    assert len(house.events("OrderPlaced")) == 1
    assert len(house.events("SliceScheduled")) == 3

    house.fill(1, 25, 468)
    house.advance(START + 4 * MINUTE)

    assert house.events("OrderPlaced")[-1]["quantity"] == -19  # a quarter of 75, up


@pytest.mark.rule("4.15", "11.3", "11.4")
def test_an_account_well_above_maintenance_margin_again_is_released() -> None:
    house = breached_house()
    assert level_of(house, "A") == 2_925 * COIN  # 2,340 x 1.25
    house.deposit("A", 625 * COIN - 1)
    house.assess()
    assert house.status("A") == AccountStatus.LIQUIDATING

    house.deposit("A", 1)
    house.assess()

    assert house.event_names()[-2:] == ["OrderClosed", "LiquidationStopped"]
    assert house.events("LiquidationStopped")[0]["requirement"] == 2_925 * COIN
    assert house.status("A") == AccountStatus.OPEN
    assert house.state.accounts.slice_ns[house.number("A")] == 0


@pytest.mark.rule("11.3")
def test_an_account_in_default_of_a_call_is_not_released_below_initial_margin() -> None:
    house = breached_house()
    x, a = house.state, house.number("A")

    x.accounts.shortfall_policy[a] = ShortfallPolicy.CALL_THEN_DEFAULT

    assert level_of(house, "A") == 4_680 * COIN


@pytest.mark.rule("11.1")
def test_starting_releases_reservations() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=90, ticks=500)
    order = {"account": house.number("A"), "instrument": 0, "lots": 20, "limit_ticks": 500}
    house.submit(command.RESERVE_MARGIN.row(**order))
    house.price(462)  # 5,500 - 3,420 = 2,080 of 2,079
    assert house.events("MarginReleased") == []

    house.price(461)

    assert house.events("MarginReleased") == [{"reservation": 1}]


@pytest.mark.rule("4.22", "11.5")
def test_nothing_is_closed_while_a_price_is_missing() -> None:
    house = breached_house()
    x = house.state
    a = house.number("A")
    house.fill(1, 0, 0, is_final=True)
    x.assets.is_stale[1] = True
    x.accounts.slice_ns[a] = x.now_ns
    recorder = Recorder()

    assert has_blocked_price(x, a)
    assert decide_one(decide_place_slices, x, {"account": a}, recorder) is None
    assert recorder.names == ["SliceScheduled"]

    x.accounts.status[a] = AccountStatus.OPEN
    assert decide_one(decide_start_liquidations, x, {"account": a}, recorder) == (No.NOT_DUE, 0, 1)


@pytest.mark.rule("4.28")
def test_commands_without_a_cause_are_refused() -> None:
    house = breached_house(price=490)
    x, recorder = house.state, Recorder()
    a, last = house.number("A"), x.accounts.count - 1

    assert decide_one(decide_start_liquidations, x, {"account": a}, recorder) == (
        No.CAUSE_GONE, 4_500 * COIN, 2_450 * COIN,
    )  # fmt: skip
    assert decide_one(decide_start_liquidations, x, {"account": last + 1}, recorder) == (
        No.UNKNOWN_SUBJECT, last + 1, last,
    )  # fmt: skip
    for decide in (decide_stop_liquidations, decide_place_slices):
        refusal = decide_one(decide, x, {"account": a}, recorder)
        assert refusal == (No.UNKNOWN_SUBJECT, a, last)
    x.accounts.status[a] = AccountStatus.LIQUIDATING
    x.accounts.slice_ns[a] = x.now_ns + 5
    assert decide_one(decide_place_slices, x, {"account": a}, recorder) == (
        No.NOT_DUE, x.now_ns, x.now_ns + 5,
    )  # fmt: skip
    x.accounts.status[a] = AccountStatus.LIQUIDATING
    x.parameters[Parameter.RELEASE_PPM] = 2_000_000
    assert decide_one(decide_stop_liquidations, x, {"account": a}, recorder) == (
        No.CAUSE_GONE, 4_500 * COIN, 4_900 * COIN,
    )  # fmt: skip
    assert recorder.events == []


@pytest.mark.rule("4.20")
def test_the_liquidator_closes_after_the_accounts_in_liquidation() -> None:
    house = breached_house()
    x = house.state
    a, liquidator = house.number("A"), x.single(Role.LIQUIDATOR)
    x.accounts.slice_ns[[a, liquidator]] = x.now_ns

    [run] = slices(x, x.margin_cache.columns())

    assert rows_of(run) == [{"account": a}, {"account": liquidator}]


@pytest.mark.rule("4.5", "11.10")
def test_a_slice_that_falls_on_a_cycle_sees_what_the_cycle_paid() -> None:
    house = ClearingHouse(assets=TWO_COINS)
    house.list_contract()
    house.open_client("A")
    house.open_client("B", deposit=20_000 * COIN)
    house.deposit("A", 2_000 * E8, asset=2)
    house.price(500, e8={1: 3 * E8})
    house.trade("A", "B", lots=100, ticks=500)
    house.price(463, at_ns=START + MINUTE, e8={1: 3 * E8})  # 6,000 - 3,700 = 2,300 of 2,315
    assert house.status("A") == AccountStatus.LIQUIDATING
    assert [order["kind"] for order in house.events("OrderPlaced")] == [OrderKind.POSITION]

    house.advance(START + HOUR)

    assert house.balance("A") == -3_700 * COIN
    order = house.events("OrderPlaced")[-1]
    assert order["kind"] == OrderKind.CONVERSION
    assert (order["quantity"], order["instant_ns"]) == (-123_333_333_334, START + HOUR)


@pytest.mark.rule("11.13")
def test_a_slice_of_the_liquidator_first_withdraws_what_no_longer_reduces() -> None:
    house = liquidator_house(100, -101)
    recorder = Recorder()

    row = {"account": house.number("LIQUIDATOR")}
    decide_one(decide_place_slices, house.state, row, recorder)

    assert recorder.names[0] == "OrderClosed"


@pytest.mark.rule("11.12")
def test_a_flat_liquidator_has_no_next_slice() -> None:
    house = breached_house(price=490)
    x = house.state
    liquidator = x.single(Role.LIQUIDATOR)
    assert is_flat(x, liquidator)
    recorder = Recorder()

    assert decide_one(decide_place_slices, x, {"account": liquidator}, recorder) is None

    assert recorder.only() == {"account": liquidator, "instant_ns": 0}


@pytest.mark.rule("4.30")
def test_the_events_of_a_run_of_commands_stand_by_kind() -> None:
    house = ClearingHouse(parameters={Parameter.TAKEOVER_PPM: 0})
    house.list_contract()
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    for name in ("A", "C"):
        house.open_client(name, deposit=6_000 * COIN)
        house.trade(name, "B", lots=100, ticks=500)
        order = {"account": house.number(name), "instrument": 0, "limit_ticks": 500}
        house.submit(command.RESERVE_MARGIN.row(**order, lots=-1))

    house.price(462)

    [batch] = [batch for batch in house.last if batch.commands[0].name == "StartLiquidation"]
    assert [run.rows for run in batch.commands] == [2]
    assert [(run.name, run.rows) for run in batch.events] == [
        ("LiquidationStarted", 2), ("MarginReleased", 2),
    ]  # fmt: skip
