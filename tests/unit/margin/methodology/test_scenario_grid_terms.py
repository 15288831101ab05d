from __future__ import annotations

from typing import Any

import msgspec
import pytest

from novate.margin.methodology.outcome import NotValuedError, Outcome
from novate.margin.methodology.parameters import (
    CollateralTerms,
    Peg,
    PerUnit,
    Scenario,
    VolatilityShock,
)
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Order,
    Portfolio,
    Position,
    Snapshot,
)
from novate.margin.methodology.scenario_grid import ScenarioGrid

SPOT = 100.0
BOTH = (Scenario(move=0.1, volatility="same"), Scenario(move=-0.1, volatility="same"))
MODEL = ScenarioGrid(
    currency="USD",
    volatility=VolatilityShock(
        up=0.5, down=0.25, short_power=0.3, long_power=0.13, days_min=1.0, is_short_at_30_days=True
    ),
    initial_factor=1.5,
    maintenance_factor=1.0,
    scenarios=BOTH,
    linear=PerUnit(initial=0.01, maintenance=0.02),
    peg=Peg(threshold=0.99, factor=10.0),
    collateral={"ETH": CollateralTerms(maintenance_haircut=0.2, initial_haircut=0.1)},
)


def perpetual(underlying: str = "BTC") -> Contract:
    return Contract(
        symbol=f"{underlying}-PERP", kind="perpetual", underlying=underlying, settlement="USD"
    )


def outcome(portfolio: Portfolio, *, stable_price: float = 1.0, **changes: Any) -> Outcome:
    market = Snapshot(
        instant_ns=0, index={"BTC": SPOT, "ETH": 10.0}, mark={"BTC-PERP": SPOT, "ETH-PERP": 10.0},
        stable_price=stable_price,
    )  # fmt: skip
    return msgspec.structs.replace(MODEL, **changes).outcome(portfolio, market)


LONG = Portfolio(positions=(Position(contract=perpetual(), quantity=2.0),))
WITH_ETH = Portfolio(positions=LONG.positions, collateral=(Collateral(asset="ETH", quantity=5.0),))


@pytest.mark.parametrize("slip", [0.0, 0.02])
def test_charges_are_scaled_by_the_factor_of_initial_margin_where_that_is_said(
    slip: float,
) -> None:
    plain = outcome(WITH_ETH, stable_price=1 - slip)
    scaled = outcome(WITH_ETH, stable_price=1 - slip, scales_charges=True)
    factor = 1.5 + 10 * max(slip - 0.01, 0.0)
    scan, charges = 20.0, 2 * SPOT * 0.03 + 50.0 / (1 - slip) * 0.3

    assert plain.initial == pytest.approx(scan * factor + charges)
    assert scaled.initial == pytest.approx((scan + charges) * factor)
    assert scaled.maintenance == plain.maintenance


def test_a_stated_provision_stands_on_top_of_both_margins_and_notes_are_passed_on() -> None:
    bare, found = outcome(LONG), outcome(LONG, provision=7.0, notes=("a", "b"))

    assert found.initial - bare.initial == pytest.approx(7.0)
    assert found.maintenance - bare.maintenance == pytest.approx(7.0)
    assert found.notes == ("a", "b")
    assert found.initial == pytest.approx(sum(one.initial for one in found.parts))


def test_what_the_parameters_do_not_hold_for_is_refused() -> None:
    ether = Portfolio(positions=(Position(contract=perpetual("ETH"), quantity=1.0),))
    orders = Portfolio(orders=(Order(contract=perpetual(), quantity=1.0, price=SPOT),))
    inverse = Contract(symbol="INV", kind="perpetual", underlying="BTC", settlement="BTC")

    assert outcome(ether).initial > 0
    with pytest.raises(NotValuedError, match=r"ETH: not an underlying .* \['BTC'\]"):
        outcome(ether, underlyings=("BTC",))
    with pytest.raises(NotValuedError, match=r"BTC-PERP: .* kind perpetual; allowed: \['future'"):
        outcome(LONG, kinds=("option", "future"))
    with pytest.raises(NotValuedError, match="1 open orders: not valued"):
        outcome(orders)
    with pytest.raises(NotValuedError, match="INV: paid in BTC; allowed: contracts that are paid"):
        outcome(Portfolio(positions=(Position(contract=inverse, quantity=1.0),)))
