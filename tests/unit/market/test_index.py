from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.codes import InstrumentStatus
from novate.market import index
from novate.market.index import blend, to_ticks
from novate.market.state import MarketState
from novate.message.parameter import Parameter
from novate.message.refusal import ReportLastRefusal, ReportPriceRefusal
from tests.unit.clearing import E8, HOUR, MINUTE, SECOND, START, Recorder

MS = 10**6


def market(*sources: tuple[int, int]) -> MarketState:
    """Numeraire and one asset, with sources of (price, age) that count alike."""
    state = MarketState()
    state.now_ns = START
    state.parameters[Parameter.INDEX_STALENESS_NS] = MINUTE
    state.parameters[Parameter.INDEX_SOURCES_MIN] = 1
    state.assets.append()
    state.assets.append()
    for price, age_ns in sources:
        source = state.sources.append()
        state.sources.asset[source] = 1
        state.sources.weight[source] = 1
        state.sources.price_e8[source] = price
        state.sources.observed_ns[source] = START - age_ns
    return state


# ---- reports


@pytest.mark.rule("4.25", "5.2")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"source": 1, "price_e8": 0}, ReportPriceRefusal.UNKNOWN_SOURCE),
        ({"price_e8": 0, "observed_ns": START + 1}, ReportPriceRefusal.PRICE_OUT_OF_RANGE),
        ({"price_e8": 10**17 + 1}, ReportPriceRefusal.PRICE_OUT_OF_RANGE),
        ({"observed_ns": START + 1}, ReportPriceRefusal.OBSERVED_IN_THE_FUTURE),
        ({"observed_ns": START - SECOND - 1}, ReportPriceRefusal.OUT_OF_ORDER),
        ({"price_e8": 100, "observed_ns": START - SECOND}, None),
        ({"price_e8": 10**17, "observed_ns": START}, None),
    ],
)
def test_a_source_price_is_refused_in_the_order_of_the_codes(
    change: dict[str, Any], code: ReportPriceRefusal | None
) -> None:
    row = {"source": 0, "price_e8": 5, "observed_ns": START, **change}
    emitted = Recorder()

    refusal = index.accept_price(market((100, SECOND)), row, emitted)

    assert (refusal and refusal.code) == code
    assert emitted.names == ([] if code else ["PriceReported"])


@pytest.mark.rule("5.1")
def test_a_reported_price_replaces_the_one_before() -> None:
    state = market((100, SECOND))

    index.apply_price_reported(state, {"source": 0, "price_e8": 7, "observed_ns": START})

    sources = state.sources
    assert (sources.price_e8[0], sources.observed_ns[0]) == (7, START)


@pytest.mark.rule("4.25", "5.3")
@pytest.mark.parametrize(
    ("instrument", "ticks", "status", "code"),
    [
        (1, 0, InstrumentStatus.ACTIVE, ReportLastRefusal.UNKNOWN_INSTRUMENT),
        (0, 0, InstrumentStatus.EXPIRED, ReportLastRefusal.PRICE_OUT_OF_RANGE),
        (0, 1_001, InstrumentStatus.ACTIVE, ReportLastRefusal.PRICE_OUT_OF_RANGE),
        (0, 1_000, InstrumentStatus.EXPIRED, ReportLastRefusal.INSTRUMENT_NOT_ACTIVE),
        (0, 1_000, InstrumentStatus.ACTIVE, None),
    ],
)
def test_a_venue_price_is_refused_in_the_order_of_the_codes(
    instrument: int, ticks: int, status: InstrumentStatus, code: ReportLastRefusal | None
) -> None:
    state = MarketState()
    state.instruments.append()
    state.instruments.ticks_max[0] = 1_000
    state.instruments.status[0] = status

    row = {"instrument": instrument, "ticks": ticks}
    refusal = index.decide_report_last(state, row, Recorder())

    assert (refusal and refusal.code) == code


# ---- the index


@pytest.mark.rule("5.8", "5.12")
@pytest.mark.parametrize(
    ("average", "sample", "elapsed", "expected"),
    [
        (1_000, 2_000, 0, 1_000),
        (1_000, 2_000, HOUR, 1_500),
        (1_000, 2_000, 3 * HOUR, 1_750),
        (1_000, 999, HOUR, 999),  # rounded down
        (1_000, 1_001, HOUR, 1_000),
    ],
)
def test_an_average_moves_by_its_share_of_the_time(
    average: int, sample: int, elapsed: int, expected: int
) -> None:
    assert blend(average, sample, elapsed, HOUR) == expected


@pytest.mark.rule("5.8", "5.12")
@given(
    average=st.integers(1, 10**17),
    sample=st.integers(1, 10**17),
    elapsed=st.integers(0, 10**18),
)
def test_an_average_never_overshoots(average: int, sample: int, elapsed: int) -> None:
    moved = blend(average, sample, elapsed, HOUR)

    assert min(average, sample) <= moved <= max(average, sample)


