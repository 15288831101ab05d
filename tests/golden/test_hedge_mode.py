"""Hedge mode, long and short of one contract side by side, against what two venues publish.

Sources: BingX, *What Is Hedge Mode?* (support article 11263240855823, also 17056305799193), section
"Full Hedge"; Bybit, *Hedge mode Margin calculation logic optimization for USDT contracts* (help
article 4404146318617, 8 November 2021), "previous logic".  Prices and sizes are whole numbers, so
amounts are exact; BingX prints risk in percent with two decimals, and half of the last one is the
tolerance.  Both venues ask for initial margin at the average entry price and not at the mark; what
that makes is added where their figure has it in it.
"""

from __future__ import annotations

import pytest

from tests.unit.clearing import COIN, ClearingHouse
from tests.unit.transfers import asked, open_sub

HALF_DIGIT = 0.005


def hedger(
    deposit: int, *, is_netted: bool, initial_ppm: int, maintenance_ppm: int
) -> ClearingHouse:
    """A long account and a short one of a holder, and 2 BTC bought at 10,000."""
    house = ClearingHouse()
    house.list_contract(tiers=((0, initial_ppm, maintenance_ppm),))
    house.open_client("long", deposit=deposit * COIN)
    house.open_client("other", deposit=10**6 * COIN)
    open_sub(house, "short", "long", group="long", netting_set="long" if is_netted else "")
    house.price(10_000)
    house.trade("long", "other", lots=2, ticks=10_000)
    return house


def risk(house: ClearingHouse) -> float:
    """What BingX calls cross margin risk: maintenance margin and closing fees over equity, in %."""
    found = house.state.assess(house.number("long"))
    return 100 * found.maintenance / found.equity


# BingX: 10x leverage, maintenance margin 0.4%, fees of closing 0.05%, balance 10,000.
@pytest.mark.rule("3.5", "6.35")
@pytest.mark.parametrize("is_netted", [True, False])
def test_risk_and_equity_of_the_example_of_bingx(is_netted: bool) -> None:
    house = hedger(10_000, is_netted=is_netted, initial_ppm=100_000, maintenance_ppm=4_500)
    assert risk(house) == pytest.approx(0.90, abs=HALF_DIGIT)
    assert asked(house, "long") == (10_000, 2_000)  # available 8,000

    house.price(9_000)
    assert risk(house) == pytest.approx(1.01, abs=HALF_DIGIT)

    house.trade("other", "short", lots=2, ticks=9_000)
    equity, initial = asked(house, "long")
    assert equity == 10_000 - 2_000
    if not is_netted:  # the page: available 4,200, with 3,800 of margin at the entry prices
        at_entry = 2 * (10_000 - 9_000) // 10
        assert equity - initial - at_entry == 4_200


# BingX: fully hedged, price fluctuations neither raise the risk nor move what the account has.
@pytest.mark.rule("6.35")
@pytest.mark.parametrize("price", [8_000, 9_500, 20_000])
def test_a_full_hedge_in_one_netting_set_risks_nothing(price: int) -> None:
    house = hedger(10_000, is_netted=True, initial_ppm=100_000, maintenance_ppm=4_500)
    house.price(9_000)
    house.trade("other", "short", lots=2, ticks=9_000)

    house.price(price)

    assert asked(house, "long") == (8_000, 0)
    assert risk(house) == 0


# Bybit: 100x leverage, wallet 3,000, no fees; at 9,000 4 BTC are sold short.
@pytest.mark.rule("3.6", "6.35")
def test_what_is_available_in_the_example_of_bybit() -> None:
    house = hedger(3_000, is_netted=False, initial_ppm=10_000, maintenance_ppm=5_000)
    equity, initial = asked(house, "long")
    assert equity - initial == 2_800

    house.price(9_000)
    house.trade("other", "short", lots=4, ticks=9_000)

    equity, initial = asked(house, "long")
    at_entry = 2 * (10_000 - 9_000) // 100
    assert equity - initial - at_entry == 440
