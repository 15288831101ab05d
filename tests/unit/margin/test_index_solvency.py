"""A trade or an order leaves an account solvent also when every mark comes back to its index."""

from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import MarginMode
from novate.message import command
from novate.message.refusal import (
    ReserveMarginRefusal,
    SubmitTradeRefusal,
    WithdrawCollateralRefusal,
)
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, E8, MINUTE, ClearingHouse
from tests.unit.transfers import open_sub

TIGHT = ((0, 20_000, 10_000),)
INVERSE = {"form": 2, "settlement_asset": 1, "unit": 100 * E8, "lots_max": 10**7}

TRADE = SubmitTradeRefusal.INSOLVENT_AT_INDEX
ORDER = ReserveMarginRefusal.INSOLVENT_AT_INDEX


def house_at(*lasts: int, margined: dict[str, int], **terms: Any) -> ClearingHouse:
    """The index is 100; contracts X, Y ... are marked at their last prices, within 10%.

    Initial margin is 2% and maintenance margin 1%.  R is rich.
    """
    house = ClearingHouse(plugins=PLUGINS)
    for k, _ in enumerate(lasts):
        house.list_contract("XYZ"[k], tiers=TIGHT, basis_clamp_ppm=100_000, **terms)
    for name, amount in {"R": 10**6, **margined}.items():
        house.open_client(name, deposit=amount * COIN)
    house.price(100, last=dict(enumerate(lasts)))
    return house


def trade(house: ClearingHouse, buyer: str, seller: str, **row: Any) -> list[Any]:
    """Submit a trade of 100 lots; returns the refusals."""
    run = house.trade_run(buyer, seller, **{"lots": 100, **row})
    house.submit(run, allow_refusals=True)
    return house.refusals()


def reserve(
    house: ClearingHouse, name: str, lots: int, limit: int, instrument: int = 0
) -> list[Any]:
    house.submit(
        command.RESERVE_MARGIN.row(
            account=house.number(name), instrument=instrument, lots=lots, limit_ticks=limit
        ),
        allow_refusals=True,
    )
    return house.refusals()


def withdraw(house: ClearingHouse, name: str, amount: int) -> list[Any]:
    row = {"account": house.number(name), "asset": 0, "amount": amount * COIN}
    house.submit(command.WITHDRAW_COLLATERAL.row(**row), allow_refusals=True)
    return house.refusals()


def numbers(house: ClearingHouse) -> tuple[int, int]:
    """Number that broke and number allowed of the one refusal, whole numeraire."""
    [row] = house.events("CommandRefused", last=True)
    return row["actual"] // COIN, row["allowed"] // COIN


# ---- trades


@pytest.mark.rule("7.90")
def test_who_enters_at_a_mark_away_from_the_index_pays_for_a_return_to_it() -> None:
    # A short of 100 lots at 95 asks for 2% of 9,500 = 190, and loses 500 on the way to 100.
    house = house_at(95, margined={"A": 499})
    assert trade(house, "R", "A", ticks=95) == [TRADE]
    assert numbers(house) == (-1, 0)
    house.deposit("A", 1 * COIN)
    assert trade(house, "R", "A", ticks=95) == []


@pytest.mark.rule("7.2", "7.90")
def test_margin_at_the_mark_is_tested_before_a_return_to_the_index_and_the_buyer_first() -> None:
    # 189 is below the 190 of the mark; A as the buyer is told of the index before B of the mark.
    house = house_at(95, 105, margined={"A": 189, "B": 300})
    assert trade(house, "R", "A", ticks=95) == [SubmitTradeRefusal.INSUFFICIENT_MARGIN]
    assert trade(house, "B", "A", ticks=105, instrument=1) == [TRADE]
    assert numbers(house) == (300 - 500, 0)


@pytest.mark.rule("7.91")
def test_the_side_that_gains_by_a_return_to_the_index_holds_the_margin_of_the_mark() -> None:
    # A long of 100 lots at 95 asks for 190; at the index it has 500 more.
    house = house_at(95, margined={"A": 190})
    assert trade(house, "A", "R", ticks=95) == []


@pytest.mark.rule("7.90")
def test_a_basis_below_the_initial_rate_costs_nobody_anything() -> None:
    # At 99 a short of 100 lots asks for 198, and loses 100 on the way to 100.
    house = house_at(99, margined={"A": 198})
    assert trade(house, "R", "A", ticks=99) == []


