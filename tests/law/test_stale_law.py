"""Laws of stale prices: they shelter nobody, and free no money."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.codes import AccountStatus
from novate.valuation.excess import held_back, stale_asset, unassessed_asset
from tests.unit.clearing import COIN, E8, HOUR, START, ClearingHouse

PRICES = st.lists(st.integers(60, 110), min_size=2, max_size=6)


def house_of_pair(deposit: int, lots: int, *, coins: int = 0) -> ClearingHouse:
    """A and its twin hold the same of P; A also holds one lot of D, bought at its mark."""
    house = ClearingHouse(assets=(("BTC", 8, 0), ("DEAD", 8, 500)))
    house.list_contract("P")
    house.list_contract("D", underlying=2, cycle_ns=0)
    for name in ("A", "twin"):
        house.open_client(name, deposit=deposit * COIN)
        if coins:
            house.deposit(name, coins * E8, asset=2)
    house.open_client("B", deposit=10**6 * COIN)
    house.price(100, e8={1: E8})
    house.trade("A", "B", lots=1, ticks=1, instrument=1)
    for name in ("A", "twin"):
        house.trade(name, "B", lots=lots, ticks=100)
    return house


def free(house: ClearingHouse, account: str) -> int:
    """Numeraire units that an account may withdraw now, not negative."""
    x, number = house.state, house.number(account)
    if x.accounts.status[number] != AccountStatus.OPEN:
        return 0
    if stale_asset(x, number) >= 0 or unassessed_asset(x, number) >= 0:
        return 0
    found = x.assess(number)
    return max(found.equity - sum(held_back(x, number, found)), 0)


@pytest.mark.rule("4.22", "5.44")
@given(prices=PRICES, deposit=st.integers(1_010, 3_000))
def test_one_lot_of_a_dead_contract_puts_no_liquidation_off(
    prices: list[int], deposit: int
) -> None:
    house = house_of_pair(deposit, 100)
    for step, price in enumerate(prices, start=1):
        house.price(price, at_ns=START + step * 3 * HOUR)
        fallen = {row["account"] for row in house.events("LiquidationStarted")}
        assert house.number("twin") not in fallen or house.number("A") in fallen


@pytest.mark.rule("5.43", "6.81")
@given(
    hours=st.lists(st.integers(1, 20), min_size=1, max_size=6),
    deposit=st.integers(1_100, 3_000),
    coins=st.integers(0, 500),
)
def test_time_alone_with_dead_feeds_frees_no_money_and_adds_no_equity(
    hours: list[int], deposit: int, coins: int
) -> None:
    house = house_of_pair(deposit, 50, coins=coins)
    house.price(100, e8={1: E8}, at_ns=START + HOUR)
    house.price(None, at_ns=START + 3 * HOUR)
    house.price(None, at_ns=START + 3 * HOUR + 1)
    before = {name: (free(house, name), house.equity(name)) for name in ("A", "twin")}
    for some in hours:
        house.price(None, at_ns=house.state.now_ns + some * HOUR)
        for name, (money, equity) in before.items():
            assert free(house, name) <= money
            assert house.equity(name) <= equity
            before[name] = (free(house, name), house.equity(name))
