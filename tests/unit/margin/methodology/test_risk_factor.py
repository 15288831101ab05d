"""Risk factors: sides, rounding, transfers between accounts, isolated margin and refusals."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.errors import InputError
from novate.margin.methodology.outcome import MissingInputError, NotValuedError
from novate.margin.methodology.portfolio import Order, Portfolio, Position
from novate.margin.methodology.risk_factor import (
    Levels,
    Market,
    RiskFactor,
    Scaling,
    lognormal_risk_factors,
)
from tests.golden.margin_book import check_parts, market, perpetual

ETH = perpetual("ETH")
SCALING = Scaling(search=1.1, initial=1.5, release=2.0)
TERMS = Market(long_factor=0.1, short_factor=1.7, slippage=0.05, scaling=SCALING)
MODEL = RiskFactor(currency="USDC", unit=1.0, default=TERMS)


def naive(quantity: int, buys: int, sells: int, mark: int) -> int:
    """The rule in whole twentieths of the mark."""
    long = max(quantity, 0) * 1 + max(quantity + buys, 0) * 2
    short = max(-quantity, 0) * 1 + max(sells - quantity, 0) * 34
    return -(-mark * max(long, short) // 20)


@given(st.integers(-9, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 10**6))
def test_levels_against_the_rule_in_integers(
    quantity: int, buys: int, sells: int, mark: int
) -> None:
    book = Portfolio(
        positions=(Position(contract=ETH, quantity=float(quantity)),),
        orders=tuple(
            Order(contract=ETH, quantity=float(q), price=1.0) for q in (buys, -sells) if q
        ),
    )
    found = MODEL.outcome(book, market(mark={"ETH": float(mark)}))
    check_parts(found)
    expected = naive(quantity, buys, sells, mark)
    level = found.levels["ETH"]
    assert level.maintenance == expected
    assert level.search == 11 * expected // 10
    assert level.initial == found.initial == 3 * expected // 2
    assert level.release == 2 * expected


def test_a_short_may_need_more_than_it_is_worth() -> None:
    book = Portfolio(positions=(Position(contract=ETH, quantity=-1.0),))
    assert MODEL.outcome(book, market(mark={"ETH": 100.0})).maintenance == 175.0


@pytest.mark.parametrize(
    ("balance", "moved"), [(0, 150), (109, 41), (110, 0), (150, 0), (200, 0), (201, -51)]
)
def test_an_account_is_left_alone_between_search_and_release(balance: float, moved: float) -> None:
    levels = Levels(maintenance=100, search=110, initial=150, release=200)
    assert levels.transfer(balance) == moved


def test_isolated_margin_is_of_the_entry_price_and_not_below_maintenance() -> None:
    model = RiskFactor(currency="USDC", unit=1.0, default=TERMS, isolated={"ETH": 0.5})
    for entry, initial in ((90.0, 90.0), (10.0, 30.0)):
        position = Position(contract=ETH, quantity=2.0, entry_price=entry)
        found = model.outcome(Portfolio(positions=(position,)), market(mark={"ETH": 100.0}))
        check_parts(found)
        assert (found.initial, found.maintenance) == (initial, 30.0)
    bare = Portfolio(positions=(Position(contract=ETH, quantity=2.0),))
    with pytest.raises(MissingInputError, match="entry price"):
        model.outcome(bare, market(mark={"ETH": 100.0}))


def test_a_position_closes_the_orders_with_the_best_price_first() -> None:
    model = RiskFactor(currency="USDC", unit=1.0, default=TERMS, isolated={"ETH": 0.5})
    book = Portfolio(
        positions=(Position(contract=ETH, quantity=-3.0, entry_price=100.0),),
        orders=tuple(
            Order(contract=ETH, quantity=q, price=p)
            for q, p in ((2.0, 80.0), (2.0, 90.0), (-1.0, 110.0))
        ),
    )
    found = model.outcome(book, market(mark={"ETH": 100.0}))
    # Buys: 1 of 2 at 80 opens something, 40.  Sells: 1 at 110, 55, which is the larger side.
    assert found.parts[1].initial == 55.0


def test_funding_that_counts_must_be_stated() -> None:
    terms = Market(
        long_factor=0.1, short_factor=0.1, slippage=0.0, scaling=SCALING, funding_factor=0.5
    )
    model = RiskFactor(currency="USDC", unit=1.0, default=terms)
    book = Portfolio(positions=(Position(contract=ETH, quantity=-1.0),))
    with pytest.raises(MissingInputError, match="accrued funding"):
        model.outcome(book, market(mark={"ETH": 100.0}))
    paying = market(mark={"ETH": 100.0}, funding={"ETH": -8.0})
    assert model.outcome(book, paying).maintenance == 14.0


def test_markets_without_terms_are_refused() -> None:
    model = RiskFactor(currency="USDC", unit=1.0, markets={"BTC": TERMS})
    with pytest.raises(NotValuedError, match="no risk factors"):
        model.outcome(
            Portfolio(positions=(Position(contract=ETH, quantity=1.0),)), market(mark={"ETH": 1.0})
        )


def test_levels_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="ascending"):
        Scaling(search=1.2, initial=1.1, release=2.0)


# Independent: the mean of the price beyond its quantile, by the midpoint rule over probabilities.
def test_risk_factors_against_the_mean_of_a_tail() -> None:
    tail, years, drift, volatility, steps = 0.01, 0.1, 0.2, 0.8, 20_000
    spread, quantile = volatility * math.sqrt(years), NormalDist().inv_cdf
    middle = (drift - volatility**2 / 2) * years
    means = [0.0, 0.0]
    for step in range(steps):
        at = quantile(tail * (step + 0.5) / steps)
        means[0] += math.exp(middle + spread * at) / steps
        means[1] += math.exp(middle - spread * at) / steps
    found = lognormal_risk_factors(tail, years, drift, volatility)
    assert found == pytest.approx((1 - means[0], means[1] - 1), abs=1e-3)


@pytest.mark.parametrize(("tail", "years", "volatility"), [(0, 1, 1), (1, 1, 1), (0.1, -1, 1)])
def test_risk_factors_out_of_range_are_refused(
    tail: float, years: float, volatility: float
) -> None:
    with pytest.raises(InputError, match="tail"):
        lognormal_risk_factors(tail, years, 0.0, volatility)
