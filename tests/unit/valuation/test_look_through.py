"""Books of tokens and listed contracts seen as one: what they hold of each factor."""

from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InputError
from novate.instrument.synthetic import Basket, Holding, Wrapped, look_through
from novate.valuation.book_risk import Positions, RiskTable, book_risk
from novate.valuation.holding import NO_EXPIRY, Kind, unit_risk
from novate.valuation.look_through import factor_exposure
from tests.unit.valuation.books import BTC, ETH, contract, contracts, market

PRICES = {"ETH": 3_000.0, "BTC": 60_000.0}
TOKEN = Basket(symbol="ETH2X", holdings=(Holding("ETH", 2.0, 2_900.0), Holding("BTC", 0.5)))
OUTER = Wrapped(symbol="WETH2X", of="ETH2X", units=3.0)
THROUGH = look_through([TOKEN, OUTER], PRICES)
ASSETS = ("BTC", "ETH", "USDT")

TERMS = contracts(
    [
        contract(Kind.FUTURE, underlying=ETH, strike=3_000.0, expiry_ns=NO_EXPIRY),
        contract(Kind.SPOT, underlying=BTC, expiry_ns=NO_EXPIRY),
    ]
)


def listed(*rows: tuple[int, int, float]) -> RiskTable:
    """Deltas of listed positions (account, contract, quantity); a unit of each is a coin."""
    at = market(TERMS, settlement_price=np.ones(2))
    account, which, quantity = zip(*rows, strict=True)
    book = Positions(
        account=np.array(account, np.int32),
        contract=np.array(which, np.int32),
        quantity=np.array(quantity, np.float64),
    )
    cells = book_risk(
        book,
        TERMS,
        unit_risk(TERMS, at),
        member=np.zeros(2, np.int32),
        bucket=np.zeros(2, np.int64),
    )
    return cells.by("account", "underlying")


def test_a_token_of_two_eth_perpetuals_and_half_a_bitcoin_is_that_delta_vector() -> None:
    found = factor_exposure(THROUGH, [[1.0, 0.0]])

    assert THROUGH.symbols == ("ETH2X", "WETH2X")
    assert found.factors == ("BTC", "ETH")
    assert found.net.tolist() == [[0.5, 2.0]]


def test_tokens_net_with_the_listed_positions_of_their_account() -> None:
    table = listed((0, 0, -20.0), (0, 1, -4.0), (1, 0, 7.0))
    found = factor_exposure(THROUGH, [[10.0, 0.0], [0.0, 1.0]], table, ASSETS)

    assert found.factors == ASSETS
    assert found.tokens.tolist() == [[5.0, 20.0, 0.0], [1.5, 6.0, 0.0]]
    assert found.listed.tolist() == [[-4.0, -20.0, 0.0], [0.0, 7.0, 0.0]]
    assert found.net.tolist() == [[1.0, 0.0, 0.0], [1.5, 13.0, 0.0]]


def test_many_accounts_are_what_each_of_them_is_alone() -> None:
    units = np.random.default_rng(1).normal(size=(200, 2))
    found = factor_exposure(THROUGH, units).net
    for account in (0, 77, 199):
        alone = THROUGH.of_positions(dict(zip(THROUGH.symbols, units[account], strict=True)))
        np.testing.assert_allclose(found[account], [alone["BTC"], alone["ETH"]], rtol=1e-12)


def test_a_circle_of_tokens_is_refused() -> None:
    circle = [Wrapped(symbol="A", of="B"), Wrapped(symbol="B", of="A")]

    with pytest.raises(InputError, match="A"):
        look_through(circle, PRICES)


def test_tables_and_units_that_do_not_fit_are_refused() -> None:
    table = listed((1, 0, 1.0))
    with pytest.raises(InputError, match=r"allowed: \(accounts, 2\)"):
        factor_exposure(THROUGH, [[1.0]])
    with pytest.raises(InputError, match="by account and underlying"):
        factor_exposure(THROUGH, [[1.0, 0.0]], table.by("account"), ASSETS)
    with pytest.raises(InputError, match="not there"):
        factor_exposure(THROUGH, [[1.0, 0.0]], table, ASSETS)
