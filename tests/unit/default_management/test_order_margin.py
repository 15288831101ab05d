"""Open orders are margined after every assessment, and asked back before anybody defaults."""

from __future__ import annotations

from typing import Any

import pytest

from novate.default_management.order_margin import (
    decide_remargin_orders,
    decide_request_cancellations,
)
from novate.engine.outbox import Outbox
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal as No
from novate.message.refusal import SubmitTradeRefusal as NoTrade
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse, Recorder, decide_one

ASK = {Parameter.ORDER_BAND_PPM: 10_000, Parameter.TRADE_COLLAR_PPM: 100_000}


def house(policy: ShortfallPolicy = ShortfallPolicy.CALL_THEN_DEFAULT) -> ClearingHouse:
    """X at 100, ten per cent and half to stay; A has 1,000, B enough."""
    built = ClearingHouse(parameters=ASK)
    built.list_contract(cycle_ns=0)
    built.open_client("A", deposit=1_000 * COIN, shortfall_policy=policy)
    built.open_client("B", deposit=10**6 * COIN)
    built.price(100)
    return built


def reserve(built: ClearingHouse, lots: int, limit: int) -> int:
    """Reserve for A, and return the number."""
    row = {"account": built.number("A"), "instrument": 0, "lots": lots, "limit_ticks": limit}
    built.submit(command.RESERVE_MARGIN.row(**row))
    return built.state.reservations.given


def held(built: ClearingHouse) -> int:
    return int(built.state.accounts.open_order_hold[built.number("A")])


def fill(built: ClearingHouse, reservation: int, lots: int, ticks: int) -> list[Any]:
    run = built.trade_run("B", "A", lots=lots, ticks=ticks, seller_reservation=reservation)
    built.submit(run, allow_refusals=True)
    return built.refusals()


@pytest.mark.rule("4.40", "7.56")
def test_a_hold_follows_the_mark_when_it_has_moved_against_or_away_from_an_order() -> None:
    built = house()
    reserve(built, -10, 100)
    assert held(built) == 10 * COIN  # 1 a lot at 101

    for mark, hold in (
        (101, 10),  # what it holds is its loss now
        (102, 40),  # 104 is one band away, rounded up
        (104, 40),
        (103, 40),  # 30, and 60 two bands away
        (99, 0),  # nothing at 100, and 10 at 101, two bands away
    ):
        before = held(built)
        built.price(mark)
        told = [row["open_order_hold"] for row in built.events("OrderRemargined", last=True)]
        assert held(built) == hold * COIN
        assert told == ([held(built)] if held(built) != before else [])


@pytest.mark.rule("3.40", "4.19", "4.41", "7.58")
def test_orders_alone_lead_to_no_call_and_their_cancellation_is_requested_once() -> None:
    built = house()
    built.trade("A", "B", lots=50, ticks=100)
    order = reserve(built, 45, 100)  # 950 for 95 lots, and 45 that it may lose at 99

    built.price(99)  # equity 950; the position asks for 495, with the order 940.50 and 45

    assert built.events("CancellationRequested") == [{"reservation": order}]
    assert built.events("MarginCalled") == []
    built.price(99)
    built.advance(START + 2 * HOUR)
    built.price(99)
    assert len(built.events("CancellationRequested")) == 1
    assert built.events("DefaultDeclared") == []
    assert built.status("A") == AccountStatus.OPEN
    assert built.lots("A") == 50


@pytest.mark.rule("7.58")
def test_a_cancellation_waits_in_the_outbox_for_a_release() -> None:
    built = house()
    order = reserve(built, -90, 100)
    built.price(110)

    assert built.engine.outbox().cancellations.tolist() == [order]
    built.submit(command.RELEASE_MARGIN.row(reservation=order))

    assert built.engine.outbox().cancellations.tolist() == []
    assert Outbox.of(built.state).cancellations.size == 0
    assert held(built) == 0
    assert fill(built, order, 90, 100) == [NoTrade.UNKNOWN_RESERVATION]


