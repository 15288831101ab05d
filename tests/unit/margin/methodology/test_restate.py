from __future__ import annotations

from dataclasses import replace

from novate.margin.methodology.portfolio import Collateral, Contract, Order, Position
from novate.margin.methodology.restate import restated
from tests.golden.margin_preset import preset
from tests.unit.margin.methodology.book import PERPETUAL, book, grid

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

    found, notes = restated(grid(), portfolio)

    assert [p.contract.settlement for p in found.positions] == ["USD", "BTC"]
    assert found.orders[0].contract.settlement == "USD"
    assert (found.cash, found.collateral) == (12.0, (Collateral(asset="BTC", quantity=1.0),))
    assert notes == ("USDC is taken as USD, one for one", "USDT is taken as USD, one for one")


def test_a_methodology_in_coin_changes_nothing() -> None:
    portfolio = book(cash=5.0, P=1.0)

    assert restated(preset("deribit_portfolio_2024_06").methodology, portfolio) == (portfolio, ())
