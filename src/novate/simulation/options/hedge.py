"""Makers keep the delta of their options near zero with perpetuals, at the price they get.

At fixed times each maker that is not called, liquidated or taken over wants as many coins of the
perpetual as its options are short of delta, by the engine's own marks; what the market did not
take, it wants again at every step until it has it.  The orders go to the market
that answers liquidations: they take its depth, pay its impact and move the last price, so that a
market of makers who are short gamma pushes a falling price further down.
"""

from __future__ import annotations

import numpy as np

from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.state import State
from novate.kernel.clearing.columns import I64
from novate.kernel.codes import AccountStatus
from novate.message.declare import columns_of, rows_of
from novate.simulation.options.command import OptionVenue
from novate.simulation.options.terms import Trader


class HedgeBook:
    """Perpetuals that makers hold against options, by account of the book and underlying.

    Parameters
    ----------
    venue
        The option market; its opening hedges are held at the start.

    Attributes
    ----------
    lots
        Signed lots of each underlying's perpetual, int64 ``[accounts, underlyings]``.
    """

    def __init__(self, venue: OptionVenue) -> None:
        self._venue = venue
        self.lots: I64 = venue.hedges().copy()
        self._asked = np.zeros_like(self.lots)
        self._is_behind = False
        book = venue.book
        self.makers: I64 = np.unique(book.account[book.trader == Trader.MARKET_MAKER])

    @property
    def by_underlying(self) -> I64:
        """Lots of each underlying's perpetual that all makers hold together."""
        return np.asarray(self.lots.sum(axis=0))

    def orders(self, state: State, instant_ns: int) -> tuple[I64, I64, I64]:
        """Return maker (row of the book), underlying and signed lots to trade now."""
        venue, nothing = self._venue, np.empty(0, np.int64)
        self._asked[:] = 0
        if not venue.hedge_ns or (instant_ns % venue.hedge_ns and not self._is_behind):
            return nothing, nothing, nothing
        x = state
        delta = np.zeros(self.lots.shape)
        p, first = x.positions, venue.first_instrument
        k = p.used("instrument") - first
        row = p.used("account") - venue.first_account
        is_own = (k >= 0) & np.isin(row, self.makers) & (p.used("lots") != 0)
        held, row, lots = k[is_own], row[is_own], p.used("lots")[is_own]
        contracts = venue.book.contracts
        coins = lots * contracts.lots_size()[held] * (x.marks.delta_e9[first + held] / 1e9)
        live = x.instruments.expiry_ns[first + held] > instant_ns
        np.add.at(delta, (row[live], contracts.underlying[held][live]), coins[live])
        size = np.array([item.lot_e8 / 1e8 for item in venue.underlyings])
        wanted = np.rint(-delta / size).astype(np.int64) - self.lots
        status = x.accounts.status[venue.first_account + np.arange(len(wanted))]
        free = np.isin(np.arange(len(wanted)), self.makers) & (status == AccountStatus.OPEN)
        self._asked[:] = wanted * free[:, None]
        maker, coin = np.nonzero(self._asked)
        return maker, coin, wanted[maker, coin]

    def take(self, batches: list[Batch]) -> tuple[I64, I64]:
        """Follow what was traded, and drop the hedges of makers that were taken over.

        Returns
        -------
        traded, dropped
            Change of ``lots`` by hedging, and by takeovers; same shape.
        """
        traded, dropped = np.zeros_like(self.lots), np.zeros_like(self.lots)
        for batch in batches:
            for run in batch.events:
                if run.name == "TradeNovated":
                    traded += self._hedged(run)
                elif run.name == "AccountTakenOver":
                    for taken in rows_of(run):
                        row = taken["account"] - self._venue.first_account
                        if 0 <= row < len(self.lots):
                            dropped[row] -= self.lots[row] + traded[row] + dropped[row]
        self.lots = self.lots + traded + dropped
        self._is_behind = bool((self._asked != traded).any())
        return traded, dropped

    def _hedged(self, run: Run) -> I64:
        """Lots of perpetuals that makers traded with the external market."""
        columns, out = columns_of(run), np.zeros_like(self.lots)
        for number, item in enumerate(self._venue.underlyings):
            for side, other, sign in (("buyer", "seller", 1), ("seller", "buyer", -1)):
                is_hedge = columns["instrument"] == item.perpetual
                is_hedge &= columns[other] == self._venue.external_market
                rows = columns[side][is_hedge].astype(np.int64) - self._venue.first_account
                inside = np.isin(rows, self.makers)
                np.add.at(out, (rows[inside], number), sign * columns["lots"][is_hedge][inside])
        return out
