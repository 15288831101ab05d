"""What an account may not do by taking another margin group or netting set (rules 6.58 to 6.60)."""

from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import MemberStatus
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import SetMarginGroupRefusal as No
from novate.message.refusal import SubmitTradeRefusal, WithdrawCollateralRefusal
from tests.unit.clearing import COIN, E8, MINUTE, START, ClearingHouse
from tests.unit.transfers import (
    asked,
    holder_house,
    numbers,
    open_sub,
    order,
    send,
    set_status,
    split,
    withdraw,
)


def place(house: ClearingHouse, account: str, group: str, netting_set: str) -> Any:
    """Put an account into a group and a netting set; returns the refusals."""
    row = {"group": house.number(group), "netting_set": house.number(netting_set)}
    run = command.SET_MARGIN_GROUP.row(account=house.number(account), **row)
    house.submit(run, allow_refusals=True)
    return house.refusals()


def trade(house: ClearingHouse, buyer: str, seller: str, lots: int, ticks: int = 100) -> Any:
    """Trade without reservations; returns the refusals."""
    house.submit(house.trade_run(buyer, seller, lots=lots, ticks=ticks), allow_refusals=True)
    return house.refusals()


def other_member(house: ClearingHouse) -> None:
    """C is a client of another member."""
    house.open_member("M2")
    house.open_client("C", deposit=100_000 * COIN, member="M2")


@pytest.mark.rule("6.58")
def test_who_leaves_a_group_leaves_what_a_withdrawal_leaves() -> None:
    house = holder_house(group=True, is_netted=True)
    house.trade("A", "B", lots=40, ticks=100)
    assert send(house, "A", "A2", 600 * COIN) == []
    assert withdraw(house, "A2", 600 * COIN) == [WithdrawCollateralRefusal.INSUFFICIENT_MARGIN]

    assert split(house, "A2") == [No.INSUFFICIENT_MARGIN]

    assert numbers(house) == (400 * COIN, 440 * COIN)
    assert send(house, "A2", "A", 40 * COIN) == []
    assert split(house, "A2") == []
    assert asked(house, "A") == (440, 400)


@pytest.mark.rule("6.58")
def test_nobody_parts_cash_from_collateral_with_a_stale_index() -> None:
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, 0)),
        parameters={Parameter.INDEX_STALENESS_NS: 5 * MINUTE},
    )
    house.list_contract("X")
    house.open_client("A", deposit=1_000 * COIN)
    house.open_client("B", deposit=100_000 * COIN)
    open_sub(house, "A2", "A", group="A", netting_set="A")
    house.price(100, e8={1: 1_000 * E8})
    house.deposit("A", E8, asset=2)
    house.trade("A", "B", lots=40, ticks=100)
    assert send(house, "A", "A2", 1_000 * COIN) == []
    for k in range(1, 10):
        house.price(100, at_ns=START + k * MINUTE)
    assert withdraw(house, "A2", COIN) == [WithdrawCollateralRefusal.INDEX_STALE]

    assert split(house, "A2") == [No.INDEX_STALE]

    assert numbers(house)[0] == 2
    house.price(100, e8={1: 1_000 * E8})
    assert split(house, "A2") == []


def tiered_house() -> ClearingHouse:
    """A2 shares a netting set with A; the margin of a large position is dear, of a small cheap."""
    house = ClearingHouse()
    house.list_contract("X", tiers=((0, 10_000, 5_000), (50_000 * COIN, 500_000, 250_000)))
    house.open_client("A", deposit=22_000 * COIN)
    house.open_client("B", deposit=10_000_000 * COIN)
    open_sub(house, "A2", "A", group="A", netting_set="A")
    house.price(100)
    return house


@pytest.mark.rule("6.59")
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("holder", "orders"), [("A", "A2"), ("A2", "A")])
def test_an_order_that_closes_needs_its_position_in_another_set(
    holder: str, orders: str, sign: int
) -> None:
    house = tiered_house()
    sides = (holder, "B") if sign > 0 else ("B", holder)
    house.trade(*sides, lots=900, ticks=100)
    house.price(100 - 4 * sign)
    # Short of initial margin it stands on the large position that it closes a part of.
    assert order(house, orders, -400 * sign, 100 - 20 * sign) == []
    assert house.state.accounts.open_order_hold[house.number(orders)] == 6_400 * COIN
    house.deposit("A", 60_000 * COIN)
    send(house, "A", "A2", 30_000 * COIN)

    for group, netting_set in (("A2", "A2"), ("A", "A2")):
        assert place(house, "A2", group, netting_set) == [No.ORDERS_UNCOVERED]
        assert numbers(house) == (400, 0)

    house.submit(command.RELEASE_MARGIN.row(reservation=1))
    assert split(house, "A2") == []


@pytest.mark.rule("6.59")
def test_an_order_that_closes_is_not_joined_by_the_opposite_position() -> None:
    house = tiered_house()
    open_sub(house, "A3", "A", group="A")
    house.deposit("A", 100_000 * COIN)
    house.trade("A", "B", lots=40, ticks=100)
    house.trade("B", "A3", lots=40, ticks=100)
    assert order(house, "A", -40, 100) == []

    assert place(house, "A3", "A", "A") == [No.ORDERS_UNCOVERED]

    assert numbers(house) == (40, 0)


@pytest.mark.rule("6.59")
def test_orders_with_their_position_move_along() -> None:
    house = tiered_house()
    house.deposit("A2", 100_000 * COIN)
    house.trade("A2", "B", lots=40, ticks=100)
    assert order(house, "A2", -40, 100) == []
    assert order(house, "A", 10, 100) == []

    assert place(house, "A2", "A", "A2") == []
    assert place(house, "A2", "A", "A2") == []
    assert split(house, "A2") == []


@pytest.mark.rule("6.60")
def test_a_suspended_holder_takes_no_hedge_apart() -> None:
    house = holder_house(group=True, is_netted=True, deposit=2_000)
    other_member(house)
    house.trade("A", "B", lots=40, ticks=100)
    house.trade("B", "A2", lots=40, ticks=100)
    set_status(house, MemberStatus.SUSPENDED)
    # One leg alone opens a risk; in two netting sets each leg would be a position to reduce.
    assert trade(house, "C", "A", 40) == [SubmitTradeRefusal.MEMBER_NOT_ACTIVE]

    assert place(house, "A2", "A", "A2") == [No.MEMBER_NOT_ACTIVE]
    assert numbers(house) == (MemberStatus.SUSPENDED, MemberStatus.ACTIVE)

    set_status(house, MemberStatus.ACTIVE)
    assert place(house, "A2", "A", "A2") == []


@pytest.mark.rule("7.40")
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("orders", ["A", "A2"])
def test_a_suspended_side_leaves_its_orders_what_they_close(orders: str, sign: int) -> None:
    house = holder_house(group=True, is_netted=True, deposit=2_000)
    other_member(house)
    house.trade(*(("A", "B") if sign > 0 else ("B", "A")), lots=40, ticks=100)
    set_status(house, MemberStatus.SUSPENDED)
    assert order(house, orders, -30 * sign, 100) == []
    sides = ("C", "A") if sign > 0 else ("A", "C")

    # The order would then open a position, and is filled whatever stands against it.
    assert trade(house, *sides, 11) == [SubmitTradeRefusal.MEMBER_NOT_ACTIVE]
    assert numbers(house) == (1, 0)

    assert trade(house, *sides, 10) == []
    house.submit(command.RELEASE_MARGIN.row(reservation=1))
    assert trade(house, *sides, 30) == []
