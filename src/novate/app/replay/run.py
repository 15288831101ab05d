"""The main job: a day through the clearing house, its variants beside it, verified and reported.

The *primary* run is journaled, recovered and audited.  Two variants follow on the same book and
prices: the other order of extremes inside a bar, and the same order with the controls off.  They
run in a second process while the primary one goes on.
"""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from novate.adapter.book_file import Grid, load_collateral, load_positions, load_trades
from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.price_file import BarCount, load_prices
from novate.adapter.quarantine import Quarantine
from novate.adapter.sqlite_journal import SqliteJournal
from novate.app.replay import driver, story, summary
from novate.app.replay.book import LoadedBook, file_book, generated_book
from novate.app.replay.driver import Prepared
from novate.app.replay.feed import Feed, day_feed, file_feed
from novate.app.replay.option import option_opening, option_tables, option_venue
from novate.app.replay.retrace import MarginWatch, Visitor, retrace
from novate.app.replay.venue import Venue, open_venue
from novate.app.replay.write import write_json, write_tables
from novate.app.report import write_report
from novate.canonical import Run
from novate.engine.journal import JournalStore
from novate.engine.recover import audit
from novate.engine.version import ENGINE_VERSION
from novate.errors import InputError
from novate.message.parameter import SETTINGS, Parameter, set_parameter
from novate.simulation.crash_day import crash_day
from novate.simulation.path import PathOrder
from novate.units import MINUTE, format_instant

ORDERS = {"high-first": PathOrder.HIGH_FIRST, "low-first": PathOrder.LOW_FIRST}
OTHER = {"high-first": "low-first", "low-first": "high-first"}
Say = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What to run; crosses to the second process, so it holds plain values only.

    Attributes
    ----------
    parameters
        Checked parameters.
    symbols
        Instruments, in order.
    start_ns, end_ns
        Window of bars.
    title
        First line of the report.
    price_files
        Files of bars; a crash day is generated when there are none.
    positions_file, collateral_file
        The book; generated when there are none.
    trades_file
        Executed trades of the window, with a book from files.
    order
        Which extreme of a bar comes first.
    points
        Prices per bar.
    quiet_ppm
        Generated day: range of a bar up to which only its close is taken.
    has_controls
        Whether the venue's rules are the parameters or their counterfactual.
    commands, notes
        For the report.
    """

    parameters: Mapping[str, Any]
    symbols: tuple[str, ...]
    start_ns: int
    end_ns: int
    title: str
    order: str
    points: int
    price_files: tuple[str, ...] = ()
    positions_file: str = ""
    collateral_file: str = ""
    trades_file: str = ""
    quiet_ppm: int = 10_000
    has_controls: bool = True
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def prepare(job: Job) -> Prepared:
    """Read or generate prices and book."""
    quarantine = Quarantine(faults_max=job.parameters["run"]["faults_max"])
    seed = job.parameters["run"]["seed"]
    rules = job.parameters if job.has_controls else without_controls(job.parameters)
    venue, opening = open_venue(rules, list(job.symbols), job.start_ns - 10 * MINUTE)
    # The same people with the same money, whatever the rules: the book is drawn under the controls.
    venue.parameters = job.parameters
    bars: tuple[BarCount, ...] = ()
    generated = None
    if job.price_files:
        names = [contract.price_symbol for contract in venue.contracts]
        table = load_prices(job.price_files, names, job.start_ns, job.end_ns, quarantine)
        bars = table.review.bars
        feed, declared = file_feed(table, venue, order=ORDERS[job.order], points=job.points)
    else:
        day = crash_day(seed, job.start_ns)
        generated = day
        feed, declared = day_feed(
            day, venue, order=ORDERS[job.order], points=job.points, quiet_ppm=job.quiet_ppm
        )
    opening.extend(declared)
    opening.extend(_patience(rules, feed))
    if job.trades_file and not job.positions_file:
        raise InputError("a trades file needs a positions and a collateral file beside it")
    if job.positions_file:
        book = _book_from_files(job, venue, feed, quarantine)
    else:
        book = generated_book(venue, feed, seed=seed, stress_start_ns=_stress_start(feed))
    options = None
    if generated is not None and book.generated is not None:
        options = option_venue(venue, generated, book.generated, feed, int(book.accounts[0]))
    if options is not None:
        book.runs.extend(option_opening(options))
        book.calibration.extend(row.shown() for row in options.book.calibration)
    return Prepared(venue, opening, book, feed, quarantine, bars, options)


def _book_from_files(job: Job, venue: Venue, feed: Feed, quarantine: Quarantine) -> LoadedBook:
    grids = {c.symbol: Grid(c.tick_e8, c.lot_e8) for c in venue.contracts}
    if not job.collateral_file:
        raise InputError("a positions file needs a collateral file beside it")
    positions = load_positions(job.positions_file, grids, quarantine)
    decimals = dict(zip(venue.assets, venue.decimals, strict=True))
    collateral = load_collateral(job.collateral_file, decimals, quarantine)
    trades = load_trades(job.trades_file, grids, quarantine) if job.trades_file else None
    return file_book(venue, feed, positions, collateral, trades)


def _patience(rules: Mapping[str, Any], feed: Feed) -> list[Run]:
    """Let an order live for two answers of the market at least: it answers once in a step."""
    life = rules["liquidation"]["order_minutes"] * MINUTE
    step = int(np.diff(feed.instant_ns).max(initial=0))
    least = 2 * (step + rules["agent"]["latency_ms"] * 1_000_000)
    if life == 0 or life >= least:
        return []
    most = SETTINGS[Parameter.ORDER_LIFE_NS].maximum
    value = least if least <= most else 0
    return [set_parameter(Parameter.ORDER_LIFE_NS, value)]


def _stress_start(feed: Feed) -> int:
    """Instant of the widest bar of the first contract: around it holders withdraw."""
    return int(feed.instant_ns[int(feed.range_ppm[:, 0].argmax())])


def without_controls(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The counterfactual: the same venue without its risk controls.

    Collateral counts in full (no haircuts), margin does not rise with size (the first tier for
    all), the mark is the last price (no clamp, no averaging), sources are screened neither for
    outliers nor for age, a position is dumped in one order, an account is taken over only when its
    equity is gone, no fee feeds the fund, and a withdrawal keeps nothing back for the cost of
    liquidation.  Calls, unproven gains and the waterfall stay as they are.
    """
    off = copy.deepcopy(dict(parameters))
    off["index"].update(
        outlier_ppm=1_000_000, sources_min=1, staleness_seconds=604_800, basis_seconds=1
    )
    off["liquidation"].update(slice_ppm=1_000_000, takeover_ppm=0, release_ppm=1_000_000, fee_ppm=0)
    off["margin"]["liquidation_cost_ppm"] = 0
    for asset in off["assets"].values():
        asset["haircut_bps"] = 0
    for terms in off["instruments"].values():
        terms["basis_clamp_ppm"] = 1_000_000
        terms["tiers"] = terms["tiers"][:1]
    return off


