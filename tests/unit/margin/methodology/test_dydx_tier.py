"""The integers of dYdX: rounding up to steps, what must be stated, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.errors import InputError
from novate.margin.methodology.dydx_tier import (
    DydxTiers,
    LiquidityTier,
    Market,
    requirements,
    scaled_ppm,
)
from novate.margin.methodology.outcome import MissingInputError, NotValuedError
from novate.margin.methodology.portfolio import Order, Portfolio, Position
from tests.golden.margin_book import check_parts, market, perpetual

BAND = LiquidityTier(
    initial_ppm=50_000,
    maintenance_fraction_ppm=600_000,
    open_interest_lower_cap=100,
    open_interest_upper_cap=200,
)
FLAT = LiquidityTier(initial_ppm=20_000, maintenance_fraction_ppm=600_000)
MODEL = DydxTiers(
    tiers={"band": BAND, "flat": FLAT},
    markets={
        "BTC": Market(tier="flat", resolution=-3, price_exponent=-1),
        "X": Market(tier="band", resolution=-3, price_exponent=-1),
    },
)
BTC = perpetual("BTC")


@given(st.integers(0, 10**30), st.integers(0, 400))
def test_initial_margin_is_between_its_fraction_and_all_of_it(size: int, interest: int) -> None:
    initial, maintenance = requirements(Fraction(size), BAND, Fraction(interest))
    assert size * 50_000 <= initial * 10**6
    assert initial <= size
    assert maintenance <= initial
    assert maintenance == requirements(Fraction(size), BAND, Fraction(0))[1]


@pytest.mark.parametrize(
    ("interest", "ppm"), [(0, 50_000), (100, 50_000), (150, 525_000), (200, 10**6), (300, 10**6)]
)
def test_the_fraction_rises_between_the_caps(interest: int, ppm: int) -> None:
    assert scaled_ppm(BAND, Fraction(interest)) == ppm


def test_sizes_and_prices_are_rounded_up_and_it_is_noted() -> None:
    book = Portfolio(positions=(Position(contract=BTC, quantity=-0.0011, unrealised=2.0),), cash=1)
    found = MODEL.outcome(book, market(mark={"BTC": 100.01}))
    check_parts(found)
    # 0.002 at 100.1: 0.2002 USDC.
    assert (found.initial, found.maintenance) == (0.004004, 0.002403)
    assert found.equity == 3.0
    assert found.notes == (
        "BTC mark: rounded up to a step of its market",
        "BTC quantity: rounded up to a step of its market",
    )
    stated = Portfolio(positions=(Position(contract=BTC, quantity=0.007),))
    assert MODEL.outcome(stated, market(mark={"BTC": 100.1})).notes == ()


def test_a_market_that_open_interest_scales_needs_it() -> None:
    book = Portfolio(positions=(Position(contract=perpetual("X"), quantity=1.0),))
    with pytest.raises(MissingInputError, match="open interest"):
        MODEL.outcome(book, market(mark={"X": 1.0}))
    with pytest.raises(InputError, match="open interest"):
        MODEL.outcome(book, market(mark={"X": 1.0}, open_interest={"X": -1.0}))


def test_what_is_not_listed_and_orders_are_refused() -> None:
    other = Portfolio(positions=(Position(contract=perpetual("Y"), quantity=1.0),))
    with pytest.raises(NotValuedError, match="not listed"):
        MODEL.outcome(other, market(mark={"Y": 1.0}))
    with pytest.raises(NotValuedError, match="open order"):
        MODEL.outcome(Portfolio(orders=(Order(contract=BTC, quantity=1.0, price=1.0),)), market())


def test_terms_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="initial_ppm"):
        LiquidityTier(initial_ppm=10**6 + 1, maintenance_fraction_ppm=0)
    with pytest.raises(ValueError, match="caps"):
        LiquidityTier(
            initial_ppm=1, maintenance_fraction_ppm=0, open_interest_lower_cap=2,
            open_interest_upper_cap=1,
        )  # fmt: skip
    with pytest.raises(ValueError, match="tier 'none'"):
        DydxTiers(tiers={}, markets={"BTC": Market(tier="none", resolution=0, price_exponent=0)})
