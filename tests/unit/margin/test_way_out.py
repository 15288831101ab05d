"""What an account short of margin may concede to close, and the orders that close beside it."""

from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.clearing.value import INVERSE
from novate.kernel.codes import AccountStatus, MarginMode, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter, set_parameter
from novate.message.refusal import ReserveMarginRefusal as NoOrder
from novate.message.refusal import SubmitTradeRefusal as NoTrade
from novate.message.refusal import WithdrawCollateralRefusal as NoWithdrawal
from tests.unit.clearing import COIN, E8, ClearingHouse
from tests.unit.transfers import open_sub

BAND = {Parameter.ORDER_BAND_PPM: 10_000}


def house(*, deposit: int = 5_000, mark: int = 500, **terms: Any) -> ClearingHouse:
    """A is long 100 of X, bought of B at 500: ten per cent are asked for it, and half to stay."""
    built = ClearingHouse(parameters=BAND)
    built.list_contract(**terms)
    built.open_client(
        "A", deposit=deposit * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
    )
    built.open_client("B", deposit=40_000 * COIN)
    built.price(500)
    built.trade("A", "B", lots=100, ticks=500)
    if mark != 500:
        built.price(mark)
    return built


def reserve(built: ClearingHouse, lots: int, limit: int, *, of: str = "A", i: int = 0) -> list[Any]:
    row = {"account": built.number(of), "instrument": i, "lots": lots, "limit_ticks": limit}
    built.submit(command.RESERVE_MARGIN.row(**row), allow_refusals=True)
    return built.refusals()


def trade(
    built: ClearingHouse, buyer: str, seller: str, lots: int, ticks: int, **other: Any
) -> list[Any]:
    run = built.trade_run(buyer, seller, lots=lots, ticks=ticks, **other)
    built.submit(run, allow_refusals=True)
    return built.refusals()


def numbers(built: ClearingHouse) -> tuple[int, int]:
    """The number that broke and the number allowed of the last refusal."""
    [row] = built.events("CommandRefused", last=True)
    return row["actual"], row["allowed"]


@pytest.mark.rule("7.25", "7.50")
@pytest.mark.parametrize(
    ("lots", "limit", "held"),
    [
        (10, 100, 10),  # one away from the mark, as it may fall to 99
        (10, 103, 40),
        (10, 95, 0),
        (-10, 100, 10),  # it may rise to 101
        (-10, 97, 40),
        (-10, 105, 0),
    ],
)
def test_an_order_holds_its_loss_at_a_mark_moved_against_it(
    lots: int, limit: int, held: int
) -> None:
    built = ClearingHouse(parameters=BAND)
    built.list_contract()
    built.open_client("A", deposit=1_000 * COIN)
    built.price(100)

    assert reserve(built, lots, limit) == []

    assert built.state.accounts.open_order_hold[built.number("A")] == held * COIN


@pytest.mark.rule("7.50")
def test_a_hold_paid_in_coin_allows_for_a_dearer_coin() -> None:
    built = ClearingHouse(parameters={Parameter.ORDER_BAND_PPM: 250_000})
    built.list_contract("I", form=INVERSE, settlement_asset=1, unit=100 * E8, maker_fee_ppm=10_000)
    built.open_client("A")
    built.deposit("A", 10 * E8, asset=1)
    built.price(500)

    assert reserve(built, -10, 625) == []

    # At the limit no loss; 10 lots of 100 are 1.6 coins at 625, their fee 0.016 at 625 a coin: 10,
    # and a fifth of it for the debt that the fee may leave (rule 3.52).
    assert built.state.accounts.open_order_hold[built.number("A")] == 12 * COIN


@pytest.mark.rule("7.27", "7.55")
def test_a_trade_does_not_pull_the_position_away_from_under_the_orders_that_close_it() -> None:
    built = house()

    # 25 a lot below the mark: it concedes 2,500 of a cover of 5,000, and holds 30 a lot.
    assert reserve(built, -100, 475) == []
    [order] = built.events("MarginReserved")
    assert (order["open_order_hold"], order["requirement"]) == (3_000 * COIN, 8_000 * COIN)

    assert trade(built, "B", "A", 100, 500) == [NoTrade.ORDERS_UNCOVERED]
    assert numbers(built) == (100, 0)
    assert trade(built, "B", "A", 1, 500) == [NoTrade.ORDERS_UNCOVERED]
    assert numbers(built) == (100, 99)
    assert trade(built, "B", "A", 100, 475, seller_reservation=1) == []
    assert (built.equity("A"), built.lots("A")) == (2_500 * COIN, 0)


