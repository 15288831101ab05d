"""What a margin model is: one file in `margin`, and one line in its `CATALOGUE`.

A group of accounts has one model.  It sees the market and the book of the group, and says what the
group must hold; what the group is worth is not its business.  The clearing state asks it whenever
a requirement decides something, and the margin cache asks it which groups to assess again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from novate.errors import require
from novate.kernel.clearing.assess import SUM_MAX
from novate.kernel.clearing.columns import I64
from novate.market.state import MarketState
from novate.valuation.group_book import GroupBook, GroupBooks
from novate.valuation.requirement import Requirement

B1 = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketChange:
    """What moved in the market since a model was last asked.

    Attributes
    ----------
    instruments
        Numbers of instruments with another mark or margin of a short lot; int64, ascending.
    assets
        Numbers of assets with another index, slow average, haircut or decay, or one that became
        stale or fresh again.
    surfaces
        Rows of smiles that are new or were reported again.
    is_later
        Whether time has passed.
    """

    instruments: I64
    assets: I64
    surfaces: I64
    is_later: bool

    @property
    def is_none(self) -> bool:
        """Whether nothing moved but, perhaps, the clock."""
        return not (self.instruments.size or self.assets.size or self.surfaces.size)


class MarginModel(Protocol):
    """One way to say what a margin group must hold.

    A model is a pure function of market and book: it keeps nothing between two questions, and its
    answers are the same on every machine.  One whose numbers change is a new model with a new
    number: the old one stays while journals name it.  A subclass says at least `requirement`.
    What a model must cover is the subject of PFMI principle 6 and EMIR article 41; its own source
    stands in its file.
    """

    @property
    def number(self) -> int:
        """Number in journals, never changed; 0 is the standard model."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def requirement(self, market: MarketState, book: GroupBook) -> Requirement:
        """Return what a group with this book must hold, explained.

        Parameters
        ----------
        market
            Terms, marks, indices and smiles at this instant.
        book
            The group's positions and open orders, or those of a what-if.
        """

    def margins(self, market: MarketState, books: GroupBooks) -> I64:
        """Return initial and maintenance margin of many groups, numeraire units; shape (groups, 2).

        The same numbers as `requirement` gives for each; a model that can add them up faster
        without the explanation does.
        """
        asked = [self.requirement(market, book) for book in books]
        return np.array([(one.initial, one.maintenance) for one in asked], np.int64).reshape(-1, 2)

    def affected(self, market: MarketState, change: MarketChange, books: GroupBooks) -> B1:
        """Return which groups to assess again after a change of the market; shape (groups,).

        Groups whose own book changed are assessed in any case.  By default every group is, also
        when only time has passed.
        """
        return np.ones(len(books), np.bool_)


def holding_moved(market: MarketState, change: MarketChange, books: GroupBooks) -> B1:
    """Return which books hold a contract whose mark moved or that is settled in an asset that did.

    Shape (groups,): the answer of `affected` where nothing but value at the mark decides.
    """
    settled_in = market.instruments.settlement_asset[books.instrument]
    return books.having(
        np.isin(books.instrument, change.instruments) | np.isin(settled_in, change.assets)
    )


def by_number(models: Iterable[MarginModel]) -> Mapping[int, MarginModel]:
    """Return the models of a catalogue by their numbers.

    Raises
    ------
    InvariantError
        If two have the same number, or one does not fit the column.
    """
    found: dict[int, MarginModel] = {}
    for model in models:
        require(model.number not in found, f"margin model {model.number} exists once")
        require(0 <= model.number < 2**15, f"margin model {model.name}: number {model.number}")
        found[model.number] = model
    return found


def require_usable(model: MarginModel, margins: I64) -> I64:
    """Return margins that are within bounds, else stop: such a model is wrong, not the book.

    Raises
    ------
    InvariantError
        If a margin is negative, or too large to add up.
    """
    is_usable = margins.size == 0 or bool(margins.min() >= 0 and margins.max() <= SUM_MAX)
    require(is_usable, f"margin model {model.name}: margins from 0 to 2**61")
    return margins
