"""Who is short of margin cannot hand the worth of long options to a friend.

The attack: an account that a falling contract has brought near default still holds long options,
which are no part of its equity.  It sells them to a friend for next to nothing, in pieces, by plain
trades and by orders that it placed while it was well; then it fails, and the loss is the house's.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import SubmitTradeRefusal as No
from tests.unit.clearing import COIN, MINUTE, START, ClearingHouse

FUTURE, CALL = 0, 1
LOTS = 60


def near_default(share_ppm: int = 100_000, *, price: int = 91) -> ClearingHouse:
    """An attacker with long calls and a future that has fallen, and a friend with money.

    Ten per cent are asked for the future and half of that to stay, of 100 lots: what is left of its
    collateral is below initial margin at 91, and below maintenance margin at 88.
    """
    house = ClearingHouse(parameters={Parameter.RISK_REDUCING_SALE_PPM: share_ppm})
    house.list_contract("X")
    house.list_option("C")
    for name in ("attacker", "friend", "maker"):
        house.open_client(name, deposit=(2_000 if name == "attacker" else 100_000) * COIN)
    house.price(100)
    house.smile(0.6)
    house.assess()
    house.trade("attacker", "maker", lots=LOTS, ticks=mark(house), instrument=CALL)
    house.trade("attacker", "maker", lots=100, ticks=100, instrument=FUTURE)
    order = {"account": house.number("attacker"), "instrument": CALL, "limit_ticks": 1}
    house.submit(command.RESERVE_MARGIN.row(**order, lots=-20))
    house.advance(START + MINUTE)
    house.smile(0.6)
    house.state.marks.mark[FUTURE] = price
    return house


def mark(house: ClearingHouse) -> int:
    """Mark of the call in ticks."""
    return int(house.state.marks.mark[CALL])


def sell(house: ClearingHouse, lots: int, ticks: int, *, order: bool = False) -> list[No]:
    """The attacker sells calls to its friend; the refusals."""
    run = house.trade_run(
        "friend", "attacker", lots=lots, ticks=ticks, instrument=CALL, seller_reservation=int(order)
    )
    house.submit(run, allow_refusals=True)
    return house.refusals()


def floor_of(house: ClearingHouse, share_ppm: int) -> int:
    """Lowest price of a sale in need: the mark less a share of it, in whole ticks."""
    return mark(house) - -(-mark(house) * share_ppm // 10**6)


@pytest.mark.rule("7.12")
@settings(max_examples=25)
@given(st.integers(0, 2**32), st.sampled_from([0, 50_000, 100_000, 400_000]))
def test_what_an_account_in_need_gives_away_is_a_stated_share_of_what_it_sells(
    seed: int, share_ppm: int
) -> None:
    dice = np.random.default_rng(seed)
    house = near_default(share_ppm)
    attacker, sold, given_away = house.number("attacker"), 0, 0
    for _ in range(30):
        before = house.state.assess(attacker)
        if before.equity >= before.initial:
            break
        lots, order = int(dice.integers(1, 8)), bool(dice.random() < 0.3)
        ticks = max(int(mark(house) * dice.choice([0.0, 0.3, 0.6, 0.9, 0.95, 1.0, 1.1])), 1)
        refused = sell(house, lots, ticks, order=order)
        after = house.state.assess(attacker)
        lost = before.net - after.net
        if refused:
            assert lost == 0
            continue
        worth = lots * mark(house) * COIN // 100
        sold, given_away = sold + worth, given_away + lost
        assert ticks >= floor_of(house, share_ppm)
        assert lost <= worth * share_ppm // 10**6 + lots * COIN // 100  # a tick for rounding
    assert given_away <= sold * share_ppm // 10**6 + LOTS * COIN // 100


@pytest.mark.rule("7.12")
@pytest.mark.parametrize("price", [91, 88])  # above and below maintenance margin
@pytest.mark.parametrize("order", [False, True])
def test_calls_are_not_sold_to_another_account_for_a_tick(price: int, order: bool) -> None:
    house = near_default(price=price)
    before = house.state.assess(house.number("attacker"))
    assert before.equity < before.initial
    assert before.net > before.maintenance
    assert sell(house, 10, 1, order=order) == [No.BELOW_WORTH]
    [row] = house.events("CommandRefused", last=True)
    assert (row["actual"], row["allowed"]) == (1, floor_of(house, 100_000))
    assert sell(house, 10, floor_of(house, 100_000) - 1, order=order) == [No.BELOW_WORTH]
    assert sell(house, 10, floor_of(house, 100_000), order=order) == []


@pytest.mark.rule("7.12")
def test_a_share_of_one_lets_any_price_pass() -> None:
    house = near_default(1_000_000)
    assert sell(house, 10, 1) == []


@pytest.mark.rule("7.12")
def test_who_is_above_initial_margin_sells_at_any_price() -> None:
    house = near_default(price=100)
    assert sell(house, 10, 1) == []
    assert sell(house, 10, 1, order=True) == []


@pytest.mark.rule("7.12")
def test_the_external_market_buys_no_cheaper_than_anybody() -> None:
    house = near_default()
    run = house.trade_run("EXTERNAL_MARKET", "attacker", lots=10, ticks=1, instrument=CALL)
    house.submit(run, allow_refusals=True)
    assert house.refusals() == [No.BELOW_WORTH]
    assert house.lots("attacker", CALL) == LOTS


@pytest.mark.rule("7.53")
def test_a_short_is_bought_back_at_its_worth_and_no_higher_without_cover() -> None:
    house = near_default()
    house.state.marks.mark[FUTURE] = 100
    house.trade("maker", "attacker", lots=LOTS + 20, ticks=mark(house), instrument=CALL)
    house.state.marks.mark[FUTURE] = 80  # all that was posted is lost; the premium is owed
    terms = {"lots": 5, "instrument": CALL}
    run = house.trade_run("attacker", "friend", ticks=mark(house) + 1, **terms)
    house.submit(run, allow_refusals=True)
    assert house.refusals() == [No.INSUFFICIENT_MARGIN]
    house.submit(house.trade_run("attacker", "friend", ticks=mark(house), **terms))
    assert house.lots("attacker", CALL) == -15
