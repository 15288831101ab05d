"""The state as collateral sees it: the clearing state, and who says its haircuts."""

from __future__ import annotations

from novate.collateral import haircut
from novate.collateral.haircut import HaircutRule
from novate.valuation import ClearingState


class CollateralState(ClearingState):
    """The clearing state with the haircut rules in force; the floors above inherit from it."""

    def __init__(self) -> None:
        super().__init__()
        self.haircut_rules: tuple[HaircutRule, ...] = haircut.CATALOGUE
