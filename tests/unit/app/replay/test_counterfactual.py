"""The venue without its controls."""

from __future__ import annotations

import json

from novate.app.replay.counterfactual import without_controls
from tests.unit.app.replay.small import parameters


def test_the_counterfactual_changes_rules_and_leaves_the_rest_alone() -> None:
    settings = parameters()
    before = json.dumps(settings, default=str)

    off = without_controls(settings)

    assert json.dumps(settings, default=str) == before
    assert off["liquidation"]["slice_ppm"] == 1_000_000
    assert off["liquidation"]["fee_ppm"] == 0
    assert off["index"]["sources_min"] == 1
    assert {asset["haircut_bps"] for asset in off["assets"].values()} == {0}
    assert {len(terms["tiers"]) for terms in off["instruments"].values()} == {1}
    assert off["book"] == settings["book"]
    assert off["waterfall"] == settings["waterfall"]
    assert off["agent"] == settings["agent"]
