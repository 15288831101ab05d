from __future__ import annotations

import pytest

from novate.errors import InputError
from novate.margin.methodology.portfolio import Contract, Order, Portfolio, Position
from tests.unit.margin.methodology.book import CALL, EXPIRY_NS, PERPETUAL


def test_a_contract_in_its_own_underlying_is_inverse() -> None:
    inverse = Contract(symbol="I", kind="perpetual", underlying="BTC", settlement="BTC")

    assert inverse.is_inverse
    assert not PERPETUAL.is_inverse
    assert CALL.is_option


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({"kind": "option", "expiry_ns": EXPIRY_NS}, "strike None"),
        ({"kind": "future", "expiry_ns": EXPIRY_NS, "strike": 1.0, "is_call": True}, "strike 1.0"),
        ({"kind": "future"}, "expiry None"),
        ({"kind": "perpetual", "expiry_ns": EXPIRY_NS}, "none of a perpetual"),
    ],
)
def test_terms_that_do_not_belong_together_are_refused(terms: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Contract(symbol="X", underlying="BTC", settlement="USD", **terms)  # type: ignore[arg-type]


def test_underlyings_are_those_of_positions_and_orders() -> None:
    ether = Contract(symbol="E", kind="perpetual", underlying="ETH", settlement="USD")
    portfolio = Portfolio(
        positions=(Position(contract=PERPETUAL, quantity=1.0),),
        orders=(Order(contract=ether, quantity=1.0, price=2.0),),
    )

    assert portfolio.underlyings() == ("BTC", "ETH")
    assert [p.contract.symbol for p in portfolio.on("BTC")] == ["P"]
    assert portfolio.on("ETH") == ()
