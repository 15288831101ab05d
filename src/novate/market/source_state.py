"""What an index is made of: assets, their sources, and the present instant."""

from __future__ import annotations

from novate.market.columns import AssetColumns, SourceColumns
from novate.message.parameter import Parameter
from novate.message.parameter_state import ParameterState


class SourceState(ParameterState):
    """The part of the market that an index method reads."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.assets = AssetColumns()
        self.sources = SourceColumns()

    def index_life_ns(self) -> int:
        """Return for how long a source counts after its report, and an index that was made of it.

        The last is for the settlement window (rules 5.4 and 5.17).
        """
        return self.parameter(Parameter.INDEX_STALENESS_NS)