def run_variant(job: Job) -> summary.Outcome:
    """Run a variant without a durable journal and return its numbers."""
    ready = prepare(job)
    finished = driver.run(ready, MemoryJournal(), lambda done, total: None, is_watched=False)
    return summary.outcome(finished, ready.book)


def run_job(job: Job, directory: Path, say: Say, *, with_variants: bool = True) -> Path:
    """Run the primary and its variants, verify, and write the run directory.

    Returns
    -------
    Path
        The report.
    """
    started = time.perf_counter()
    variants = (
        {"other": _with(job, order=OTHER[job.order]), "off": _with(job, off=True)}
        if with_variants
        else {}
    )
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        futures: dict[str, Future[summary.Outcome]] = {
            name: pool.submit(run_variant, variant) for name, variant in variants.items()
        }
        # Inputs first: what cannot be used leaves an earlier run as it is, and no directory.
        ready = prepare(job)
        directory.mkdir(parents=True, exist_ok=True)
        for stale in directory.glob("journal.db*"):
            stale.unlink()
        journal = SqliteJournal(directory / "journal.db")
        try:
            finished = driver.run(ready, journal, lambda done, total: say("replay", done, total))
            watch = MarginWatch(ready.book.accounts, finished.observer.tables["solvency"])
            bridge = story.bridge_of(finished, ready.book)
            visitors: list[Visitor] = [watch] if bridge is None else [watch, bridge]
            checks = verify(journal, finished.engine.state.digest(), say, visitors)
        finally:
            journal.close()
        outcomes = {}
        for k, (name, future) in enumerate(futures.items()):
            say("variants", k, len(futures))
            outcomes[name] = future.result()
        if futures:
            say("variants", len(futures), len(futures))
    content = _content(job, ready, finished, checks, outcomes)
    content["elapsed_s"] = {
        "replay": round(finished.elapsed_s, 2),
        "verify": round(checks["elapsed_s"], 2),
        "all": round(time.perf_counter() - started, 2),
    }
    del content["verification"]["elapsed_s"]
    tables = dict(finished.observer.tables)
    tables["accounts"] = summary.account_rows(finished, ready.book)
    if ready.options is not None and finished.options is not None:
        seed = job.parameters["run"]["seed"]
        day = crash_day(seed, job.start_ns)
        tables.update(option_tables(ready.options, finished.options, day, seed))
    write_tables(directory, tables)
    write_json(directory / "summary.json", content)
    write_json(directory / "story.json", story.story_of(finished, ready.book, bridge))
    return write_report(directory)


