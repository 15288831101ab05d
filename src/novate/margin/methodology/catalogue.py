"""The methods that presets may name, listed by hand."""

from __future__ import annotations

from collections.abc import Mapping

from novate.margin.methodology.deribit_portfolio import DeribitPortfolio
from novate.margin.methodology.preset import Methodology
from novate.margin.methodology.risk_unit import RiskUnit
from novate.margin.methodology.scenario_grid import ScenarioGrid
from novate.margin.methodology.span import Span

METHODS: Mapping[str, type[Methodology]] = {
    "scenario grid": ScenarioGrid,
    "deribit portfolio": DeribitPortfolio,
    "risk unit": RiskUnit,
    "span": Span,
}
"""By the name that a preset gives."""
