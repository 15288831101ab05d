"""A last price that is kept up shelters nobody who owes money at the index."""

from __future__ import annotations

import numpy as np
import pytest

from novate.default_management.index_failure import insolvent, may_be_insolvent, stands_at_index
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, E8, MINUTE, START, ClearingHouse

TIGHT = ((0, 20_000, 10_000),)
CENTS = {"tick_e8": E8 // 100, "unit": COIN // 100}
PUSHED = 1.05
"""A last price at the clamp."""

CALLED = ShortfallPolicy.CALL_THEN_DEFAULT


def pushed_house(
    *, policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE, **parameters: int
) -> ClearingHouse:
    """L long and S short 100 lots at 100, L with 220: margin 200 and 100, and a 5% clamp."""
    house = ClearingHouse(
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()}
    )
    house.list_contract(tiers=TIGHT, basis_clamp_ppm=50_000, cycle_ns=0, **CENTS)
    house.open_client("L", deposit=220 * COIN, shortfall_policy=policy)
    house.open_client("S", deposit=10_000 * COIN)
    house.price(100, last={0: 10_000})
    house.trade("L", "S", lots=100, ticks=10_000)
    push(house, 100.0, 60)
    return house


def push(house: ClearingHouse, price: float, minutes: int, factor: float = PUSHED) -> None:
    """Let the index be a price for some minutes, and the last price a multiple of it."""
    for _ in range(minutes):
        at_ns = house.state.now_ns // MINUTE * MINUTE + MINUTE
        last = round(100 * price * factor)
        house.price(None, at_ns=at_ns, e8={0: round(price * E8)}, last={0: last})


@pytest.mark.rule("4.18", "5.93", "5.94", "11.28")
def test_who_is_insolvent_at_the_index_for_long_enough_is_liquidated_whatever_the_mark() -> None:
    # 97 is 80 below zero. The slow index is below zero too when it is below 97.795: 97 + 3 x
    # (60/61)^n is that after 81 minutes. The mark is at 101.85 all the time.
    house = pushed_house()

    push(house, 97.0, 80)
    assert house.state.marks.mark[0] == 10_185
    assert house.status("L") == AccountStatus.OPEN
    push(house, 97.0, 1)

    [started] = house.events("LiquidationStarted")
    assert started["account"] == house.number("L")
    assert started["equity"] > 400 * COIN > started["requirement"]
    assert started["index_equity"] == -80 * COIN
    [order] = house.events("OrderPlaced")
    assert order["quantity"] == -25


@pytest.mark.parametrize(("price", "minutes"), [(97.5, 130), (97.0, 81), (96.0, 49), (95.0, 36)])
@pytest.mark.rule("5.94")
def test_the_deeper_it_is_the_sooner(price: float, minutes: int) -> None:
    # About 60 x ln(d / (d - 2.2)) minutes for a fall by d.
    house = pushed_house()
    count = 0
    while house.status("L") == AccountStatus.OPEN:
        push(house, price, 1)
        count += 1

    assert count == minutes


@pytest.mark.rule("5.94")
def test_a_dip_of_the_index_decides_nothing() -> None:
    house = pushed_house()

    push(house, 96.0, 30)
    push(house, 100.0, 120)

    assert house.events("LiquidationStarted") == []


@pytest.mark.rule("5.94")
def test_an_account_that_the_index_alone_supports_is_safe_from_a_slow_index_far_away() -> None:
    house = pushed_house()

    push(house, 98.5, 600)  # 70 at the index, below maintenance margin, above at the mark

    assert house.events("LiquidationStarted") == []


@pytest.mark.rule("4.15", "5.96", "11.29")
def test_a_liquidation_goes_on_while_the_mark_alone_says_that_it_may_stop() -> None:
    house = pushed_house()
    push(house, 97.0, 81)

    push(house, 97.0, 60)  # equity at the mark is 405, four times maintenance margin
    assert house.events("LiquidationStopped") == []
    assert len(house.events("LiquidationStarted")) == 1
    push(house, 97.9, 1)  # above zero, below the takeover level of 33
    assert house.events("LiquidationStopped") == []

    push(house, 98.2, 1)

    assert len(house.events("LiquidationStopped")) == 1
    push(house, 97.9, 120)  # not insolvent
    assert len(house.events("LiquidationStarted")) == 1


