"""What has been set aside for an order of options is enough for it, and no price makes money."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.message import command
from tests.unit.clearing import COIN, HOUR, ClearingHouse

OPTIONS = (0, 1, 2)


def ready(dice: np.random.Generator) -> ClearingHouse:
    """A call, a put that counts entries, and a call paid in coin, near an index of 100."""
    house = ClearingHouse(assets=(("BTC", 8, int(dice.integers(0, 3_000))),))
    taker = int(dice.integers(0, 100_000))
    fees = {"taker_fee_ppm": taker, "maker_fee_ppm": int(dice.integers(-taker, 100_000))}
    terms = {"ticks_max": 10**5, "lots_max": 10**5, **fees}
    house.list_option("C", **terms)
    house.list_option("P", side=-1, margin_rule=2, **terms)
    coin = {"settlement_asset": 1, "tick_e8": 10**4, "unit": 10**4}
    house.list_option("I", **coin, margin_rule=2, **terms)
    house.open_client("A", deposit=int(dice.integers(1, 20_000)) * COIN)
    house.deposit("A", int(dice.integers(1, 10**10)), asset=1)
    house.price(100)
    house.smile(0.6)
    house.assess()
    return house


def try_order(house: ClearingHouse, dice: np.random.Generator) -> tuple[int, int, int, int] | None:
    """Reserve for one order; number, instrument, lots and limit when it is granted."""
    i = int(dice.choice(OPTIONS))
    lots = int(10 ** dice.uniform(0, 2.5)) * int(dice.choice([-1, 1]))
    mark = int(house.state.marks.mark[i])
    limit = max(int(mark * dice.choice([0.5, 0.99, 1.0, 1.01, 1.5])), 1)
    row = {"account": house.number("A"), "instrument": i, "lots": lots, "limit_ticks": limit}
    house.submit(command.RESERVE_MARGIN.row(**row), allow_refusals=True)
    granted = house.events("MarginReserved", last=True)
    return (granted[0]["reservation"], i, lots, limit) if granted else None


def fill(house: ClearingHouse, dice: np.random.Generator, order: tuple[int, int, int, int]) -> None:
    """Fill an order whole, at its limit or better."""
    number, i, lots, limit = order
    buys, a, market = lots > 0, house.number("A"), house.number("EXTERNAL_MARKET")
    ticks = limit
    if dice.random() < 0.5:
        ticks = int(dice.integers(1, limit + 1) if buys else dice.integers(limit, 2 * limit))
    house.submit(
        command.SUBMIT_TRADE.row(
            buyer=a if buys else market, seller=market if buys else a, instrument=i,
            ticks=ticks, lots=abs(lots), buyer_is_maker=bool(dice.random() < 0.5),
            buyer_reservation=number if buys else 0, seller_reservation=0 if buys else number,
        )
    )  # fmt: skip


def market_pays(house: ClearingHouse) -> None:
    """The external market pays what it owes: until then it would open nothing (rule 6.92)."""
    for asset in range(house.state.assets.count):
        owed = -house.balance("EXTERNAL_MARKET", asset)
        if owed > 0:
            house.submit(command.SETTLE_EXTERNAL_MARKET.row(asset=asset, amount=owed))


@pytest.mark.rule("7.32")
@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_fills_of_options_within_their_limits_leave_an_account_above_initial_margin(
    seed: int,
) -> None:
    dice = np.random.default_rng(seed)
    house = ready(dice)
    tried = [try_order(house, dice) for _ in range(30)]
    orders = [order for order in tried if order is not None]
    price = float(house.state.assets.unit_price[1])
    account, slack = house.number("A"), 0
    for place in dice.permutation(len(orders)):
        fill(house, dice, orders[int(place)])
        slack += 4 * max(int(price) + 1, 1) + 2
        numbers = house.state.assess(account)
        assert numbers.equity + slack >= numbers.initial
    assert int(house.state.accounts.open_order_hold[account]) == 0


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_the_cache_of_health_is_a_full_assessment_whatever_options_do(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = ready(dice)
    headroom = house.engine.state.margin_cache  # the one that is told of every event
    for step in range(12):
        order = try_order(house, dice)
        if order is not None and dice.random() < 0.7:
            fill(house, dice, order)
        if dice.random() < 0.5:
            house.smile(float(dice.uniform(0.3, 1.2)))
        at_ns = house.state.now_ns + int(dice.integers(1, HOUR // 2))
        house.price(int(dice.integers(80, 125)), at_ns=at_ns)
        market_pays(house)
        expected = house.state.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]
        assert np.array_equal(headroom.numbers(), expected), step


@pytest.mark.rule("7.19")
@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_what_all_accounts_are_worth_together_does_not_depend_on_any_mark(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = ready(dice)
    for _ in range(10):
        order = try_order(house, dice)
        if order is not None:
            fill(house, dice, order)
    x = house.state
    for i in OPTIONS:
        x.marks.mark[i] = int(dice.integers(1, 10**4))
    mine = x.positions.used("instrument")[:, None] == np.array(OPTIONS)
    lots = x.positions.used("lots")
    assert not (mine * lots[:, None]).sum(axis=0).any()
    assert not x.positions.used("settlement_cost").any()
