"""Derive's presets: parameters as the venue prints them, on books that a few lines recompute.

Source of the tail: Derive, documentation, Portfolio Manager [New]: weights cut to two digits.  The
rules themselves are held to the venue's own test portfolios elsewhere.
"""

from __future__ import annotations

import pytest

from novate.margin.methodology.outcome import NotValuedError, Outcome
from novate.margin.methodology.parameters import scenarios_of
from novate.margin.methodology.portfolio import (
    Collateral,
    Contract,
    Portfolio,
    Position,
    Snapshot,
)
from novate.margin.methodology.scenario_grid import ScenarioGrid
from tests.golden.margin_preset import preset

PRINTED_TAIL = {
    -0.66: 0.21, -0.33: 0.42, 0.5: 0.27, 1.0: 0.13, 2.0: 0.069, 3.0: 0.046, 4.0: 0.034, 5.0: 0.027,
}  # fmt: skip
CONTRACT_TAIL = [0.21, 0.42, 0.2772, 0.1386, 0.0693, 0.0462, 0.03465, 0.02772]
SPOT = 3_000.0
VERSION_2 = ["derive_pmrm2_btc", "derive_pmrm2_eth"]


def shipped(name: str) -> ScenarioGrid:
    found = preset(name).methodology
    assert isinstance(found, ScenarioGrid)
    return found


def outcome(
    name: str, perpetuals: float, asset: str = "", units: float = 0.0, stable_price: float = 1.0
) -> Outcome:
    underlying = shipped(name).underlyings[0]
    contract = Contract(symbol="PERP", kind="perpetual", underlying=underlying, settlement="USD")
    held = (Collateral(asset=asset, quantity=units),) if asset else ()
    market = Snapshot(
        instant_ns=0, index={underlying: SPOT} | {asset: SPOT}, mark={"PERP": SPOT},
        stable_price=stable_price,
    )  # fmt: skip
    book = Portfolio(positions=(Position(contract=contract, quantity=perpetuals),), collateral=held)
    return shipped(name).outcome(book, market)


@pytest.mark.parametrize("name", VERSION_2)
def test_the_scenarios_are_23_eight_in_the_tail_and_two_of_skew(name: str) -> None:
    model = shipped(name)
    found = scenarios_of(model.scenarios, model.grid, model.tail)
    tail = found[23:31]

    assert len(found) == 33
    assert found[0].move == 0.18
    assert {one.volatility for one in tail} == {"up"}
    assert [one.move for one in tail] == list(PRINTED_TAIL)
    assert [one.weight for one in tail] == pytest.approx(CONTRACT_TAIL, rel=1e-12)
    for one in tail:
        assert 0 <= one.weight - PRINTED_TAIL[one.move] < 0.01
    assert [one.volatility for one in found[31:]] == ["linear skew", "absolute skew"]


@pytest.mark.parametrize("name", VERSION_2)
@pytest.mark.parametrize("size", [10.0, -10.0])
def test_a_perpetual_needs_the_edge_of_the_grid_and_its_charge(name: str, size: float) -> None:
    found = outcome(name, size)

    assert found.initial == pytest.approx(10 * SPOT * (0.18 + 0.04))
    assert found.maintenance == pytest.approx(10 * SPOT * (0.8 * 0.18 + 0.03))


@pytest.mark.parametrize(
    ("name", "asset", "initial", "maintenance"),
    [
        ("derive_pmrm2_eth", "ETH", 0.07, 0.056),
        ("derive_pmrm2_eth", "RSETH", 0.22, 0.206),
        ("derive_pmrm2_btc", "WBTC", 0.12, 0.106),
        ("derive_pmrm2_btc", "LBTC", 0.17, 0.156),
    ],
)
def test_collateral_of_the_market_cancels_the_risk_of_a_short(
    name: str, asset: str, initial: float, maintenance: float
) -> None:
    found = outcome(name, -10.0, asset, 10.0)

    assert found.initial == pytest.approx(10 * SPOT * (0.04 + initial))
    assert found.maintenance == pytest.approx(10 * SPOT * (0.03 + maintenance))
    assert found.equity == pytest.approx(10 * SPOT)


def test_collateral_of_another_market_moves_with_nothing() -> None:
    found = outcome("derive_pmrm2_btc", 0.0, "ETH", 1.0)

    assert found.initial == pytest.approx(0.25 * SPOT)
    assert found.maintenance == pytest.approx(0.2 * SPOT)


def test_a_market_is_margined_by_its_own_preset() -> None:
    bitcoin = Contract(symbol="PERP", kind="perpetual", underlying="BTC", settlement="USD")
    book = Portfolio(positions=(Position(contract=bitcoin, quantity=1.0),))
    with pytest.raises(NotValuedError, match=r"BTC: not an underlying .* \['ETH'\]"):
        shipped("derive_pmrm2_eth").outcome(book, Snapshot(instant_ns=0, index={"BTC": 1.0}))


def test_version_1_raises_scan_and_charges_alike_also_when_the_stable_currency_slips() -> None:
    calm = outcome("derive_pmrm_unconfirmed", 10.0)
    slipped = outcome("derive_pmrm_unconfirmed", 10.0, stable_price=0.98)

    assert len(calm.scenarios) == 23
    assert calm.maintenance == pytest.approx(10 * SPOT * (0.20 + 0.03))
    assert calm.initial == pytest.approx(1.25 * 10 * SPOT * (0.20 + 0.03))
    assert slipped.maintenance == calm.maintenance
    assert slipped.initial == pytest.approx((1.25 + 4 * 0.01) * 10 * SPOT * (0.20 + 0.03))
    assert calm.notes
