from __future__ import annotations

from typing import Any

import pytest

from novate.errors import InvariantError
from novate.kernel.codes import Role, Style
from novate.message import command
from novate.message.refusal import (
    SettleExternalMarketRefusal,
    SubmitTradeRefusal,
    WithdrawCollateralRefusal,
)
from tests.unit.clearing import COIN, DAY, E8, HOUR, START, ClearingHouse

Settle = SettleExternalMarketRefusal
MARKET = Role.EXTERNAL_MARKET.name


def settle(house: ClearingHouse, amount: int, asset: int = 0) -> list[Any]:
    house.submit(
        command.SETTLE_EXTERNAL_MARKET.row(asset=asset, amount=amount), allow_refusals=True
    )
    return house.refusals()


def withdraw(house: ClearingHouse, account: str, amount: int, asset: int = 0) -> list[Any]:
    house.submit(
        command.WITHDRAW_COLLATERAL.row(account=house.number(account), asset=asset, amount=amount),
        allow_refusals=True,
    )
    return house.refusals()


def long_against_the_market(**terms: Any) -> ClearingHouse:
    """A, with 1,000, bought 50 lots at 100 from the external market; the mark is 100."""
    house = ClearingHouse()
    house.list_contract(**terms)
    house.open_client("A", deposit=1_000 * COIN)
    house.open_client("B", deposit=50_000 * COIN)
    house.price(100)
    house.trade("A", MARKET, lots=50, ticks=100)
    return house


def owing() -> ClearingHouse:
    """As above, and a cycle at 120 paid A 50 x 20 = 1,000 that the external market owes."""
    house = long_against_the_market()
    house.price(120, at_ns=START + HOUR - 1)
    house.price(120, at_ns=START + HOUR)
    return house


def last_refusal(house: ClearingHouse) -> tuple[int, int]:
    row = house.events("CommandRefused", last=True)[0]
    return row["actual"], row["allowed"]


@pytest.mark.rule("6.92")
def test_what_a_cycle_leaves_the_external_market_owing_is_called_at_the_next_assessment() -> None:
    house = owing()

    assert house.balance(MARKET) == -1_000 * COIN
    assert house.events("ExternalMarketCalled") == [{"asset": 0, "amount": 1_000 * COIN}]


@pytest.mark.rule("6.92")
def test_an_assessment_calls_only_what_is_news_and_says_when_nothing_is_owed() -> None:
    house = owing()
    house.assess()
    assert house.events("ExternalMarketCalled", last=True) == []

    house.price(100, at_ns=START + 2 * HOUR - 1)
    house.price(100, at_ns=START + 2 * HOUR)  # A pays the 1,000 back

    assert house.events("ExternalMarketCalled")[-1] == {"asset": 0, "amount": 0}


@pytest.mark.rule("6.93")
def test_the_external_market_pays_what_it_owes_and_no_more() -> None:
    house = owing()

    assert settle(house, 1_000 * COIN + 1) == [Settle.MORE_THAN_OWED]
    assert last_refusal(house) == (1_000 * COIN + 1, 1_000 * COIN)
    assert settle(house, 400 * COIN) == []
    assert settle(house, 600 * COIN) == []

    assert house.balance(MARKET) == 0
    # 1,000 and 50,000 were deposited, 1,000 came from the external market.
    assert house.balance("CUSTODY") == -52_000 * COIN
    assert house.events("ExternalMarketSettled")[-1]["amount"] == 600 * COIN


@pytest.mark.rule("6.93")
def test_reasons_against_a_payment_are_tested_in_the_order_of_their_codes() -> None:
    house = owing()

    assert settle(house, 0, asset=2) == [Settle.UNKNOWN_ASSET]
    assert settle(house, 0) == [Settle.AMOUNT_ZERO]
    assert settle(house, 2**62, asset=1) == [Settle.MORE_THAN_OWED]
    assert settle(house, -(2**63)) == [Settle.INSUFFICIENT_BALANCE]


@pytest.mark.rule("6.93")
def test_the_external_market_takes_what_it_gained_less_what_is_pending_against_it() -> None:
    house = long_against_the_market()
    house.price(90, at_ns=START + HOUR - 1)
    house.price(90, at_ns=START + HOUR)  # A paid 50 x 10 = 500
    house.price(95)  # 50 x 5 = 250 are coming back to A

    assert settle(house, -250 * COIN - 1) == [Settle.INSUFFICIENT_BALANCE]
    assert last_refusal(house) == (250 * COIN + 1, 250 * COIN)
    assert settle(house, -250 * COIN) == []
    assert house.balance(MARKET) == 250 * COIN


@pytest.mark.rule("6.92")
def test_while_it_owes_the_external_market_only_reduces_its_own_position() -> None:
    house = owing()
    no = SubmitTradeRefusal.EXTERNAL_MARKET_OWES

    def trade(buyer: str, seller: str, lots: int) -> list[Any]:
        house.submit(house.trade_run(buyer, seller, lots=lots, ticks=120), allow_refusals=True)
        return house.refusals()

    assert trade("A", MARKET, 1) == [no]
    assert last_refusal(house) == (1, 0)
    assert trade(MARKET, "B", 51) == [no]  # short 50: one more than closes it
    assert trade("A", "B", 1) == []
    assert trade(MARKET, "A", 10) == []

    settle(house, 1_000 * COIN)
    assert trade("A", MARKET, 1) == []


