"""A second margin model, small enough to check by hand: the worse of two moves, and a floor.

All marks fall, or all rise, by one share.  Losses and gains of one move net over the whole book, so
that a hedged book asks for little; the floor is a share of its gross value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from novate.engine.plugin import Plugins
from novate.kernel.clearing.assess import SUM_MAX
from novate.kernel.clearing.settle import value_of
from novate.kernel.clearing.value import WORTH_MAX
from novate.kernel.codes import Bound, Style
from novate.margin.catalogue import CATALOGUE
from novate.margin.standard import Standard
from novate.market.state import MarketState
from novate.valuation.group_book import GroupBook, GroupBooks
from novate.valuation.margin_model import B1, MarginModel, MarketChange
from novate.valuation.requirement import Binding, Component, Requirement
from tests.tiny_add_on import ADD_ONS
from tests.tiny_liquidation_method import METHODS
from tests.tiny_loss_policy import POLICIES

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class TwoMoves(MarginModel):
    """Initial margin is the worse of two moves, open orders on their worst side.

    Maintenance margin is that of half the move, of positions alone; neither is below the floor.
    A short option asks for its value at the moved mark, a long one for nothing.
    """

    number: int = 1
    name: str = "two moves"
    move_ppm: int = 100_000
    floor_ppm: int = 10_000

    def requirement(self, market: MarketState, book: GroupBook) -> Requirement:
        """Scenario 0 is the fall, 1 the rise; numeraire units."""
        initial = [self._loss(market, book, sign * self.move_ppm, True) for sign in (-1, 1)]
        half = [self._loss(market, book, sign * self.move_ppm // 2, False) for sign in (-1, 1)]
        floor = self._floor(market, book)
        maintenance = max(*half, floor)
        binding = Binding(Bound.NONE)
        if maintenance:
            worst = max(half)
            binding = Binding(Bound.FLOOR)
            if worst >= floor:
                binding = Binding(Bound.SCENARIO, number=half.index(worst))
        parts = (
            Component("fall", -1, initial[0], half[0]),
            Component("rise", -1, initial[1], half[1]),
            Component("floor", -1, floor, floor),
        )
        return Requirement(max(*initial, maintenance), maintenance, parts, binding)

    def _loss(self, market: MarketState, book: GroupBook, move_ppm: int, orders: bool) -> int:
        """What the book loses in one move, numeraire units, each position rounded up."""
        total = 0
        for row, i in enumerate(book.instrument.tolist()):
            lots = int(book.lots[row])
            held = [lots]
            if orders:
                held += [lots + int(book.buy_lots[row]), lots - int(book.sell_lots[row])]
            total += max(_asked(market, i, size, move_ppm) for size in held)
        return min(max(total, 0), SUM_MAX)

    def _floor(self, market: MarketState, book: GroupBook) -> int:
        """A share of the gross value of all but options, rounded up twice."""
        gross = sum(
            _units(market, i, abs(_value(market, i, lots, int(market.marks.mark[i]))))
            for i, lots in zip(book.instrument.tolist(), book.lots.tolist(), strict=True)
            if market.instruments.style[i] != Style.PREMIUM
        )
        return min(-(-gross * self.floor_ppm // PPM), SUM_MAX)

    def affected(self, market: MarketState, change: MarketChange, books: GroupBooks) -> B1:
        """Groups with an instrument that moved, or that is settled in an asset that did."""
        settled_in = market.instruments.settlement_asset[books.instrument]
        return books.having(
            np.isin(books.instrument, change.instruments) | np.isin(settled_in, change.assets)
        )


def _value(market: MarketState, i: int, lots: int, ticks: int) -> int:
    """Value of signed lots at a price, settlement units; nothing without a mark."""
    if market.marks.mark[i] <= 0:
        return 0
    return int(value_of(market.instruments.form[i], market.instruments.unit[i], ticks, lots))


def _units(market: MarketState, i: int, amount: int) -> int:
    """Numeraire units of an amount in settlement units, rounded up."""
    price = float(market.assets.unit_price[market.instruments.settlement_asset[i]])
    return math.ceil(min(max(amount * price, -WORTH_MAX), WORTH_MAX))


def _asked(market: MarketState, i: int, lots: int, move_ppm: int) -> int:
    """What signed lots lose in a move, numeraire units, rounded up; a gain is negative."""
    mark = int(market.marks.mark[i])
    moved = max(mark + mark * move_ppm // PPM, 1)
    if market.instruments.style[i] == Style.PREMIUM:
        return _units(market, i, -_value(market, i, min(lots, 0), moved))
    return _units(market, i, _value(market, i, lots, mark) - _value(market, i, lots, moved))


class Echo(Standard):
    """The standard model under another number: asked from outside the kernels."""

    number = 2
    name = "echo"


MODELS = (*CATALOGUE, TwoMoves(), Echo())
"""The catalogue of the tests."""

PLUGINS = Plugins(
    margin_models=MODELS, add_ons=ADD_ONS, loss_policies=POLICIES, liquidation_methods=METHODS
)
"""With all else of this release."""
