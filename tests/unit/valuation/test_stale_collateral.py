"""Collateral whose index is stale: no new credit, and less of it with its age."""

from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter, set_parameter
from novate.message.refusal import ReserveMarginRefusal, SubmitTradeRefusal
from tests.unit.clearing import COIN, DAY, E8, HOUR, MINUTE, START, ClearingHouse

USDC = 2


def stale_house(
    *, policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE, lots: int = 0,
    parameters: dict[Parameter, int] | None = None, cash: int = 0,
) -> ClearingHouse:  # fmt: skip
    """A has 10,000 USDC at a haircut of half a percent, and ``lots`` of X at 500 against B.

    USDC is silent from the first price on; a source counts for two hours.
    """
    house = ClearingHouse(assets=(("BTC", 8, 500), ("USDC", 6, 50)), parameters=parameters)
    house.list_contract("X", cycle_ns=0)
    house.open_client("A", deposit=cash * COIN, shortfall_policy=policy)
    house.open_client("B", deposit=100_000 * COIN)
    house.deposit("A", 10_000 * COIN, asset=USDC)
    house.price(500, e8={1: E8}, at_ns=START + MINUTE)
    if lots:
        house.trade("A", "B", lots=lots, ticks=500)
    return house


def pass_hours(house: ClearingHouse, hours: float, price: int = 500) -> None:
    """Let time pass, with a price of the coin alone at its end."""
    house.price(price, at_ns=house.state.now_ns + int(hours * HOUR))


@pytest.mark.rule("2.6", "5.43")
def test_stale_collateral_decays_to_nothing_over_its_horizon() -> None:
    house = stale_house()
    assert house.equity("A") == 9_950 * COIN
    pass_hours(house, 2)  # the source still counts
    assert house.equity("A") == 9_950 * COIN
    pass_hours(house, 6)  # six hours since then, of twenty-four
    assert house.equity("A") == 9_950 * COIN * 3 // 4
    pass_hours(house, 17)
    assert house.equity("A") == pytest.approx(9_950 * COIN / 24, abs=1)
    pass_hours(house, 2)
    assert house.equity("A") == 0
    assert house.state.assess(house.number("A")).net == 10_000 * COIN
    house.price(500, e8={1: E8})
    assert house.equity("A") == 9_950 * COIN


@pytest.mark.rule("5.43", "6.12")
def test_a_haircut_that_is_set_meanwhile_counts_on_top_of_the_decay() -> None:
    house = stale_house()
    pass_hours(house, 2)
    pass_hours(house, 12)
    house.submit(command.SET_HAIRCUT.row(asset=USDC, haircut_bps=1_000))
    assert house.equity("A") == 4_500 * COIN


@pytest.mark.rule("5.43")
def test_without_a_horizon_nothing_decays() -> None:
    house = stale_house(parameters={Parameter.STALE_HORIZON_NS: 0})
    pass_hours(house, 2)
    pass_hours(house, 100)
    assert house.equity("A") == 9_950 * COIN


@pytest.mark.rule("6.81")
def test_stale_collateral_opens_nothing() -> None:
    house = stale_house(cash=100)
    run: Any = house.trade_run("A", "B", lots=10, ticks=500)
    house.submit(run)
    pass_hours(house, 2)
    pass_hours(house, 1 / 60)
    assert house.state.assets.is_stale[USDC]
    # 500 of initial margin are held; without USDC there are 100 in cash.
    house.submit(house.trade_run("A", "B", lots=1, ticks=500), allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.INSUFFICIENT_MARGIN]
    [row] = house.events("CommandRefused", last=True)
    assert (row["actual"], row["allowed"]) == (100 * COIN, 550 * COIN)
    order = {"account": house.number("A"), "instrument": 0, "lots": 1, "limit_ticks": 500}
    house.submit(command.RESERVE_MARGIN.row(**order), allow_refusals=True)
    assert house.refusals() == [ReserveMarginRefusal.INSUFFICIENT_MARGIN]
    # Who only reduces at the mark goes on; a loss that stale collateral would bear does not.
    house.submit(house.trade_run("B", "A", lots=5, ticks=450), allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.INSUFFICIENT_MARGIN]
    house.trade("B", "A", lots=5, ticks=500)
    assert house.lots("A") == 5
    house.price(500, e8={1: E8})
    house.trade("A", "B", lots=1, ticks=500)


@pytest.mark.rule("10.40")
def test_an_account_that_is_short_by_decay_alone_is_called_and_not_closed() -> None:
    # 190 lots at 500: maintenance 4,750. After 13 hours 9,950 x 11/24 = 4,560.416666 are left.
    house = stale_house(lots=190)
    pass_hours(house, 2)
    pass_hours(house, 13)
    assert house.status("A") == AccountStatus.CALLED
    [call] = house.events("MarginCalled")
    assert call["requirement"] == 4_750 * COIN
    assert call["amount"] == 4_750 * COIN - 4_560_416_666
    assert call["deadline_ns"] == house.state.now_ns + HOUR
    house.price(500, e8={1: E8})
    assert house.status("A") == AccountStatus.OPEN


@pytest.mark.rule("10.40", "10.41")
def test_at_the_deadline_it_is_closed_and_at_once_when_the_price_breaks_it() -> None:
    late = stale_house(lots=190)
    pass_hours(late, 2)
    pass_hours(late, 13)
    late.advance(late.state.now_ns + HOUR)
    assert late.events("DefaultDeclared")
    assert late.status("A") == AccountStatus.LIQUIDATING

    worse = stale_house(lots=190)
    pass_hours(worse, 2)
    pass_hours(worse, 13)
    # At 470 it has 9,950 - 5,700 = 4,250 without decay, and must hold 4,465.
    worse.price(470)
    assert worse.events("DefaultDeclared", last=True)


@pytest.mark.rule("10.40")
def test_an_account_that_is_short_without_decay_too_is_closed_at_once() -> None:
    house = stale_house(lots=190)
    pass_hours(house, 2)
    house.price(470, at_ns=house.state.now_ns + HOUR)
    assert house.events("LiquidationStarted", last=True)
    assert not house.events("MarginCalled")


@pytest.mark.rule("10.41")
def test_decay_does_not_end_the_grace_of_a_call() -> None:
    # Called for initial margin; the collateral is worth nothing after a day, the deadline is later.
    house = stale_house(
        lots=150,
        policy=ShortfallPolicy.CALL_THEN_DEFAULT,
        parameters={Parameter.CALL_GRACE_NS: 2 * DAY},
    )
    pass_hours(house, 2)
    pass_hours(house, 12)
    assert house.status("A") == AccountStatus.CALLED
    pass_hours(house, 14)
    assert house.equity("A") == 0
    assert house.status("A") == AccountStatus.CALLED
    house.submit(set_parameter(Parameter.STALE_HORIZON_NS, 0))
    house.assess()
    assert house.status("A") == AccountStatus.OPEN
