"""Hyperliquid: replies of its info endpoint for three accounts, and the rule of its documentation.

Replies of 22 September 2026, of accounts that anybody can read by their address, as recorded in
test fixtures of the LI.FI perps SDK; they were not read again from the venue.  Margin
is equal to two millionths of a USDC, as the venue cuts it for each position; the ratio of portfolio
margin to 0.00002, for the two replies that it needs were read moments apart.
"""

from __future__ import annotations

import pytest

from novate.margin.methodology.hyperliquid_portfolio import HyperliquidPortfolio
from novate.margin.methodology.portfolio import Collateral, Portfolio, Position
from novate.margin.methodology.tier import Tier, Tiers, TierTable
from tests.golden.margin_book import check_parts, market, method, perpetual

# Symbol, signed size, positionValue, marginUsed at the leverage in brackets, which is the highest.
HELD = [
    ("ETH", 12_500.0, 34_316_250.0, 1_372_650.0),  # 25
    ("NEAR", 970_359.0, 4_299_078.5136000002, 429_907.85136),  # 10
    ("PENGU", 54_460_298.0, 500_925.821004, 100_185.1642),  # 5
    ("XPL", 15_073_113.0, 1_415_576.3342820001, 141_557.633428),  # 10
]
USDC = 7_678_466.9041772699
MARKS = {symbol: value / size for symbol, size, value, _ in HELD}
POSITIONS = tuple(Position(contract=perpetual(s), quantity=size) for s, size, _, _ in HELD)


def test_margin_of_the_recorded_account() -> None:
    found = method("hyperliquid_tiers").outcome(Portfolio(positions=POSITIONS), market(mark=MARKS))
    check_parts(found)
    assert found.initial == pytest.approx(2_044_300.648988, abs=2e-6)
    assert found.maintenance == pytest.approx(1_022_150.324494, abs=2e-6)
    for part, (_, _, _, used) in zip(found.parts, HELD, strict=True):
        assert part.initial == pytest.approx(used, abs=1e-6)


# liquidationPx of isolated positions: equity at that mark is the maintenance margin there.  MEGA
# long at 3 times (rawUsd -1,305.264414), HYPE short at 10 times (rawUsd 1,532.665442).
@pytest.mark.parametrize(
    ("symbol", "size", "raw", "price"),
    [
        ("MEGA", 75_000.0, -1_305.264414, 0.0208842306),
        ("HYPE", -15.0, 1_532.665442, 97.3120915556),
    ],
)
def test_recorded_liquidation_prices_are_where_equity_is_maintenance(
    symbol: str, size: float, raw: float, price: float
) -> None:
    book = Portfolio(positions=(Position(contract=perpetual(symbol), quantity=size),))
    found = method("hyperliquid_tiers").outcome(book, market(mark={symbol: price}))
    assert raw + size * price == pytest.approx(found.maintenance, abs=1e-5)


# Documentation, "Liquidations": half of initial margin at the highest leverage.
@pytest.mark.parametrize(("leverage", "fraction"), [(50, 0.01), (40, 0.0125), (3, 0.166667)])
def test_maintenance_is_half_of_initial_at_the_highest_leverage(
    leverage: int, fraction: float
) -> None:
    row = Tier(floor=0.0, max_leverage=leverage, maintenance_rate=0.5 / leverage)
    tiers = Tiers(currency="USDC", default=TierTable(rows=(row,)))
    book = Portfolio(positions=(Position(contract=perpetual("X"), quantity=1.0),))
    found = tiers.outcome(book, market(mark={"X": 1.0}))
    assert found.maintenance == pytest.approx(fraction, abs=1e-6)
    assert found.maintenance == pytest.approx(found.initial / 2)


# Documentation, "Margin tiers": 40 times to 150 million and 20 beyond, 25 to 100 and 15, 20 to 70
# and 10; maintenance by slices, by hand.
@pytest.mark.parametrize(
    ("symbol", "notional", "initial", "maintenance"),
    [
        ("BTC", 149_999_999.0, 3_749_999.975, 1_874_999.9875),
        ("BTC", 150_000_000.0, 7_500_000.0, 1_875_000.0),
        ("BTC", 200_000_000.0, 10_000_000.0, 3_125_000.0),
        ("ETH", 160_000_000.0, 160e6 / 15, 2e6 + 60e6 / 30),
        ("SOL", 80_000_000.0, 8_000_000.0, 70e6 * 0.025 + 10e6 * 0.05),
    ],
)
def test_a_large_position_is_held_to_the_leverage_of_its_tier(
    symbol: str, notional: float, initial: float, maintenance: float
) -> None:
    book = Portfolio(positions=(Position(contract=perpetual(symbol), quantity=notional),))
    found = method("hyperliquid_tiers").outcome(book, market(mark={symbol: 1.0}))
    assert (found.initial, found.maintenance) == pytest.approx((initial, maintenance))


def portfolio_margin() -> HyperliquidPortfolio:
    found = method("hyperliquid_portfolio")
    assert isinstance(found, HyperliquidPortfolio)
    return found


def test_the_ratio_of_the_recorded_account() -> None:
    book = Portfolio(
        positions=POSITIONS,
        cash=USDC,
        collateral=(Collateral(asset="HYPE", quantity=0.00338262),),
    )
    now = market(mark=MARKS, index={"HYPE": 94.919})
    found = portfolio_margin().ratio(book, now)
    assert found == pytest.approx(0.133131833, abs=0.00002)
    check_parts(portfolio_margin().outcome(book, now))


# Naive: 20 + maintenance + owed over collateral by 0.5 + 0.5 * loan to value.
def test_collateral_and_borrowing_by_the_formula() -> None:
    book = Portfolio(
        positions=(Position(contract=perpetual("ETH"), quantity=-3.0, unrealised=-500.0),),
        collateral=(
            Collateral(asset="HYPE", quantity=1_000.0),
            Collateral(asset="USDC", quantity=-10_000.0),
        ),
    )
    now = market(mark={"ETH": 4_000.0}, index={"HYPE": 40.0})
    needed = 20 + 3 * 4_000 * 0.02 + 10_500
    counts = 40_000 * (0.5 + 0.5 * 0.65)
    found = portfolio_margin().outcome(book, now)
    check_parts(found)
    assert portfolio_margin().ratio(book, now) == pytest.approx(needed / counts, rel=1e-12)
    assert found.maintenance == pytest.approx(needed / 0.95, rel=1e-12)
    assert found.equity == pytest.approx(counts, rel=1e-12)
    lent = 40_000 * 0.65
    assert found.initial_excess == pytest.approx(lent - 20 - 12_000 / 25 - 10_500, rel=1e-12)