@pytest.mark.rule("7.3", "7.58")
def test_until_its_release_an_order_fills_inside_the_collar_and_its_owner_is_closed_out() -> None:
    built = house(ShortfallPolicy.AUTO_LIQUIDATE)
    order = reserve(built, -90, 100)
    built.price(112)
    assert built.events("CancellationRequested") == [{"reservation": order}]

    assert fill(built, order, 90, 100) == [NoTrade.PRICE_OUT_OF_RANGE]
    assert fill(built, order, 45, 101) == []
    built.assess()

    # 1,000 - 45 * 11 = 505, and 45 lots at 112 ask for 504 and 252 to stay: it stands.
    assert built.status("A") == AccountStatus.OPEN
    assert fill(built, order, 45, 101) == []
    built.assess()
    assert built.status("A") > AccountStatus.CALLED


@pytest.mark.rule("7.59")
def test_a_closing_order_is_not_cancelled_while_it_concedes_no_more_than_its_share() -> None:
    built = house()
    built.trade("A", "B", lots=100, ticks=100)
    way_out = reserve(built, -60, 99)
    other = reserve(built, -40, 104)
    built.price(98)

    assert built.status("A") == AccountStatus.CALLED
    assert built.events("CancellationRequested") == []
    # At 115: 60 concede 16 and 40 concede 11 a lot, 1,400 of 2,500.
    built.price(115)
    assert built.events("CancellationRequested") == []
    built.state.accounts.balance[built.number("A"), 0] -= 1_200 * COIN
    built.state.accounts.balance[built.number("B"), 0] += 1_200 * COIN
    built.engine.state.margin_cache.touch_all()
    built.assess()
    asked = [row["reservation"] for row in built.events("CancellationRequested")]
    assert asked == [way_out, other]


@pytest.mark.rule("10.1", "10.4", "10.6")
def test_a_call_is_for_positions_alone_and_met_by_them() -> None:
    built = house()
    built.trade("A", "B", lots=50, ticks=100)
    reserve(built, 40, 98)
    built.price(89)  # 450, and 445 for the position

    assert built.events("MarginCalled") == []
    built.price(88)  # 400, and 440
    assert [row["amount"] for row in built.events("MarginCalled")] == [40 * COIN]
    built.deposit("A", 40 * COIN)
    built.assess()
    assert len(built.events("MarginCallMet")) == 1
    assert built.state.assess(built.number("A")).initial > 440 * COIN


@pytest.mark.rule("4.28")
def test_commands_without_a_cause_are_refused() -> None:
    built = house()
    order = reserve(built, -10, 100)
    recorder = Recorder()

    for decide in (decide_remargin_orders, decide_request_cancellations):
        gone = decide_one(decide, built.state, {"reservation": order}, recorder)
        assert gone == (No.CAUSE_GONE, order, 0)
        unknown = decide_one(decide, built.state, {"reservation": order + 1}, recorder)
        assert unknown == (No.UNKNOWN_SUBJECT, order + 1, order)
    assert recorder.events == []


@pytest.mark.rule("7.57")
def test_holds_grow_no_further_than_64_bits_carry() -> None:
    built = ClearingHouse()
    built.list_contract(ticks_max=2, unit=2**39, lots_max=2**20, settlement_asset=1)
    built.open_client("A")
    built.deposit("A", 2**60, asset=1)
    built.price(1)
    reserve(built, -(2**16), 1)
    reserve(built, -(2**16), 1)
    assert held(built) == 0

    built.price(10**5)  # a mark of 2, and 2**55 units of a coin worth 1,000 numeraire units each

    assert built.events("OrderRemargined") == [{"reservation": 1, "open_order_hold": 2**60}]
    assert held(built) == 2**60


@pytest.mark.rule("7.60")
def test_a_stale_price_holds_no_request_up() -> None:
    built = house()
    built.submit(
        command.SET_PARAMETER.row(
            parameter=int(Parameter.INDEX_STALENESS_NS), value=10 * MINUTE, scope=0, subject=0,
            effective_ns=0,
        )
    )  # fmt: skip
    order = reserve(built, -90, 100)
    built.state.accounts.balance[built.number("A"), 0] -= 500 * COIN
    built.state.accounts.balance[built.number("B"), 0] += 500 * COIN
    built.engine.state.margin_cache.touch_all()

    built.price(None, at_ns=START + HOUR)

    assert built.events("CancellationRequested") == [{"reservation": order}]
