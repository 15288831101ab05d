"""The standard margin model: rules of contracts, added up over all positions of a group.

It nets nothing between contracts: each position is margined by itself, by a rule of `contract_rule`
that names its source (rules 3.5 to 3.9 and 3.13 to 3.15).  Only shorts of options are asked for no
more than they can lose together with long ones of the same settlement (rules 3.60 to 3.64).  The
kernels add up the same terms, without that relief, for all accounts at once; this is the same sum
with its parts.
"""

from __future__ import annotations

import numpy as np

from novate.kernel.clearing.assess import SUM_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.group_book import sum_contract_rules
from novate.kernel.clearing.requirement import STANDARD
from novate.kernel.codes import Bound, Style
from novate.margin.contract_rule import CATALOGUE
from novate.margin.contract_rule.limited_risk import (
    having_both_sides,
    reliefs,
    summed_reliefs,
)
from novate.market.state import MarketState
from novate.valuation.group_book import GroupBook, GroupBooks
from novate.valuation.margin_model import B1, MarginModel, MarketChange, holding_moved
from novate.valuation.requirement import Binding, Component, Requirement


class Standard(MarginModel):
    """Sum of contract rules, numeraire units; number 0.

    A component is one position with its open orders; its subject is the instrument.  The position
    with the largest maintenance margin binds, ties go to the lower number.
    """

    number = STANDARD
    name = "standard"

    def requirement(self, market: MarketState, book: GroupBook) -> Requirement:
        """Return initial and maintenance margin of a group, numeraire units, each at most 2**61.

        Parameters
        ----------
        market
            Marks, terms and rules.
        book
            Positions and open orders of the group.

        Returns
        -------
        Requirement
            Both sums, one component for each row of the book, and the contract that bound
            maintenance margin; the open-order hold is not part of it.
        """
        parts: list[Component] = []
        binding, most = Binding(Bound.NONE), -1
        for row, i in enumerate(book.instrument.tolist()):
            rule = next(rule for rule in CATALOGUE if rule.covers(market, i))
            initial, maintenance, number = rule.margin(market, book, row)
            parts.append(Component(rule.name, i, initial, maintenance))
            if book.lots[row] and maintenance > most:
                binding, most = Binding(Bound.CONTRACT, i, number), maintenance
        parts += reliefs(market, book)
        return Requirement(
            min(sum(part.initial for part in parts), SUM_MAX),
            min(sum(part.maintenance for part in parts), SUM_MAX),
            tuple(parts),
            binding,
        )

    def margins(self, market: MarketState, books: GroupBooks) -> I64:
        """Return both sums of many groups, numeraire units; shape (groups, 2)."""
        out = np.zeros((len(books), 2), np.int64)
        sum_contract_rules(
            market.instrument_arrays(), market.asset_arrays(), books.start, books.instrument,
            books.lots, books.entry_cost, books.buy_lots, books.sell_lots, out,
        )  # fmt: skip
        mine = np.flatnonzero(having_both_sides(market, books))
        if mine.size:
            relief = summed_reliefs(market, books.take(mine))
            out[mine] += relief
            # A sum that was cut at its limit is added up again, in numbers of any size.
            for k in mine[(relief < 0).any(axis=1) & ((out[mine] - relief).max(axis=1) >= SUM_MAX)]:
                asked = self.requirement(market, books[int(k)])
                out[k] = asked.initial, asked.maintenance
        return out

    def affected(self, market: MarketState, change: MarketChange, books: GroupBooks) -> B1:
        """Groups that hold what moved, or options whose settlement window has begun.

        Options of one expiry are settled at one price unless their windows have seen other times.
        Another rule of a contract is told as a touch of all.
        """
        is_option = market.instruments.style[books.instrument] == Style.PREMIUM
        is_inside = is_option & (market.marks.final_ms[books.instrument] > 0)
        return holding_moved(market, change, books) | books.having(is_inside)
