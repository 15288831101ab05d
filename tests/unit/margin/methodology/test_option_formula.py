"""Margin by formula: reliefs, unsure oracles, a broken peg, and what is refused."""

from __future__ import annotations

import pytest

from novate.margin.methodology.option_formula import LinearTerms, OptionFormula
from novate.margin.methodology.option_rule import LargestLoss, OptionTerms
from novate.margin.methodology.outcome import MissingInputError, NotValuedError
from novate.margin.methodology.parameters import CollateralTerms, Confidence, Peg
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Curve,
    Order,
    Portfolio,
    Position,
)
from tests.golden.margin_book import NOW, check_parts, market, method, perpetual

EXPIRY = NOW + 10**15
TERMS = OptionTerms(initial=0.15, initial_floor=0.1, maintenance=0.075)
MODEL = OptionFormula(
    currency="USDC",
    options={"ETH": TERMS},
    linear={"ETH": LinearTerms(initial=0.1, maintenance=0.05)},
    largest_loss=LargestLoss(unpaired_initial=1.2, unpaired_maintenance=1.1),
    confidence=Confidence(threshold=0.55, share=1.0),
    peg=Peg(threshold=0.99, factor=2.0),
    collateral={"SOL": CollateralTerms(maintenance_haircut=0.2, initial_haircut=0.05)},
)


def call(strike: float, settlement: str = "USDC", underlying: str = "ETH") -> Contract:
    return Contract(
        symbol=f"{underlying}-{strike:.0f}-C",
        kind="option",
        underlying=underlying,
        settlement=settlement,
        expiry_ns=EXPIRY,
        strike=strike,
        is_call=True,
    )


LOW, HIGH, PERP = call(900.0), call(1_000.0), perpetual("ETH-PERP", "ETH")
CURVE = {("ETH", EXPIRY): Curve(forward=1_000.0)}
PRICES = {"mark": {LOW.symbol: 150.0, HIGH.symbol: 90.0, "ETH-PERP": 1_000.0}}
NORMAL = market(index={"ETH": 1_000.0, "SOL": 10.0}, curve=CURVE, **PRICES)


def held(*legs: tuple[Contract, float]) -> Portfolio:
    return Portfolio(positions=tuple(Position(contract=c, quantity=q) for c, q in legs))


def test_an_expiry_asks_for_no_more_than_it_can_lose() -> None:
    found = MODEL.outcome(held((LOW, -1.0), (HIGH, 1.0)), NORMAL)
    check_parts(found)
    assert (found.initial, found.maintenance) == (100.0, 100.0)
    assert [part.name for part in found.parts] == ["short option", "largest loss"]


def test_the_formula_holds_where_it_asks_for_less_than_the_largest_loss() -> None:
    found = MODEL.outcome(held((LOW, -1.0)), NORMAL)
    assert (found.initial, found.maintenance) == (300.0, 225.0)
    assert [part.name for part in found.parts] == ["short option"]


def test_long_options_ask_for_nothing_and_are_not_equity() -> None:
    found = MODEL.outcome(held((LOW, 5.0)), NORMAL)
    assert (found.initial, found.maintenance, found.equity) == (0.0, 0.0, 0.0)


def test_unsure_oracles_and_a_broken_peg_add_to_initial_margin_alone() -> None:
    book = held((LOW, -1.0), (HIGH, 2.0), (PERP, -3.0))
    calm = MODEL.outcome(book, NORMAL)
    unsure = market(
        index={"ETH": 1_000.0},
        curve={("ETH", EXPIRY): Curve(forward=1_000.0, confidence=0.5)},
        confidence={"ETH-PERP": 0.4},
        **PRICES,
    )
    found = MODEL.outcome(book, unsure)
    check_parts(found)
    # Short options of the expiry at 0.5, perpetuals at 0.4; long options are left out.
    assert found.initial - calm.initial == pytest.approx(1_000 * (0.5 + 3 * 0.6))
    off = market(index={"ETH": 1_000.0}, curve=CURVE, stable_price=0.9, **PRICES)
    found = MODEL.outcome(book, off)
    assert found.initial - calm.initial == pytest.approx(1_000 * 4 * 0.09 * 2)
    assert found.maintenance == calm.maintenance


def test_collateral_counts_by_its_price_whatever_the_stable_currency_is_worth() -> None:
    book = Portfolio(collateral=(Collateral(asset="SOL", quantity=10.0),), cash=5.0)
    for stable in (1.0, 0.995, 0.5):
        now = market(index={"SOL": 10.0}, stable_price=stable)
        found = MODEL.outcome(book, now)
        check_parts(found)
        assert found.equity == pytest.approx(5 + 100 / stable)
        assert found.initial_excess == pytest.approx(5 + 75.0)
        assert found.maintenance_excess == pytest.approx(5 + 80.0)


def test_what_has_no_terms_is_refused() -> None:
    other = perpetual("BTC-PERP", "BTC")
    order = Order(contract=PERP, quantity=1.0, price=1.0)
    for book in (
        held((other, 1.0)),
        held((call(900.0, settlement="USDT"), -1.0)),
        Portfolio(orders=(order,)),
        Portfolio(collateral=(Collateral(asset="DOGE", quantity=1.0),)),
        Portfolio(collateral=(Collateral(asset="SOL", quantity=-1.0),)),
    ):
        with pytest.raises(NotValuedError, match="allowed"):
            MODEL.outcome(book, NORMAL)


def test_what_the_market_does_not_say_is_named() -> None:
    with pytest.raises(MissingInputError, match="no mark"):
        MODEL.outcome(held((LOW, -1.0)), market(index={"ETH": 1.0}))
    with pytest.raises(MissingInputError, match="no forward"):
        MODEL.outcome(held((LOW, -1.0)), market(index={"ETH": 1_000.0}, **PRICES))
    put_seller = held((call(20_000.0, underlying="BTC"), -1.0))
    now = market(index={"BTC": 20_000.0}, mark={"BTC-20000-C": 500.0})
    with pytest.raises(MissingInputError, match="no entry price"):
        method("bybit_options").outcome(put_seller, now)


def test_amounts_in_coin_are_of_one_underlying() -> None:
    btc, eth = perpetual("B", "BTC", "BTC"), perpetual("E", "ETH", "ETH")
    with pytest.raises(NotValuedError, match="one underlying"):
        method("deribit_standard").outcome(held((btc, 1.0), (eth, 1.0)), market())
    coin = Portfolio(collateral=(Collateral(asset="BTC", quantity=2.0),))
    found = method("deribit_standard").outcome(coin, market())
    assert (found.currency, found.equity, found.initial) == ("BTC", 2.0, 0.0)
