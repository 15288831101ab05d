"""Notional tiers at their edges, orders, and tables that do not fit."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.margin.methodology.outcome import MissingInputError, NotValuedError
from novate.margin.methodology.portfolio import Order, Portfolio, Position
from novate.margin.methodology.tier import Tier, Tiers, TierTable
from tests.golden.margin_book import check_parts, market, method, perpetual

TABLE = TierTable(
    rows=(
        Tier(floor=0.0, max_leverage=20.0, maintenance_rate=0.02),
        Tier(floor=100.0, max_leverage=10.0, maintenance_rate=0.05, deduction=3.0),
        Tier(floor=1_000.0, max_leverage=2.0, maintenance_rate=0.25),
    ),
    cap=2_000.0,
)
MODEL = Tiers(currency="USDC", default=TABLE)
ETH = perpetual("ETH")
NOW = market(mark={"ETH": 2.0})


def slices(notional: float) -> float:
    """Maintenance margin, each slice by its own rate."""
    edges = [0.0, 100.0, 1_000.0, 2_000.0]
    rates = [0.02, 0.05, 0.25]
    return sum(
        rate * max(min(notional, above) - below, 0.0)
        for rate, (below, above) in zip(rates, pairwise(edges), strict=True)
    )


@given(st.floats(0.0, 1_000.0), st.booleans())
def test_deductions_charge_each_slice_its_own_rate(quantity: float, is_short: bool) -> None:
    size = -quantity if is_short else quantity
    found = MODEL.outcome(Portfolio(positions=(Position(contract=ETH, quantity=size),)), NOW)
    check_parts(found)
    assert found.maintenance == pytest.approx(slices(2 * quantity), abs=1e-9)
    assert found.initial >= found.maintenance


@given(st.floats(0.0, 900.0), st.floats(0.0, 100.0))
def test_more_never_needs_less(quantity: float, more: float) -> None:
    one, two = (
        MODEL.outcome(Portfolio(positions=(Position(contract=ETH, quantity=q),)), NOW)
        for q in (quantity, quantity + more)
    )
    assert two.maintenance >= one.maintenance - 1e-9
    assert two.initial >= one.initial - 1e-9


def test_initial_margin_goes_by_slices_where_it_is_said() -> None:
    model = Tiers(currency="USDC", default=TABLE, is_initial_marginal=True)
    book = Portfolio(positions=(Position(contract=ETH, quantity=100.0),))
    assert MODEL.outcome(book, NOW).initial == 20.0
    assert model.outcome(book, NOW).initial == pytest.approx(100 / 20 + 100 / 10)


def test_the_worse_side_of_orders_counts_in_initial_margin() -> None:
    book = Portfolio(
        positions=(Position(contract=ETH, quantity=10.0, unrealised=-3.0),),
        orders=(
            Order(contract=ETH, quantity=5.0, price=1.0),
            Order(contract=ETH, quantity=-30.0, price=4.0),
        ),
        cash=50.0,
    )
    found = MODEL.outcome(book, NOW)
    check_parts(found)
    assert found.maintenance == pytest.approx(20 * 0.02)
    # Sells at the higher of mark and limit: 20 - 120 = -100, which is in the second tier.
    assert found.initial == pytest.approx(100 / 10)
    assert found.equity == 47.0
    assert len(found.notes) == 1


def test_a_symbol_goes_before_an_underlying_and_that_before_the_default() -> None:
    flat = TierTable(rows=(Tier(floor=0.0, max_leverage=1.0, maintenance_rate=0.5),))
    contract = perpetual("ETH-PERP", "ETH")
    book = Portfolio(positions=(Position(contract=contract, quantity=1.0),))
    now = market(mark={"ETH-PERP": 10.0})
    for key in ("ETH-PERP", "ETH"):
        model = Tiers(currency="USDC", instruments={key: flat}, default=TABLE)
        assert model.outcome(book, now).maintenance == 5.0


def test_what_has_no_tier_is_refused() -> None:
    book = Portfolio(positions=(Position(contract=ETH, quantity=1_001.0),))
    with pytest.raises(NotValuedError, match="up to 2000"):
        MODEL.outcome(book, NOW)
    with pytest.raises(NotValuedError, match="no tiers"):
        method("hyperliquid_tiers").outcome(
            Portfolio(positions=(Position(contract=perpetual("NONE"), quantity=1.0),)), NOW
        )
    with pytest.raises(MissingInputError, match="ETH: the market has no mark"):
        MODEL.outcome(book, market())


def test_an_empty_book_needs_nothing() -> None:
    found = MODEL.outcome(Portfolio(cash=1.0), market())
    assert (found.initial, found.maintenance, found.equity) == (0.0, 0.0, 1.0)
    assert isinstance(found.initial, float)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "ascending from 0"),
        ((Tier(floor=1.0, max_leverage=1.0, maintenance_rate=0.1),), "ascending from 0"),
        ((Tier(floor=0.0, max_leverage=0.0, maintenance_rate=0.1),), "max_leverage"),
        (
            (
                Tier(floor=0.0, max_leverage=5.0, maintenance_rate=0.1),
                Tier(floor=10.0, max_leverage=9.0, maintenance_rate=0.1),
            ),
            "leverages that do not rise",
        ),
        (
            (
                Tier(floor=0.0, max_leverage=5.0, maintenance_rate=0.1),
                Tier(floor=10.0, max_leverage=5.0, maintenance_rate=0.2, deduction=2.0),
            ),
            "without a jump",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused(rows: tuple[Tier, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TierTable(rows=rows)
