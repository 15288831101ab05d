"""The generated day with options in steps of five minutes, run once for all that look at it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.parameter_file import read_parameters
from novate.app.cli import presets
from novate.app.replay.driver import FinishedRun, PreparedRun, drive
from novate.app.replay.feed import Feed
from novate.app.replay.job import Job
from novate.units import parse_instant
from tests.unit.app.replay.small import prepared

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
    names = ("source", "price_e8", "observed_ns")
    reports = {name: [getattr(feed, name)[row] for row in rows] for name in names}
    return replace(
        feed,
        bars=len(rows),
        instant_ns=feed.instant_ns[rows],
        last_e8=feed.last_e8[rows],
        volume_e8=feed.volume_e8[rows],
        range_ppm=feed.range_ppm[rows],
        is_bar_end=feed.is_bar_end[rows],
        **reports,
    )


@cache
def ready() -> PreparedRun:
    """The day, ready to run; for reading only."""
    day = prepared(job())
    return replace(day, feed=every_fifth(day.feed))


@cache
def finished() -> FinishedRun:
    """The day after its run; for reading only."""
    return drive(ready(), MemoryJournal(), lambda done, total: None)
