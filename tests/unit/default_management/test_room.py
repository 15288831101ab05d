"""Fills and conversions that 64 bits could not hold are refused, not booked."""

from __future__ import annotations

import pytest

from novate.default_management.room import conversion_room, fee_room, proceeds_of, trade_room
from novate.kernel.clearing.bound import COST_STOP
from novate.message import command
from novate.message.refusal import ReportFillRefusal
from tests.unit.clearing import COIN, ClearingHouse

E8 = 10**8


def closing_house() -> ClearingHouse:
    """A is short of margin and has an order for its 90 lots and one for its coins out."""
    house = ClearingHouse(assets=(("BTC", 8, 0),))
    house.list_contract(ticks_max=1_000)
    house.open_client("A", deposit=5_000 * COIN)
    house.open_client("B", deposit=20_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=90, ticks=500)
    house.price(461)
    return house


@pytest.mark.rule("15.6")
def test_a_fill_needs_room_for_both_sides() -> None:
    house = closing_house()
    x, a, market = house.state, house.number("A"), house.number("EXTERNAL_MARKET")
    # Value and entry cost, and the load: balance and settlement cost.
    assert trade_room(x, a, market, 0, -10, 450) == (4_500 + 45_000 + 5_000 + 45_000) * COIN

    x.accounts.balance[market, 0] = COST_STOP
    assert trade_room(x, a, market, 0, -10, 450) == COST_STOP + 4_500 * COIN


@pytest.mark.rule("15.66")
def test_a_liquidation_fee_is_no_more_than_both_balances_have_room_for() -> None:
    house = closing_house()
    x, a, fund = house.state, house.number("A"), house.number("INSURANCE_FUND")
    assert fee_room(x, a) == 2**60

    x.accounts.balance[fund, 0] = 2**60 - 7
    assert fee_room(x, a) == 7
    x.accounts.balance[a, 0] = 5 - 2**60
    assert fee_room(x, a) == 5
    x.accounts.balance[a, 0] = -(2**60) - 1
    assert fee_room(x, a) == 0


@pytest.mark.rule("4.25", "15.6")
def test_a_fill_that_does_not_fit_is_refused_and_changes_nothing() -> None:
    house = closing_house()
    x = house.state
    x.accounts.balance[house.number("EXTERNAL_MARKET"), 0] += COST_STOP
    x.accounts.balance[house.number("CUSTODY"), 0] -= COST_STOP
    before = house.engine.state.digest()
    row = {"order": 1, "quantity": 1, "price": 450, "is_final": False}

    house.submit(command.REPORT_FILL.row(**row), allow_refusals=True)

    assert house.refusals() == [ReportFillRefusal.AMOUNT_TOO_LARGE]
    assert house.engine.state.digest() == before


@pytest.mark.rule("15.7")
def test_a_conversion_needs_room_in_both_assets_of_both_sides() -> None:
    house = closing_house()
    x, a = house.state, house.number("A")
    market = house.number("EXTERNAL_MARKET")
    assert conversion_room(x, a, 1, -3, 10 * E8) == (5_000 + 45_000) * COIN

    x.accounts.balance[market, 1] = 2**60
    assert conversion_room(x, a, 1, -3, 10 * E8) == 2**60 + 3
    x.accounts.balance[market, 0] = 2**60 + 4 * E8
    assert conversion_room(x, a, 1, -3 * E8, E8) == 2**60 + 4 * E8 + 3 * COIN


def test_what_is_bought_is_charged_up_and_what_is_sold_credited_down() -> None:
    x = closing_house().state

    assert proceeds_of(x, 1, 1, 150 * E8) == -2  # 1.5 units for one hundred-millionth
    assert proceeds_of(x, 1, -1, 150 * E8) == 1
