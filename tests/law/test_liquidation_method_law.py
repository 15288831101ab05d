"""Laws of liquidation methods: whatever the method, orders only reduce, and an account gets flat.

A drawn house has traders with positions in several contracts, some of them with a blocked price;
the laws are held for every method of the catalogue.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.default_management.liquidation import wanted_orders
from novate.default_management.liquidation_method.method import closable, require_reducing
from novate.engine.recover import audit, recover
from novate.engine.state import State
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import AccountStatus, OrderKind, Role
from novate.message import command
from novate.message.parameter import Parameter
from tests.law.strategies import seeds
from tests.law.test_engine_laws import few
from tests.tiny_liquidation_method import METHODS
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse

methods = pytest.mark.parametrize("number", [method.number for method in METHODS])
TRADERS = 6


@functools.cache
def drawn_house(seed: int) -> ClearingHouse:
    """Traders in three contracts on two coins, one of them settled in coin and inverse."""
    dice = np.random.default_rng(seed)
    settings = {
        Parameter.SLICE_PPM: int(dice.choice([1, 250_000, 10**6])),
        Parameter.SLICE_FLOOR: int(dice.choice([0, 3_000, 10**6])) * COIN,
    }
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)), parameters=settings,
                          plugins=PLUGINS)  # fmt: skip
    house.list_contract("X")
    house.list_contract("Y", underlying=2)
    house.list_contract("Z", form=2, settlement_asset=1, unit=10 * E8)
    for k in range(TRADERS):
        house.open_client(f"C{k}", deposit=int(dice.integers(50_000, 90_000)) * COIN)
        house.deposit(f"C{k}", int(dice.integers(1, 50)) * E8, asset=1)
    house.price(500, e8={1: 50 * E8})
    for _ in range(12):
        buyer, seller = dice.choice(TRADERS, 2, replace=False)
        i = int(dice.integers(0, 3))
        house.trade(f"C{buyer}", f"C{seller}", lots=int(dice.integers(1, 60)),
                    ticks=[500, 50, 500][i], instrument=i)  # fmt: skip
    return house


def drawn(seed: int, *, is_blocked: bool = False) -> tuple[State, I64]:
    """The state of a house, perhaps with an index that is not fresh, and its traders."""
    house = drawn_house(seed)
    x = house.state.copy()
    x.assets.is_stale[2] = is_blocked
    traders = np.array([house.number(f"C{k}") for k in range(TRADERS)])
    return x, np.random.default_rng(seed).permutation(traders)


@pytest.mark.rule("11.25", "11.27")
@methods
@few
@given(seeds, st.booleans())
def test_orders_reduce_positions_that_have_a_price_and_turn_none_round(
    number: int, seed: int, is_blocked: bool
) -> None:
    x, accounts = drawn(seed, is_blocked=is_blocked)
    positions = closable(x, accounts)
    assert not is_blocked or not (positions.instrument == 1).any()

    orders = METHODS[number].orders(x, accounts)

    require_reducing(METHODS[number].name, positions, orders)
    assert set(orders[:, 0]) == set(positions.account), "every account that can is closed further"


@pytest.mark.rule("4.26", "14.4")
@methods
@few
@given(seeds)
def test_accounts_that_are_asked_together_are_closed_as_each_alone(number: int, seed: int) -> None:
    x, accounts = drawn(seed)
    x.accounts.liquidation_method[accounts] = number
    before = x.digest()

    together = wanted_orders(x, accounts)

    alone = [wanted_orders(x, accounts[k : k + 1]) for k in range(accounts.size)]
    assert together.tolist() == np.concatenate(alone).tolist()
    assert x.digest() == before, "a method changes nothing"


@pytest.mark.rule("11.7", "11.25")
@few
@given(seeds)
def test_accounts_with_different_methods_keep_their_place_and_their_conversions(seed: int) -> None:
    x, accounts = drawn(seed)
    x.accounts.liquidation_method[accounts] = np.arange(accounts.size) % len(METHODS)
    debtors = accounts[::2]
    x.accounts.balance[debtors, 0] = -1_000 * COIN

    wanted = wanted_orders(x, accounts)

    place = {account: k for k, account in enumerate(accounts.tolist())}
    keys = [(place[account], kind) for account, kind in wanted[:, :2].tolist()]
    assert keys == sorted(keys)
    converted = wanted[wanted[:, 1] == OrderKind.CONVERSION]
    assert converted[:, 0].tolist() == debtors.tolist()
    for account in accounts.tolist():
        mine = wanted[(wanted[:, 0] == account) & (wanted[:, 1] == OrderKind.POSITION)]
        method = METHODS[int(x.accounts.liquidation_method[account])]
        expected = method.orders(x, np.array([account]))
        assert mine[:, 2:].tolist() == expected[:, 1:].tolist()


@pytest.mark.rule("11.25")
@methods
@few
@given(seeds)
def test_accounts_get_flat_when_all_their_orders_are_filled(number: int, seed: int) -> None:
    x, accounts = drawn(seed)
    x.parameters[Parameter.SLICE_PPM] = 300_000
    p = x.positions
    steps = np.abs(closable(x, accounts).lots).sum()

    while (held := closable(x, accounts)).lots.size:
        for account, instrument, lots in METHODS[number].orders(x, accounts).tolist():
            is_its = (p.used("account") == account) & (p.used("instrument") == instrument)
            p.lots[np.flatnonzero(is_its)] += lots
        assert np.abs(closable(x, accounts).lots).sum() < np.abs(held.lots).sum()
        steps -= 1
        assert steps >= 0


@pytest.mark.rule("11.21", "11.25", "14.2", "14.3")
@methods
@few
@given(seeds)
def test_an_account_is_closed_until_it_is_released_and_the_journal_tells_it_again(
    number: int, seed: int
) -> None:
    dice = np.random.default_rng(seed)
    share = int(dice.choice([300_000, 700_000]))
    house = ClearingHouse(plugins=PLUGINS, parameters={Parameter.SLICE_PPM: share})
    for symbol in ("X", "Y"):
        house.list_contract(symbol)
    sizes = dice.integers(2, 12, 2).tolist()
    notional = 500 * sum(sizes)
    house.open_client("A", deposit=notional // 10 * COIN)
    house.open_client("B", deposit=10 * notional * COIN)
    a = house.number("A")
    house.submit(command.SET_LIQUIDATION_METHOD.row(account=a, method=number))
    house.price(500)
    for i, lots in enumerate(sizes):
        house.trade("A", "B", lots=lots, ticks=500, instrument=i)
    house.price(473, at_ns=START + MINUTE)
    assert house.status("A") == AccountStatus.LIQUIDATING

    at_ns = START + MINUTE
    while house.status("A") == AccountStatus.LIQUIDATING:
        orders = house.state.defaults.orders
        for row in orders.of(np.array([a])):
            house.fill(int(orders.number[row]), abs(int(orders.quantity[row])), 473)
        at_ns += MINUTE
        house.price(473, at_ns=at_ns)
        assert at_ns < START + 3 * HOUR, "every slice closes something"

    for i, lots in enumerate(sizes):
        filled = [row["lots"] for row in house.events("OrderFilled") if row["instrument"] == i]
        assert all(size < 0 for size in filled)
        assert house.lots("A", i) == lots + sum(filled) >= 0
    digest, journal = house.state.digest(), house.engine.journal
    assert recover(journal, from_snapshot=False, plugins=PLUGINS).state.digest() == digest
    assert audit(journal, plugins=PLUGINS).digest == digest


@pytest.mark.rule("11.12", "11.25")
@methods
@few
@given(seeds)
def test_the_liquidator_gets_flat_when_all_orders_are_filled(number: int, seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = ClearingHouse(plugins=PLUGINS, parameters={Parameter.SLICE_PPM: 500_000})
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.deposit("A", int(dice.integers(1, 10**6)), asset=1)
    house.open_client("B", deposit=50_000 * COIN)
    liquidator = house.state.single(Role.LIQUIDATOR)
    house.submit(command.SET_LIQUIDATION_METHOD.row(account=liquidator, method=number))
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.price(445, at_ns=START + MINUTE)
    assert house.lots("LIQUIDATOR") == 100

    at_ns = START + MINUTE
    while house.state.accounts.slice_ns[liquidator]:
        orders = house.state.defaults.orders
        for row in orders.of(np.array([liquidator])):
            price = 445 if orders.kind[row] == OrderKind.POSITION else 445 * E8
            house.fill(int(orders.number[row]), abs(int(orders.quantity[row])), price)
        at_ns += MINUTE
        house.price(445, at_ns=at_ns)
        assert at_ns < START + 3 * HOUR, "every slice closes something"

    assert house.lots("LIQUIDATOR") == 0
    assert house.balance("LIQUIDATOR", 1) == 0
