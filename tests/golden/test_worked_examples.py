"""Worked examples whose answers are plain arithmetic; every comparison is exact."""

from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.codes import AccountStatus
from novate.market.price_source.trimmed_median import trim
from novate.market.price_source.weighted_median import combine
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import EngineCommandRefusal
from tests.unit.clearing import COIN, E8, HOUR, SECOND, START, ClearingHouse


# 2 BTC long, 50,000 -> 49,000: -2,000
@pytest.mark.rule("2.1")
def test_a_linear_long_loses_its_size_times_the_move() -> None:
    house = ClearingHouse()
    house.list_contract()
    for name in ("long", "short"):
        house.open_client(name, deposit=20_000 * COIN)
    house.price(50_000)
    house.trade("long", "short", lots=2, ticks=50_000)

    house.price(49_000)

    assert house.equity("long") == (20_000 - 2_000) * COIN
    assert house.equity("short") == (20_000 + 2_000) * COIN


# 100,000 USD long inverse, 50,000 -> 40,000: -0.5 BTC
@pytest.mark.rule("2.2")
def test_an_inverse_long_loses_coins() -> None:
    house = ClearingHouse()
    # A lot is 100 USD, a tick 1 USD, the ledger has 8 decimals: 100 * 10^8 satoshi-dollars.
    house.list_contract(form=2, settlement_asset=1, unit=100 * E8, lots_max=10**6)
    for name in ("long", "short"):
        house.open_client(name)
        house.deposit(name, 10 * E8, asset=1)
    house.price(50_000)
    house.trade("long", "short", lots=1_000, ticks=50_000)

    house.price(40_000)
    house.advance(START + HOUR)

    assert house.balance("long", asset=1) == 10 * E8 - E8 // 2
    assert house.balance("short", asset=1) == 10 * E8 + E8 // 2


FEEDS = [100 * E8, 10_020_000_000, 9_990_000_000, 150 * E8, 10_010_000_000]


# 100, 100.2, 99.9, 150, 100.1 -> 100.1 (the mean would be 110.04)
@pytest.mark.rule("5.6", "5.7")
def test_one_wrong_feed_of_five_does_not_move_the_index() -> None:
    assert combine(FEEDS, [1] * 5, 30_000, 1) == (10_010_000_000, 5, 1)
    assert sum(FEEDS) / 5 == 11_004_000_000
    # Trimmed, the wrong one is left out; of the four that remain the middle two are averaged.
    assert trim(FEEDS, [1] * 5, 30_000, 1) == (10_005_000_000, 4, 1)


@pytest.mark.rule("5.6")
@pytest.mark.parametrize("wrong", [1, 50 * E8, 99 * E8, 103 * E8, 10**17])
def test_no_price_of_one_feed_moves_the_index_beyond_the_honest_spread(wrong: int) -> None:
    feeds = [*FEEDS[:3], wrong, FEEDS[4]]

    index, _, _ = combine(feeds, [1] * 5, 30_000, 1)

    honest = [*FEEDS[:3], FEEDS[4]]
    assert min(honest) <= index <= max(honest)


def breach(*, at_ns: int) -> ClearingHouse:
    """An account far below maintenance margin, whose price is assessed at ``at_ns``."""
    house = ClearingHouse(parameters={Parameter.INDEX_STALENESS_NS: 5 * SECOND})
    house.list_contract()
    house.open_client("long", deposit=1_000 * COIN)
    house.open_client("short", deposit=1_000 * COIN)
    house.price(100)
    house.trade("long", "short", lots=90, ticks=100)
    house.submit(
        command.ADVANCE_TIME.row(instant_ns=START + SECOND),
        command.REPORT_PRICE.row(source=0, price_e8=91 * E8, observed_ns=START + SECOND),
        command.ADVANCE_TIME.row(instant_ns=at_ns),
        command.ASSESS_MARGIN.row(instant_ns=at_ns),
    )
    return house


# All feeds older than 5 s: the index is stale, and nothing is liquidated on a guess.
@pytest.mark.rule("4.22", "5.4", "5.5")
def test_when_all_feeds_are_stale_nothing_is_liquidated() -> None:
    stale = breach(at_ns=START + 6 * SECOND + 1)
    fresh = breach(at_ns=START + 6 * SECOND)

    assert stale.events("IndexUpdated")[-1]["is_stale"]
    assert stale.events("LiquidationStarted") == []
    assert [row["account"] for row in fresh.events("LiquidationStarted")] == [fresh.number("long")]


@pytest.mark.rule("4.22")
def test_with_a_stale_index_a_breach_that_is_already_marked_waits_too() -> None:
    house = breach(at_ns=START + 6 * SECOND + 1)
    house.state.marks.mark[0] = 91  # as if the breach had been marked before the feeds stopped

    house.assess()

    assert house.equity("long") == 190 * COIN
    assert house.status("long") == AccountStatus.OPEN
    assert house.events("LiquidationStarted") == []


