from __future__ import annotations

from dataclasses import replace

from novate.margin.methodology.portfolio import Collateral, Contract, Order, Position
from novate.margin.methodology.restate import restated
from tests.golden.margin_preset import preset
from tests.unit.margin.methodology.book import PERPETUAL, book, grid, market

INVERSE = Contract(symbol="I", kind="perpetual", underlying="BTC", settlement="BTC")


def test_dollars_are_taken_for_one_another_and_it_is_told() -> None:
    tether = replace(PERPETUAL, settlement="USDT")
    portfolio = replace(
        book(cash=5.0),
        positions=(
            Position(contract=tether, quantity=1.0),
            Position(contract=INVERSE, quantity=1.0),
        ),
        orders=(Order(contract=tether, quantity=1.0, price=1.0),),
        collateral=(Collateral(asset="USDC", quantity=7.0), Collateral(asset="BTC", quantity=1.0)),
    )

    at = replace(market(), index={"BTC": 100.0, "USDC": 0.9})
    found, notes = restated(grid(), portfolio, at)

    assert [p.contract.settlement for p in found.positions] == ["USD", "BTC"]
    assert found.orders[0].contract.settlement == "USD"
    assert (found.cash, found.collateral) == (
        5.0 + 7.0 * 0.9,
        (Collateral(asset="BTC", quantity=1.0),),
    )
    assert notes == (
        "contracts paid in USDT are taken as paid in USD", "USDC held is taken as USD at 0.9",
    )  # fmt: skip


def test_what_the_methodology_has_terms_for_stays_what_it_is() -> None:
    terms = {"maintenance_haircut": 0.02, "initial_haircut": 0.02}
    portfolio = replace(book(), collateral=(Collateral(asset="USDT", quantity=7.0),))

    assert restated(grid(collateral={"USDT": terms}), portfolio, market()) == (portfolio, ())


def test_a_methodology_in_coin_changes_nothing() -> None:
    portfolio, coin = book(cash=5.0, P=1.0), preset("deribit_portfolio_2024_06").methodology

    assert restated(coin, portfolio, market()) == (portfolio, ())