def _with(job: Job, *, order: str = "", off: bool = False) -> Job:
    """A variant of a job."""
    values = {name: getattr(job, name) for name in Job.__slots__}
    if order:
        values["order"] = order
    values["has_controls"] = not off
    return Job(**values)


def verify(
    journal: JournalStore, digest: bytes, say: Say, visitors: Sequence[Visitor] = ()
) -> dict[str, Any]:
    """Recover and audit a journal; the state must be the one that the run left.

    ``visitors`` look at the state between the events of the recovery.
    """
    started = time.perf_counter()
    total = journal.head()[0]
    say("recover", 0, total)
    recovered = retrace(journal, visitors, lambda n: say("recover", n, total))
    same = recovered.digest() == digest
    report = audit(journal, progress=lambda n: say("audit", n, total))
    return {
        "recovered": same,
        "audited": report.digest == digest,
        "elapsed_s": time.perf_counter() - started,
    }


def _content(
    job: Job,
    ready: Prepared,
    finished: driver.Finished,
    checks: Mapping[str, Any],
    outcomes: Mapping[str, summary.Outcome],
) -> dict[str, Any]:
    """The summary document."""
    mine = summary.outcome(finished, ready.book)
    both = {job.order: mine.shown()}
    if "other" in outcomes:
        both[OTHER[job.order]] = outcomes["other"].shown()
    return {
        "title": job.title,
        "engine_version": ENGINE_VERSION,
        "numeraire": ready.venue.assets[0],
        "period": {
            "from": format_instant(int(ready.feed.instant_ns[0])),
            "to": format_instant(int(ready.feed.instant_ns[-1])),
        },
        "bars": ready.feed.bars,
        "steps": len(ready.feed),
        "accounts": len(ready.book.accounts),
        "house_accounts": summary.house_accounts(finished, ready.book),
        "instruments": [contract.symbol for contract in ready.venue.contracts],
        "options": len(ready.venue.options),
        "path": job.order,
        "result": summary.result_of(finished, ready.book),
        "payers": summary.payers_of(finished, ready.book),
        "worst_accounts": summary.worst_accounts(finished, ready.book),
        "controls": (
            {"on": mine.shown(), "off": outcomes["off"].shown()} if "off" in outcomes else None
        ),
        "bounds": (
            {name.replace("-", "_"): both[name] for name in sorted(both)}
            if len(both) == 2
            else None
        ),
        "bars_by_symbol": [
            {**dataclasses.asdict(count), "missing": count.missing} for count in ready.bars
        ],
        "calibration": ready.book.calibration,
        "quarantine": [
            {
                "file": fault.file,
                "row": fault.row,
                "column": fault.column,
                "value": fault.value,
                "allowed": fault.allowed,
            }
            for fault in ready.quarantine.examples
        ],
        "quarantined_rows": ready.quarantine.count,
        "refusals": [
            {"command": name, "refusal": code, "count": count}
            for (name, code), count in sorted(finished.observer.refusals.items())
        ],
        "verification": summary.verification_of(finished, dict(checks)),
        "notes": list(job.notes),
        "commands": list(job.commands),
    }


__all__ = ["Job", "prepare", "run_job", "run_variant", "verify", "without_controls"]
