"""The haircut that was set, whatever happens: a rate that people review (PFMI 5)."""

from __future__ import annotations

from dataclasses import dataclass

from novate.valuation import ClearingState


@dataclass(frozen=True, slots=True)
class Flat:
    """The rule of an asset that names no other."""

    name: str = "flat"

    def haircut_bps(self, state: ClearingState, asset: int) -> int:
        """Return what `SetHaircut` or the declaration of the asset said last."""
        return int(state.assets.haircut_bps[asset])
