"""What is paid at the trade: cash, value and margin of options through the whole engine."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.kernel.codes import AccountStatus, Layer
from novate.message import command
from novate.message.parameter import Parameter
from novate.valuation import MarginCache
from tests.unit.clearing import COIN, HOUR, START, ClearingHouse

MARK = 685
INITIAL_TICKS, MAINTENANCE_TICKS = 2_186, 1_436  # 15 + 6.853 and 7.5 + 6.853, rounded up


def ready(**parameters: int) -> ClearingHouse:
    """A future and a call at 100, marked at 6.85, and two clients with 1,000."""
    house = ClearingHouse(parameters={Parameter[k.upper()]: v for k, v in parameters.items()})
    house.list_contract()
    house.list_option()
    for name in ("long", "short"):
        house.open_client(name, deposit=1_000 * COIN)
    house.price(100)
    house.smile(0.6)
    house.assess()
    return house


def buy(house: ClearingHouse, *, lots: int = 10, ticks: int = MARK, **other: str) -> None:
    names = {"buyer": "long", "seller": "short", **other}
    house.trade(names["buyer"], names["seller"], lots=lots, ticks=ticks, instrument=1)


@pytest.mark.rule("7.19")
def test_a_premium_moves_at_the_trade_and_nothing_is_pending() -> None:
    house = ready()
    buy(house, ticks=700)
    assert house.balance("long") == 1_000 * COIN - 70 * COIN
    assert house.balance("short") == 1_000 * COIN + 70 * COIN
    position = house.position("long", 1)
    assert (position["settlement_cost"], position["entry_cost"]) == (0, 70 * COIN)


@pytest.mark.rule("3.12", "3.17")
def test_a_long_is_worth_its_mark_but_is_no_collateral_and_asks_for_nothing() -> None:
    house = ready()
    buy(house, ticks=700)
    numbers = house.state.assess(house.number("long"))
    assert numbers.equity == 930 * COIN
    assert numbers.net == 930 * COIN + 10 * MARK * COIN // 100
    assert (numbers.initial, numbers.maintenance) == (0, 0)
    assert numbers.gain == 10 * (MARK - 700) * COIN // 100


@pytest.mark.rule("3.12", "3.13", "3.15")
def test_a_short_holds_its_margin_and_net_equity_knows_the_debt() -> None:
    house = ready()
    buy(house, ticks=700)
    numbers = house.state.assess(house.number("short"))
    assert numbers.equity == 1_070 * COIN
    assert numbers.net == 1_070 * COIN - 10 * MARK * COIN // 100
    assert numbers.initial == INITIAL_TICKS * COIN // 10
    assert numbers.maintenance == MAINTENANCE_TICKS * COIN // 10
    house.price(101)
    assert house.state.assess(house.number("short")).equity == 1_070 * COIN


@pytest.mark.rule("7.19", "7.85")
def test_what_a_close_realises_counts_in_the_gains_window_and_what_was_conceded_does_not() -> None:
    house = ready()
    buy(house, ticks=600)
    house.trade("short", "long", lots=4, ticks=650, instrument=1)
    assert house.position("long", 1)["realised"] == 2 * COIN
    gains = house.state.accounts.window_gain
    # Ten lots were sold below the mark, and four of them bought back below it.
    lot = COIN // 100
    assert MARK > 650
    assert gains[house.number("long")] == 2 * COIN + 4 * (MARK - 650) * lot
    assert gains[house.number("short")] == -2 * COIN + 10 * (MARK - 600) * lot


@pytest.mark.rule("7.8")
def test_a_trade_is_refused_when_the_premium_or_the_short_margin_is_not_there() -> None:
    house = ready()
    run = house.trade_run("long", "short", lots=200, ticks=MARK, instrument=1)
    house.submit(run, allow_refusals=True)
    (refusal,) = house.events("CommandRefused", last=True)
    paid = 200 * MARK * COIN // 100
    assert (refusal["code"], refusal["actual"], refusal["allowed"]) == (15, 1_000 * COIN - paid, 0)
    house.deposit("long", 1_000 * COIN)
    house.submit(run, allow_refusals=True)
    (refusal,) = house.events("CommandRefused", last=True)
    assert refusal["actual"] == 1_000 * COIN + paid
    assert refusal["allowed"] == 200 * INITIAL_TICKS * COIN // 100


@pytest.mark.rule("3.13", "7.24", "7.26")
def test_a_buy_order_holds_its_premium_and_a_sell_order_the_margin_of_the_short() -> None:
    house = ready()
    rows = {"account": house.number("long"), "instrument": 1}
    house.submit(command.RESERVE_MARGIN.row(**rows, lots=10, limit_ticks=700))
    assert house.events("MarginReserved")[-1]["open_order_hold"] == 70 * COIN
    house.submit(command.RESERVE_MARGIN.row(**rows, lots=-10, limit_ticks=700))
    reserved = house.events("MarginReserved")[-1]
    assert reserved["open_order_hold"] == 0
    assert reserved["requirement"] == 70 * COIN + INITIAL_TICKS * COIN // 10


@pytest.mark.rule("12.2", "12.8")
def test_a_takeover_moves_options_at_the_mark_and_loses_nothing() -> None:
    house = ready(takeover_ppm=1_000_000, gains_window_ns=30 * 24 * HOUR)
    house.deposit("INSURANCE_FUND", 10_000 * COIN)
    buy(house, lots=40)
    house.price(150)
    mark = house.events("OptionMarked")[-1]["mark"]
    (taken,) = house.events("AccountTakenOver")
    short_of = 40 * mark * COIN // 100 - 1_000 * COIN - 40 * MARK * COIN // 100
    assert taken["equity"] == -short_of
    assert house.events("LossRecorded")[0]["amount"] == short_of
    assert house.status("short") == AccountStatus.TAKEN_OVER
    assert house.lots("LIQUIDATOR", 1) == -40
    assert house.balance("short") == house.lots("short", 1) == 0
    # The fund made good what was short: the liquidator has exactly what it owes.
    assert house.state.assess(house.number("LIQUIDATOR")).net == 0
    assert house.balance("INSURANCE_FUND") == 10_000 * COIN - short_of


@pytest.mark.parametrize("last", [Layer.AUTO_DELEVERAGING, Layer.GAINS_HAIRCUT])
def test_a_short_that_is_lost_is_borne_by_the_winners_of_the_option(last: Layer) -> None:
    house = ready(slice_ppm=1_000_000)
    house.waterfall(last)
    house.open_client("thin", deposit=320 * COIN)
    buy(house, lots=20, seller="thin")
    house.price(180)
    house.price(180, at_ns=START + HOUR)
    assert house.status("thin") == AccountStatus.TAKEN_OVER
    assert house.events("LossRecorded")
    borne = house.events("PositionDeleveraged") or house.events("GainsCut")
    assert borne
    assert house.state.accounts.used("balance").sum() == 0


def test_the_cache_of_health_follows_options() -> None:
    house = ready()
    buy(house, lots=20)
    house.trade("long", "short", lots=3, ticks=100)
    headroom = MarginCache(house.state)
    for price in (101, 99, 250, 3):
        house.price(price)
        expected = house.state.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]
        assert np.array_equal(headroom.numbers(), expected)
    house.state.marks.short_maintenance[1] += 1  # the mark stands still
    expected = house.state.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]
    assert np.array_equal(headroom.numbers(), expected)
