"""Final settlement with and without prices in its window, and contracts that are over."""

from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import InstrumentStatus
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import (
    ReserveMarginRefusal,
    SubmitTradeRefusal,
    TransferPositionRefusal,
)
from novate.message.settlement import Basis
from tests.unit.clearing import COIN, DAY, E8, HOUR, MINUTE, START, ClearingHouse
from tests.unit.transfers import move, open_sub

WINDOW = 30 * MINUTE
EXPIRY = START + 10 * HOUR


def future(last_seen: int, price: int = 100, **terms: Any) -> ClearingHouse:
    """A is long 50 lots against B at 100; the last price is of ``last_seen`` before expiry.

    A source counts for five minutes, a lot is worth its price in coins, and the settlement window
    is half an hour.
    """
    house = ClearingHouse(parameters={Parameter.INDEX_STALENESS_NS: 5 * MINUTE})
    terms = {"cycle_ns": 0, "expiry_ns": EXPIRY, "settlement_window_ns": WINDOW, **terms}
    house.list_contract("F", **terms)
    for name in ("A", "B"):
        house.open_client(name, deposit=10_000 * COIN)
    house.price(100, at_ns=EXPIRY - last_seen)
    house.trade("A", "B", lots=50, ticks=100)
    if price != 100:
        house.price(price)
    return house


@pytest.mark.rule("5.17", "8.43")
def test_a_feed_that_is_dead_through_the_window_settles_at_the_first_fresh_index() -> None:
    # The last update is 31 minutes before expiry and counts for 5: 4 minutes of the window at 100,
    # 26 that were not observed at 60: (4 x 100 + 26 x 60) / 30 = 65.33.
    house = future(31 * MINUTE)
    house.advance(EXPIRY)
    [waits] = house.events("CyclePostponed", last=True)
    assert waits["instant_ns"] == EXPIRY
    house.price(60, at_ns=EXPIRY + 2 * HOUR)
    [row] = house.events("ContractExpired")
    assert (row["ticks"], row["basis"]) == (65, Basis.FIRST_FRESH)
    assert house.balance("A") == 10_000 * COIN - 50 * 35 * COIN


@pytest.mark.rule("5.17", "8.42")
def test_a_window_that_was_observed_enough_settles_at_once_without_a_price() -> None:
    # Observed from 25 minutes before expiry to 8 before it, 17 of 30 minutes: 12 at 100, 5 at 80.
    house = ClearingHouse(parameters={Parameter.INDEX_STALENESS_NS: 5 * MINUTE})
    house.list_contract("F", cycle_ns=0, expiry_ns=EXPIRY, settlement_window_ns=WINDOW)
    for minute in (25, 21, 17):
        house.price(100, at_ns=EXPIRY - minute * MINUTE)
    house.price(80, at_ns=EXPIRY - 13 * MINUTE)
    house.advance(EXPIRY)
    [row] = house.events("ContractExpired")
    # (12 x 100 + 5 x 80) / 17 = 94.1
    assert (row["ticks"], row["basis"]) == (94, Basis.WINDOW)


@pytest.mark.rule("8.42", "8.43")
@pytest.mark.parametrize(("share", "basis"), [(133_333, Basis.WINDOW), (133_334, None)])
def test_the_share_of_the_window_is_a_parameter_of_the_contract(share: int, basis: Any) -> None:
    # 4 of 30 minutes are 13.3333 percent.
    house = future(31 * MINUTE)
    house.submit(
        command.SET_PARAMETER.row(
            parameter=int(Parameter.SETTLEMENT_COVERAGE_PPM), value=share, scope=1, subject=0,
            effective_ns=0,
        )
    )  # fmt: skip
    house.advance(EXPIRY)
    assert [row["basis"] for row in house.events("ContractExpired")] == ([basis] if basis else [])


@pytest.mark.rule("8.44")
def test_without_any_price_the_last_index_settles_at_the_end_of_the_wait() -> None:
    house = future(31 * MINUTE, price=70)
    house.advance(EXPIRY + DAY - 1)
    assert not house.events("ContractExpired")
    house.assess()
    assert not house.events("ContractExpired")
    house.advance(EXPIRY + DAY)
    [row] = house.events("ContractExpired")
    assert (row["ticks"], row["basis"], row["instant_ns"]) == (70, Basis.LAST, EXPIRY + DAY)


@pytest.mark.rule("8.44")
def test_an_end_of_the_wait_that_comes_sooner_counts_from_the_next_assessment_on() -> None:
    house = future(31 * MINUTE, price=70)
    house.advance(EXPIRY + HOUR)
    house.submit(
        command.SET_PARAMETER.row(
            parameter=int(Parameter.SETTLEMENT_WAIT_NS), value=HOUR, scope=0, subject=0,
            effective_ns=0,
        )
    )  # fmt: skip
    house.assess()
    [row] = house.events("ContractExpired")
    assert row["basis"] == Basis.LAST


