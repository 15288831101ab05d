from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.adapter.price_file import PriceReview, PriceTable
from novate.app.replay.feed import PAR_E8, Feed, day_feed, file_feed, make_feed
from novate.app.replay.venue import Venue, open_venue
from novate.engine.engine import Engine
from novate.errors import InputError
from novate.message.declare import rows_of
from novate.message.parameter import MINUTE, Parameter
from novate.simulation.crash_day import CrashDay, crash_day
from novate.simulation.path import PathOrder
from tests.unit.app.replay.small import START_NS, job, parameters, prepared, venue
from tests.unit.app.test_cli import demo_parameters

HOUR = 3_600 * 10**9
E8 = 10**8


def table(*bars: tuple[int, int, tuple[int, int, int, int]], marks: bool = False) -> PriceTable:
    """Bars (hour, symbol, last prices in whole units); marks are ten higher."""
    last = np.array([prices for _, _, prices in bars], np.int64).reshape(-1, 4) * E8
    opens = np.array([START_NS + hour * HOUR for hour, _, _ in bars], np.int64)
    return PriceTable(
        symbols=("ETHUSDT", "BTCUSDT"),
        interval_ns=HOUR,
        open_ns=opens,
        close_ns=opens + HOUR,
        symbol=np.array([symbol for _, symbol, _ in bars], np.int32),
        last=last,
        mark=last + 10 * E8 if marks else np.zeros_like(last),
        has_mark=np.full(len(bars), marks),
        volume=np.arange(1, len(bars) + 1, dtype=np.int64) * E8,
        review=PriceReview(
            files=(), rows=0, duplicates=0, reordered=0, mark_only=0, quarantined=0, gaps=()
        ),
    )


TWO_HOURS = (
    (0, 0, (3_000, 3_030, 2_970, 3_010)),
    (0, 1, (50_000, 51_000, 49_500, 50_500)),
    (1, 0, (3_010, 3_020, 3_000, 3_015)),
    (1, 1, (50_500, 50_600, 50_400, 50_450)),
)


def steps_of(prices: PriceTable, order: PathOrder = PathOrder.LOW_FIRST) -> Feed:
    return file_feed(prices, venue(), order=order, points=4)


