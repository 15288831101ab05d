"""What an index is made of: assets, their sources, and the present instant."""

from __future__ import annotations

from novate.market.columns import AssetColumns, SourceColumns
from novate.message.parameter_state import ParameterState


class SourceState(ParameterState):
    """The part of the market that an index method reads."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.assets = AssetColumns()
        self.sources = SourceColumns()
