"""Nothing is paid out on a price that was reported and not assessed (rules 5.40 and 6.80)."""

from __future__ import annotations

from typing import Any

import pytest

from novate.message import command
from novate.message.refusal import (
    SetMarginGroupRefusal,
    TransferCollateralRefusal,
    TransferPositionRefusal,
    WithdrawCollateralRefusal,
)
from tests.unit.clearing import COIN, E8, HOUR, START, ClearingHouse
from tests.unit.transfers import holder_house, move, open_sub, send


def house_at_500(**deposits: int) -> ClearingHouse:
    """A is long 100 lots of X at 500 against B; a lot is worth its price in coins."""
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 500)))
    house.list_contract("X")
    house.open_client("A", deposit=deposits.get("A", 10_000) * COIN)
    house.open_client("B", deposit=30_000 * COIN)
    house.price(500, e8={1: 100 * E8})
    house.trade("A", "B", lots=100, ticks=500)
    return house


def report(house: ClearingHouse, price: int, source: int = 0) -> None:
    """Report a price a nanosecond later, without an assessment.

    At the instant of the report before, another price would contradict it (rule 5.62).
    """
    house.advance(house.state.now_ns + 1)
    row = {"source": source, "price_e8": price * E8, "observed_ns": house.state.now_ns}
    house.submit(command.REPORT_PRICE.row(**row))


def withdraw(house: ClearingHouse, account: str, amount: int, asset: int = 0) -> list[Any]:
    """Withdraw; returns the refusals."""
    row = {"account": house.number(account), "asset": asset, "amount": amount}
    house.submit(command.WITHDRAW_COLLATERAL.row(**row), allow_refusals=True)
    return house.refusals()


@pytest.mark.rule("5.40", "6.80")
def test_a_crash_that_is_reported_lets_nothing_out_before_it_is_assessed() -> None:
    # At 500 A must keep 10% of 50,000 and 0.5% for liquidation, 5,250 of 10,000.  At 400 its
    # equity is 10,000 - 10,000 = 0.
    house = house_at_500()
    house.advance(START + HOUR)
    report(house, 400)
    assert withdraw(house, "A", 4_000 * COIN) == [WithdrawCollateralRefusal.PRICE_NOT_ASSESSED]
    [row] = house.events("CommandRefused", last=True)
    assert (row["actual"], row["allowed"]) == (1, -1)
    house.assess()
    assert house.equity("A") <= 0
    assert house.balance("CUSTODY") == -40_000 * COIN


@pytest.mark.rule("6.80")
def test_an_assessment_and_a_withdrawal_in_one_batch_go_through() -> None:
    house = house_at_500()
    now = START + HOUR
    house.submit(
        command.ADVANCE_TIME.row(instant_ns=now),
        command.REPORT_PRICE.row(source=0, price_e8=500 * E8, observed_ns=now),
        command.ASSESS_MARGIN.row(instant_ns=now),
        command.WITHDRAW_COLLATERAL.row(account=house.number("A"), asset=0, amount=1_000 * COIN),
    )
    assert house.balance("CUSTODY") == -39_000 * COIN


@pytest.mark.rule("6.80")
def test_a_last_price_counts_too_for_it_moves_the_mark() -> None:
    house = house_at_500()
    house.submit(command.REPORT_LAST.row(instrument=0, ticks=400))
    assert withdraw(house, "A", COIN) == [WithdrawCollateralRefusal.PRICE_NOT_ASSESSED]
    house.assess()
    assert withdraw(house, "A", COIN) == []


@pytest.mark.rule("6.80")
def test_a_price_that_the_account_does_not_hang_on_holds_nothing_up() -> None:
    house = house_at_500()
    report(house, 50, source=1)
    assert withdraw(house, "A", COIN) == []


@pytest.mark.rule("6.80")
def test_a_price_of_collateral_counts_and_so_does_one_of_an_open_order() -> None:
    house = house_at_500()
    house.open_client("C", deposit=1_000 * COIN)
    house.deposit("C", E8, asset=2)
    report(house, 50, source=1)
    assert withdraw(house, "C", COIN) == [WithdrawCollateralRefusal.PRICE_NOT_ASSESSED]
    house.open_client("D", deposit=1_000 * COIN)
    row = {"account": house.number("D"), "instrument": 0, "lots": 1, "limit_ticks": 500}
    house.submit(command.RESERVE_MARGIN.row(**row))
    assert withdraw(house, "D", COIN) == []
    report(house, 400)
    assert withdraw(house, "D", COIN) == [WithdrawCollateralRefusal.PRICE_NOT_ASSESSED]


@pytest.mark.rule("6.80")
def test_the_smile_of_an_option_counts_and_its_last_price_does_not() -> None:
    house = ClearingHouse()
    option = house.list_option()
    house.open_client("A", deposit=1_000 * COIN)
    house.open_client("B", deposit=1_000 * COIN)
    house.price(100)
    house.smile(0.5)
    house.assess()
    ticks = int(house.state.marks.mark[option])
    house.trade("A", "B", lots=1, ticks=ticks, instrument=option)
    house.submit(command.REPORT_LAST.row(instrument=option, ticks=1))
    assert withdraw(house, "B", COIN) == []
    house.smile(2.0)
    assert withdraw(house, "B", COIN) == [WithdrawCollateralRefusal.PRICE_NOT_ASSESSED]
    house.assess()
    assert withdraw(house, "B", COIN) == []


@pytest.mark.rule("6.80")
def test_collateral_leaves_a_group_by_no_other_way_and_moves_freely_inside() -> None:
    house = holder_house()
    house.trade("A", "B", lots=10, ticks=100)
    open_sub(house, "A3", "A", group="A")
    report(house, 90)
    refused = [TransferCollateralRefusal.PRICE_NOT_ASSESSED]
    assert send(house, "A", "A2", 10 * COIN) == refused
    assert send(house, "A", "A3", 10 * COIN) == []
    row = {"account": house.number("A3"), "group": house.number("A3")}
    leave = command.SET_MARGIN_GROUP.row(**row, netting_set=house.number("A3"))
    house.submit(leave, allow_refusals=True)
    assert house.refusals() == [SetMarginGroupRefusal.PRICE_NOT_ASSESSED]
    house.assess()
    house.submit(leave)


@pytest.mark.rule("6.80")
def test_lots_do_not_go_to_another_group_either() -> None:
    house = holder_house()
    house.trade("A", "B", lots=10, ticks=100)
    send(house, "A", "A2", 200 * COIN)
    report(house, 90)
    assert move(house, "A", "A2", 1) == [TransferPositionRefusal.PRICE_NOT_ASSESSED]
    house.assess()
    assert move(house, "A", "A2", 1) == []
