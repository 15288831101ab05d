"""Which prices decide, and that no last price of one instant does."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from novate.default_management.close_out import assess_many, assess_positions
from novate.default_management.deciding_price import (
    assess_protected,
    best_of,
    maintenance_figures,
    worst_of,
)
from novate.default_management.missing_margin import call_figures
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message.deciding_price import DecidingPrice
from novate.message.parameter import Parameter
from novate.valuation.other_price import every_price, protecting_prices, standing_prices
from tests.unit.clearing import COIN, HOUR, MINUTE, SECOND, START, ClearingHouse

TIGHT = ((0, 20_000, 10_000),)
CALL = ShortfallPolicy.CALL_THEN_DEFAULT
AUTO = ShortfallPolicy.AUTO_LIQUIDATE


def house_of(policy: ShortfallPolicy, *, deposit: int = 220, **more: int) -> ClearingHouse:
    """L long and S short 100 lots at 100: margin 200 and 100, and a clamp of 5%."""
    given = {Parameter[name.upper()]: value for name, value in more.items()}
    house = ClearingHouse(parameters=given)
    house.list_contract(tiers=TIGHT, basis_clamp_ppm=50_000, cycle_ns=0)
    house.deposit("INSURANCE_FUND", 1_000 * COIN)
    house.open_client("L", deposit=deposit * COIN, shortfall_policy=policy)
    house.open_client("S", deposit=5_000 * COIN)
    house.price(100, last={0: 100})
    house.trade("L", "S", lots=100, ticks=100)
    return house


def push(house: ClearingHouse, index: int, last: int, at_ns: int) -> None:
    house.price(index, at_ns=at_ns, last={0: last})


def test_the_best_and_the_worst_of_some_prices_are_told_with_what_is_compared_there() -> None:
    # At an index of 98 L has 60 of 98, at a mark of 97 - 40 of 97.
    house = house_of(AUTO, deposit=260)
    push(house, 98, 92, START + MINUTE)
    x, accounts = house.state, np.array([house.number("L")])

    best = best_of(x, accounts, every_price(x), maintenance_figures, assess_many)
    worst = worst_of(x, accounts, standing_prices(x), maintenance_figures, assess_many)

    assert (best.price[0], best.worth[0], best.level[0]) == (2, 60 * COIN, 98 * COIN)
    assert (worst.price[0], worst.worth[0], worst.level[0]) == (1, -40 * COIN, 97 * COIN)
    there = assess_protected(x, accounts, assess_many(x, accounts), assess_many)
    assert maintenance_figures(accounts, there)[0].tolist() == [60 * COIN]


def test_of_equal_prices_the_first_counts_and_nobody_is_asked_of_no_accounts() -> None:
    house = house_of(CALL)
    x, accounts = house.state, np.array([house.number("L")])
    figures = partial(call_figures, x)
    found = best_of(x, accounts, every_price(x), figures, assess_positions)
    assert found.price.tolist() == [DecidingPrice.MARK]
    found = best_of(x, accounts, protecting_prices(x), figures, assess_positions)
    assert found.price.tolist() == [DecidingPrice.PROTECTED]
    assert best_of(x, accounts[:0], every_price(x), figures, assess_positions).price.size == 0


@pytest.mark.rule("10.64")
def test_a_liquidation_tells_the_price_that_decided() -> None:
    house = house_of(AUTO)
    push(house, 98, 92, START + MINUTE)
    [row] = house.events("LiquidationStarted")
    assert (row["equity"], row["requirement"]) == (-80 * COIN, 97 * COIN)
    told = (row["decided_by"], row["worth"], row["level"])
    assert told == (DecidingPrice.PROTECTED, 20 * COIN, 98 * COIN)


@pytest.mark.rule("10.57", "10.64")
def test_a_call_asks_at_the_mark_and_tells_the_price_that_decided() -> None:
    # At 99 L has 120 of 198; the mark is 95: - 280 of 190.
    house = house_of(CALL)
    push(house, 99, 60, START + HOUR)
    [row] = house.events("MarginCalled")
    assert (row["amount"], row["equity"]) == (470 * COIN, -280 * COIN)
    told = (row["decided_by"], row["worth"], row["level"])
    assert told == (DecidingPrice.PROTECTED, 120 * COIN, 198 * COIN)


@pytest.mark.rule("10.64", "12.25")
def test_a_takeover_tells_takeover_worth_and_level_where_they_decided() -> None:
    # At 97 L has - 80; at the mark of 93 - 480.
    house = house_of(AUTO)
    push(house, 97, 50, START + MINUTE)
    [row] = house.events("AccountTakenOver")
    told = (row["decided_by"], row["worth"])
    assert told == (DecidingPrice.PROTECTED, -80 * COIN)
    assert row["level"] == 97 * COIN * 333_333 // 10**6


@pytest.mark.rule("5.91", "10.64", "11.4")
def test_a_liquidation_that_stops_at_ramp_prices_tells_them() -> None:
    # At 98 L has 60 of 98.  The index leaps to 92; with 70 more L has 130 of 122.5 where it was
    # before, and - 470 now.
    house = house_of(AUTO, deposit=260, jump_ppm=30_000, ramp_ppm=100)
    push(house, 98, 98, START + MINUTE)
    push(house, 92, 92, START + 2 * MINUTE)
    assert house.status("L") == AccountStatus.LIQUIDATING
    house.deposit("L", 70 * COIN)

    push(house, 92, 92, START + 3 * MINUTE)

    [row] = house.events("LiquidationStopped")
    told = (row["decided_by"], row["equity"], row["requirement"])
    assert told == (DecidingPrice.RAMP, 130 * COIN, 122_500_000)


# ---- who is let go


@pytest.mark.rule("4.15", "5.81")
def test_a_pushed_last_price_stops_no_liquidation() -> None:
    # At 98 L has 60 of 98; a mark of 102 would give it 460.
    house = house_of(AUTO, deposit=260)
    push(house, 98, 98, START + MINUTE)
    for second in range(1, 30):
        push(house, 98, 150 if second % 2 else 98, START + MINUTE + 10 * second * SECOND)
        assert house.status("L") == AccountStatus.LIQUIDATING, second


@pytest.mark.rule("4.15", "5.81", "10.64")
def test_a_recovered_mark_stops_the_liquidation_of_who_is_sound_at_the_protected_prices() -> None:
    # At 98 L has 40 of 98 and is closed.  At an index of 99 it has 140, more than the 99 of
    # maintenance margin and less than half more of it; at the mark of 103 it has 540 of 154.5.
    house = house_of(AUTO, deposit=240, release_ppm=1_500_000)
    push(house, 98, 98, START + MINUTE)
    push(house, 99, 99, START + 2 * MINUTE)
    assert house.status("L") == AccountStatus.LIQUIDATING

    push(house, 99, 150, START + HOUR)

    [row] = house.events("LiquidationStopped")
    told = (row["decided_by"], row["equity"], row["requirement"])
    assert told == (DecidingPrice.MARK, 540 * COIN, 154_500_000)
    push(house, 99, 99, START + 3 * HOUR)
    assert house.status("L") == AccountStatus.OPEN


@pytest.mark.rule("4.15", "5.81")
def test_a_last_price_pushed_down_holds_nobody_whom_the_index_cured() -> None:
    house = house_of(AUTO, deposit=260)
    push(house, 98, 98, START + MINUTE)
    push(house, 100, 60, START + 2 * MINUTE)
    assert house.status("L") == AccountStatus.OPEN
    [row] = house.events("LiquidationStopped")
    assert row["decided_by"] == DecidingPrice.PROTECTED


@pytest.mark.rule("4.15", "5.81")
def test_a_default_is_not_undone_by_a_pushed_mark_between_maintenance_and_initial_margin() -> None:
    # At 99 L has 120 of 198, more than the 99 of maintenance margin.  If it were let go it would
    # have a whole grace again.
    house = house_of(CALL)
    push(house, 99, 99, START + MINUTE)
    house.advance(START + MINUTE + HOUR)
    assert house.status("L") == AccountStatus.LIQUIDATING

    push(house, 99, 150, START + 3 * HOUR)

    assert house.state.marks.mark[0] == 103
    assert house.status("L") == AccountStatus.LIQUIDATING
