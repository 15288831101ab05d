"""Confederates against the rules: at a constant honest price they take out what they brought."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.simulate.adversary.moves import mark, trade
from tests.simulate.adversary.plots import set_last
from tests.simulate.adversary.search import stream
from tests.simulate.adversary.venue import AT_CLOSE, HONEST, open_venue
from tests.unit.clearing import HOUR

STREAMS = 2_000
CHUNK = 100
SOAK_STREAMS = 100_000
SOAK_CHUNK = 5_000

FRESH_STREAMS = 40
FRESH_FROM = 10**6
"""Seeds of streams from here on are drawn anew by every run that draws its own seed."""


def found(seeds: Iterable[int]) -> list[str]:
    """What the attackers took in each stream that paid."""
    return [str(paid) for seed in seeds if (paid := stream(seed)) is not None]


@pytest.mark.parametrize("first", range(0, STREAMS, CHUNK))
def test_colluding_accounts_take_out_no_more_than_they_brought(first: int) -> None:
    assert found(range(first, first + CHUNK)) == []


@settings(max_examples=FRESH_STREAMS, deadline=None, phases=(Phase.generate,))
@given(st.integers(FRESH_FROM, 2**62))
def test_no_stream_of_a_fresh_seed_pays(seed: int) -> None:
    assert found([seed]) == []


@pytest.mark.rule("8.71", "8.73")
def test_funding_at_a_mark_away_from_the_index_takes_nothing_of_others_out() -> None:
    # A enters with what the return and one funding cost and no more, pays B 1% of funding three
    # times while the mark stays, and lacks two of them when the mark is back at the index.
    venue = open_venue()
    set_last(venue, AT_CLOSE, HONEST * 108 // 100)
    assert trade(venue, "A", "B", AT_CLOSE, 420, mark(venue, AT_CLOSE))
    for _ in range(6):
        venue.settle(4 * HOUR)
    set_last(venue, AT_CLOSE, HONEST)
    venue.smile()
    venue.settle(1)
    assert venue.worth() <= 0


@pytest.mark.rule("8.76", "8.77")
def test_who_fails_before_the_funding_of_another_leaves_nobody_who_pays_it() -> None:
    # For seven hours of eight the last price stands 8% up; then it returns, and A lacks what it
    # enters with: what its lots would pay for those hours is asked of who has them.
    venue = open_venue()
    set_last(venue, AT_CLOSE, HONEST * 108 // 100)
    assert trade(venue, "A", "B", AT_CLOSE, 420, mark(venue, AT_CLOSE))
    venue.settle(5 * HOUR)
    set_last(venue, AT_CLOSE, HONEST)
    before = venue.worth()
    venue.settle(2 * HOUR)
    assert venue.house.lots("A", AT_CLOSE) == 0
    assert venue.funding <= 0
    assert venue.worth() <= max(before, 0)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(STREAMS, STREAMS + SOAK_STREAMS, SOAK_CHUNK))
def test_no_stream_of_a_long_search_pays(first: int) -> None:
    assert found(range(first, first + SOAK_CHUNK)) == []