@pytest.mark.rule("7.90")
def test_a_contract_that_is_paid_in_coin_comes_back_to_its_index_too() -> None:
    # 100 lots of 100 each are short at 95: worth 10,000 / 95 coins = 105.263...; at 100 they are
    # worth 100 coins.  The loss by the return is 5.263... coins, 500 at 95 but 526.3 at the
    # index of 100, which coins have in the assessment: 2% of 105.263 coins are 210.5.
    house = house_at(95, margined={"A": 526}, **INVERSE)
    assert trade(house, "R", "A", ticks=95) == [TRADE]
    house.deposit("A", 1 * COIN)
    assert trade(house, "R", "A", ticks=95) == []


@pytest.mark.rule("7.90")
def test_a_gain_at_a_pumped_mark_is_no_margin_for_the_gain_of_another() -> None:
    # A bought 100 lots at 100 with 200; at a mark of 110 it has 1,200 and must hold 220.  B sells
    # it Y, marked at 100, for 107: A would concede 700 to B and have 500 at the mark, for margin
    # of 420; at the index A has 200, and 200 - 700 after the trade.
    house = house_at(100, 100, margined={"A": 200, "B": 10_000})
    assert trade(house, "A", "R", ticks=100) == []
    house.price(100, last={0: 110}, at_ns=house.state.now_ns + 300 * MINUTE)
    assert house.equity("A") == 1_200 * COIN
    assert trade(house, "A", "B", ticks=107, instrument=1, lots=100) == [TRADE]
    assert numbers(house) == (200 - 700, 0)
    assert trade(house, "A", "B", ticks=102, instrument=1, lots=100) == []


@pytest.mark.rule("7.90")
def test_accounts_of_one_margin_group_are_solvent_together() -> None:
    # A and its sub-account have 300 and 200, which is what the return costs.
    house = house_at(95, margined={"A": 300})
    open_sub(house, "A2", "A", group="A")
    house.deposit("A2", 199 * COIN)
    assert trade(house, "R", "A2", ticks=95) == [TRADE]
    house.deposit("A2", 1 * COIN)
    assert trade(house, "R", "A2", ticks=95) == []


@pytest.mark.rule("7.90")
def test_an_isolated_account_is_solvent_by_itself() -> None:
    house = house_at(95, margined={})
    house.open_client("A", deposit=499 * COIN, mode=MarginMode.ISOLATED)
    assert trade(house, "R", "A", ticks=95) == [TRADE]


@pytest.mark.rule("3.70", "7.90")
def test_a_short_option_is_covered_at_the_index_by_what_it_is_worth() -> None:
    # A is long 100 lots of X from 100 and has 10 of its own; marked at 110 it has 1,010.  The
    # premium of 40 calls comes in, and is owed: 10 are too little at the index for a fee of
    # nothing, with short worth equal to the premium; with more than 10 conceded A is insolvent.
    house = house_at(100, margined={"A": 210, "B": 10**4})
    house.list_option("C")
    house.smile(0.5)
    house.assess()
    worth = int(house.state.marks.mark[1])
    assert trade(house, "A", "R", ticks=100) == []
    house.price(100, last={0: 110}, at_ns=house.state.now_ns + 300 * MINUTE)
    house.smile(0.5)
    house.assess()
    worth = int(house.state.marks.mark[1])
    # Each lot is worth `worth` cents; sold 4.20 below that, 50 lots concede 210.
    assert trade(house, "B", "A", instrument=1, ticks=worth - 420, lots=50) == []
    assert trade(house, "B", "A", instrument=1, ticks=worth - 420, lots=1) == [TRADE]
    assert house.events("CommandRefused", last=True)[0]["allowed"] == 51 * worth * COIN // 100


# ---- ways out


def house_with_both_legs() -> ClearingHouse:
    """A is long X and short Y, 100 lots each from 100; marked at 106 it has 450 left.

    With nothing else a long X loses 600 by the return, and Y gains as much.
    """
    house = house_at(100, 100, margined={"A": 450})
    assert trade(house, "A", "R", ticks=100) == []
    assert trade(house, "R", "A", ticks=100, instrument=1) == []
    house.price(100, last={0: 106, 1: 106}, at_ns=house.state.now_ns + 300 * MINUTE)
    assert house.state.marks.used("mark").tolist() == [106, 106]
    return house


@pytest.mark.rule("7.92")
def test_the_leg_that_gains_by_a_return_to_the_index_is_not_closed_first() -> None:
    # X was bought at 100 and gained 600 at the mark, Y lost 600.  Without Y, closed at the mark,
    # A would have 450 - 600 at the index; without X it has 450 at both.
    house = house_with_both_legs()
    assert trade(house, "A", "R", ticks=106, instrument=1) == [TRADE]
    assert numbers(house) == (450 - 600, 0)
    assert trade(house, "R", "A", ticks=106) == []
    assert trade(house, "A", "R", ticks=106, instrument=1) == []
    assert house.equity("A") == 450 * COIN


