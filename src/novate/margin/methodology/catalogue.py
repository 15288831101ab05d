"""The methods that presets may name, listed by hand."""

from __future__ import annotations

from collections.abc import Mapping

from novate.margin.methodology.preset import Methodology
from novate.margin.methodology.scenario_grid import ScenarioGrid

METHODS: Mapping[str, type[Methodology]] = {
    "scenario grid": ScenarioGrid,
}
"""By the name that a preset gives."""
