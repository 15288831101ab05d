"""Confederates against the rules: at a constant honest price they take out what they brought."""

from __future__ import annotations

import pytest

from tests.simulate.adversary.search import stream

STREAMS = 2_000
CHUNK = 100
SOAK_STREAMS = 100_000
SOAK_CHUNK = 5_000

KNOWN = (1781,)
"""Streams that still pay: a gain at a pumped mark is conceded, and its encumbrance waited for."""


def found(seeds: range) -> list[str]:
    """What the attackers took in each stream that paid."""
    return [str(paid) for seed in seeds if seed not in KNOWN if (paid := stream(seed)) is not None]


@pytest.mark.parametrize("first", range(0, STREAMS, CHUNK))
def test_confederates_take_out_no_more_than_they_brought(first: int) -> None:
    assert found(range(first, first + CHUNK)) == []


@pytest.mark.parametrize("seed", KNOWN)
@pytest.mark.xfail(reason="encumbered gains are not cut for the loss that they came from")
def test_streams_that_still_pay_do_not(seed: int) -> None:
    assert stream(seed) is None


@pytest.mark.soak
@pytest.mark.parametrize("first", range(STREAMS, STREAMS + SOAK_STREAMS, SOAK_CHUNK))
def test_no_stream_of_a_long_search_pays(first: int) -> None:
    assert found(range(first, first + SOAK_CHUNK)) == []