@pytest.mark.rule("7.92")
def test_what_loses_by_a_return_to_the_index_is_closed_at_the_mark_whatever_the_fee() -> None:
    # The dated future went to 108 after A had entered at 100.1 and lost elsewhere: the fee of 1%
    # is more than the basis of a closing order at 100, and the position goes all the same.
    house = house_at(104, margined={"A": 420}, taker_fee_ppm=0)
    assert trade(house, "A", "R", ticks=104) == []
    assert withdraw(house, "A", 20) != []
    # Bought at 104 with 420, and nothing left at the index but 20: half of it at a time.
    assert trade(house, "R", "A", ticks=104, lots=50) == []
    assert trade(house, "R", "A", ticks=104, lots=50) == []
    assert house.equity("A") == 420 * COIN


@pytest.mark.rule("7.92")
def test_an_order_that_closes_no_worse_than_the_index_is_granted() -> None:
    # A bought at 100 with 450; with Y closed by R's order A would be insolvent at the index.
    house = house_with_both_legs()
    assert reserve(house, "A", 100, 106, instrument=1) == [ORDER]
    assert reserve(house, "A", 100, 100, instrument=1) == []
    assert reserve(house, "A", -100, 106) == []


@pytest.mark.rule("7.91")
def test_a_loss_that_the_index_knows_nothing_of_is_not_made_final_beyond_what_there_is() -> None:
    # A sold 100 lots at 100 with 500; marked at 106 it has -100, and 500 at the index.  Bought back
    # at the mark it would owe 100; half of them leave 500 - 300 at the index.
    house = house_at(100, margined={"A": 500})
    assert trade(house, "R", "A", ticks=100) == []
    house.price(100, last={0: 106}, at_ns=house.state.now_ns + 300 * MINUTE)
    assert house.equity("A") == -100 * COIN
    assert trade(house, "A", "R", ticks=106) == [TRADE]
    assert numbers(house) == (-100, 0)
    assert trade(house, "A", "R", ticks=106, lots=50) == []


# ---- orders


@pytest.mark.rule("3.71", "7.90")
def test_an_order_is_granted_with_what_its_fill_loses_at_the_index() -> None:
    # A buy of 100 lots at 105 asks for 210, holds nothing at the mark, and loses 500 at the index.
    house = house_at(105, margined={"A": 499})
    assert reserve(house, "A", 100, 105) == [ORDER]
    assert numbers(house) == (499, 500)
    assert reserve(house, "A", 100, 104) == []  # it loses 400


@pytest.mark.rule("3.71", "7.90")
def test_what_an_open_order_loses_at_the_index_is_not_used_twice() -> None:
    # 800 pay for an order that loses 500 at the index; 300 are left for a trade that loses 400.
    house = house_at(105, margined={"A": 800})
    assert reserve(house, "A", 100, 105) == []
    assert trade(house, "A", "R", ticks=104, lots=100) == [TRADE]
    assert numbers(house) == (800 - 400, 500)
    assert withdraw(house, "A", 310) == [WithdrawCollateralRefusal.INSUFFICIENT_MARGIN]
    assert trade(house, "A", "R", ticks=103, lots=100) == []


@pytest.mark.rule("3.71", "7.90")
def test_a_linked_batch_sees_all_open_orders_of_an_account() -> None:
    house = house_at(105, margined={"A": 800})
    assert reserve(house, "A", 100, 105) == []
    run = house.trade_run("A", "R", ticks=104, lots=100)
    house.last = house.engine.submit(
        [run, house.trade_run("R", "A", ticks=105, lots=1)], linked=True
    )
    assert TRADE in house.refusals()
    assert house.lots("A") == 0


# ---- what leaves


@pytest.mark.rule("5.92")
def test_a_withdrawal_leaves_margin_at_the_index_too() -> None:
    # A short at 95 with 1,000: at the index it has 500, and must hold 2% of 10,000 = 200 and 0.5%
    # for liquidation, 250 in all: 250 may leave.  At the mark it would be 1,000 - 237.5.
    house = house_at(95, margined={"A": 1_000})
    assert trade(house, "R", "A", ticks=95) == []
    assert withdraw(house, "A", 251) == [WithdrawCollateralRefusal.INSUFFICIENT_MARGIN]
    assert numbers(house) == (249, 250)
    assert withdraw(house, "A", 250) == []
