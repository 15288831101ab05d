"""One job from its files to its report, as a straight line.

    read -> open venue -> feed -> book -> drive -> observe -> verify -> summarise -> write

The *primary* run is journaled, recovered and audited.  Two variants take the same inputs: the other
order of extremes inside a bar, and the same order with the controls off.  They run in a second
process while the primary one goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.sqlite_journal import SqliteJournal
from novate.app.replay.counterfactual import without_controls
from novate.app.replay.driver import FinishedRun, PreparedRun, drive
from novate.app.replay.feed import make_feed
from novate.app.replay.file_book import file_book
from novate.app.replay.generated_book import generated_book
from novate.app.replay.job import ORDERS, OTHER_ORDER, Job, Variant
from novate.app.replay.option_market import option_market, option_opening, option_tables
from novate.app.replay.read import Inputs, read_inputs
from novate.app.replay.summary import summary_of
from novate.app.replay.venue import open_venue
from novate.app.replay.verification import Progress, verify
from novate.app.replay.write import write_json, write_tables
from novate.app.report import write_report
from novate.insight.figure import Outcome, account_rows, outcome
from novate.insight.retrace import MarginObserver, StateObserver
from novate.insight.story import bridge_of, story_of
from novate.simulation.crash_day import CrashDay
from novate.units import MINUTE


def run_job(job: Job, directory: Path, progress: Progress, *, with_variants: bool = True) -> Path:
    """Run a job and its variants, verify, and write the run directory.

    Inputs are read and prepared first: what cannot be used leaves an earlier run as it is, and no
    directory.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    InputError
        If a file or a parameter cannot be used.
    """
    started = time.perf_counter()
    progress("prepare", 0, 2)
    inputs = read_inputs(job)
    progress("prepare", 1, 2)
    with _variants(job.order, inputs, is_wanted=with_variants) as variants:
        ready = prepare(inputs, Variant(job.order))
        progress("prepare", 2, 2)
        with _new_journal(directory) as journal:
            driven = drive(ready, journal, lambda done, total: progress("replay", done, total))
            run = driven.run
            bridge = bridge_of(run)
            observers: list[StateObserver] = [
                MarginObserver(run.accounts.numbers, run.observer.tables["solvency"]),
                *([] if bridge is None else [bridge]),
            ]
            verification = verify(journal, run.state.digest(), progress, observers)
        outcomes = _wait(variants, progress)
    summary = summary_of(job, ready, run, verification, outcomes)
    summary["elapsed_s"] = {
        "replay": round(driven.elapsed_s, 2),
        "verify": round(verification.elapsed_s, 2),
        "all": round(time.perf_counter() - started, 2),
    }
    write_tables(directory, _tables(ready, driven))
    write_json(directory / "summary.json", summary)
    write_json(directory / "story.json", story_of(run, bridge))
    return write_report(directory)


def prepare(inputs: Inputs, variant: Variant) -> PreparedRun:
    """Open the venue, and give it its feed, its book and its option market.

    Raises
    ------
    InputError
        If the inputs do not fit together.
    """
    parameters = inputs.parameters
    rules = parameters if variant.has_controls else without_controls(parameters)
    # The same people with the same money, whatever the rules: the book is drawn under the controls.
    venue = open_venue(parameters, inputs.symbols, inputs.start_ns - 10 * MINUTE, rules)
    feed = make_feed(inputs.prices, venue, order=ORDERS[variant.order], points=inputs.points)
    if inputs.book is None:
        book = generated_book(venue, feed, inputs.seed)
    else:
        book = file_book(venue, feed, inputs.book)
    options = None
    if isinstance(inputs.prices, CrashDay):
        options = option_market(venue, feed, book, inputs.prices)
    opening = (
        *venue.opening,
        *feed.opening(rules),
        *book.opening,
        *([] if options is None else option_opening(options)),
    )
    return PreparedRun(inputs, venue, feed, book, options, opening)


def run_variant(inputs: Inputs, variant: Variant) -> Outcome:
    """Run a variant without a durable journal and return its figures."""
    ready = prepare(inputs, variant)
    driven = drive(ready, MemoryJournal(), lambda done, total: None, observes_options=False)
    return outcome(driven.run)


@contextmanager
def _variants(
    order: str, inputs: Inputs, *, is_wanted: bool
) -> Iterator[Mapping[str, Future[Outcome]]]:
    """Run the variants in a second process."""
    if not is_wanted:
        yield {}
        return
    variants = {
        "other": Variant(OTHER_ORDER[order]),
        "off": Variant(order, has_controls=False),
    }
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield {
            name: pool.submit(run_variant, inputs, variant) for name, variant in variants.items()
        }


def _wait(variants: Mapping[str, Future[Outcome]], progress: Progress) -> dict[str, Outcome]:
    """What the variants came to."""
    outcomes = {}
    for done, (name, future) in enumerate(variants.items()):
        progress("variants", done, len(variants))
        outcomes[name] = future.result()
    if variants:
        progress("variants", len(variants), len(variants))
    return outcomes


@contextmanager
def _new_journal(directory: Path) -> Iterator[SqliteJournal]:
    """Give a journal in a directory, in the place of one that is there."""
    directory.mkdir(parents=True, exist_ok=True)
    for stale in directory.glob("journal.db*"):
        stale.unlink()
    journal = SqliteJournal(directory / "journal.db")
    try:
        yield journal
    finally:
        journal.close()


def _tables(ready: PreparedRun, driven: FinishedRun) -> dict[str, list[dict[str, Any]]]:
    """Tables of the run directory by name."""
    tables = {**driven.run.observer.tables, "accounts": account_rows(driven.run)}
    day = ready.inputs.prices
    if ready.options is not None and driven.options is not None and isinstance(day, CrashDay):
        tables.update(option_tables(ready.options, driven.options, day, ready.inputs.seed))
    return tables
