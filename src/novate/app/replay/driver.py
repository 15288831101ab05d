"""One run: steps through the engine, and what observes them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from novate.app.replay.book import Book
from novate.app.replay.feed import Feed
from novate.app.replay.option_market import moments_of, option_holders
from novate.app.replay.participants import Participants
from novate.app.replay.read import Inputs
from novate.app.replay.venue import Venue
from novate.canonical import Run
from novate.engine.engine import Engine
from novate.engine.journal import JournalStore
from novate.errors import require
from novate.insight.measure import fund_balances
from novate.insight.observed_run import ObservedRun, opening_balance
from novate.insight.observer import Observer
from novate.insight.option_observer import OptionObserver
from novate.kernel.clearing.assess import NET
from novate.simulation.options.command import OptionVenue


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run before its first step: who takes part, at which prices, and the commands that open it.

    ``inputs`` are what it was made of; ``options`` is the option market, if there is one.
    """

    inputs: Inputs
    venue: Venue
    feed: Feed
    book: Book
    options: OptionVenue | None
    opening: tuple[Run, ...]

    @property
    def calibration(self) -> tuple[dict[str, str], ...]:
        """Targets of what was generated beside what was reached."""
        options = () if self.options is None else self.options.book.calibration
        return (*self.book.calibration, *(row.shown() for row in options))


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that is over.

    Attributes
    ----------
    engine
        That ran it.
    run
        As its figures see it.
    elapsed_s
        How long it took.
    options
        What was observed of the option market, if there is one and it was asked for.
    """

    engine: Engine
    run: ObservedRun
    elapsed_s: float
    options: OptionObserver | None = None


def drive(
    ready: PreparedRun,
    journal: JournalStore,
    progress: Callable[[int, int], None],
    *,
    observes_options: bool = True,
) -> FinishedRun:
    """Open the venue, load the book, and take every step of the feed.

    Parameters
    ----------
    ready
        The run.
    journal
        Takes its records.
    progress
        Called with the number of steps done and in all.
    observes_options
        Whether the option market, if there is one, is measured for the report.

    Raises
    ------
    InvariantError
        If the engine refuses more of the opening than a hundredth of the accounts.
    """
    started = time.perf_counter()
    feed, accounts = ready.feed, ready.book.accounts
    progress(0, len(feed))
    participants = Participants(ready.venue, feed, ready.book, ready.options)
    observer = Observer(accounts.numbers)
    option_observer = _option_observer(ready) if observes_options else None
    engine = Engine(journal)
    state = engine.state
    observer.take(engine.submit(ready.opening, source="opening", source_sequence=1), state)
    refused = sum(observer.refusals.values())
    require(refused <= len(accounts) // 100, f"the opening is accepted, {refused} refused")
    opening = opening_balance(state, engine.sequence, accounts)
    observer.begin(state)
    if option_observer is not None and participants.hedges is not None:
        option_observer.begin(state, participants.hedges.by_underlying)
    numbers = state.assess_all()
    for done, step in enumerate(feed, start=1):
        commands = participants.commands(step, state, numbers)
        observer.note_positions(state)
        batches = engine.submit(commands, source="feed", source_sequence=done)
        numbers = state.assess_all()
        observer.take(batches, state)
        dropped = participants.take(batches)
        if option_observer is not None and participants.hedges is not None:
            option_observer.take(batches, state, participants.hedges.by_underlying, dropped)
        if step.is_bar_end:
            observer.measure(state, step.instant_ns, numbers)
            if option_observer is not None:
                option_observer.sample(state, step.instant_ns, int(step.range_ppm.max()))
        progress(done, len(feed))
    engine.snapshot()
    require(
        observer.fund == fund_balances(state)["fund"], "the events of the day say what the fund has"
    )
    run = ObservedRun(
        state=state,
        head=(engine.sequence, engine.head_hash),
        accounts=accounts,
        opening=opening,
        observer=observer,
        equity_end=numbers[accounts.numbers, NET].copy(),
    )
    return FinishedRun(engine, run, time.perf_counter() - started, option_observer)


def _option_observer(ready: PreparedRun) -> OptionObserver | None:
    if ready.options is None:
        return None
    return OptionObserver(option_holders(ready.options), moments_of(ready.options))
