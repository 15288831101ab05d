"""The generated day with options in steps of five minutes, run once for all that look at it."""

from __future__ import annotations

from functools import cache

import numpy as np

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.parameter_file import read_parameters
from novate.app.cli import presets
from novate.app.replay import driver
from novate.app.replay.driver import Finished, Prepared
from novate.app.replay.feed import Feed
from novate.app.replay.run import Job, prepare
from novate.units import parse_instant

START_NS = parse_instant("2025-10-10T00:00:00Z")
STRIDE = 5


def job() -> Job:
    """A demonstration with 400 accounts."""
    settings = read_parameters(presets() / "demo.toml", presets())
    settings["book"].update(accounts=400, open_interest=80_000_000 * 10**6)
    return Job(
        parameters=settings,
        symbols=tuple(settings["instruments"]),
        start_ns=START_NS,
        end_ns=START_NS + 86_400 * 10**9,
        title="A day with options",
        order="low-first",
        points=4,
    )


def every_fifth(feed: Feed) -> Feed:
    """Every fifth end of a bar, so that the hedges and the expiry are among them."""
    ends = np.flatnonzero(feed.is_bar_end)
    rows = ends[STRIDE - 1 :: STRIDE]
    return Feed(
        feed.bar_ns,
        len(rows),
        feed.instant_ns[rows],
        *([column[row] for row in rows] for column in (feed.source, feed.price_e8)),
        [feed.observed_ns[row] for row in rows],
        feed.last_e8[rows],
        feed.volume_e8[rows],
        feed.range_ppm[rows],
        feed.is_bar_end[rows],
        feed.recent_e8,
    )


@cache
def ready() -> Prepared:
    """The day, ready to run; for reading only."""
    prepared = prepare(job())
    prepared.feed = every_fifth(prepared.feed)
    return prepared


@cache
def finished() -> Finished:
    """The day after its run; for reading only."""
    return driver.run(ready(), MemoryJournal(), lambda done, total: None)
