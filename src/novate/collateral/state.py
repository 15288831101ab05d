"""The clearing state with the haircut rules in force."""

from __future__ import annotations

from novate.collateral import haircut
from novate.collateral.haircut import HaircutRule
from novate.valuation import ClearingState


class CollateralState(ClearingState):
    """The clearing state with haircut rules; the states of the layers above inherit from it.

    Attributes
    ----------
    haircut_rules
        Rules by number; no part of the state.
    """

    def __init__(self) -> None:
        super().__init__()
        self.haircut_rules: tuple[HaircutRule, ...] = haircut.CATALOGUE
