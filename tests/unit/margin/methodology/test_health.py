"""Health: orders in their worse fill, gains that count less, and what is refused."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.margin.methodology.health import Health
from novate.margin.methodology.health_weight import PerpetualTerms, TokenTerms
from novate.margin.methodology.outcome import MissingInputError, NotValuedError
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Order,
    Portfolio,
    Position,
)
from tests.golden.margin_book import check_parts, market, perpetual

ONE = TokenTerms(
    initial_asset=1.0, maintenance_asset=1.0, initial_liability=1.0, maintenance_liability=1.0
)
TOKEN = TokenTerms(
    initial_asset=0.8, maintenance_asset=0.9, initial_liability=1.2, maintenance_liability=1.1
)
PERP = PerpetualTerms(
    initial_long=0.1,
    initial_short=0.2,
    maintenance_long=0.05,
    maintenance_short=0.1,
    initial_profit=0.5,
    maintenance_profit=0.5,
)
SPOT = Contract(symbol="SOL/USDC", kind="spot", underlying="SOL", settlement="USDC")
ETH = perpetual("ETH")
NOW = market(index={"SOL": 100.0}, mark={"ETH": 1_000.0})
Rule = Literal["reserved", "margined"]


def model(rule: Rule, weight_on: Literal["net", "profit"] = "profit") -> Health:
    return Health(
        currency="USDC",
        tokens={"USDC": ONE, "SOL": TOKEN},
        perpetuals={"ETH": PERP},
        spot_orders=rule,
        profit_weight_on=weight_on,
    )


amount = st.floats(-1e6, 1e6)


@given(amount, amount, amount, amount, amount, st.sampled_from(["reserved", "margined"]))
def test_no_book_is_healthier_than_it_is_worth(
    cash: float, sol: float, order: float, size: float, gain: float, rule: Rule
) -> None:
    book = Portfolio(
        positions=(Position(contract=ETH, quantity=size, unrealised=gain),),
        collateral=(Collateral(asset="SOL", quantity=sol),),
        orders=(Order(contract=SPOT, quantity=order, price=100.0),),
        cash=cash,
    )
    found = model(rule).outcome(book, NOW)
    scale = 1e-9 * sum(abs(n) for n in (cash, 1e3 * sol, 1e3 * order, 1e3 * size, gain, 1.0))
    assert found.equity == pytest.approx(cash + 100 * sol + gain, abs=scale)
    for excess in (found.initial_excess, found.maintenance_excess):
        assert excess <= found.equity + scale
    assert found.initial >= found.maintenance - scale


def test_the_weight_of_a_gain_falls_on_it_or_on_what_is_left_of_it() -> None:
    book = Portfolio(positions=(Position(contract=ETH, quantity=-1.0, unrealised=300.0),))
    for weight_on, health in (("profit", 150.0 - 200.0), ("net", 50.0)):
        found = model("margined", weight_on).outcome(book, NOW)  # type: ignore[arg-type]
        check_parts(found)
        assert found.initial_excess == pytest.approx(health)


@pytest.mark.parametrize(("bids", "asks", "worst"), [(3.0, 1.0, 4.0 * 0.1), (0.0, 4.0, 3.0 * 0.2)])
def test_a_perpetual_counts_in_the_worse_of_its_fills(
    bids: float, asks: float, worst: float
) -> None:
    book = Portfolio(
        positions=(Position(contract=ETH, quantity=1.0),),
        orders=tuple(Order(contract=ETH, quantity=q, price=1.0) for q in (bids, -asks) if q),
    )
    assert model("margined").outcome(book, NOW).initial == pytest.approx(1_000 * worst)


def test_what_has_no_weights_is_refused() -> None:
    for book in (
        Portfolio(collateral=(Collateral(asset="X", quantity=1.0),)),
        Portfolio(positions=(Position(contract=perpetual("BTC"), quantity=1.0),)),
        Portfolio(positions=(Position(contract=perpetual("E", "ETH", "ETH"), quantity=1.0),)),
    ):
        with pytest.raises(NotValuedError, match="allowed"):
            model("margined").outcome(book, NOW)


def test_deposits_that_scale_a_weight_must_be_stated() -> None:
    scaled = TokenTerms(
        initial_asset=0.8,
        maintenance_asset=0.9,
        initial_liability=1.2,
        maintenance_liability=1.1,
        deposit_scale_start=1.0,
    )
    health = Health(
        currency="USDC",
        tokens={"USDC": ONE, "SOL": scaled},
        spot_orders="margined",
        profit_weight_on="profit",
    )
    with pytest.raises(MissingInputError, match="deposits"):
        health.outcome(Portfolio(collateral=(Collateral(asset="SOL", quantity=1.0),)), NOW)


def test_rules_that_do_not_go_together_are_refused() -> None:
    sized = TokenTerms(
        initial_asset=0.8,
        maintenance_asset=0.9,
        initial_liability=1.2,
        maintenance_liability=1.1,
        size_factor=0.1,
    )
    for tokens, said in (({"USDC": ONE, "SOL": sized}, "size factors"), ({"SOL": TOKEN}, "USDC")):
        with pytest.raises(ValueError, match=said):
            Health(currency="USDC", tokens=tokens, spot_orders="reserved", profit_weight_on="net")
