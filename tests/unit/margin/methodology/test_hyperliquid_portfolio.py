"""Portfolio margin of Hyperliquid: caps, debts and what is refused."""

from __future__ import annotations

import math

import pytest

from novate.margin.methodology.hyperliquid_portfolio import HyperliquidPortfolio, LendingTerms
from novate.margin.methodology.outcome import NotValuedError
from novate.margin.methodology.portfolio import Collateral, Portfolio, Position
from novate.margin.methodology.tier import Tier, Tiers, TierTable
from tests.golden.margin_book import check_parts, market, perpetual

TIERS = Tiers(
    currency="USDC",
    default=TierTable(rows=(Tier(floor=0.0, max_leverage=10.0, maintenance_rate=0.05),)),
)
MODEL = HyperliquidPortfolio(
    perpetual=TIERS,
    collateral={"HYPE": LendingTerms(loan_to_value=0.5, supply_cap=100.0)},
    offset=20.0,
    liquidation_ratio=0.95,
    borrow_cap=1_000.0,
)
NOW = market(index={"HYPE": 10.0}, mark={"ETH": 100.0})


def test_collateral_counts_up_to_its_supply_cap_and_the_borrow_cap() -> None:
    for units, counts in ((10.0, 75.0), (100.0, 750.0), (200.0, 750.0)):
        book = Portfolio(collateral=(Collateral(asset="HYPE", quantity=units),))
        assert MODEL.outcome(book, NOW).equity == counts
    dear = market(index={"HYPE": 20.0})
    book = Portfolio(collateral=(Collateral(asset="HYPE", quantity=200.0),))
    assert MODEL.outcome(book, dear).equity == 1_000.0


def test_an_account_below_maintenance_is_one_above_the_ratio() -> None:
    for cash in (30.0, 26.4, 26.2, 0.0, -5.0):
        book = Portfolio(positions=(Position(contract=perpetual("ETH"), quantity=1.0),), cash=cash)
        found = MODEL.outcome(book, NOW)
        check_parts(found)
        assert (found.maintenance_excess < 0) == (MODEL.ratio(book, NOW) > 0.95)


def test_a_debt_without_anything_has_an_infinite_ratio() -> None:
    assert MODEL.ratio(Portfolio(cash=-1.0), NOW) == math.inf


def test_collateral_without_a_supply_cap_is_noted() -> None:
    book = Portfolio(collateral=(Collateral(asset="HYPE", quantity=1.0),))
    assert len(MODEL.outcome(book, NOW).notes) == 1
    uncapped = HyperliquidPortfolio(
        perpetual=TIERS,
        collateral={"HYPE": LendingTerms(loan_to_value=0.5)},
        offset=20.0,
        liquidation_ratio=0.95,
    )
    assert "HYPE: no supply cap" in uncapped.outcome(book, NOW).notes[1]


@pytest.mark.parametrize(("asset", "quantity"), [("DOGE", 1.0), ("HYPE", -1.0)])
def test_assets_without_terms_and_debts_in_them_are_refused(asset: str, quantity: float) -> None:
    book = Portfolio(collateral=(Collateral(asset=asset, quantity=quantity),))
    with pytest.raises(NotValuedError, match=asset):
        MODEL.outcome(book, NOW)
