"""The clearing state with what default management adds to it."""

from __future__ import annotations

from typing import Self

from novate.collateral.state import CollateralState
from novate.default_management.columns import DefaultColumns


class DefaultState(CollateralState):
    """A clearing state with the outbox, the losses on their way, and the declared waterfall."""

    def __init__(self) -> None:
        super().__init__()
        self.defaults = DefaultColumns()

    def copy(self) -> Self:
        """Return an independent copy, for a fork."""
        twin = super().copy()
        twin.defaults = self.defaults.copy()
        return twin
