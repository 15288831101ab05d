"""Paradex's portfolio margin: scenarios, tail and least delta charge as it publishes them.

Sources: tradeparadex/paradex-docs @ 9b82a75, risk-system/portfolio-margin (BTC and ETH); the page
docs.paradex.trade/risk/portfolio-margin with the larger weights of the tail.
"""

from __future__ import annotations

import math

import msgspec
import pytest

from novate.margin.methodology.outcome import NotValuedError, Outcome
from novate.margin.methodology.parameters import Scenario, scenarios_of
from novate.margin.methodology.portfolio import (
    Contract,
    Curve,
    Portfolio,
    Position,
    Snapshot,
)
from novate.margin.methodology.scenario_grid import ScenarioGrid
from novate.valuation import pricing
from tests.golden.margin_preset import part, preset

CORE = [
    (16, 40), (12, 40), (12, -22), (8, 40), (8, -22), (4, 40), (4, -22), (0, 40), (0, -22),
    (-4, 40), (-4, -22), (-8, 40), (-8, -22), (-12, 40), (-12, -22), (-16, 40),
]  # fmt: skip
TAIL = {  # spot in percent: weight in percent
    "paradex_2024": {-66: 18, -33: 36, 50: 24, 100: 12, 200: 6, 300: 4, 400: 3, 500: 2.4},
    "paradex_web": {-66: 24, -33: 48, 50: 32, 100: 16, 200: 8, 300: 5.33, 400: 4, 500: 3.2},
}
CAP = {"paradex_2024": 0.12, "paradex_web": 0.16}
PRESETS = sorted(TAIL)
SPOT = 70_000.0
DAY_NS = 86_400 * 10**9
EXPIRY_NS = 30 * DAY_NS


def shipped(name: str, **changes: object) -> ScenarioGrid:
    found = preset(name).methodology
    assert isinstance(found, ScenarioGrid)
    return msgspec.structs.replace(found, **changes)


def perpetual(quantity: float, underlying: str = "BTC") -> Position:
    contract = Contract(symbol="PERP", kind="perpetual", underlying=underlying, settlement="USD")
    return Position(contract=contract, quantity=quantity)


def short_calls() -> tuple[Position, float]:
    """Five calls short, of delta 0.3 each; and their volatility."""
    vol, years = 0.6, 30 / 365
    spread = vol * math.sqrt(years)
    strike = SPOT * math.exp(0.5244005127080409 * spread + spread**2 / 2)
    call = Contract(
        symbol="CALL", kind="option", underlying="BTC", settlement="USD", expiry_ns=EXPIRY_NS,
        strike=strike, is_call=True,
    )  # fmt: skip
    assert pricing.greeks(1, SPOT, strike, years, vol).delta == pytest.approx(0.3, abs=1e-12)
    return Position(contract=call, quantity=-5.0), vol


def outcome(model: ScenarioGrid, *positions: Position) -> Outcome:
    market = Snapshot(
        instant_ns=0, index={"BTC": SPOT, "SOL": 100.0}, mark={"PERP": SPOT},
        curve={("BTC", EXPIRY_NS): Curve(forward=SPOT)}, volatility={"CALL": 0.6},
    )  # fmt: skip
    return model.outcome(Portfolio(positions=positions, cash=10_000.0), market)


@pytest.mark.parametrize("name", PRESETS)
def test_the_scenarios_are_the_24_that_are_printed(name: str) -> None:
    model = shipped(name)
    found = scenarios_of(model.scenarios, model.grid, model.tail)
    share = {"up": model.volatility.up, "down": -model.volatility.down}

    assert [(one.move, share[one.volatility]) for one in found[:16]] == pytest.approx(
        [pytest.approx((move / 100, vol / 100), abs=1e-15) for move, vol in CORE]
    )
    assert [one.weight for one in found[:16]] == [1.0] * 16
    printed = TAIL[name]
    assert [one.move for one in found[16:]] == [move / 100 for move in printed]
    assert {one.volatility for one in found[16:]} == {"up"}
    assert [one.weight for one in found[16:]] == pytest.approx([w / 100 for w in printed.values()])


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_linear_position_loses_most_at_the_edge_of_the_core_and_the_cap_in_the_tail(
    name: str, side: float
) -> None:
    found = outcome(shipped(name), perpetual(side))
    tail = [-one.profit / SPOT for one in found.scenarios[16:] if one.profit < 0]
    expected = [abs(m * w) / 1e4 for m, w in TAIL[name].items() if m * side < 0]

    assert tail == pytest.approx(expected)
    assert max(tail) <= CAP[name] + 1e-12
    assert min(tail) >= 0.99 * CAP[name]
    assert found.initial == pytest.approx(0.16 * SPOT)
    assert found.maintenance == pytest.approx(0.08 * SPOT)


@pytest.mark.parametrize("name", PRESETS)
def test_the_worked_example_of_the_least_delta_charge_is_1400(name: str) -> None:
    """Net delta -0.5, hedged 1.0: (2% of 0.5 and 1% of 1.0) of 70,000."""
    still = (Scenario(move=0.0, volatility="same"),)
    model = shipped(name, grid=None, scenarios=still)
    found = outcome(model, perpetual(1.0), short_calls()[0])

    assert part(found, "worst scenario") == (0.0, 0.0)
    assert part(found, "minimum delta charge") == pytest.approx((1400.0, 700.0), abs=1e-8)
    assert (found.initial, found.maintenance) == pytest.approx((1400.0, 700.0), abs=1e-8)


@pytest.mark.parametrize("name", PRESETS)
def test_initial_margin_is_the_larger_of_both_and_the_provision_stands_on_top_of_either(
    name: str,
) -> None:
    book = perpetual(1.0), short_calls()[0]
    bare = outcome(shipped(name), *book)
    found = outcome(shipped(name, provision=25.0), *book)
    scan = max(-one.profit for one in found.scenarios)

    assert scan > 1400.0
    assert found.initial == pytest.approx(scan + 25.0)
    assert found.maintenance == pytest.approx(scan / 2 + 25.0)
    assert (found.initial - 25.0, found.maintenance - 25.0) == pytest.approx(
        (bare.initial, bare.maintenance)
    )
    assert found.notes == shipped(name).notes != ()


@pytest.mark.parametrize("name", PRESETS)
def test_an_underlying_with_other_scenarios_is_refused(name: str) -> None:
    with pytest.raises(NotValuedError, match="SOL: not an underlying of these parameters"):
        outcome(shipped(name), perpetual(1.0, "SOL"))
