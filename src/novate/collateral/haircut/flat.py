"""A constant haircut: the one that was set, until people review it (PFMI Principle 5)."""

from __future__ import annotations

from dataclasses import dataclass

from novate.valuation import ClearingState


@dataclass(frozen=True, slots=True)
class Flat:
    """The rule of an asset that names no other."""

    name: str = "flat"

    def haircut_bps(self, state: ClearingState, asset: int) -> int:
        """Return the haircut that `SetHaircut` or the declaration of the asset set last, bps."""
        return int(state.assets.haircut_bps[asset])