@pytest.mark.rule("8.42")
def test_an_index_that_only_reports_kept_fresh_does_not_settle() -> None:
    # Sources report, nobody assesses: the index that the mark shows is half an hour old.
    house = future(31 * MINUTE)
    house.submit(
        command.ADVANCE_TIME.row(instant_ns=EXPIRY - 1),
        command.REPORT_PRICE.row(source=0, price_e8=60 * E8, observed_ns=EXPIRY - 1),
    )
    house.advance(EXPIRY)
    assert not house.events("ContractExpired")
    house.assess()
    assert [row["ticks"] for row in house.events("ContractExpired")] == [65]


@pytest.mark.rule("8.42", "8.43", "9.38", "9.42")
def test_an_option_settles_by_the_same_rules() -> None:
    house = ClearingHouse(parameters={Parameter.INDEX_STALENESS_NS: 5 * MINUTE})
    house.list_option(expiry_ns=EXPIRY, settlement_window_ns=WINDOW, strike_e8=50 * E8)
    house.price(100, at_ns=EXPIRY - 31 * MINUTE)
    house.advance(EXPIRY)
    assert not house.events("OptionExpired")
    house.price(60, at_ns=EXPIRY + HOUR)
    [row] = house.events("OptionExpired")
    # (4 x 100 + 26 x 60) / 30 = 65.33333333; 15.33 in the money are 1,533 ticks of a cent.
    assert (row["final_e8"], row["ticks"]) == (6_533_333_333, 1_533)
    assert row["basis"] == Basis.FIRST_FRESH


@pytest.mark.rule("5.41", "8.10")
def test_a_linear_contract_may_settle_at_zero() -> None:
    # Half a tick is half a numeraire: at 0.4 the mark is 1, the settlement price 0.
    house = future(HOUR)
    house.price(None, e8={0: 4 * E8 // 10}, at_ns=EXPIRY - WINDOW)
    for minute in (26, 22, 18, 14, 10, 6, 2):
        house.price(None, e8={0: 4 * E8 // 10}, at_ns=EXPIRY - minute * MINUTE)
    assert int(house.state.marks.mark[0]) == 1
    house.advance(EXPIRY)
    assert [row["ticks"] for row in house.events("ContractExpired")] == [0]
    assert house.balance("A") == 5_000 * COIN
    assert house.balance("B") == 15_000 * COIN


@pytest.mark.rule("5.41", "8.10")
def test_an_inverse_contract_settles_at_one_tick_at_least() -> None:
    house = ClearingHouse()
    house.list_contract(
        "I", form=2, settlement_asset=1, unit=E8, cycle_ns=0, expiry_ns=EXPIRY, lots_max=1_000
    )
    house.price(None, e8={0: 4 * E8 // 10}, at_ns=EXPIRY - MINUTE)
    house.advance(EXPIRY)
    assert [row["ticks"] for row in house.events("ContractExpired")] == [1]


# ---- what is over


@pytest.mark.rule("5.42", "7.13", "7.28")
def test_a_contract_that_waits_for_its_settlement_takes_no_trade_and_no_order() -> None:
    house = future(31 * MINUTE)
    house.advance(EXPIRY + HOUR)
    assert house.state.instruments.status[0] == InstrumentStatus.ACTIVE
    house.submit(house.trade_run("B", "A", lots=50, ticks=40), allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.INSTRUMENT_NOT_ACTIVE]
    [row] = house.events("CommandRefused", last=True)
    assert row["actual"] == InstrumentStatus.EXPIRED
    runs = [house.trade_run("B", "A", lots=1, ticks=40), house.trade_run("A", "B", lots=1, ticks=9)]
    house.submit(*runs, allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.INSTRUMENT_NOT_ACTIVE] * 2
    row = {"account": house.number("A"), "instrument": 0, "lots": -50, "limit_ticks": 100}
    house.submit(command.RESERVE_MARGIN.row(**row), allow_refusals=True)
    assert house.refusals() == [ReserveMarginRefusal.INSTRUMENT_NOT_ACTIVE]
    assert house.lots("A") == 50


@pytest.mark.rule("5.42")
def test_an_order_that_was_reserved_before_expiry_is_not_filled_after_it() -> None:
    house = future(31 * MINUTE)
    row = {"account": house.number("A"), "instrument": 0, "lots": -50, "limit_ticks": 30}
    house.submit(command.RESERVE_MARGIN.row(**row))
    house.advance(EXPIRY + HOUR)
    run = house.trade_run("B", "A", lots=50, ticks=40, seller_reservation=1)
    house.submit(run, allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.INSTRUMENT_NOT_ACTIVE]


@pytest.mark.rule("5.42", "7.46")
def test_lots_of_a_contract_that_is_over_are_not_transferred() -> None:
    house = future(31 * MINUTE)
    open_sub(house, "A2", "A")
    house.advance(EXPIRY + HOUR)
    assert move(house, "A", "A2", 1) == [TransferPositionRefusal.PRICE_BLOCKED]
