"""What an index method is: one file here, and one line in `CATALOGUE`."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from novate.market.source_state import SourceState


class Index(NamedTuple):
    """An index as the sources of an asset stand."""

    price_e8: int  # 1e-8 numeraire a unit, 0 when there is none: the index is stale
    used: int  # sources it was made of, or too few that there were
    outliers: int  # sources that are far from it, whether they count or are left out


class IndexMethod(Protocol):
    """How the reports of an asset's sources become its index.

    A method reads the state and changes nothing; integers only, because what it says is booked.
    """

    @property
    def name(self) -> str:
        """Name for people."""

    def index(self, state: SourceState, asset: int) -> Index:
        """Return the index of an asset now."""
