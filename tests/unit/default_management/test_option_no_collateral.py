"""Options of an account that fails: they delay no liquidation, and stay their holder's."""

from __future__ import annotations

import pytest

from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.settlement import Basis
from tests.unit.clearing import (
    COIN,
    DAY,
    E8,
    HOUR,
    MINUTE,
    OPTION_TERMS,
    START,
    ClearingHouse,
)

EXPIRY = OPTION_TERMS["expiry_ns"]


def house_of(whale: int, **terms: object) -> ClearingHouse:
    """A future, an option on a second coin, and an account that is long the future."""
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)))
    house.list_contract("X")
    house.list_option("FAR", underlying=2, strike_e8=200 * E8, **terms)
    house.open_client("whale", deposit=whale * COIN)
    house.open_client("other", deposit=100_000 * COIN)
    house.open_client("friend", deposit=1_000 * COIN)
    house.deposit("INSURANCE_FUND", 10_000 * COIN)
    house.price(100, e8={1: 100 * E8})
    house.smile(0.6, underlying=2)
    house.assess()
    house.trade("whale", "other", lots=100, ticks=100, instrument=0)
    return house


def trade(house: ClearingHouse, buyer: str, seller: str, *, lots: int, instrument: int) -> None:
    """Submit a trade at the mark that may be refused."""
    ticks = int(house.state.marks.mark[instrument])
    run = house.trade_run(buyer, seller, lots=lots, ticks=ticks, instrument=instrument)
    house.submit(run, allow_refusals=True)


@pytest.mark.rule("3.17", "4.22")
@pytest.mark.parametrize("is_seen", [True, False])
def test_one_lot_of_a_long_option_delays_no_liquidation(is_seen: bool) -> None:
    house = house_of(1_500)
    trade(house, "whale", "friend", lots=1, instrument=1)
    eth = {1: 100 * E8} if is_seen else {}
    house.price(89, e8=eth, at_ns=START + 3 * HOUR)
    assert house.state.smile_row(1) == -1
    assert house.status("whale") == AccountStatus.LIQUIDATING


@pytest.mark.rule("5.20")
def test_one_lot_of_a_short_option_with_an_old_smile_delays_no_liquidation() -> None:
    house = house_of(1_500)
    trade(house, "friend", "whale", lots=1, instrument=1)
    house.price(89, e8={1: 100 * E8}, at_ns=START + 3 * HOUR)
    assert house.status("whale") == AccountStatus.LIQUIDATING


@pytest.mark.rule("4.22", "5.20")
def test_a_short_option_without_an_index_shields_nobody() -> None:
    house = house_of(1_500)
    trade(house, "friend", "whale", lots=1, instrument=1)
    house.price(89, at_ns=START + 3 * HOUR)
    assert house.status("whale") == AccountStatus.LIQUIDATING
    assert {row["subject"] for row in house.events("OrderPlaced")} == {0}


@pytest.mark.rule("9.4")
def test_an_old_smile_marks_on_with_the_index() -> None:
    house = house_of(1_500)
    before = int(house.state.marks.mark[1])
    house.price(100, e8={1: 200 * E8}, at_ns=START + 3 * HOUR)
    assert int(house.state.marks.mark[1]) > 100 * before


@pytest.mark.rule("7.13")
@pytest.mark.parametrize("is_seen", [True, False])
def test_nobody_adds_to_a_position_without_a_price_that_counts(is_seen: bool) -> None:
    house = house_of(15_000)
    trade(house, "whale", "friend", lots=2, instrument=1)
    house.price(100, e8={1: 100 * E8} if is_seen else {}, at_ns=START + 3 * HOUR)

    for pair in (("whale", "friend"), ("other", "friend"), ("whale", "EXTERNAL_MARKET")):
        trade(house, *pair, lots=1, instrument=1)
        assert [code.name for code in house.refusals()] == ["PRICE_BLOCKED"]
    trade(house, "friend", "whale", lots=3, instrument=1)
    [refused] = house.events("CommandRefused", last=True)
    assert (refused["actual"], refused["allowed"]) == (1, 0)
    trade(house, "friend", "whale", lots=1, instrument=1)
    assert house.refusals() == []
    trade(house, "EXTERNAL_MARKET", "whale", lots=1, instrument=1)
    assert house.refusals() == []


@pytest.mark.rule("7.28")
def test_an_order_that_adds_is_not_reserved_while_a_price_is_blocked() -> None:
    house = house_of(15_000)
    trade(house, "whale", "friend", lots=2, instrument=1)
    house.price(100, e8={1: 100 * E8}, at_ns=START + 3 * HOUR)
    order = {"account": house.number("whale"), "instrument": 1, "limit_ticks": 1}
    for lots, expected in ((1, ["PRICE_BLOCKED"]), (-3, ["PRICE_BLOCKED"]), (-2, [])):
        house.submit(command.RESERVE_MARGIN.row(**order, lots=lots), allow_refusals=True)
        assert [code.name for code in house.refusals()] == expected