@pytest.mark.rule("7.55")
def test_a_position_leaves_its_orders_where_equity_covers_initial_margin_with_them() -> None:
    built = house(deposit=8_000)
    assert reserve(built, -100, 475) == []

    # Flat with an order to sell 100: 5,000 for the short and 3,000 that the fill may lose.
    assert trade(built, "B", "A", 100, 500) == []
    assert trade(built, "B", "A", 100, 475, seller_reservation=1) == []

    numbers_of_a = built.state.assess(built.number("A"))
    assert (numbers_of_a.equity, numbers_of_a.initial) == (5_500 * COIN, 5_000 * COIN)


@pytest.mark.rule("7.10", "7.53")
def test_a_called_account_hands_nobody_more_than_the_share_of_its_cover() -> None:
    built = house(mark=460)  # equity 1,000, initial margin 4,600, maintenance margin 2,300
    assert built.status("A") == AccountStatus.CALLED

    assert trade(built, "B", "A", 100, 437) == [NoTrade.INSUFFICIENT_MARGIN]
    assert numbers(built) == (2_300 * COIN, 1_000 * COIN)
    assert trade(built, "B", "A", 50, 449) == [NoTrade.INSUFFICIENT_MARGIN]
    assert numbers(built) == (550 * COIN, 500 * COIN)
    assert trade(built, "B", "A", 50, 450) == []
    assert trade(built, "B", "A", 50, 449) == [NoTrade.INSUFFICIENT_MARGIN]
    assert trade(built, "B", "A", 50, 450) == []
    assert built.equity("A") == 0


@pytest.mark.rule("7.53")
def test_an_account_without_cover_closes_at_the_mark_or_better() -> None:
    built = house(mark=460)
    a, b = built.number("A"), built.number("B")
    built.state.accounts.balance[a, 0] -= 1_500 * COIN
    built.state.accounts.balance[b, 0] += 1_500 * COIN

    assert trade(built, "B", "A", 50, 459) == [NoTrade.INSUFFICIENT_MARGIN]
    assert numbers(built) == (50 * COIN, 0)
    assert reserve(built, -50, 459) == [NoOrder.INSUFFICIENT_MARGIN]
    assert trade(built, "B", "A", 50, 460) == []
    assert reserve(built, -50, 460) == []


@pytest.mark.rule("7.52", "7.53")
def test_the_fee_is_part_of_what_is_conceded() -> None:
    # 1,000 of 4,600 and 2,300 at 460; half frees half, and the fee on 50 * 451 is 225.5.
    built = house(deposit=5_000 + 500, mark=460, taker_fee_ppm=10_000)

    assert built.equity("A") == 1_000 * COIN
    assert trade(built, "B", "A", 50, 454, buyer_is_maker=True) == [NoTrade.INSUFFICIENT_MARGIN]
    assert numbers(built) == (527 * COIN, 500 * COIN)  # 300 and 227
    assert trade(built, "B", "A", 50, 455, buyer_is_maker=True) == []  # 250 and 227.5


@pytest.mark.rule("7.27", "7.53")
def test_orders_of_one_position_concede_no_more_than_its_share_together() -> None:
    # Up to 25,000 nothing but 4 per cent is asked to stay, beyond it 8: 1,000 and 2,000.
    tiers = ((0, 100_000, 40_000), (25_000 * COIN, 200_000, 80_000))
    built = house(deposit=7_500, tiers=tiers, mark=450)  # 45,000: 1,000 and 1,600
    assert built.equity("A") == 2_500 * COIN

    # 50 lots free 1,700 of 2,600: 1,634.61.
    assert reserve(built, -50, 417) == [NoOrder.INSUFFICIENT_MARGIN]
    assert numbers(built) == (1_650 * COIN, 1_634_615_384)
    assert reserve(built, -50, 420) == []
    # The other 50 would concede as much, though all 100 may only concede 2,500.
    assert reserve(built, -50, 420) == [NoOrder.INSUFFICIENT_MARGIN]
    assert numbers(built) == (3_000 * COIN, 2_500 * COIN)
    assert trade(built, "B", "A", 50, 420) == [NoTrade.INSUFFICIENT_MARGIN]
    assert numbers(built) == (3_000 * COIN, 2_500 * COIN)
    assert reserve(built, -50, 430) == []
    assert trade(built, "B", "A", 50, 420, seller_reservation=1) == []
    assert trade(built, "B", "A", 50, 430, seller_reservation=2) == []
    assert (built.lots("A"), built.equity("A")) == (0, 0)


