"""Collateral whose index is stale: no new credit, and its decay told apart (rules 5.43, 6.81).

The collateral factor of an asset already counts the decay.  Two other views of it are needed, each
for as long as a decision takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from novate.market.reference import full_factor
from novate.valuation.clearing_state import ClearingState


@contextmanager
def without_stale_collateral(x: ClearingState) -> Iterator[None]:
    """Let assets whose index was stale at the last assessment count for nothing (rule 6.81)."""
    stale = list(x.stale_assets())
    if not stale:
        yield
        return
    a = x.assets
    kept = a.collateral_factor[stale]
    a.collateral_factor[stale] = 0.0
    try:
        yield
    finally:
        x.assets.collateral_factor[stale] = kept


@contextmanager
def without_decay(x: ClearingState) -> Iterator[npt.NDArray[np.int64]]:
    """Let stale collateral count as if it did not decay; gives the assets that do."""
    decayed = decaying_assets(x)
    kept = x.assets.collateral_factor[decayed]
    for asset in decayed.tolist():
        x.assets.collateral_factor[asset] = full_factor(x.assets, asset)
    try:
        yield decayed
    finally:
        x.assets.collateral_factor[decayed] = kept


def decaying_assets(x: ClearingState) -> npt.NDArray[np.int64]:
    """Return the assets with a price that count less because their index is stale."""
    a = x.assets
    found: npt.NDArray[np.int64] = np.flatnonzero(
        (a.used("decay") < 1.0) & (a.used("unit_price") > 0.0)
    )
    return found
