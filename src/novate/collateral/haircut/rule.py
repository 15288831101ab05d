"""What a haircut rule is: one file here, and one line in `CATALOGUE`."""

from __future__ import annotations

from typing import Protocol

from novate.valuation import ClearingState


class HaircutRule(Protocol):
    """A rule for the haircut of an asset that is collateral.

    A rule is asked at every assessment, after the indices.  It reads the state and changes nothing:
    a haircut that it changes is journaled.
    """

    @property
    def name(self) -> str:
        """Name for people."""

    def haircut_bps(self, state: ClearingState, asset: int) -> int:
        """Return the haircut of an asset other than the numeraire, bps, 0 to 10,000."""
