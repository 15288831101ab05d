"""The clearing state with what default management adds to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from novate.default_management.columns import DefaultColumns
from novate.valuation import ClearingState
from novate.valuation.margin_model import MarginModel


class DefaultState(ClearingState):
    """A clearing state with the outbox, the losses on their way, and the declared waterfall."""

    def __init__(self, models: Iterable[MarginModel] = ()) -> None:
        super().__init__(models)
        self.defaults = DefaultColumns()

    def copy(self) -> Self:
        """Return an independent copy, for a fork."""
        twin = super().copy()
        twin.defaults = self.defaults.copy()
        return twin