@pytest.mark.rule("7.13")
def test_a_reservation_that_adds_is_not_used_while_a_price_is_blocked() -> None:
    house = house_of(15_000)
    order = {"account": house.number("whale"), "instrument": 1, "limit_ticks": 10**6, "lots": 1}
    house.submit(command.RESERVE_MARGIN.row(**order))
    house.price(100, e8={1: 100 * E8}, at_ns=START + 3 * HOUR)
    run = house.trade_run("whale", "other", lots=1, ticks=1, instrument=1, buyer_reservation=1)
    house.submit(run, allow_refusals=True)
    assert [code.name for code in house.refusals()] == ["PRICE_BLOCKED"]


def hedged_house(
    shortfall_policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE,
) -> ClearingHouse:
    """An account long ten futures and ten puts, whose loss on the ones is on the others a gain."""
    house = ClearingHouse()
    house.list_contract("X")
    house.list_option("P", side=-1)
    house.open_client("hedged", deposit=400 * COIN, shortfall_policy=shortfall_policy)
    house.open_client("other", deposit=100_000 * COIN)
    house.price(100)
    house.smile(0.6)
    house.assess()
    house.trade("hedged", "other", lots=10, ticks=100, instrument=0)
    house.trade("hedged", "other", lots=10, ticks=685, instrument=1)
    return house


def fill_all(house: ClearingHouse, prices: dict[int, int]) -> None:
    """Answer every open order in full."""
    for order in house.events("OrderPlaced"):
        house.fill(order["order"], abs(order["quantity"]), prices[order["subject"]])


@pytest.mark.rule("4.13", "10.2", "11.15")
def test_a_hedged_account_is_closed_by_slices_and_keeps_what_is_left() -> None:
    house = hedged_house()
    house.price(60)
    assert house.state.assess(house.number("hedged")).equity < 0
    assert not house.events("AccountTakenOver")
    assert house.status("hedged") == AccountStatus.LIQUIDATING
    assert {row["subject"] for row in house.events("OrderPlaced")} == {0, 1}

    mark = int(house.state.marks.mark[1])
    fill_all(house, {0: 60, 1: mark})
    house.assess()

    assert house.status("hedged") == AccountStatus.OPEN
    assert house.lots("hedged", 0) == house.lots("hedged", 1) == 0
    fees = house.balance("INSURANCE_FUND")
    assert fees == (60_000 + 10 * mark) * COIN // 20_000
    house.price(60, at_ns=START + HOUR)
    left = 400 * COIN - 68_500_000 - 400 * COIN + 10 * mark * COIN // 100
    assert house.balance("hedged") == left - fees > 0


@pytest.mark.rule("4.13", "10.2")
def test_a_hedge_that_does_not_cover_what_is_missing_is_taken_over() -> None:
    house = hedged_house()
    house.trade("other", "hedged", lots=9, ticks=685, instrument=1)
    house.price(55)
    [taken] = house.events("AccountTakenOver")
    assert taken["equity"] < taken["maintenance"]


@pytest.mark.rule("4.17", "10.2")
def test_a_called_account_with_a_hedge_has_its_grace() -> None:
    house = hedged_house(ShortfallPolicy.CALL_THEN_DEFAULT)
    house.price(60)
    assert house.state.assess(house.number("hedged")).equity < 0
    assert house.status("hedged") == AccountStatus.CALLED
    assert not house.events("DefaultDeclared")


@pytest.mark.rule("8.14", "8.15", "8.44")
def test_months_without_an_index_are_one_postponement_of_all_that_waits() -> None:
    house = ClearingHouse(parameters={Parameter.CALL_GRACE_NS: 5 * HOUR, Parameter.CALL_MINIMUM: 0})
    house.list_contract("X", cycle_ns=0)
    house.list_contract("F", cycle_ns=0, expiry_ns=START + DAY)
    watch = {"barrier": 4, "barrier_e8": 50 * E8, "monitoring": 2, "observation_ns": HOUR}
    house.list_option("B", expiry_ns=START + DAY, **watch)
    house.list_option("C", expiry_ns=START + DAY)
    house.open_client(
        "called", deposit=200 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
    )
    house.open_client("other", deposit=10_000 * COIN)
    house.price(100)
    house.smile(0.6, expiry_ns=START + DAY)
    house.assess()
    house.trade("called", "other", lots=10, ticks=100, instrument=0)
    house.price(88)
    assert house.status("called") == AccountStatus.CALLED
    house.price(88, at_ns=START + 30 * MINUTE)

    house.advance(START + 366 * DAY)

    assert len(house.events("CallExtended") + house.events("CyclePostponed")) == 5
    ended = house.events("ContractExpired") + house.events("OptionExpired")
    assert [row["instrument"] for row in ended] == [1, 2, 3]
    assert {(row["instant_ns"], row["basis"]) for row in ended} == {(START + 2 * DAY, Basis.LAST)}
