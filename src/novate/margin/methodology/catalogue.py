"""The methods that presets may name, listed by hand."""

from __future__ import annotations

from collections.abc import Mapping

from novate.margin.methodology.deribit_portfolio import DeribitPortfolio
from novate.margin.methodology.dydx_tier import DydxTiers
from novate.margin.methodology.health import Health
from novate.margin.methodology.hyperliquid_portfolio import HyperliquidPortfolio
from novate.margin.methodology.option_formula import OptionFormula
from novate.margin.methodology.preset import Methodology
from novate.margin.methodology.risk_factor import RiskFactor
from novate.margin.methodology.risk_unit import RiskUnit
from novate.margin.methodology.scenario_grid import ScenarioGrid
from novate.margin.methodology.span import Span
from novate.margin.methodology.tier import Tiers

METHODS: Mapping[str, type[Methodology]] = {
    "deribit portfolio": DeribitPortfolio,
    "dydx tier": DydxTiers,
    "health": Health,
    "hyperliquid portfolio": HyperliquidPortfolio,
    "option formula": OptionFormula,
    "risk factor": RiskFactor,
    "risk unit": RiskUnit,
    "scenario grid": ScenarioGrid,
    "span": Span,
    "tier": Tiers,
}
"""By the name that a preset gives."""
