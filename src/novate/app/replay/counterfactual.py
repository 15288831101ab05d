"""The counterfactual venue: the same parameters without the risk controls."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any


def without_controls(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The counterfactual: the same venue without its risk controls.

    Collateral counts in full (no haircuts), margin does not rise with size (the first tier for
    all), the mark is the last price (no clamp, no averaging), sources are screened neither for
    outliers nor for age, a position is dumped in one order, an account is taken over only when its
    equity is gone, no fee feeds the fund, and a withdrawal keeps nothing back for the cost of
    liquidation.  Calls, unproven gains and the waterfall stay as they are.
    """
    off = copy.deepcopy(dict(parameters))
    off["index"].update(
        outlier_ppm=1_000_000,
        sources_min=1,
        weight_min_ppm=0,
        staleness_seconds=604_800,
        basis_seconds=1,
    )
    off["liquidation"].update(slice_ppm=1_000_000, takeover_ppm=0, release_ppm=1_000_000, fee_ppm=0)
    off["margin"]["liquidation_cost_ppm"] = 0
    for asset in off["assets"].values():
        asset["haircut_bps"] = 0
    for terms in off["instruments"].values():
        terms["basis_clamp_ppm"] = 1_000_000
        terms["tiers"] = terms["tiers"][:1]
    return off
