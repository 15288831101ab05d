"""A second add-on, small enough to check by hand: an amount for every lot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from novate.kernel.clearing.assess import SUM_MAX
from novate.margin.add_on import CATALOGUE
from novate.market.state import MarketState
from novate.valuation.add_on import AddOn
from novate.valuation.group_book import GroupBook, GroupBooks
from novate.valuation.margin_model import B1, MarketChange
from novate.valuation.requirement import Component


@dataclass(frozen=True, slots=True)
class PerLot(AddOn):
    """What a lot asks for, whatever it is worth; initial margin with the worse side of orders."""

    number: int = 1
    name: str = "per lot"
    units: int = 20_000

    def components(self, market: MarketState, group: int, book: GroupBook) -> tuple[Component, ...]:
        """One part for each contract."""
        columns = (book.instrument, book.lots, book.buy_lots, book.sell_lots)
        return tuple(
            Component(
                self.name,
                i,
                min(max(abs(lots + buys), abs(lots - sells)) * self.units, SUM_MAX),
                min(abs(lots) * self.units, SUM_MAX),
            )
            for i, lots, buys, sells in zip(*(c.tolist() for c in columns), strict=True)
        )

    def affected(self, market: MarketState, change: MarketChange, books: GroupBooks) -> B1:
        """No change of the market moves it."""
        return np.zeros(len(books), np.bool_)


ADD_ONS = (*CATALOGUE, PerLot())
"""The catalogue of the tests."""
