"""What has been set aside before a trade is enough for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.kernel.clearing.value import INVERSE
from novate.message import command
from tests.unit.clearing import COIN, ClearingHouse

LINEAR_X, INVERSE_X = 0, 1
MARK = 100


@dataclass
class Order:
    """An open reservation of the account under test."""

    number: int
    instrument: int
    lots: int
    limit: int


def ready(dice: np.random.Generator) -> ClearingHouse:
    """A linear and an inverse contract at 100, and A with collateral in both assets."""
    house = ClearingHouse(assets=(("BTC", 8, int(dice.integers(0, 3_000))),))
    taker = int(dice.integers(0, 100_000))
    fees = {"taker_fee_ppm": taker, "maker_fee_ppm": int(dice.integers(-taker, 100_000))}
    tiers = ((0, int(dice.integers(20_000, 200_000)), 10_000), (10**10, 300_000, 150_000))
    terms = {"ticks_max": 10**4, "lots_max": 10**6, "tiers": tiers, **fees}
    house.list_contract("X", unit=int(dice.integers(1, 1_000)), **terms)
    house.list_contract("Y", form=INVERSE, settlement_asset=1, unit=10**7, **terms)
    house.open_client("A", deposit=int(dice.integers(1, 5_000)) * COIN)
    house.deposit("A", int(dice.integers(1, 10**9)), asset=1)
    house.price(MARK)
    return house


def reserve(house: ClearingHouse, dice: np.random.Generator) -> Order | None:
    """Try one order of any size, side and limit; None when it was refused or capped."""
    instrument = int(dice.integers(2))
    lots = int(10 ** dice.uniform(0, 4)) * int(dice.choice([-1, 1]))
    limit = max(int(MARK * dice.choice([0.5, 0.99, 1.0, 1.01, 1.5])), 1)
    row = {"account": house.number("A"), "instrument": instrument, "lots": lots}
    house.submit(command.RESERVE_MARGIN.row(**row, limit_ticks=limit), allow_refusals=True)
    granted = house.events("MarginReserved", last=True)
    if not granted:
        return None
    return Order(granted[0]["reservation"], instrument, lots, limit)


def is_covered(house: ClearingHouse) -> bool:
    numbers = house.state.assess(house.number("A"))
    return numbers.equity >= numbers.initial


def fill(house: ClearingHouse, dice: np.random.Generator, order: Order) -> None:
    """Fill part of an order at a price within its limit."""
    size = int(dice.integers(1, abs(order.lots) + 1))
    buys = order.lots > 0
    ticks = order.limit
    if dice.random() < 0.5:
        ticks = int(dice.integers(1, ticks + 1) if buys else dice.integers(ticks, 10**4))
    a, market = house.number("A"), house.number("EXTERNAL_MARKET")
    house.submit(
        command.SUBMIT_TRADE.row(
            buyer=a if buys else market, seller=market if buys else a,
            instrument=order.instrument, ticks=ticks, lots=size,
            buyer_is_maker=bool(dice.random() < 0.5),
            buyer_reservation=order.number if buys else 0,
            seller_reservation=0 if buys else order.number,
        )
    )  # fmt: skip
    order.lots -= size if buys else -size


@pytest.mark.rule("7.32")
@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_fills_within_their_limits_leave_an_account_above_initial_margin(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = ready(dice)
    tried = [reserve(house, dice) for _ in range(60)]
    orders = [order for order in tried if order is not None]
    assert is_covered(house)  # flat: no order only reduces, so that each was granted in full
    unit_price = float(house.state.assets.unit_price[1])
    account, slack = house.number("A"), 0
    while orders:
        order = orders[int(dice.integers(len(orders)))]
        fill(house, dice, order)
        slack += math.ceil(4 * max(unit_price, 1.0)) + 2
        numbers = house.state.assess(account)
        assert numbers.equity + slack >= numbers.initial
        if order.lots == 0:
            orders.remove(order)
    assert int(house.state.accounts.open_order_hold[account]) == 0
    assert not house.state.reservations.open_order_hold.any()


@pytest.mark.rule("7.25", "7.30", "7.31")
@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_an_account_holds_what_its_open_orders_hold(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = ready(dice)
    orders = []
    for _ in range(10):
        order = reserve(house, dice)
        orders += [order] if order is not None else []
        if orders and dice.random() < 0.5:
            some = orders[int(dice.integers(len(orders)))]
            if some.lots and dice.random() < 0.7:
                fill(house, dice, some)
            else:
                house.submit(
                    command.RELEASE_MARGIN.row(reservation=some.number), allow_refusals=True
                )
                some.lots = 0
        orders = [order for order in orders if order.lots]
        r, account = house.state.reservations, house.number("A")
        assert r.used("open_order_hold").sum() == house.state.accounts.open_order_hold[account]
        assert (r.used("open_order_hold")[r.used("lots") == 0] == 0).all()
