"""Everybody but the clearing house in a run: the market, holders, makers, and trades of a file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from novate.app.replay.book import Book
from novate.app.replay.feed import Feed, Step
from novate.app.replay.holders import Holders
from novate.app.replay.responder import Responder
from novate.app.replay.trades import TradeQueue
from novate.app.replay.venue import Venue
from novate.canonical import Run
from novate.engine.batch import Batch
from novate.engine.state import State
from novate.kernel.clearing.assess import EQUITY, INITIAL
from novate.message import command
from novate.simulation.options.command import OptionVenue, hedge_trades
from novate.simulation.options.hedge import HedgeBook

I64 = npt.NDArray[np.int64]


class Participants:
    """What they submit at each step; they see the state that the step before left.

    Parameters
    ----------
    venue, feed, book, options
        The run; ``options`` is its option market, if there is one.

    Attributes
    ----------
    hedges
        Perpetuals that makers of options hold; None without an option market.
    """

    def __init__(
        self, venue: Venue, feed: Feed, book: Book, options: OptionVenue | None = None
    ) -> None:
        self._accounts = book.accounts.numbers
        self._tick_e8 = np.array([contract.tick_e8 for contract in venue.contracts])
        self._options = options
        self._responder = Responder(venue, feed.bar_ns, feed.last_e8[0], options)
        self._holders = Holders(book)
        self._trades = TradeQueue(book.trades)
        self.hedges = None if options is None else HedgeBook(options)

    def commands(self, step: Step, state: State, numbers: I64) -> list[Run]:
        """Return all that happens at one instant, in order: prices, trades, fills, holders.

        The last command assesses margin.

        Parameters
        ----------
        step
            Prices of the instant.
        state, numbers
            The state, and its assessments of all accounts.
        """
        at_ns = step.instant_ns
        self._responder.observe(step, state)
        fills = self._responder.answer(state, at_ns)
        fills.extend(self._hedges(state, at_ns))
        last = self._last_prices(step, state)
        earlier, traded = self._trades.due(at_ns)
        equity, initial = numbers[self._accounts, EQUITY], numbers[self._accounts, INITIAL]
        return [
            *earlier,
            command.ADVANCE_TIME.row(instant_ns=at_ns),
            *_reports(step),
            *([] if self._options is None else self._options.smiles(at_ns)),
            *last,
            *traded,
            *fills,
            *self._holders.react(equity, initial, at_ns),
            command.ASSESS_MARGIN.row(instant_ns=at_ns),
        ]

    def take(self, batches: list[Batch]) -> I64:
        """Follow what was traded; returns lots of hedges that takeovers dropped, by maker."""
        if self.hedges is None:
            return np.zeros((0, 0), np.int64)
        return self.hedges.take(batches)[1]

    def _last_prices(self, step: Step, state: State) -> list[Run]:
        """The venue's prices of the contracts that still trade, moved by what we sold there."""
        tick, displaced = self._tick_e8, self._responder.last_displacement_ppm
        shifted = step.last_e8 + step.last_e8 * displaced // 1_000_000
        most = state.instruments.ticks_max[: len(tick)]
        ticks = np.clip((2 * shifted + tick) // (2 * tick), 1, most)
        active = np.flatnonzero(state.instruments.status[: len(tick)] == 1)
        if not active.size:
            return []
        return [command.REPORT_LAST.run({"instrument": active, "ticks": ticks[active]})]

    def _hedges(self, state: State, at_ns: int) -> list[Run]:
        """Trades by which makers of options keep their delta near zero."""
        if self._options is None or self.hedges is None:
            return []
        maker, coin, lots = self.hedges.orders(state, at_ns)
        row, traded, ticks = self._responder.hedge(coin, lots, state, at_ns)
        options = self._options
        perpetual = np.array([item.perpetual for item in options.underlyings])
        return hedge_trades(
            maker[row] + options.first_account, options.external_market, perpetual[coin[row]],
            ticks, traded,
        )  # fmt: skip


def _reports(step: Step) -> list[Run]:
    if not step.source.size:
        return []
    return [
        command.REPORT_PRICE.run(
            {
                "source": step.source,
                "price_e8": step.price_e8,
                "observed_ns": step.observed_ns,
            }
        )
    ]
