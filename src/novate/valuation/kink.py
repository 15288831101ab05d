"""Greeks that have no limit, or no float64, are kept out of sums: 0, with the status `AT_KINK`.

A payoff that bends or jumps exactly at the present price has Greeks beyond all measure once nothing
is left to smooth it; one such contract would spoil the sums of a whole book, whose value it may
well be part of.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.columns import F64, I8
from novate.kernel.codes import PricingStatus
from novate.kernel.pricing.black import KINK

SPOT_POWERS = (0, 1, 2, 0, 0, 0, 1, 0, 1, 3, 2, 2)
"""How often each native measure (`novate.valuation.holding.NATIVE`) is a derivative to spot."""

STEEP = 1e6
"""Times its worth and its underlying by which a contract with nothing left may move."""


def level_kinks(rows: F64, spot: F64, total_vol: F64, unit: F64, status: I8) -> None:
    """Set Greeks of contracts with nothing left to 0 where no payoff has any so large.

    Away from a kink such a contract has the slopes of its payoff, which are of the size of what it
    pays; at one, Greeks are slopes over next to nothing.

    Parameters
    ----------
    rows
        Native measures, ``[12, n]``, changed in place.
    spot, total_vol, unit
        Spot, sigma sqrt(T), and units of the underlying, ``[n]``.
    status
        `PricingStatus`, changed in place.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.array(SPOT_POWERS)[:, None]
        cash = np.abs(rows) * spot**powers
        most = STEEP * (np.abs(rows[0]) + unit * np.maximum(spot, 1.0))
    is_steep = ~(cash <= most) & (total_vol < KINK) & (status == PricingStatus.OK)
    is_steep[0] = False
    rows[is_steep] = 0.0
    status[is_steep.any(axis=0)] = PricingStatus.AT_KINK


def settle_infinities(native: F64, reporting: F64, status: I8) -> None:
    """Keep what no float64 holds out of sums: a worth has then no price, a Greek is 0."""
    is_priced = (status == PricingStatus.OK) | (status == PricingStatus.AT_KINK)
    is_lost = is_priced & ~np.isfinite(reporting[0] + native[0])
    status[is_lost] = PricingStatus.PARAMETER_OUT_OF_RANGE
    for rows in (native, reporting):
        rows[:, is_lost] = np.nan
        is_bare = is_priced & ~is_lost & ~np.isfinite(rows).all(axis=0)
        status[is_bare] = PricingStatus.AT_KINK
        rows[:, is_bare] = np.where(np.isfinite(rows[:, is_bare]), rows[:, is_bare], 0.0)