@pytest.mark.rule("5.9")
def test_the_first_index_sets_the_slow_average() -> None:
    emitted = Recorder()

    index.update_index(market((500 * E8, 0)), 1, emitted)

    assert emitted.only() == {
        "asset": 1,
        "price_e8": 500 * E8,
        "slow_e8": 500 * E8,
        "sources": 1,
        "outliers": 0,
        "is_stale": False,
    }


@pytest.mark.rule("5.5", "5.8", "5.9")
def test_the_slow_average_follows_and_a_stale_index_leaves_price_and_average() -> None:
    state = market((500 * E8, 0))
    emitted = Recorder()
    index.update_index(state, 1, emitted)
    index.apply_index_updated(state, emitted.events[-1][1])

    state.now_ns = START + HOUR
    state.sources.price_e8[0] = 600 * E8
    state.sources.observed_ns[0] = START + HOUR
    index.update_index(state, 1, emitted)
    moved = emitted.events[-1][1]
    index.apply_index_updated(state, moved)
    state.now_ns = START + 2 * HOUR
    index.update_index(state, 1, emitted)
    stale = emitted.events[-1][1]

    assert (moved["price_e8"], moved["slow_e8"], moved["is_stale"]) == (600 * E8, 550 * E8, False)
    assert (stale["price_e8"], stale["slow_e8"], stale["is_stale"]) == (600 * E8, 550 * E8, True)
    assert stale["sources"] == 0


@pytest.mark.rule("2.4")
def test_an_applied_index_gives_the_asset_its_value() -> None:
    state = market()
    assets = state.assets
    assets.decimals[:2] = (6, 8)
    row = {"asset": 1, "price_e8": 500 * E8, "slow_e8": 400 * E8, "is_stale": False}

    index.apply_index_updated(state, row)

    assert assets.unit_price[1] == 5.0  # 500 * 10^6 units for 10^8 satoshi
    assert (assets.slow_e8[1], assets.updated_ns[1], assets.is_stale[1]) == (400 * E8, START, False)


# ---- the mark


@pytest.mark.rule("5.11")
@pytest.mark.parametrize(
    ("price_e8", "ticks"),
    [(1, 1), (49, 1), (149, 1), (150, 2), (249, 2), (250, 3), (10**10, 10**8)],
)
def test_a_price_becomes_the_nearest_tick_half_up(price_e8: int, ticks: int) -> None:
    assert to_ticks(price_e8, 100) == ticks


class Book:
    """One instrument with ticks of one numeraire, ready to be marked."""

    def __init__(self, price: int, *, clamp_ppm: int = 10_000, expiry_ns: int = 0) -> None:
        self.state = market()
        self.assets = self.state.assets
        self.instruments, self.marks = self.state.instruments, self.state.marks
        self.instruments.append()
        self.marks.append()
        self.instruments.underlying[0] = 1
        self.instruments.tick_e8[0] = E8
        self.instruments.ticks_max[0] = 10_000
        self.instruments.basis_clamp_ppm[0] = clamp_ppm
        self.instruments.expiry_ns[0] = expiry_ns
        self.instruments.funding_ns[0] = 8 * HOUR
        self.instruments.settlement_window_ns[0] = 10 * MINUTE
        self.price(price)

    def price(self, price: int) -> None:
        row = {"asset": 1, "price_e8": price * E8, "slow_e8": price * E8, "is_stale": False}
        index.apply_index_updated(self.state, row)

    def mark(self, at_ns: int, last: int = 0) -> dict[str, Any]:
        """Mark at an instant, and book it."""
        self.marks.last[0] = last
        emitted = Recorder()
        self.state.now_ns = at_ns
        index.update_mark(self.state, 0, emitted)
        row = emitted.only()
        index.apply_mark_updated(self.state, row)
        return row


@pytest.mark.rule("5.12", "5.13", "5.15")
def test_without_a_venue_price_the_mark_is_the_index() -> None:
    row = Book(1_000).mark(START)

    assert (row["index"], row["mark"], row["slow"], row["basis_e8"]) == (1_000, 1_000, 1_000, 0)
    assert (row["premium_e9"], row["premium_sum"], row["premium_ms"]) == (0, 0, 0)


@pytest.mark.rule("5.12", "5.13")
def test_the_first_mark_takes_the_whole_basis_inside_its_band() -> None:
    assert Book(1_000).mark(START, last=1_007)["mark"] == 1_007
    assert Book(1_000).mark(START, last=1_011)["mark"] == 1_010
    assert Book(1_000).mark(START, last=500)["mark"] == 990
    assert Book(1_000, clamp_ppm=0).mark(START, last=1_011)["mark"] == 1_000


@pytest.mark.rule("5.12", "5.13")
def test_a_spike_of_the_venue_moves_the_mark_little_by_little() -> None:
    book = Book(1_000, clamp_ppm=1_000_000)
    book.mark(START, last=1_000)

    spiked = book.mark(START + 30 * SECOND, last=1_500)

    # 30 s of an average over 300 s: 500 * 30 / 330 = 45.45
    assert spiked["basis_e8"] == 4_545_454_545
    assert spiked["mark"] == 1_045


