from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.message import command
from novate.valuation import MarginCache
from tests.unit.clearing import COIN, E8, ClearingHouse

ASSETS = ("BTC", "ETH", "SOL", "XRP")
TIERS = ((0, 20_000, 10_000), (5_000 * COIN, 50_000, 25_000), (50_000 * COIN, 100_000, 60_000))


def house_with(accounts: int) -> ClearingHouse:
    """Two linear contracts on each of four assets, one inverse, and accounts that trade all."""
    house = ClearingHouse(assets=tuple((symbol, 8, 1_000) for symbol in ASSETS))
    for k in range(8):
        house.list_contract(f"linear {k}", underlying=1 + k // 2, tiers=TIERS)
    house.list_contract("inverse", form=2, settlement_asset=1, unit=10 * E8, tiers=TIERS)
    house.price(None, e8={k: (100 + 10 * k) * E8 for k in range(4)})
    for k in range(accounts):
        house.open_client(str(k), deposit=10**6 * COIN)
        house.deposit(str(k), 100 * E8, asset=1 + k % 4)
    for k in range(accounts):
        for instrument in range(9):
            price = int(house.state.marks.mark[instrument])
            other = str((k + 1) % accounts)
            house.trade(str(k), other, lots=1 + k % 7, ticks=price, instrument=instrument)
    return house


def assert_exact(house: ClearingHouse, headroom: MarginCache) -> None:
    """What the cache says is what a full assessment gives."""
    expected = house.state.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]

    assert np.array_equal(headroom.numbers(), expected)


def test_a_new_cache_holds_what_a_full_assessment_gives() -> None:
    house = house_with(3)

    assert_exact(house, MarginCache(house.state))


def test_an_empty_house_has_no_numbers() -> None:
    house = ClearingHouse()

    assert MarginCache(house.state).numbers().shape == (house.state.accounts.count, 3)
    assert not MarginCache(house.state).numbers().any()


@pytest.mark.parametrize("asset", range(4))
def test_a_price_is_followed_without_being_told(asset: int) -> None:
    house = house_with(3)
    headroom = MarginCache(house.state)
    headroom.numbers()

    for price in (101, 99, 250, 3):
        house.price(None, e8={asset: price * E8})
        assert_exact(house, headroom)


def test_one_moved_mark_is_followed_without_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    house = house_with(4)
    headroom = MarginCache(house.state)
    headroom.numbers()
    monkeypatch.setattr(MarginCache, "_sweep", lambda self: pytest.fail("all rows were swept"))

    for mark in (120, 700, 1, 110):
        house.state.marks.mark[2] = mark  # a contract whose worth is whole in ledger units
        assert_exact(house, headroom)
    house.state.marks.mark[8] = 90  # the inverse one
    assert_exact(house, headroom)


def test_a_mark_that_appears_or_goes_is_followed() -> None:
    house = house_with(4)
    headroom = MarginCache(house.state)
    headroom.numbers()

    for mark in (0, 130):
        house.state.marks.mark[3] = mark
        assert_exact(house, headroom)


def test_an_account_is_assessed_anew_once_it_is_touched() -> None:
    house = house_with(3)
    headroom = MarginCache(house.state)
    before = int(headroom.numbers()[house.number("1"), 0])

    house.deposit("1", 7)

    assert headroom.numbers()[house.number("1"), 0] == before
    headroom.touch(house.number("1"), house.number("CUSTODY"))
    assert_exact(house, headroom)


def test_everything_is_assessed_anew_when_everything_is_touched() -> None:
    house = house_with(3)
    headroom = MarginCache(house.state)
    headroom.numbers()

    house.list_contract("late", tiers=())
    house.state.instruments.maintenance_rate[0] *= 2
    house.deposit("2", 7)
    headroom.touch_all()

    assert_exact(house, headroom)


def test_new_accounts_count_as_touched() -> None:
    house = house_with(2)
    headroom = MarginCache(house.state)
    headroom.numbers()

    house.open_client("late", deposit=5)
    headroom.touch(house.number("CUSTODY"))

    assert_exact(house, headroom)


def test_a_haircut_is_followed_without_being_told() -> None:
    house = house_with(2)
    headroom = MarginCache(house.state)
    headroom.numbers()

    house.submit(command.SET_HAIRCUT.row(asset=2, haircut_bps=9_000))

    assert_exact(house, headroom)


