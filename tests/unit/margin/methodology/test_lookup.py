"""What is read out of a book and a market, and what is refused."""

from __future__ import annotations

import pytest

from novate.errors import InputError
from novate.margin.methodology.lookup import cash_of, holdings, known, require_linear
from novate.margin.methodology.outcome import MissingInputError, NotValuedError
from novate.margin.methodology.portfolio import Collateral, Contract, Order, Portfolio, Position
from tests.golden.margin_book import perpetual

ETH = perpetual("ETH")


def test_positions_of_one_contract_are_netted_with_its_orders_beside() -> None:
    book = Portfolio(
        positions=(
            Position(contract=ETH, quantity=3.0, unrealised=1.0),
            Position(contract=ETH, quantity=-5.0, unrealised=2.0),
        ),
        orders=(
            Order(contract=ETH, quantity=4.0, price=1.0),
            Order(contract=ETH, quantity=-1.0, price=1.0),
            Order(contract=perpetual("BTC"), quantity=1.0, price=1.0),
        ),
    )
    btc, eth = holdings(book)
    assert (btc.contract.symbol, btc.quantity, btc.bought) == ("BTC", 0.0, 1.0)
    assert (eth.quantity, eth.unrealised, eth.bids, eth.asks) == (-2.0, 3.0, 4.0, 1.0)
    assert (eth.bought, eth.sold) == (2.0, -3.0)


def test_one_symbol_for_two_contracts_is_refused() -> None:
    other = perpetual("ETH", "ETH", "USDT")
    book = Portfolio(
        positions=(Position(contract=ETH, quantity=1.0), Position(contract=other, quantity=1.0))
    )
    with pytest.raises(NotValuedError, match="one contract by a symbol"):
        holdings(book)


@pytest.mark.parametrize("quantity", [float("nan"), float("inf")])
def test_a_quantity_that_is_no_number_is_refused(quantity: float) -> None:
    with pytest.raises(InputError, match="ETH"):
        holdings(Portfolio(positions=(Position(contract=ETH, quantity=quantity),)))


def test_a_price_must_be_there_and_not_be_negative() -> None:
    assert known({"ETH": 0.0}, "ETH", "mark") == 0.0
    assert known({"ETH": -1.0}, "ETH", "funding", is_signed=True) == -1.0
    with pytest.raises(MissingInputError, match="no mark"):
        known({}, "ETH", "mark")
    for price in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="0 and above"):
            known({"ETH": price}, "ETH", "mark")


def test_only_linear_contracts_in_the_currency_pass() -> None:
    require_linear(ETH, "USDC")
    future = Contract(symbol="F", kind="future", underlying="ETH", settlement="USDC", expiry_ns=1)
    require_linear(future, "USDC")
    spot = Contract(symbol="S", kind="spot", underlying="ETH", settlement="USDC")
    for contract, currency in (
        (ETH, "USDT"),
        (spot, "USDC"),
        (perpetual("I", "ETH", "ETH"), "USDC"),
    ):
        with pytest.raises(NotValuedError, match="perpetuals and futures"):
            require_linear(contract, currency)


def test_cash_may_be_stated_as_collateral_and_nothing_else() -> None:
    usdc = Collateral(asset="USDC", quantity=5.0)
    assert cash_of(Portfolio(cash=1.0, collateral=(usdc,)), "USDC") == 6.0
    with pytest.raises(NotValuedError, match="USDC: no terms"):
        cash_of(Portfolio(collateral=(usdc,)), "USDT")


def test_spot_is_ordered_and_never_a_position() -> None:
    spot = Contract(symbol="S", kind="spot", underlying="ETH", settlement="USDC")
    Order(contract=spot, quantity=1.0, price=1.0)
    with pytest.raises(InputError, match="stated as collateral"):
        Position(contract=spot, quantity=1.0)
    with pytest.raises(InputError, match="none of a perpetual or spot"):
        Contract(symbol="S", kind="spot", underlying="ETH", settlement="USDC", expiry_ns=1)
