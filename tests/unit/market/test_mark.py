from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.market import index, mark
from novate.market.mark import to_ticks
from novate.message.parameter import Parameter
from tests.unit.clearing import E8, HOUR, MINUTE, SECOND, START, Recorder
from tests.unit.market.priced import by_column, market

MS = 10**6


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
        index.apply_indices_updated(self.state, by_column(row))

    def mark(self, at_ns: int, last: int = 0) -> dict[str, Any]:
        """Mark at an instant, and book it."""
        self.marks.last[0] = last
        emitted = Recorder()
        self.state.now_ns = at_ns
        mark.update_marks(self.state, emitted)
        row = emitted.only()
        mark.apply_marks_updated(self.state, by_column(row))
        return row

    def premium(self, at_ns: int) -> tuple[int, int]:
        """Premium times time in the funding period up to an instant, and that time in ms."""
        [last] = mark.before(self.state, np.array([0]))
        return mark.premium_so_far(last, at_ns)


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

    total, elapsed = book.premium(START + 3 * MINUTE)

    assert elapsed == 180_000
    assert total == 10_000_000 * 60_000 - 10_000_000 * 120_000


@pytest.mark.rule("5.16")
def test_the_premium_of_a_new_period_counts_from_its_start() -> None:
    book = Book(1_000)
    book.mark(START, last=1_010)
    book.marks.premium_from_ns[0] = START + MINUTE

    assert book.premium(START + 3 * MINUTE) == (10_000_000 * 120_000, 120_000)
    assert book.premium(START + MINUTE) == (0, 0)


@pytest.mark.rule("5.16", "5.17")
def test_before_the_first_mark_there_are_no_sums() -> None:
    book = Book(1_000, expiry_ns=START + HOUR)

    assert book.premium(START + MINUTE) == (0, 0)
    book.state.now_ns = START + HOUR
    assert mark.final_so_far(book.state, 0) == (0, 0)


@pytest.mark.rule("5.17", "5.18")
def test_the_final_price_counts_time_inside_the_window_only() -> None:
    expiry = START + HOUR
    book = Book(1_000, expiry_ns=expiry)
    book.state.parameters[Parameter.INDEX_STALENESS_NS] = HOUR
    book.mark(START)

    def seen(at_ns: int) -> tuple[int, int]:
        book.state.now_ns = at_ns
        return mark.final_so_far(book.state, 0)

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
    assert mark.final_so_far(book.state, 0) == (1_000 * 120_000, 120_000)


def test_a_perpetual_has_no_final_price() -> None:
    book = Book(1_000)
    book.mark(START)

    book.state.now_ns = START + HOUR
    assert mark.final_so_far(book.state, 0) == (0, 0)


@pytest.mark.rule("5.10")
@pytest.mark.parametrize(("price_e8", "is_stale"), [(0, False), (1_000 * E8, True)])
def test_without_a_fresh_index_there_is_no_new_mark(price_e8: int, is_stale: bool) -> None:
    book = Book(1_000)
    book.assets.price_e8[1] = price_e8
    book.assets.is_stale[1] = is_stale
    emitted = Recorder()

    mark.update_marks(book.state, emitted)

    assert emitted.events == []