def test_rows_may_be_sorted_anew_at_any_time() -> None:
    house = house_with(3)
    headroom = MarginCache(house.state)
    headroom.numbers()

    house.state.compact()
    house.price(None, e8={0: 131 * E8})

    assert_exact(house, headroom)


def step(house: ClearingHouse, headroom: MarginCache, generator: np.random.Generator) -> None:
    """One thing that happens, and who it touched."""
    names = [name for name in house.state.accounts.references if name.isdigit()]
    one, other = (names[k] for k in generator.choice(len(names), 2, replace=False))
    instrument = int(generator.integers(9))
    lots = int(generator.integers(1, 40))
    touched = [one, other, "CUSTODY"]
    match int(generator.integers(7)):
        case 0:
            price = int(generator.integers(50, 200)) * E8
            house.price(None, e8={int(generator.integers(4)): price})
        case 1:
            mark = int(house.state.marks.mark[instrument])
            house.trade(one, other, lots=lots, ticks=mark + 1, instrument=instrument)
        case 2:
            house.deposit(one, lots * COIN, asset=int(generator.integers(5)))
        case 3:
            order = {"account": house.number(one), "instrument": instrument}
            signed = -lots if lots % 2 else lots
            limit = int(house.state.marks.mark[instrument]) + lots % 3
            house.submit(command.RESERVE_MARGIN.row(**order, lots=signed, limit_ticks=limit))
        case 4:
            house.open_client(str(len(names)), deposit=10**6 * COIN)
        case 5:
            house.state.marks.mark[instrument] += 3
        case _:
            house.state.compact()
    headroom.touch(*(house.number(name) for name in touched))


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_cache_is_exact(seed: int) -> None:
    generator = np.random.default_rng(seed)
    house = house_with(6)
    headroom = MarginCache(house.state)

    for _ in range(60):
        step(house, headroom, generator)
        if generator.integers(3):  # several things may happen before anybody asks
            assert_exact(house, headroom)
    assert_exact(house, headroom)


def test_accounts_touched_are_told_once_and_prices_touch_nobody() -> None:
    house = house_with(3)
    cache = house.state.margin_cache
    cache.take_touched()
    moves = cache.moves

    cache.touch(4, 5)
    cache.touch_many(np.array([7, 4], np.uint32))
    touched = cache.take_touched()
    assert touched is not None
    assert touched.tolist() == [4, 5, 7, 4]
    cache.numbers()
    assert cache.moves == moves
    house.price(None, e8={0: 101 * E8})
    cache.numbers()
    assert cache.moves > moves
    again = cache.take_touched()
    assert again is not None
    assert again.size == 0

    cache.touch_all()
    assert cache.take_touched() is None


def test_the_lists_are_those_of_the_groups_that_are_short_now() -> None:
    house = house_with(6)
    cache = MarginCache(house.state)

    for step in range(6):
        house.state.marks.mark[:8] += 3 * step
        for k in range(step):
            house.state.accounts.balance[house.number(str(k))] = 0
        cache.touch_all()
        found, groups = cache.columns(), house.state.margin_groups()
        equity, initial, maintenance = cache.numbers().T
        is_short = groups & (equity < np.maximum(initial, maintenance))
        slack = house.state.assets.count + 1 + (maintenance >> 40)
        is_low = groups & (equity < np.where(maintenance > 0, maintenance + slack, 0))
        assert found.short.tolist() == np.flatnonzero(is_short).tolist()
        assert found.low.tolist() == np.flatnonzero(is_low).tolist()
        assert found.totals[0] == groups.sum()
        assert found.totals[1] == (equity < maintenance)[groups].sum()
        sums = [int(n[groups].sum()) for n in (equity, initial, maintenance)]
        assert found.totals[2:].tolist() == sums
        assert cache.columns() is found
    assert found.short.size


def test_the_price_of_an_asset_counts_from_when_somebody_holds_it() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 1_000), ("ETH", 8, 1_000)))
    house.list_contract()
    house.open_client("1", deposit=COIN)
    for price in (10, 11):
        house.price(None, e8={0: 100 * E8, 1: price * E8})
        assert_exact(house, house.state.margin_cache)
    house.deposit("1", 5 * E8, asset=2)
    house.price(None, e8={0: 100 * E8, 1: 20 * E8})

    assert_exact(house, house.state.margin_cache)
    assert house.state.margin_cache.numbers()[house.number("1"), 0] == COIN + 90 * COIN