def test_each_bar_takes_its_points_on_the_declared_path() -> None:
    feed = steps_of(table(*TWO_HOURS))

    steps = list(feed)

    assert len(feed) == len(steps) == 8
    assert feed.bars == 2
    # Columns are in the order of the contracts, BTC first, whatever the file's.
    assert [int(step.last_e8[0]) // E8 for step in steps[:4]] == [50_000, 49_500, 51_000, 50_500]
    assert [int(step.last_e8[1]) // E8 for step in steps[:4]] == [3_000, 2_970, 3_030, 3_010]
    assert [step.is_bar_end for step in steps] == [False, False, False, True] * 2
    assert steps[0].instant_ns == START_NS
    assert steps[4].instant_ns == START_NS + HOUR
    assert all(before.instant_ns < after.instant_ns for before, after in pairwise(steps))


def test_the_other_order_visits_the_high_first() -> None:
    feed = steps_of(table(*TWO_HOURS), PathOrder.HIGH_FIRST)

    assert [int(price) // E8 for price in feed.last_e8[:4, 0]] == [50_000, 51_000, 49_500, 50_500]


def test_volume_and_range_of_a_bar_go_with_all_its_points() -> None:
    feed = steps_of(table(*TWO_HOURS))

    assert feed.volume_e8[:, 0].tolist() == [2 * E8] * 4 + [4 * E8] * 4
    assert feed.range_ppm[0].tolist() == [1_500 * 10**6 // 49_500, 60 * 10**6 // 2_970]


@pytest.mark.parametrize(("marks", "first"), [(True, 50_010), (False, 50_000)])
def test_the_mark_stands_in_for_the_index_where_there_is_one(marks: bool, first: int) -> None:
    feed = steps_of(table(*TWO_HOURS, marks=marks))

    step = next(iter(feed))

    reported = {
        feed.sources[int(s)].name: int(price)
        for s, price in zip(step.source, step.price_e8, strict=True)
    }
    assert reported == {
        "file:BTC": first * E8,
        "file:ETH": (3_010 if marks else 3_000) * E8,
        "par:USDC": PAR_E8,
    }
    assert set(step.observed_ns) == {step.instant_ns}
    declared = [rows_of(run)[0] for run in feed.opening(parameters())[: len(feed.sources)]]
    assert [row["symbol"] for row in declared] == [source.name for source in feed.sources]
    assert [row["asset"] for row in declared] == [source.asset for source in feed.sources]


def test_a_bar_that_one_contract_lacks_is_left_out_for_all() -> None:
    feed = steps_of(table(*TWO_HOURS[:3], (2, 0, (1, 1, 1, 1)), (2, 1, (5, 5, 5, 5))))

    assert feed.bars == 2
    assert {int(at - START_NS) // HOUR for at in feed.instant_ns} == {0, 2}


def test_files_without_a_common_bar_are_refused() -> None:
    with pytest.raises(InputError, match="no bar has a price of every contract"):
        steps_of(table(TWO_HOURS[0], TWO_HOURS[3]))


# ---- a generated day


@cache
def day() -> CrashDay:
    return crash_day(1, START_NS)


def demo_venue() -> Venue:
    settings = demo_parameters()
    return open_venue(settings, tuple(settings["instruments"]), START_NS)


def day_steps(quiet_ppm: int) -> Feed:
    return day_feed(day(), demo_venue(), order=PathOrder.LOW_FIRST, points=4, quiet_ppm=quiet_ppm)


def test_a_quiet_bar_only_closes_and_a_wide_one_takes_its_path() -> None:
    feed = day_steps(10_000)

    assert feed.bars == 1_440
    assert int(np.count_nonzero(feed.is_bar_end)) == 1_440
    inner = ~feed.is_bar_end
    assert 0 < int(np.count_nonzero(inner)) < 3 * 1_440
    assert int(np.count_nonzero(inner)) % 3 == 0
    assert feed.range_ppm[inner].max(axis=1).min() > 10_000
    assert (np.diff(feed.instant_ns) > 0).all()


def test_sources_report_at_the_end_of_each_minute_only() -> None:
    feed = day_steps(10_000)

    names = [source.name for source in feed.sources]
    assert len(set(names)) == len(names)
    assert {source.asset for source in feed.sources} <= set(range(len(demo_venue().assets)))
    ends = [
        reported.size > 0 for reported, end in zip(feed.source, feed.is_bar_end, strict=True) if end
    ]
    inside = [
        reported.size for reported, end in zip(feed.source, feed.is_bar_end, strict=True) if not end
    ]
    assert all(ends)
    assert set(inside) == {0}
    for step in feed:
        assert (step.observed_ns <= step.instant_ns).all()
        assert step.source.size == step.price_e8.size == step.observed_ns.size


def test_without_a_quiet_limit_every_bar_takes_its_path() -> None:
    feed = day_steps(0)

    assert len(feed) == 4 * 1_440


# ---- either


def test_prices_of_either_kind_make_a_feed() -> None:
    order = PathOrder.LOW_FIRST
    from_files = make_feed(table(*TWO_HOURS), venue(), order=order, points=4)
    generated = make_feed(day(), demo_venue(), order=order, points=4)

    assert (from_files.bars, from_files.step_ns) == (2, HOUR // 4)
    assert (generated.bars, generated.step_ns) == (1_440, MINUTE)


@pytest.mark.parametrize(
    ("minutes", "latency_ms", "life_ns"),
    [
        (10, 250, 2 * (15 * MINUTE + 250_000_000)),  # hourly bars of four points
        (10, 3_600_000, 2 * (75 * MINUTE)),
        (60, 250, 60 * MINUTE),
        (0, 250, 0),
    ],
)
def test_an_order_outlives_two_answers_of_the_market(
    tmp_path: Path, minutes: int, latency_ms: int, life_ns: int
) -> None:
    settings = parameters()
    settings["liquidation"]["order_minutes"] = minutes
    settings["agent"]["latency_ms"] = latency_ms

    engine = Engine(MemoryJournal())
    engine.submit(prepared(job(tmp_path, parameters=settings)).opening)

    assert engine.state.parameter(Parameter.ORDER_LIFE_NS) == life_ns


def test_a_feed_with_fewer_sources_than_an_index_needs_is_refused() -> None:
    feed = make_feed(table(*TWO_HOURS), venue(), order=PathOrder.LOW_FIRST, points=4)
    settings = parameters()
    assert len(feed.opening(settings)) > 0
    settings["index"]["sources_min"] = 2

    with pytest.raises(InputError, match=r"sources_min is 2, and .* is one of 1 sources"):
        feed.opening(settings)