@pytest.mark.rule("7.51", "7.53")
def test_what_an_open_order_may_lose_is_not_conceded_a_second_time() -> None:
    built = ClearingHouse()
    built.list_contract(tiers=((0, 20_000, 10_000),))
    built.open_client("A", deposit=1_600 * COIN)
    built.open_client("B", deposit=40_000 * COIN)
    built.price(500)
    assert reserve(built, 10, 550) == []  # may lose 500
    assert trade(built, "A", "B", 100, 500) == []  # 1,100 for 110 lots

    # 1,600 less 500 stand for the 100 lots: 11 each.
    assert trade(built, "B", "A", 100, 488) == [NoTrade.INSUFFICIENT_MARGIN]
    assert numbers(built) == (1_200 * COIN, 1_100 * COIN)
    assert trade(built, "B", "A", 100, 489) == []
    assert trade(built, "A", "B", 10, 550, buyer_reservation=1) == []
    assert built.equity("A") == 0


@pytest.mark.rule("7.51", "7.53")
def test_ways_out_of_two_contracts_concede_the_cover_once() -> None:
    built = ClearingHouse()
    for symbol in ("X", "Y"):
        built.list_contract(symbol)
    built.open_client("A", deposit=10_000 * COIN)
    built.open_client("B", deposit=40_000 * COIN)
    built.set_add_on("A", 0)
    for parameter, value in (
        (Parameter.CONCENTRATION_PPM, 50_000),
        (Parameter.CONCENTRATION_FLOOR, 50_000 * COIN),
    ):
        built.submit(set_parameter(parameter, value))
    built.price(500)
    for i in (0, 1):
        assert trade(built, "A", "B", 80, 500, instrument=i) == []
    # Equity 10,000; 2,000 to stay for each, and 1,500 for 80,000 in one coin, of which closing
    # either frees all: 3,500 of 5,500.
    assert built.state.assess(built.number("A")).maintenance == 5_500 * COIN
    assert reserve(built, -80, 421) == []  # 6,320 of 6,363
    assert reserve(built, -80, 453, i=1) == [NoOrder.INSUFFICIENT_MARGIN]
    assert numbers(built) == (3_760 * COIN, 3_680 * COIN)
    assert reserve(built, -80, 454, i=1) == []


@pytest.mark.rule("3.23", "7.56")
def test_a_closing_order_is_no_way_to_take_out_what_it_may_lose() -> None:
    tiers = ((0, 20_000, 10_000),)
    built = house(deposit=1_000, tiers=tiers)
    assert reserve(built, -100, 495) == []  # concedes 500, holds 1,000

    built.price(545)  # 4,500 more; the order may lose 5,000, and 5,600 at 551

    [changed] = built.events("OrderRemargined", last=True)
    assert changed == {"reservation": 1, "open_order_hold": 5_600 * COIN}
    assert built.events("CancellationRequested") == []  # 5,000 of a cover of 5,500
    run = command.WITHDRAW_COLLATERAL.row(account=built.number("A"), asset=0, amount=1)
    built.submit(run, allow_refusals=True)
    assert built.refusals() == [NoWithdrawal.INSUFFICIENT_MARGIN]


