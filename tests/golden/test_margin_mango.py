"""Health of Mango v4 against five published cases, which carry their own weights; to 1e-9.

Source: blockworks-foundation/mango-v4 at 1303a4a (facts only),
programs/mango-v4/src/health/cache.rs, test_health1: tokens at prices 1, 5 and 10, a perpetual at 5
in lots of 10.  What the source calls a balance leaves out what orders reserve; here a holding is
stated with it.
"""

from __future__ import annotations

from typing import Any

import pytest

from novate.margin.methodology.catalogue import METHODS
from novate.margin.methodology.health import Health
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Order,
    Portfolio,
    Position,
)
from novate.margin.methodology.preset import preset_of
from tests.golden.margin_book import check_parts, market, method, perpetual

NOW = market(index={"A": 1.0, "B": 5.0, "C": 10.0}, mark={"B-PERP": 5.0})
PERPETUAL = perpetual("B-PERP", "B", "A")


def token(asset: float, liability: float) -> dict[str, float]:
    return {
        "initial_asset": asset,
        "maintenance_asset": asset,
        "initial_liability": liability,
        "maintenance_liability": liability,
    }


def published() -> Health:
    """The method with the weights of the source."""
    parameters: dict[str, Any] = {
        "currency": "A",
        "spot_orders": "reserved",
        "profit_weight_on": "net",
        "tokens": {"A": token(0.8, 1.2), "B": token(0.5, 1.5), "C": token(0.5, 1.5)},
        "perpetuals": {
            "B-PERP": {
                "initial_long": 1 - 0.8,
                "initial_short": 1.2 - 1,
                "maintenance_long": 1 - 0.8,
                "maintenance_short": 1.2 - 1,
                "initial_profit": 0.95,
                "maintenance_profit": 0.95,
            }
        },
    }
    head = {
        "name": "x", "title": "x", "venue": "Mango", "as_of": "2023-01-01", "method": "health",
        "kind": "portfolio", "sources": [],
    }  # fmt: skip
    found = preset_of({"preset": head, "parameters": parameters}, METHODS, "case").methodology
    assert isinstance(found, Health)
    return found


def book(
    tokens: tuple[float, float, float],
    ab: tuple[float, float],
    ac: tuple[float, float],
    perp: tuple[int, float, int, int],
) -> Portfolio:
    """A book of the source: free balances, funds reserved in two markets, and a perpetual."""
    lots, quote, bids, asks = perp
    orders = []
    for base, (of_a, of_base) in (("B", ab), ("C", ac)):
        spot = Contract(symbol=f"{base}/A", kind="spot", underlying=base, settlement="A")
        if of_a:
            orders.append(Order(contract=spot, quantity=of_a, price=1.0))
        if of_base:
            orders.append(Order(contract=spot, quantity=-of_base, price=1.0))
    orders += [
        Order(contract=PERPETUAL, quantity=10.0 * size, price=5.0) for size in (bids, -asks) if size
    ]
    held = (
        ("A", tokens[0] + ab[0] + ac[0]),
        ("B", tokens[1] + ab[1]),
        ("C", tokens[2] + ac[1]),
    )
    position = Position(
        contract=PERPETUAL, quantity=10.0 * lots, unrealised=quote + 10.0 * lots * 5.0
    )
    return Portfolio(
        positions=(position,),
        collateral=tuple(Collateral(asset=asset, quantity=n) for asset, n in held),
        orders=tuple(orders),
    )


@pytest.mark.parametrize(
    ("portfolio", "health"),
    [
        (book((100, -10, 0), (20, 15), (0, 0), (3, -131, 7, 11)), 16.2),
        (book((0, 0, 0), (0, 0), (0, 0), (-1, 100, 0, 0)), 30.4),
        (book((0, 0, 0), (0, 0), (0, 0), (10, 100, 0, 0)), 380.0),
        (book((-100, -10, -10), (1, 1), (1, 1), (0, 0, 0, 0)), -324.6),
        (book((-100, -100, -1), (0, 0), (10, 1), (0, 0, 0, 0)), -865.0),
    ],
)
def test_health_is_equity_less_the_requirement(portfolio: Portfolio, health: float) -> None:
    found = published().outcome(portfolio, NOW)
    check_parts(found)
    assert found.initial_excess == pytest.approx(health, abs=1e-9)


# By hand: 1,000 USDC and 10 SOL at 100, a short of 0.1 BTC at 60,000 with a loss of 50.
def test_the_shipped_weights_by_hand() -> None:
    btc = perpetual("BTC-PERP", "BTC")
    portfolio = Portfolio(
        positions=(Position(contract=btc, quantity=-0.1, unrealised=-50.0),),
        collateral=(Collateral(asset="SOL", quantity=10.0),),
        cash=1_000.0,
    )
    now = market(index={"SOL": 100.0}, mark={"BTC-PERP": 60_000.0})
    found = method("mango_v4").outcome(portfolio, now)
    check_parts(found)
    assert found.equity == 1_950.0
    assert found.initial_excess == pytest.approx(1_000 + 800 - 50 - 1_200)
    assert found.maintenance_excess == pytest.approx(1_000 + 900 - 50 - 600)