@pytest.mark.rule("12.20")
def test_what_is_closed_by_slices_is_a_loss_as_large_as_at_the_index() -> None:
    house = pushed_house(liquidation_fee_ppm=0, slice_ppm=10**6)
    house.deposit("INSURANCE_FUND", 1_000 * COIN)
    push(house, 97.0, 81)

    order = house.events("OrderPlaced")[-1]
    house.fill(order["order"], 100, 9_700, is_final=True)
    push(house, 97.0, 1)

    [loss] = house.events("LossRecorded")
    assert loss["amount"] == 80 * COIN
    assert house.balance("INSURANCE_FUND") == 920 * COIN


@pytest.mark.rule("11.31")
def test_no_fee_is_paid_from_what_the_mark_alone_says() -> None:
    house = pushed_house()
    push(house, 97.0, 81)

    order = house.events("OrderPlaced")[-1]
    house.fill(order["order"], 25, 9_700, is_final=True)
    assert house.events("OrderFilled")[-1]["fee"] == 0

    push(house, 98.2, 1)  # 10 above zero at the index
    order = house.events("OrderPlaced")[-1]
    house.fill(order["order"], 19, 9_820, is_final=True)
    assert house.events("OrderFilled")[-1]["fee"] == 9_329_000


@pytest.mark.rule("5.94", "11.28")
def test_a_true_basis_that_margin_does_not_cover_costs_its_holder_the_position_and_no_more() -> (
    None
):
    # The contract trades 3 % above its index for hours, at 103: L buys for 310, 10 more than the
    # return costs. The index falls by 0.5, with the basis as it was: L is 40 below zero there,
    # and worth 260 at the market, where it is closed.
    house = ClearingHouse(parameters={Parameter.LIQUIDATION_FEE_PPM: 0, Parameter.SLICE_PPM: 10**6})
    house.list_contract(tiers=TIGHT, basis_clamp_ppm=50_000, cycle_ns=0, **CENTS)
    house.open_client("L", deposit=310 * COIN)
    house.open_client("S", deposit=10_000 * COIN)
    house.price(100, last={0: 10_300})
    push(house, 100.0, 300, 1.03)
    house.trade("L", "S", lots=100, ticks=10_300)

    push(house, 99.5, 240, 102.5 / 99.5)
    assert house.status("L") == AccountStatus.LIQUIDATING
    order = house.events("OrderPlaced")[-1]
    house.fill(order["order"], 100, 10_250, is_final=True)
    push(house, 99.5, 1, 102.5 / 99.5)

    assert house.events("LossRecorded") == []
    assert (house.status("L"), house.equity("L")) == (AccountStatus.OPEN, 260 * COIN)


@pytest.mark.rule("12.20")
def test_an_owner_keeps_nothing_that_only_a_pushed_mark_says() -> None:
    # At 98.03 L is worth 23, below its takeover level of 32, and 80 below zero at the index. With
    # no charge for closing it would keep the 23.
    house = pushed_house(close_out_charge_ppm=0, basis_average_ns=10**9, basis_protection_ns=0)
    push(house, 97.0, 81)
    assert house.status("L") == AccountStatus.LIQUIDATING

    push(house, 97.0, 1, 97.97 / 97.0)

    [taken] = house.events("AccountTakenOver")
    assert (taken["equity"], taken["kept"]) == (0, 0)
    assert house.balance("L") == 0
    assert house.events("LossRecorded") == []
    assert house.state.assess(house.number("LIQUIDATOR")).net == 23 * COIN


@pytest.mark.rule("11.28")
def test_an_account_with_calls_is_liquidated_too_for_there_is_nothing_to_call() -> None:
    house = pushed_house(policy=CALLED)

    push(house, 97.0, 81)

    assert house.events("MarginCalled") == []
    assert [row["account"] for row in house.events("LiquidationStarted")] == [house.number("L")]