# 2 BTC long at a mark of 50,000 and a rate of 0.01% pays 10; over all accounts funding is zero.
@pytest.mark.rule("8.6", "8.7")
def test_funding_of_two_coins_at_a_basis_point() -> None:
    house = ClearingHouse()
    house.list_contract(
        cycle_ns=0,
        funding_ns=HOUR,
        funding_cap_e9=10**9,
        funding_damper_e9=10**9,
        interest_e9=100_000,
    )
    for name in ("long", "short"):
        house.open_client(name, deposit=20_000 * COIN)
    house.price(50_000)
    house.trade("long", "short", lots=2, ticks=50_000)

    house.advance(START + HOUR)

    assert house.balance("long") == (20_000 - 10) * COIN
    assert house.balance("short") == (20_000 + 10) * COIN
    assert house.state.accounts.used("balance")[:, 0].sum() == 0


# 10 ETH x 2,000 x (1 - 15%) = 17,000
@pytest.mark.rule("2.6", "3.20", "3.21")
def test_collateral_counts_after_its_haircut() -> None:
    house = ClearingHouse(assets=(("ETH", 8, 1_500),))
    house.open_client("holder")
    house.deposit("holder", 10 * E8, asset=1)
    house.price(2_000)

    numbers = house.state.assess(house.number("holder"))

    assert numbers.equity == 17_000 * COIN
    assert numbers.net == 20_000 * COIN


# A cycle with 1,000 accounts sums to zero to the last unit, and is paid once.
@pytest.mark.rule("8.1", "8.2", "8.4")
def test_a_cycle_of_a_thousand_accounts_sums_to_zero_and_is_paid_once() -> None:
    house = ClearingHouse()
    house.list_contract(unit=70_007, form=2, settlement_asset=1, lots_max=10**9, tiers=())
    names = [f"account {k}" for k in range(1_000)]
    count = house.state.accounts.count
    accounts = np.arange(count, count + 1_000)
    house.submit(
        command.OPEN_ACCOUNT.run(
            {
                "reference": names,
                "role": [3] * 1_000,
                "parent": [house.number("M")] * 1_000,
                "segregation": [0] * 1_000,
                "mode": [1] * 1_000,
                "shortfall_policy": [1] * 1_000,
            }
        ),
        command.POST_COLLATERAL.run(
            {"account": accounts, "asset": [1] * 1_000, "amount": [10**12] * 1_000}
        ),
    )
    house.price(10_007)
    generator = np.random.default_rng(20200312)
    house.submit(
        command.SUBMIT_TRADE.run(
            {
                "buyer": accounts,
                "seller": np.roll(accounts, 1),
                "instrument": [0] * 1_000,
                "ticks": generator.integers(9_000, 11_000, 1_000),
                "lots": generator.integers(1, 10**6, 1_000),
                "buyer_is_maker": [False] * 1_000,
                "buyer_reservation": [0] * 1_000,
                "seller_reservation": [0] * 1_000,
            }
        )
    )
    before = house.state.accounts.used("balance").copy()

    house.advance(START + HOUR)

    paid = house.state.accounts.used("balance") - before
    assert np.count_nonzero(paid[accounts, 1]) > 990
    assert paid[:, 1].sum() == 0
    assert -1_000 <= paid[house.number("RESIDUE"), 1] <= 1_000

    # The same cycle again, from outside or as the next one at the same mark: nothing is paid.
    after = house.state.accounts.used("balance").copy()
    house.submit(command.SETTLE_CYCLE.row(instrument=0, cycle=1), allow_refusals=True)
    assert house.refusals() == [EngineCommandRefusal.ENGINE_ONLY]
    house.advance(START + 2 * HOUR)
    assert len(house.events("CycleSettled")) == 2
    assert (house.state.accounts.used("balance") == after).all()


# Equity falls one tick through maintenance margin: exactly one liquidation; one tick above: none.
@pytest.mark.rule("4.18")
@pytest.mark.parametrize(("price", "liquidations"), [(476, 0), (475, 0), (474, 1)])
def test_one_tick_through_maintenance_margin_is_one_liquidation(
    price: int, liquidations: int
) -> None:
    house = ClearingHouse()
    house.list_contract(tiers=((0, 90_000, 50_000),))
    # 100 lots from 500: at 475 equity is 4,875 - 2,500 = 2,375, and 5% of 47,500 is 2,375.
    house.open_client("long", deposit=4_875 * COIN)
    house.open_client("short", deposit=100_000 * COIN)
    house.price(500)
    house.trade("long", "short", lots=100, ticks=500)

    house.price(price)
    house.assess()

    assert len(house.events("LiquidationStarted")) == liquidations
