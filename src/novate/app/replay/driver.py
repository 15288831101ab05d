"""One run: steps through the engine, the market answers, the holders react."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from novate.adapter.price_file import BarCount
from novate.adapter.quarantine import Quarantine
from novate.app.replay.book import LoadedBook, holders_react
from novate.app.replay.feed import Feed, Step
from novate.app.replay.market import Responder
from novate.app.replay.observe import Observer
from novate.app.replay.option import moments_of
from novate.app.replay.option_hedge import HedgeBook
from novate.app.replay.option_watch import OptionWatch
from novate.app.replay.trades import due
from novate.app.replay.venue import Venue
from novate.canonical import Run
from novate.engine.engine import Engine
from novate.engine.journal import JournalStore
from novate.errors import require
from novate.kernel.clearing.assess import EQUITY, INITIAL, NET
from novate.message import command
from novate.message.layer import BALANCES
from novate.simulation.options.command import OptionVenue, hedge_trades

I64 = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Prepared:
    """A venue with its book and feed, ready to run."""

    venue: Venue
    opening: list[Any]
    book: LoadedBook
    feed: Feed
    quarantine: Quarantine = field(default_factory=Quarantine)
    bars: tuple[BarCount, ...] = ()
    options: OptionVenue | None = None


@dataclass(slots=True)
class Finished:
    """A run that is over: the engine, what was observed, and equity at start and end.

    ``opening`` is the sequence of the opening's last record, ``options`` what was seen of the
    option market, if there is one.
    """

    engine: Engine
    observer: Observer
    equity_start: I64
    equity_end: I64
    funds_start: dict[str, int]
    elapsed_s: float
    opening: int = 0
    options: OptionWatch | None = None


def run(
    ready: Prepared, journal: JournalStore, progress: Progress, *, is_watched: bool = True
) -> Finished:
    """Open the venue, load the book, and take every step of the feed.

    ``progress`` is called with the number of steps done and in all; its option
    market, if it has one, is measured for the report if ``is_watched``.
    """
    started = time.perf_counter()
    venue, book, feed, options = ready.venue, ready.book, ready.feed, ready.options
    engine = Engine(journal)
    observer = Observer(venue, book.accounts)
    batches = engine.submit([*ready.opening, *book.runs], source="opening", source_sequence=1)
    observer.take(batches, engine.state)
    refused = sum(observer.refusals.values())
    require(refused <= len(book.accounts) // 100, f"the opening is accepted, {refused} refused")
    observer.flows.clear()
    observer.facts.clear()
    numbers = engine.state.assess_all()
    equity_start = numbers[book.accounts, NET].copy()
    funds_start = fund_levels(engine)
    opened = engine.sequence
    observer.watch_fund(funds_start["fund"], engine.state.now_ns)
    responder = Responder(venue, feed.bar_ns, feed.last_e8[0], options)
    watch = None
    if options is not None:
        watch = OptionWatch(options, HedgeBook(options), moments_of(options), is_sampled=is_watched)
        watch.begin(engine.state)
    for done, step in enumerate(feed, start=1):
        commands = _commands(step, engine, responder, book, numbers, watch)
        observer.remember(engine.state)
        batches = engine.submit(commands, source="feed", source_sequence=done)
        numbers = engine.state.assess_all()
        observer.take(batches, engine.state)
        if watch is not None:
            watch.take(batches, engine.state)
        if step.is_bar_end:
            observer.measure(engine.state, step.instant_ns, numbers)
            if watch is not None:
                watch.sample(engine.state, step.instant_ns, int(step.range_ppm.max()))
        progress(done, len(feed))
    engine.snapshot()
    require(
        observer.fund == fund_levels(engine)["fund"], "the events of the day say what the fund has"
    )
    return Finished(
        engine,
        observer,
        equity_start,
        numbers[book.accounts, NET].copy(),
        funds_start,
        time.perf_counter() - started,
        opened,
        watch,
    )


def _commands(
    step: Step,
    engine: Engine,
    responder: Responder,
    book: LoadedBook,
    numbers: I64,
    watch: OptionWatch | None,
) -> list[Run]:
    """Everything that happens at one instant, in order: prices, fills, holders, assessment."""
    at_ns, venue = step.instant_ns, responder.venue
    responder.observe(step, engine.state)
    fills = responder.answer(engine.state, at_ns)
    if watch is not None:
        fills.extend(_hedges(watch, engine, responder, at_ns))
    shifted = step.last_e8 + step.last_e8 * responder.last_displacement_ppm // 1_000_000
    tick = np.array([contract.tick_e8 for contract in venue.contracts])
    most = engine.state.instruments.ticks_max[: len(tick)]
    ticks = np.clip((2 * shifted + tick) // (2 * tick), 1, most)
    active = np.flatnonzero(engine.state.instruments.status[: len(tick)] == 1)
    earlier, traded = due(book.trades, at_ns)
    commands = [*earlier, command.ADVANCE_TIME.row(instant_ns=at_ns)]
    if step.source.size:
        commands.append(
            command.REPORT_PRICE.run(
                {
                    "source": step.source,
                    "price_e8": step.price_e8,
                    "observed_ns": step.observed_ns,
                }
            )
        )
    if watch is not None:
        commands.extend(watch.venue.smiles(at_ns))
    if active.size:
        commands.append(command.REPORT_LAST.run({"instrument": active, "ticks": ticks[active]}))
    commands.extend(traded)
    commands.extend(fills)
    commands.extend(
        holders_react(
            book,
            numbers[book.accounts, EQUITY],
            numbers[book.accounts, INITIAL],
            at_ns,
        )
    )
    commands.append(command.ASSESS_MARGIN.row(instant_ns=at_ns))
    return commands


def _hedges(watch: OptionWatch, engine: Engine, responder: Responder, at_ns: int) -> list[Run]:
    """Trades by which makers of options keep their delta near zero."""
    maker, coin, lots = watch.hedges.orders(engine.state, at_ns)
    row, traded, ticks = responder.hedge(coin, lots, at_ns)
    options = watch.venue
    perpetual = np.array([item.perpetual for item in options.underlyings])
    return hedge_trades(
        maker[row] + options.first_account, options.external_market, perpetual[coin[row]], ticks,
        traded,
    )  # fmt: skip


def fund_levels(engine: Engine) -> dict[str, int]:
    """Balances of the loss-absorbing layers, numeraire units."""
    accounts = engine.state.accounts
    role = accounts.used("role")
    return {
        name: int(accounts.used("balance")[role == which, 0].sum())
        for name, which in BALANCES.items()
    }