@pytest.mark.rule("6.92")
def test_a_contract_settled_at_close_and_an_option_are_called_too() -> None:
    house = long_against_the_market(style=int(Style.AT_CLOSE), cycle_ns=0)
    house.price(110)
    house.trade(MARKET, "A", lots=50, ticks=110)  # A is paid 500 at the trade
    house.assess()
    assert house.events("ExternalMarketCalled")[-1] == {"asset": 0, "amount": 500 * COIN}

    settle(house, 500 * COIN)
    option = house.list_option()
    house.smile(0.5)
    house.price(110)
    house.trade(MARKET, "B", lots=10, ticks=700, instrument=option)  # pays 10 x 7
    house.assess()
    assert house.events("ExternalMarketCalled")[-1] == {"asset": 0, "amount": 70 * COIN}


# ---- custody


@pytest.mark.rule("6.90")
def test_a_gain_in_an_asset_that_nobody_deposited_is_not_withdrawn() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 500),))
    house.list_contract()
    for name in "AB":
        house.open_client(name)
        house.deposit(name, 10 * E8, asset=1)
    house.price(50_000)
    house.trade("A", "B", lots=10, ticks=50_000)
    house.price(40_000, at_ns=START + HOUR - 1)
    house.price(40_000, at_ns=START + HOUR)
    assert (house.balance("A"), house.balance("B")) == (-100_000 * COIN, 100_000 * COIN)

    assert withdraw(house, "B", 1) == [WithdrawCollateralRefusal.CUSTODY_SHORT]
    assert last_refusal(house) == (1, 0)

    house.deposit("A", 70 * COIN)
    assert withdraw(house, "B", 70 * COIN) == []
    assert house.balance("CUSTODY") == 0


@pytest.mark.rule("6.90", "6.93")
def test_the_external_market_is_paid_no_more_than_is_there() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A")
    house.deposit("A", E8, asset=1)
    house.price(100)
    house.trade("A", MARKET, lots=2, ticks=100)
    house.price(90, at_ns=START + HOUR - 1)
    house.price(90, at_ns=START + HOUR)  # A owes 20, in numeraire that nobody has

    assert settle(house, -20 * COIN) == [Settle.CUSTODY_SHORT]
    assert last_refusal(house) == (20 * COIN, 0)


@pytest.mark.rule("6.91")
@pytest.mark.parametrize("name", ["WITHDRAW_COLLATERAL", "SETTLE_EXTERNAL_MARKET"])
def test_the_engine_stops_when_an_asset_is_paid_out_that_is_not_there(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = long_against_the_market()
    house.price(90, at_ns=START + HOUR - 1)
    house.price(90, at_ns=START + HOUR)  # the external market gained 500
    custody, other = house.number("CUSTODY"), house.number("B")
    there = -house.balance("CUSTODY")
    house.state.accounts.add(custody, 0, there)  # as if it were gone
    house.state.accounts.add(other, 0, -there)
    for module in ("custody", "external_market"):
        monkeypatch.setattr(f"novate.collateral.{module}.held_in_custody", lambda x, asset: 2**50)

    row = {"asset": 0, "amount": 1}
    run = command.SETTLE_EXTERNAL_MARKET.row(asset=0, amount=-1)
    if name == "WITHDRAW_COLLATERAL":
        run = command.WITHDRAW_COLLATERAL.row(account=house.number("A"), **row)
    with pytest.raises(InvariantError, match="custody"):
        house.submit(run)


# ---- the whole case


@pytest.mark.rule("6.90", "6.92", "6.93", "6.96")
def test_a_gain_against_the_external_market_is_paid_out_when_that_has_paid() -> None:
    """A deposited 1,000 and gained 50 x 100 = 5,000 from the external market."""
    house = long_against_the_market()
    house.price(200, at_ns=START + 30 * DAY - HOUR)
    house.advance(START + 30 * DAY)
    house.price(200, at_ns=START + 30 * DAY + 1)
    house.trade(MARKET, "A", lots=50, ticks=200)
    for hour in range(1, 30 * 24):
        house.price(200, at_ns=START + 30 * DAY + hour * HOUR)  # the slow index follows
    assert house.balance("A") == 6_000 * COIN

    # Without its payment the 5,000 stay; the deposit goes.
    refused = withdraw(house, "A", 1_000 * COIN + 1)
    assert refused == [WithdrawCollateralRefusal.GAINS_NOT_PAID]
    assert withdraw(house, "A", 1_000 * COIN) == []

    assert settle(house, 5_000 * COIN) == []
    house.assess()
    assert withdraw(house, "A", 5_000 * COIN) == []
    assert house.balance("CUSTODY") == -50_000 * COIN