@pytest.mark.rule("4.17", "11.30")
def test_a_called_account_fails_before_its_deadline() -> None:
    # The mark is 2 % above the index: 97 leaves 114 of the 198 that are called for.
    house = pushed_house(policy=CALLED, call_grace_ns=10**9 * 60 * 60 * 24)
    push(house, 100.0, 60, 1.02)

    push(house, 97.0, 80, 1.02)
    assert house.status("L") == AccountStatus.CALLED
    push(house, 97.0, 1, 1.02)

    [default] = house.events("DefaultDeclared")
    assert default["account"] == house.number("L")
    assert house.status("L") == AccountStatus.LIQUIDATING


@pytest.mark.rule("5.94", "5.95")
def test_a_fall_that_nobody_confirmed_and_its_ramp_decide_nothing() -> None:
    # The index leaps to 80. Five minutes later the slow index is at 98.4 and soon below 97.80, but
    # the ramp stands at 100 until a minute after it began.
    house = pushed_house(jump_ppm=100_000, ramp_ppm=1_000)
    x = house.state

    push(house, 80.0, 9)
    assert x.marks.slow[0] < 9_780
    assert house.status("L") == AccountStatus.OPEN
    push(house, 80.0, 30)

    assert house.status("L") != AccountStatus.OPEN


@pytest.mark.rule("5.94", "10.40")
def test_collateral_that_only_decays_makes_nobody_insolvent() -> None:
    house = pushed_house(stale_horizon_ns=3_600 * 10**9 * 4, index_staleness_ns=60 * 10**9)
    x, number = house.state, np.array([house.number("L")])
    x.accounts.balance[number, 0] = -9_000 * COIN
    x.accounts.balance[number, 1] = 100 * E8
    x.assets.decay[1] = 0.5
    x.assets.collateral_factor[1] = 0.5

    assert x.assess(house.number("L")).equity < 0
    assert not insolvent(x, number)[0]


def random_house(seed: int) -> ClearingHouse:
    """Many accounts with linear and inverse positions, some of them at marks far from the index."""
    dice = np.random.default_rng(seed)
    house = ClearingHouse(assets=(("BTC", 8, 500),))
    house.list_contract(tiers=TIGHT, basis_clamp_ppm=50_000, **CENTS)
    inverse = {"form": 2, "settlement_asset": 1, "unit": 100 * E8, "lots_max": 10**7}
    house.list_contract("Y", tiers=TIGHT, basis_clamp_ppm=50_000, **inverse)
    house.open_client("H", deposit=10**7 * COIN)
    house.deposit("H", 10**6 * E8, asset=1)
    house.price(100, last={0: 10_000, 1: 100})
    for k in range(40):
        name = f"A{k}"
        house.open_client(name, deposit=int(dice.integers(150, 600)) * COIN)
        house.deposit(name, int(dice.integers(0, 3 * E8)), asset=1)
        for i, ticks in enumerate((10_000, 100)):
            pair = (name, "H") if dice.random() < 0.5 else ("H", name)
            lots = int(dice.integers(1, 90))
            run = house.trade_run(*pair, lots=lots, ticks=ticks, instrument=i)
            house.submit(run, allow_refusals=True)
    at_index, away = float(dice.uniform(94, 106)), float(dice.uniform(0.95, 1.05))
    for minute in range(1, 30):
        last = {0: round(100 * at_index * away), 1: max(round(at_index / away), 1)}
        at_ns = START + minute * MINUTE
        runs = [command.ADVANCE_TIME.row(instant_ns=at_ns)]
        e8 = round(at_index * E8)
        runs.append(command.REPORT_PRICE.row(source=0, price_e8=e8, observed_ns=at_ns))
        runs += [command.REPORT_LAST.row(instrument=i, ticks=t) for i, t in last.items()]
        house.submit(*runs, command.ASSESS_MARGIN.row(instant_ns=at_ns))
    return house


@pytest.mark.rule("5.94")
@pytest.mark.parametrize("seed", range(12))
def test_nobody_is_insolvent_who_is_not_looked_at(seed: int) -> None:
    x = random_house(seed).state
    x.marks.slow[:] = x.marks.index  # the index alone decides
    groups = np.flatnonzero(x.margin_groups())
    margin = x.margin_cache.columns()

    may = may_be_insolvent(x, groups, margin.equity[groups], margin.initial[groups])

    found = insolvent(x, groups)
    assert not found[~may].any()
    assert not may.all()
    assert not (found & stands_at_index(x, groups)).any()
