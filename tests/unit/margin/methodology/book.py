"""A small book of one underlying, its market, and a grid without tricks."""

from __future__ import annotations

import msgspec

from novate.margin.methodology.portfolio import Contract, Curve, Portfolio, Position, Snapshot
from novate.margin.methodology.scenario_grid import ScenarioGrid

DAY_NS = 86_400 * 10**9
NOW_NS = 1_750_000_000 * 10**9
EXPIRY_NS = NOW_NS + 30 * DAY_NS

PERPETUAL = Contract(symbol="P", kind="perpetual", underlying="BTC", settlement="USD")
CALL = Contract(
    symbol="C", kind="option", underlying="BTC", settlement="USD", expiry_ns=EXPIRY_NS,
    strike=110.0, is_call=True,
)  # fmt: skip
PUT = Contract(
    symbol="Q", kind="option", underlying="BTC", settlement="USD", expiry_ns=EXPIRY_NS,
    strike=90.0, is_call=False,
)  # fmt: skip


def market() -> Snapshot:
    return Snapshot(
        instant_ns=NOW_NS,
        index={"BTC": 100.0},
        mark={"P": 100.0},
        curve={("BTC", EXPIRY_NS): Curve(forward=101.0, rate=0.05)},
        volatility={"C": 0.6, "Q": 0.7},
    )


def book(cash: float = 0.0, **quantities: float) -> Portfolio:
    """Positions by symbol: P, C, Q."""
    contracts = {one.symbol: one for one in (PERPETUAL, CALL, PUT)}
    positions = [
        Position(contract=contracts[symbol], quantity=quantity)
        for symbol, quantity in quantities.items()
    ]
    return Portfolio(positions=tuple(positions), cash=cash)


def grid(**more: object) -> ScenarioGrid:
    """Moves of 10% and 20% to both sides, volatilities up, unchanged and down."""
    table = {
        "currency": "USD",
        "initial_factor": 1.0,
        "maintenance_factor": 0.8,
        "grid": {
            "reach": 0.2, "steps": 2, "volatility": ["up", "same", "down"], "edge": ["up"],
        },
        "volatility": {
            "up": 0.5, "down": 0.25, "floor": 0.4, "short_power": 0.3, "long_power": 0.13,
            "days_min": 1.0, "is_short_at_30_days": True,
        },
        **more,
    }  # fmt: skip
    return msgspec.convert(table, ScenarioGrid)
