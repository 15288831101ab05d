"""The protocol of contract rules, which the standard margin model adds up."""

from __future__ import annotations

from typing import Protocol

from novate.market.state import MarketState
from novate.valuation.group_book import GroupBook


class ContractRule(Protocol):
    """Margin of one position, from its own contract, lots and open orders alone."""

    @property
    def name(self) -> str:
        """What a component of a requirement is called."""

    def covers(self, market: MarketState, instrument: int) -> bool:
        """Whether a contract is margined by this rule."""

    def margin(self, market: MarketState, book: GroupBook, row: int) -> tuple[int, int, int]:
        """Return what one row of a book asks for.

        Returns
        -------
        initial, maintenance
            Numeraire units, rounded up, not negative; nothing without a mark.
        number
            Which tier, or which declared rule, says so.
        """