@pytest.mark.rule("5.13")
def test_half_a_tick_of_basis_rounds_up() -> None:
    book = Book(1_000, clamp_ppm=1_000_000)
    book.mark(START, last=1_000)

    assert book.mark(START + 5 * MINUTE, last=1_003)["mark"] == 1_002  # 1.5
    book = Book(1_000, clamp_ppm=1_000_000)
    book.mark(START, last=1_000)
    assert book.mark(START + 5 * MINUTE, last=997)["mark"] == 999  # -1.5


@pytest.mark.rule("5.11", "5.13", "5.14")
def test_index_and_mark_stay_between_one_tick_and_the_highest() -> None:
    row = Book(20_000, clamp_ppm=1_000_000).mark(START, last=10_000)
    assert (row["index"], row["mark"], row["slow"]) == (10_000, 10_000, 10_000)

    low = Book(1, clamp_ppm=1_000_000)
    low.price(1)
    assert low.mark(START, last=1)["mark"] == 1


@pytest.mark.rule("5.15")
@pytest.mark.parametrize(
    ("last", "premium_e9"),
    [(1_001, 1_000_000), (999, -1_000_000), (2_500, 10**9), (1, -999_000_000), (1_000, 0)],
)
def test_the_premium_is_last_over_index_and_ends_at_one(last: int, premium_e9: int) -> None:
    assert Book(1_000).mark(START, last=last)["premium_e9"] == premium_e9


@pytest.mark.rule("5.16", "5.18")
def test_the_premium_of_an_update_holds_until_the_next() -> None:
    book = Book(1_000)
    book.mark(START, last=1_010)
    book.mark(START + MINUTE, last=990)

    total, elapsed = index.premium_so_far(book.marks, 0, START + 3 * MINUTE)

    assert elapsed == 180_000
    assert total == 10_000_000 * 60_000 - 10_000_000 * 120_000


@pytest.mark.rule("5.16")
def test_the_premium_of_a_new_period_counts_from_its_start() -> None:
    book = Book(1_000)
    book.mark(START, last=1_010)
    book.marks.premium_from_ns[0] = START + MINUTE

    assert index.premium_so_far(book.marks, 0, START + 3 * MINUTE) == (
        10_000_000 * 120_000,
        120_000,
    )
    assert index.premium_so_far(book.marks, 0, START + MINUTE) == (0, 0)


@pytest.mark.rule("5.16", "5.17")
def test_before_the_first_mark_there_are_no_sums() -> None:
    book = Book(1_000, expiry_ns=START + HOUR)

    assert index.premium_so_far(book.marks, 0, START + MINUTE) == (0, 0)
    book.state.now_ns = START + HOUR
    assert index.final_so_far(book.state, 0) == (0, 0)


@pytest.mark.rule("5.17", "5.18")
def test_the_final_price_counts_time_inside_the_window_only() -> None:
    expiry = START + HOUR
    book = Book(1_000, expiry_ns=expiry)
    book.state.parameters[Parameter.INDEX_STALENESS_NS] = HOUR
    book.mark(START)

    def seen(at_ns: int) -> tuple[int, int]:
        book.state.now_ns = at_ns
        return index.final_so_far(book.state, 0)

    assert seen(expiry - 10 * MINUTE) == (0, 0)
    assert seen(expiry - 10 * MINUTE + MS) == (1_000, 1)
    assert seen(expiry) == (1_000 * 600_000, 600_000)
    assert seen(expiry + HOUR) == (1_000 * 600_000, 600_000)


@pytest.mark.rule("5.17")
def test_time_later_than_a_source_counts_was_not_observed() -> None:
    book = Book(1_000, expiry_ns=START + HOUR)
    book.state.parameters[Parameter.INDEX_STALENESS_NS] = 3 * MINUTE
    book.mark(START + 49 * MINUTE)
    book.state.now_ns = START + HOUR
    # The window begins at 50 minutes, the index counts until 52.
    assert index.final_so_far(book.state, 0) == (1_000 * 120_000, 120_000)


def test_a_perpetual_has_no_final_price() -> None:
    book = Book(1_000)
    book.mark(START)

    book.state.now_ns = START + HOUR
    assert index.final_so_far(book.state, 0) == (0, 0)


@pytest.mark.rule("5.10")
@pytest.mark.parametrize(("price_e8", "is_stale"), [(0, False), (1_000 * E8, True)])
def test_without_a_fresh_index_there_is_no_new_mark(price_e8: int, is_stale: bool) -> None:
    book = Book(1_000)
    book.assets.price_e8[1] = price_e8
    book.assets.is_stale[1] = is_stale
    emitted = Recorder()

    index.update_mark(book.state, 0, emitted)

    assert emitted.events == []
