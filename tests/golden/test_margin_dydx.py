"""Margin of dYdX v4 against its published cases; exact integers.

Source: dydxprotocol/v4-chain at commit 84d4664 (facts only), protocol/x/perpetuals/lib/lib_test.go,
TestGetMarginRequirementsInQuoteQuantums_2; is_liquidatable: protocol/lib/margin/risk_test.go.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from novate.margin.methodology.dydx_tier import (
    LiquidityTier,
    Market,
    is_liquidatable,
    notional,
    requirements,
)
from novate.margin.methodology.portfolio import Portfolio, Position
from tests.golden.margin_book import check_parts, market, method, perpetual

LARGEST = 18_446_744_073_709_551_615


@pytest.mark.parametrize(
    ("price", "resolution", "quantums", "ppm", "fraction", "initial", "maintenance"),
    [
        (55_550, -4, 7_000, 10_000, 500_000, 38_885_000, 19_442_500),
        (55_550, -6, 7_000, 1_000_000, 1_000_000, 38_885_000, 38_885_000),
        (0, -6, -7_000, 100, 1_000_000, 0, 0),
        (1_234_560, -6, 74_523, 50_000, 600_000, 460_015_575, 276_009_345),
        (
            LARGEST,
            -6,
            LARGEST,
            100,
            1_000_000,
            3_402_823_669_209_384_634_264_811_192_843_492,
            3_402_823_669_209_384_634_264_811_192_843_492,
        ),
    ],
)
def test_margin_requirements(
    price: int,
    resolution: int,
    quantums: int,
    ppm: int,
    fraction: int,
    initial: int,
    maintenance: int,
) -> None:
    listed = Market(tier="any", resolution=resolution, price_exponent=-1)
    tier = LiquidityTier(initial_ppm=ppm, maintenance_fraction_ppm=fraction)
    size = notional(quantums, price, listed)
    assert requirements(size, tier, Fraction(0)) == (initial, maintenance)


@pytest.mark.parametrize(
    ("open_interest", "initial"), [(408_163_265, 264_599_559), (1_000_000_000, 441_000_000)]
)
def test_open_interest_scales_initial_margin_alone(open_interest: int, initial: int) -> None:
    listed = Market(tier="any", resolution=-6, price_exponent=-1)
    tier = LiquidityTier(
        initial_ppm=200_000,
        maintenance_fraction_ppm=500_000,
        open_interest_lower_cap=10 * 10**12,
        open_interest_upper_cap=20 * 10**12,
    )
    size = notional(12_000, 367_500, listed)
    found = requirements(size, tier, notional(open_interest, 367_500, listed))
    assert found == (initial, 44_100_000)


@pytest.mark.parametrize(
    ("collateral", "maintenance", "is_so"),
    [(0, 100, True), (0, 0, False), (-100, 0, False), (100, 100, False)],
)
def test_a_debt_without_positions_is_not_liquidated(
    collateral: int, maintenance: int, is_so: bool
) -> None:
    assert is_liquidatable(collateral, maintenance) is is_so


# By hand: 30 SOL at 150 are 4,500 USDC; half way between the caps of 40 and 100 million (466,666.6
# SOL) initial margin is 5% + 95% / 2, and maintenance 60% of 5%.
def test_the_shipped_preset_by_hand() -> None:
    book = Portfolio(positions=(Position(contract=perpetual("SOL-USD", "SOL"), quantity=-30.0),))
    now = market(mark={"SOL-USD": 150.0}, open_interest={"SOL-USD": 1_400_000 / 3})
    found = method("dydx_v4").outcome(book, now)
    check_parts(found)
    assert found.initial == pytest.approx(4_500 * 0.525, abs=0.01)
    assert found.maintenance == 135.0
