"""Margin of Drift v2 against its published tests, which carry their own weights.

Source: drift-labs/protocol-v2 at 0272ab4 (facts only), programs/drift/src/math/margin/tests.rs:
spot_market_asset_weight, spot_market_scale_initial_asset_weight,
calculate_user_equity_value_tests, usdc_deposit_and_5x_sol_bid, usdc_deposit_and_5x_sol_ask and
sol_deposit_and_5x_sol_ask.  The venue cuts weights to 0.0001; amounts are equal to two millionths
of a USDC.
"""

from __future__ import annotations

import math

import pytest

from novate.margin.methodology.health import Health
from novate.margin.methodology.health_weight import PerpetualTerms, TokenTerms
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Order,
    Portfolio,
    Position,
)
from tests.golden.margin_book import check_parts, market, method, perpetual

SPOT = Contract(symbol="SOL/USDC", kind="spot", underlying="SOL", settlement="USDC")
ONE = TokenTerms(
    initial_asset=1.0, maintenance_asset=1.0, initial_liability=1.0, maintenance_liability=1.0
)


def token(
    asset: float, liability: float, size_factor: float, start: float | None = None
) -> TokenTerms:
    return TokenTerms(
        initial_asset=asset,
        maintenance_asset=asset,
        initial_liability=liability,
        maintenance_liability=liability,
        size_factor=size_factor,
        deposit_scale_start=start,
    )


@pytest.mark.parametrize(
    ("size_factor", "size", "weight"),
    [
        (0.0, 1_000.0, 0.9),
        (0.00001, 1_000.0, 0.9),
        (0.00001, 10.0**9, 0.8357),
        (0.01, 1_000.0, 0.8357),
        (0.1, 1_000.0, 0.2642),
        (0.0, -1_000.0, 1.1),
        (0.01, -1_000.0, 1.1962),
        (0.1, -1_000.0, 4.0422),
    ],
)
def test_weights_go_with_the_square_root_of_a_size(
    size_factor: float, size: float, weight: float
) -> None:
    found = token(0.9, 1.1, size_factor).weight("initial", size)
    assert math.floor(found * 10_000 + 1e-9) / 10_000 == weight


@pytest.mark.parametrize(
    ("deposits", "weight"), [(1.0, 0.9), (20_000.0, 0.9), (40_000.0, 0.45), (60_000.0, 0.3)]
)
def test_initial_weights_fall_as_deposits_of_everybody_grow(deposits: float, weight: float) -> None:
    model = Health(
        currency="USDC",
        tokens={"USDC": ONE, "SOL": token(0.9, 1.1, 0.0, 500_000.0)},
        spot_orders="margined",
        profit_weight_on="profit",
    )
    book = Portfolio(collateral=(Collateral(asset="SOL", quantity=1.0),))
    now = market(index={"SOL": 25.0}, deposits={"SOL": deposits})
    assert model.outcome(book, now).initial_excess == pytest.approx(25 * weight)


# Margin requirement and total collateral are equal but for 0.01 USDC for the order.
@pytest.mark.parametrize(
    ("usdc", "sol", "order"),
    [(10_000.0, 0.0, 500.0), (10_000.0, 0.0, -500.0), (0.0, 500.0, -3_000.0)],
)
def test_orders_that_use_up_an_account(usdc: float, sol: float, order: float) -> None:
    terms = TokenTerms(
        initial_asset=0.8, maintenance_asset=0.9, initial_liability=1.2, maintenance_liability=1.1
    )
    model = Health(
        currency="USDC",
        tokens={"USDC": ONE, "SOL": terms},
        spot_orders="margined",
        profit_weight_on="profit",
        order_charge=0.01,
    )
    book = Portfolio(
        cash=usdc,
        collateral=(Collateral(asset="SOL", quantity=sol),),
        orders=(Order(contract=SPOT, quantity=order, price=100.0),),
    )
    found = model.outcome(book, market(index={"SOL": 100.0}))
    check_parts(found)
    assert found.initial_excess == pytest.approx(-0.01, abs=1e-6)


@pytest.mark.parametrize(
    ("price", "margin"), [(22_050.0, 13_555.327867), (21_050.0, 12_940.573769)]
)
def test_margin_of_a_short_in_bitcoin(price: float, margin: float) -> None:
    contract = perpetual("BTC-PERP", "BTC")
    position = Position(contract=contract, quantity=-6.1475409835)
    found = method("drift").outcome(
        Portfolio(positions=(position,)), market(mark={"BTC-PERP": price})
    )
    check_parts(found)
    assert found.initial == pytest.approx(margin, abs=2e-6)


GAIN = 24_282.786896


@pytest.mark.parametrize(
    ("gain", "weight"),
    [
        (22_699.050905, 0.9559),
        (GAIN, 0.9516),
        (GAIN * 10, 0.7368),
        (GAIN * 100, 0.4299),
        (GAIN * 1_000, 0.1855),
        (GAIN * 10_000, 0.0663),
        (GAIN * 800_000, 0.0078),
    ],
)
def test_a_gain_counts_less_the_larger_it_is(gain: float, weight: float) -> None:
    terms = PerpetualTerms(
        initial_long=0.1,
        initial_short=0.1,
        maintenance_long=0.05,
        maintenance_short=0.05,
        profit_size_factor=0.001,
    )
    assert terms.profit_weight("initial", gain) == pytest.approx(weight, abs=0.0001)


# docs.drift.trade: 2,000 SOL weigh min(0.80, 1.1 / (1 + 0.003 sqrt(2000))) = 0.80.
def test_the_shipped_weight_of_the_documentation_s_example() -> None:
    book = Portfolio(collateral=(Collateral(asset="SOL", quantity=2_000.0),))
    found = method("drift").outcome(book, market(index={"SOL": 1.0}))
    assert found.initial_excess == pytest.approx(1_600.0)
