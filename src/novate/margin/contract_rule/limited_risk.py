"""Options that limit one another: a spread is not margined as the naked short in it.

Options of one expiry on one underlying are settled at one price.  What they lose together at the
worst of all prices is all that their holder can ever owe, so that no more is asked for the shorts
among them.  It is found exactly: between strikes the sum is a straight line.  Long options are no
collateral by it: they pay for no loss but that of these shorts, and their value counts for nothing.

Sources: FINRA rule 4210 (f)(2)(H), margin of spreads is their largest potential loss; Cboe rule
10.3.  Both ask that the long option expires no earlier, here with the short one.
"""

from __future__ import annotations

import functools
import math
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from novate.kernel.clearing.assess import SUM_MAX
from novate.kernel.clearing.columns import I64
from novate.kernel.clearing.largest_loss import worst_of
from novate.kernel.clearing.requirement import short_requirements
from novate.kernel.clearing.value import WORTH_MAX
from novate.kernel.codes import Barrier, Kind, Style
from novate.market.source_state import PRICE_MAX_E8
from novate.market.state import Limits, MarketState
from novate.valuation.group_book import GroupBook, GroupBooks
from novate.valuation.margin_model import B1
from novate.valuation.requirement import Component

E8 = 10**8


class Leg(NamedTuple):
    """A plain option and lots of it: 1 call, -1 put; prices in 1e-8, units and ticks per lot."""

    side: int
    strike: int
    tick: int
    unit: int
    ticks_max: int
    lots: int

    def payoff(self, price: int, is_coin: bool) -> int:
        """Return what a lot pays at a settlement price, ticks (rule 9.39)."""
        inside = self.side * (price - self.strike)
        if inside <= 0:
            return 0
        top, bottom = inside, self.tick
        if is_coin:
            top, bottom = inside * E8, self.tick * price
        return min((2 * top + bottom) // (2 * bottom), self.ticks_max)

    def turns(self, is_coin: bool) -> tuple[int, ...]:
        """Return the prices at which its payoff bends: its strike, and where it is cut."""
        most = self.ticks_max * self.tick
        if not is_coin:
            return self.strike, self.strike + self.side * most
        if self.side > 0:
            return (self.strike,)
        cut = Fraction(self.strike * E8, E8 + most)
        return self.strike, math.floor(cut), math.ceil(cut)


@functools.lru_cache(2**16)
def largest_loss(legs: tuple[Leg, ...], coin: tuple[int, int] | None) -> int | None:
    """Return what options of one expiry lose together at the worst settlement price.

    Parameters
    ----------
    legs
        Options with signed lots, at least one.
    coin
        Decimals of the numeraire and of the underlying, of options that are settled in it.

    Returns
    -------
    int | None
        Numeraire units, rounded up, not negative; nothing if a loss in coin grows with the price
        without end.
    """
    is_coin = coin is not None
    if is_coin and not _is_limited(legs):
        return None
    turns = {1, *(turn for leg in legs for turn in leg.turns(is_coin))}
    if not is_coin:
        turns.add(PRICE_MAX_E8)
    prices = [price for price in turns if 1 <= price <= PRICE_MAX_E8]
    rounding = -(-_half_ticks(legs, is_coin) // 2)
    worths = []
    if coin is not None:
        worths = [price * 10 ** coin[0] / 10 ** (8 + coin[1]) for price in prices]
    if _fits(legs, max(prices), rounding, is_coin):
        rows = [(g.side, g.strike, g.tick, g.ticks_max, g.lots * g.unit) for g in legs]
        columns = np.array(rows, np.int64), np.array(prices, np.int64), np.array(worths, float)
        return int(worst_of(*columns, rounding))
    worst = 0
    for k, price in enumerate(prices):
        loss = rounding - sum(g.lots * g.unit * g.payoff(price, is_coin) for g in legs)
        if is_coin and loss > 0:
            loss = math.ceil(min(loss * worths[k], WORTH_MAX))
        worst = max(worst, loss)
    return worst


_FITS = 2**61
"""Sizes up to here can be added and doubled in 64 bits."""


def _fits(legs: tuple[Leg, ...], price: int, rounding: int, is_coin: bool) -> bool:
    """Whether 64 bits hold all that adds up at prices up to one."""
    size = sum(abs(leg.lots) * leg.unit * leg.ticks_max for leg in legs)
    ticks = max(leg.tick for leg in legs)
    most = max(leg.ticks_max for leg in legs)
    strike = max(leg.strike for leg in legs)
    reach = max(ticks * max(price, strike) if is_coin else 0, price, strike, ticks)
    return size + rounding < _FITS and reach < _FITS and most < 2**48


def _is_limited(legs: tuple[Leg, ...]) -> bool:
    """Whether short calls paid in coin, worth ever more numeraire, are no more than long ones."""
    calls = [leg for leg in legs if leg.side > 0]
    is_whole = all(leg.ticks_max * leg.tick >= E8 for leg in calls)
    return is_whole and sum(Fraction(leg.lots * leg.unit, leg.tick) for leg in calls) >= 0


def _half_ticks(legs: tuple[Leg, ...], is_coin: bool) -> int:
    """Return what rounding may add to the loss between two turns, half units (rule 9.39).

    Payoffs of one kind on one grid are rounded alike.
    """
    first = legs[0]
    is_alike = not is_coin and all(
        leg.side == first.side
        and leg.tick == first.tick
        and (leg.strike - first.strike) % leg.tick == 0
        for leg in legs
    )
    return 0 if is_alike else sum(abs(leg.lots) * leg.unit for leg in legs)


def having_both_sides(market: MarketState, books: GroupBooks) -> B1:
    """Return which books hold a long option and one that is short or may become so; (groups,)."""
    is_option = market.instruments.style[books.instrument] == Style.PREMIUM
    is_long = is_option & (books.lots > 0)
    both: B1 = books.having(is_long) & books.having(is_option & (books.lots < books.sell_lots))
    return both


def reliefs(market: MarketState, book: GroupBook) -> tuple[Component, ...]:
    """Return what the shorts of a book are asked less than by their rule (rules 3.60 to 3.64).

    Returns
    -------
    tuple of Component
        One for each settlement that relieves, its subject the lowest instrument; parts are zero or
        negative, numeraire units.
    """
    found: list[Component] = []
    for rows, lost in _limits(market, book):
        held = _relief(_asked(market, book, rows), lost)
        if any(held):
            found.append(Component(NAME, int(book.instrument[rows[0]]), -held[0], -held[1]))
    return tuple(found)


def summed_reliefs(market: MarketState, books: GroupBooks) -> I64:
    """Return the sums of `reliefs` of many groups, initial and maintenance; shape (groups, 2).

    Zero or negative, each at least -2**61.  What options lose together depends on the lots alone:
    it is kept for books that are seen again.
    """
    c, marks, i = market.instruments, market.marks, books.instrument
    seen = np.stack(
        (
            i, books.netting_set, books.lots, books.sell_lots, c.is_knocked[i], marks.mark[i] > 0,
            marks.final_sum[i], marks.final_rest[i], marks.final_ms[i],
        ),
        axis=1,
    )  # fmt: skip
    kept = market.kept_limits
    if len(kept) >= KEPT_MAX:
        kept.clear()
    asked = np.zeros((2, i.size), np.int64)
    at = np.flatnonzero((c.style[i] == Style.PREMIUM) & (books.lots < books.sell_lots))
    asked[:, at] = _short_margins(
        market, i[at], books.lots[at], books.entry_cost[at], books.sell_lots[at]
    )
    out = np.zeros((len(books), 2), np.int64)
    margins = asked.tolist()
    for k, (first, end) in enumerate(pairwise(books.start.tolist())):
        key = seen[first:end].tobytes()
        if key not in kept:
            kept[key] = _limits(market, books[k])
        total = [0, 0]
        for rows, lost in kept[key]:
            initial, maintenance = (sum(part[first + row] for row in rows) for part in margins)
            held = _relief((initial, maintenance), lost)
            total = [total[0] + held[0], total[1] + held[1]]
        out[k] = [max(-part, -SUM_MAX) for part in total]
    return out


KEPT_MAX = 2**16
"""How many books are remembered at most."""


def _relief(asked: tuple[int, int], lost: tuple[int | None, int | None]) -> tuple[int, int]:
    """Return how much more is asked, initial and maintenance margin, than can be lost."""
    held = [
        0 if most is None else max(total - most, 0) for total, most in zip(asked, lost, strict=True)
    ]
    return held[0], held[1]


def _limits(market: MarketState, book: GroupBook) -> Limits:
    """Return the settlements of a book that hold shorts and longs, with their largest losses."""
    found = []
    for rows in _settlements(market, book):
        lots, sells = book.lots[rows], book.sell_lots[rows]
        if (lots > 0).any() and (lots < sells).any():
            lost = _most_lost(market, book, rows, 0), _most_lost(market, book, rows, 1)
            if lost != (None, None):
                found.append((rows, lost))
    return tuple(found)


NAME = "limited risk"


def _settlements(market: MarketState, book: GroupBook) -> list[list[int]]:
    """Return rows of plain options of one netting set that are settled at one price, in order."""
    c, marks, i = market.instruments, market.marks, book.instrument
    barrier = c.barrier[i]
    is_in = ((barrier == Barrier.UP_IN) | (barrier == Barrier.DOWN_IN)) & (c.is_knocked[i] != 0)
    is_plain = (c.kind[i] == Kind.EUROPEAN) & ((barrier == Barrier.NONE) | is_in)
    rows = np.flatnonzero(is_plain)
    keys = (
        book.netting_set, c.underlying[i], c.expiry_ns[i], c.settlement_asset[i],
        c.settlement_window_ns[i], marks.final_sum[i], marks.final_rest[i], marks.final_ms[i],
    )  # fmt: skip
    found: dict[tuple[int, ...], list[int]] = {}
    for row, *key in zip(rows.tolist(), *(column[rows].tolist() for column in keys), strict=True):
        found.setdefault(tuple(key), []).append(row)
    return list(found.values())


def _asked(market: MarketState, book: GroupBook, rows: list[int]) -> tuple[int, int]:
    """Return initial and maintenance margin of some rows by the rule of short options."""
    at = np.array(rows)
    at = at[book.lots[at] < book.sell_lots[at]]  # the others are asked nothing
    both = _short_margins(
        market, book.instrument[at], book.lots[at], book.entry_cost[at], book.sell_lots[at]
    )
    initial, maintenance = both.tolist()
    return sum(initial), sum(maintenance)


def _short_margins(market: MarketState, i: I64, lots: I64, entry: I64, sells: I64) -> I64:
    """Return what the rule of short options asks of some rows, both margins; shape (2, rows)."""
    both = np.empty((2, i.size), np.int64)
    short_requirements(
        market.instrument_arrays(), market.asset_arrays(), i, lots, entry, sells, *both
    )
    return both


def _most_lost(market: MarketState, book: GroupBook, rows: list[int], k: int) -> int | None:
    """Return the largest loss; nothing where it has no limit or no long option limits it.

    With ``k`` 1, for maintenance margin, it is that of the lots held; with 0 all sells are filled.
    A long option without a mark protects nothing: its sale would be tested for nothing.
    """
    c, at = market.instruments, book.instrument[rows]
    lots = book.lots[rows] - (book.sell_lots[rows] if k == 0 else 0)
    counts = (lots < 0) | ((lots > 0) & (market.marks.mark[at] > 0))
    if not (lots[counts] > 0).any():
        return None
    at = at[counts]
    columns = (c.side, c.strike_e8, c.tick_e8, c.unit, c.ticks_max)
    terms = zip(*(column[at].tolist() for column in columns), lots[counts].tolist(), strict=True)
    legs = [Leg(*row) for row in terms]
    asset = int(c.settlement_asset[book.instrument[rows[0]]])
    decimals = market.assets.decimals
    coin = (int(decimals[0]), int(decimals[asset])) if asset else None
    return largest_loss(tuple(legs), coin)
