"""Options of cheap and of dear underlyings, and smiles of the last seconds: no price stops them."""

from __future__ import annotations

import math

import pytest

from novate.margin.option_mark import DELTA_MAX
from novate.message import command
from tests.unit.clearing import (
    COIN,
    DAY,
    E8,
    HOUR,
    MINUTE,
    OPTION_TERMS,
    SECOND,
    START,
    ClearingHouse,
)

EXPIRY = OPTION_TERMS["expiry_ns"]


@pytest.mark.rule("9.10", "9.13")
@pytest.mark.parametrize("price_e8", [1, 100, 1_000, 100_000])
def test_a_digital_on_a_cheap_coin_is_marked_to_its_last_second(price_e8: int) -> None:
    house = ClearingHouse()
    terms = {"kind": 2, "payout_ticks": 10**6, "ticks_max": 10**6, "expiry_ns": START + DAY}
    house.list_option(strike_e8=price_e8, **terms)
    for left in (12 * HOUR, HOUR, MINUTE, SECOND):
        house.advance(START + DAY - left)
        house.smile(0.6, expiry_ns=START + DAY)
        house.price(None, e8={0: price_e8}, at_ns=START + DAY - left)
        [marked] = house.events("OptionMarked", last=True)
        assert 0 < marked["delta_e9"] <= DELTA_MAX
        assert 300_000 < marked["mark"] < 600_000


@pytest.mark.rule("9.13")
def test_the_rebate_of_a_barrier_on_a_cheap_coin_may_move_by_any_delta() -> None:
    house = ClearingHouse()
    watch = {"barrier": 4, "barrier_e8": 9, "monitoring": 1, "rebate_ticks": 10**8}
    house.list_option(strike_e8=10, expiry_ns=START + DAY, **watch)
    house.advance(START + DAY - SECOND)
    house.smile(20.0, expiry_ns=START + DAY)
    house.price(None, e8={0: 10}, at_ns=START + DAY - SECOND)
    [marked] = house.events("OptionMarked", last=True)
    assert abs(marked["delta_e9"]) <= DELTA_MAX


@pytest.mark.rule("9.3", "9.38")
@pytest.mark.parametrize("price_e8", [1, 1_500, 70_000 * E8, 999_999_937, 10**17])
def test_a_settlement_price_is_exact_whatever_the_underlying_costs(price_e8: int) -> None:
    house = ClearingHouse()
    house.list_option(strike_e8=max(price_e8 // 2, 1), settlement_window_ns=DAY)
    house.price(None, e8={0: price_e8})
    for hours in range(24, 0, -1):
        house.price(None, e8={0: price_e8}, at_ns=EXPIRY - hours * HOUR)
    house.price(None, e8={0: price_e8}, at_ns=EXPIRY - 1)
    house.advance(EXPIRY)
    [expired] = house.events("OptionExpired", last=True)
    assert expired["final_e8"] == price_e8


@pytest.mark.rule("9.3", "9.38")
def test_an_index_that_moves_by_orders_of_magnitude_is_averaged_whole() -> None:
    house = ClearingHouse()
    house.list_option(strike_e8=100 * E8, settlement_window_ns=2 * HOUR)
    house.price(100)
    house.price(None, e8={0: 3}, at_ns=EXPIRY - 2 * HOUR)
    house.price(None, e8={0: 10**17}, at_ns=EXPIRY - HOUR)
    house.advance(EXPIRY)
    [expired] = house.events("OptionExpired", last=True)
    assert expired["final_e8"] == (10**17 + 3 + 1) // 2


@pytest.mark.rule("9.35")
def test_a_smile_whose_volatility_no_market_has_is_refused_with_its_number() -> None:
    house = ClearingHouse()
    house.list_option(barrier=1, barrier_e8=120 * E8, monitoring=2, observation_ns=30 * DAY)
    house.price(100)
    house.advance(EXPIRY - 3 * SECOND)
    row = {
        "underlying": 1, "expiry_ns": EXPIRY, "carry_e9": 0, "b_e9": 0, "rho_e9": 0, "m_e9": 0,
        "sigma_e9": 10**8, "observed_ns": EXPIRY - 3 * SECOND,
    }  # fmt: skip
    house.submit(command.REPORT_SURFACE.row(**row, a_e9=2 * 10**9), allow_refusals=True)
    [refused] = house.events("CommandRefused", last=True)
    assert [code.name for code in house.refusals()] == ["VOLATILITY_OUT_OF_RANGE"]
    vol = math.sqrt(2.0 * 365 * 86_400 / 3)
    assert refused["actual"] == pytest.approx(vol * 1e9, rel=1e-12)
    assert refused["allowed"] == 100 * 10**9


@pytest.mark.rule("9.30")
@pytest.mark.parametrize("barrier", [1, 2, 3, 4])
def test_the_marks_of_barriers_are_numbers_at_the_highest_volatility(barrier: int) -> None:
    house = ClearingHouse()
    level = 120 if barrier in (1, 3) else 80
    for number, strike in enumerate((1, 100, 10**6)):
        house.list_option(
            f"B{number}", strike_e8=strike * E8, barrier=barrier, barrier_e8=level * E8,
            monitoring=2, observation_ns=30 * DAY, rebate_ticks=5_000,
        )  # fmt: skip
    house.price(100)
    house.advance(EXPIRY - SECOND)
    house.smile(99.9)
    house.price(100)
    marks = house.events("OptionMarked", last=True)
    assert len(marks) == 3
    assert all(1 <= row["mark"] <= 10**8 for row in marks)


@pytest.mark.rule("9.38", "9.41")
def test_both_sides_of_a_settlement_are_paid_by_the_exact_price() -> None:
    house = ClearingHouse()
    house.list_option(strike_e8=60_000 * E8, ticks_max=10**7)
    for name in ("long", "short"):
        house.open_client(name, deposit=100_000 * COIN)
    house.price(60_000)
    house.smile(0.6)
    house.price(60_000)
    house.trade("long", "short", lots=1, ticks=int(house.state.marks.mark[0]))
    before = house.balance("long")
    house.price(70_000, at_ns=EXPIRY - 1)
    house.advance(EXPIRY)
    assert house.balance("long") - before == 10_000 * COIN