@pytest.mark.rule("7.27", "7.55")
@pytest.mark.parametrize("mode", [MarginMode.CROSS, MarginMode.ISOLATED])
def test_the_same_holds_of_a_contract_paid_in_coin(mode: MarginMode) -> None:
    built = ClearingHouse(parameters=BAND)
    built.list_contract("I", form=INVERSE, settlement_asset=1, unit=100 * E8, ticks_max=10**6)
    built.open_client("A", mode=mode)
    built.open_client("B")
    built.deposit("A", 3 * E8, asset=1)
    built.deposit("B", 100 * E8, asset=1)
    built.price(500)
    built.trade("A", "B", lots=100, ticks=500)

    # 3 coins are 1,500; 1,000 for the position, and the fill loses 1.0084 coins.
    assert reserve(built, -100, 476) == []
    assert trade(built, "B", "A", 100, 500) == [NoTrade.ORDERS_UNCOVERED]
    assert trade(built, "B", "A", 100, 476, seller_reservation=1) == []
    assert built.equity("A") >= 900 * COIN


def shorts(deposit: int) -> ClearingHouse:
    """A is short 100 calls, sold to B at their mark."""
    built = ClearingHouse(parameters=BAND)
    built.list_option()
    built.open_client(
        "A", deposit=deposit * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
    )
    built.open_client("B", deposit=40_000 * COIN)
    built.price(100)
    built.smile(0.6)
    built.assess()
    built.trade("B", "A", lots=100, ticks=int(built.state.marks.mark[0]))
    return built


@pytest.mark.rule("7.51", "7.52", "7.53")
def test_a_short_option_is_bought_back_for_its_worth_and_a_share_of_the_cover() -> None:
    built = shorts(2_500)
    x, a, mark = built.state, built.number("A"), int(built.state.marks.mark[0])
    # A lot must hold 15 of 100 and its value, and 7.5 to stay; cover is what the premium is not.
    balance = x.accounts.balance
    balance[a, 0] -= 2_000 * COIN
    balance[built.number("B"), 0] += 2_000 * COIN
    before = x.assess(a)
    assert before.equity < before.initial
    assert before.equity - 100 * mark * COIN // 100 == 500 * COIN

    share = 50 * mark * COIN // 100
    most = (before.equity - 2 * share) // 2
    far = mark + most * 100 // (50 * COIN)  # 5 a lot, 500 ticks
    assert trade(built, "A", "B", 50, far + 1) == [NoTrade.INSUFFICIENT_MARGIN]
    assert numbers(built) == (most + 50 * COIN // 100, most)
    assert trade(built, "A", "B", 50, far) == []
    assert x.assess(a).net == most


@pytest.mark.rule("7.27", "7.55")
def test_an_option_is_not_bought_back_away_from_under_an_order() -> None:
    built = shorts(2_500)
    mark = int(built.state.marks.mark[0])
    assert reserve(built, 100, mark + 100) == []

    assert trade(built, "A", "B", 100, mark) == []  # flat with 2,500 for a premium of that order
    built = shorts(1_550)
    before = built.state.assess(built.number("A"))
    assert before.equity < before.initial + 100 * (mark + 100) * COIN // 100
    assert reserve(built, 100, mark + 100) == []
    built.state.accounts.balance[built.number("A"), 0] -= 800 * COIN
    built.state.accounts.balance[built.number("B"), 0] += 800 * COIN
    assert trade(built, "A", "B", 100, mark) == [NoTrade.ORDERS_UNCOVERED]


@pytest.mark.rule("6.38", "7.55")
def test_orders_of_all_accounts_of_a_netting_set_need_its_position() -> None:
    built = house()
    open_sub(built, "A2", "A", group="A", netting_set="A")
    assert reserve(built, -100, 475, of="A2") == []

    assert trade(built, "B", "A", 10, 500) == [NoTrade.ORDERS_UNCOVERED]
    assert numbers(built) == (100, 90)


@pytest.mark.rule("7.54")
def test_a_trade_inside_a_group_concedes_its_fees_alone() -> None:
    built = house()
    open_sub(built, "A2", "A", group="A")
    built.deposit("A", 1_000 * COIN)
    assert trade(built, "B", "A2", 20, 500) == []
    built.price(450)  # equity 2,000 where 120 lots ask for 5,400

    # 50 a lot is 1,000, and 40 of 120 lots are a third of 2,000: but it stays in the group.
    assert trade(built, "A2", "A", 20, 400) == []
    assert (built.lots("A"), built.lots("A2")) == (80, 0)
    assert trade(built, "B", "A", 20, 400) == [NoTrade.INSUFFICIENT_MARGIN]
    assert numbers(built) == (1_000 * COIN, 500 * COIN)
