"""Marks inside the settlement window: what is traded near expiry is what will be settled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.market.mark import settling_at
from novate.message.parameter import Parameter
from novate.message.refusal import SubmitTradeRefusal
from tests.unit.clearing import COIN, HOUR, MINUTE, SECOND, START, ClearingHouse

EXPIRY = START + 5 * HOUR


def house_at_the_end(**terms: int) -> ClearingHouse:
    """A future with a window of an hour; the index is 500, and 510 in its last five minutes.

    Ten seconds before expiry the mean of the window will be 500 + 10 x 300 s / 3,600 s = 500.83.
    """
    house = ClearingHouse(parameters={Parameter.TRADE_COLLAR_PPM: 100_000})
    house.list_contract(
        "F", tiers=((0, 8_000, 4_000),), expiry_ns=EXPIRY, settlement_window_ns=HOUR, **terms
    )
    house.deposit("INSURANCE_FUND", 10**6 * COIN)
    for name in "AB":
        house.open_client(name, deposit=2_500 * COIN)
    house.price(500)
    house.price(500, at_ns=EXPIRY - HOUR)
    house.price(510, at_ns=EXPIRY - 5 * MINUTE)
    house.price(510, at_ns=EXPIRY - 10 * SECOND)
    return house


@pytest.mark.rule("5.100")
def test_a_mark_before_its_window_is_the_index_and_inside_it_weighs_the_mean_so_far() -> None:
    house = house_at_the_end()
    marks = [row["mark"] for row in house.events("MarkUpdated")]
    # At the jump 55 minutes of 500 and 5 minutes of 510 to come; later as much, to half a tick.
    assert marks == [500, 500, 501, 501]


@pytest.mark.rule("5.100")
def test_nothing_is_earned_by_trading_ahead_of_a_settlement_that_the_window_has_decided() -> None:
    house = house_at_the_end()
    run = house.trade_run("A", "B", lots=600, ticks=510)
    house.submit(run, allow_refusals=True)
    # A would have paid 9 x 600 = 5,400 beyond the mark, with 2,500.
    assert house.refusals() == [SubmitTradeRefusal.INSUFFICIENT_MARGIN]
    house.trade("A", "B", lots=600, ticks=501)
    house.price(510, at_ns=EXPIRY + 1)
    assert [row["ticks"] for row in house.events("ContractExpired")] == [501]
    assert (house.balance("A"), house.balance("B")) == (2_500 * COIN, 2_500 * COIN)
    assert house.balance("INSURANCE_FUND") == 10**6 * COIN


@pytest.mark.rule("5.12", "5.13", "5.101")
def test_a_last_price_moves_the_mark_by_no_more_than_what_is_still_to_come() -> None:
    house = house_at_the_end(basis_clamp_ppm=100_000)
    # A minute to go, and a trade at 900: the band is a tenth of 510, 51, of which a sixtieth
    # counts.  (3,300 s x 500 + 240 s x 510 + 60 s x 561) / 3,600 s = 501.68.
    house = ClearingHouse()
    house.list_contract(expiry_ns=EXPIRY, settlement_window_ns=HOUR, basis_clamp_ppm=100_000)
    house.price(500)
    house.price(500, at_ns=EXPIRY - HOUR)
    house.price(510, at_ns=EXPIRY - 5 * MINUTE)
    house.price(510, at_ns=EXPIRY - MINUTE, last={0: 900})
    house.price(510, at_ns=EXPIRY - MINUTE + SECOND, last={0: 900})
    assert house.events("MarkUpdated")[-1]["mark"] == 502


@pytest.mark.rule("5.12", "5.15", "5.101")
def test_a_market_that_trades_at_what_will_be_settled_has_no_basis() -> None:
    house = ClearingHouse()
    house.list_contract(expiry_ns=EXPIRY, settlement_window_ns=HOUR, funding_ns=HOUR)
    house.price(500)
    house.price(500, at_ns=EXPIRY - HOUR)
    house.price(510, at_ns=EXPIRY - 5 * MINUTE, last={0: 501})
    row = house.events("MarkUpdated")[-1]
    assert (row["basis_e8"], row["premium_e9"], row["mark"]) == (0, 0, 501)


@pytest.mark.rule("5.14", "5.100")
def test_the_slow_index_weighs_the_window_as_the_mark_does() -> None:
    house = ClearingHouse(parameters={Parameter.SLOW_AVERAGE_NS: HOUR})
    house.list_contract(expiry_ns=EXPIRY, settlement_window_ns=HOUR)
    house.price(500, at_ns=EXPIRY - HOUR)
    house.price(600, at_ns=EXPIRY - HOUR // 2)
    row = house.events("MarkUpdated")[-1]
    # Slow: 500 + 100 x 30 / (60 + 30) = 533.33, 533 ticks; half of the window saw 500.
    assert (row["mark"], row["slow"]) == (550, 517)


PRICES = st.lists(st.integers(1, 2_000), min_size=1, max_size=8)


@pytest.mark.rule("5.100", "8.10")
@given(prices=PRICES, price=st.integers(1, 2_000), left_ms=st.integers(0, 10**6))
def test_a_mark_is_what_is_settled_if_its_price_holds(
    prices: list[int], price: int, left_ms: int
) -> None:
    final_sum, final_ms = sum(p * 1_000 for p in prices), len(prices) * 1_000
    mark = settling_at(price, final_sum, final_ms, left_ms)
    total, time = final_sum + price * left_ms, final_ms + left_ms
    assert mark == (2 * total + time) // (2 * time)
    assert min(*prices, price) <= mark <= max(*prices, price)
