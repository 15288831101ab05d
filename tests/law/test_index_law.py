"""What sources that lie can do to an index, whatever they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from novate.kernel.codes import AccountStatus
from novate.market.price_source.weighted_median import combine
from novate.message import command
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, E8, MINUTE, START, ClearingHouse

APART = 30_000
prices = st.integers(1, 10**17)
honest_prices = st.integers(95 * 10**6, 105 * 10**6)


@pytest.mark.rule("5.6", "5.60", "5.61")
@given(st.lists(honest_prices, min_size=2, max_size=6), prices)
def test_one_of_three_or_more_moves_the_index_no_further_than_the_honest_are_apart(
    honest: list[int], lie: int
) -> None:
    alone, _, _ = combine(honest, [1] * len(honest), APART, 2)
    found, _, _ = combine([*honest, lie], [1] * (len(honest) + 1), APART, 2)

    assert found == 0 or min(honest) <= found <= max(honest)
    if found and alone:
        assert abs(found - alone) <= max(honest) - min(honest)


@pytest.mark.rule("5.6", "5.61")
@given(st.lists(honest_prices, min_size=3, max_size=3), prices, prices)
def test_two_of_five_that_collude_stay_within_the_honest_spread(
    honest: list[int], first: int, second: int
) -> None:
    found, used, _ = combine([first, *honest, second], [1] * 5, APART, 2)

    assert used == 5
    assert min(honest) <= found <= max(honest)  # of an odd number there is always one


@pytest.mark.rule("5.60", "5.61")
@given(st.lists(st.tuples(honest_prices, st.integers(1, 10**6)), min_size=1, max_size=5),
       prices, st.integers(1, 10**6))  # fmt: skip
def test_whatever_its_weight_a_source_alone_carries_the_index_no_further_than_the_distance(
    honest: list[tuple[int, int]], lie: int, weight: int
) -> None:
    told, weights = [p for p, _ in honest], [w for _, w in honest]

    found, _, _ = combine([*told, lie], [*weights, weight], APART, 1)

    low, high = min(told), max(told)
    assert found == 0 or low * 10**6 <= found * (10**6 + APART) + 10**6
    assert found == 0 or found * 10**6 <= high * (10**6 + APART)


@pytest.mark.rule("5.61", "5.62")
@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=6), st.booleans())
def test_of_two_sources_a_liar_liquidates_nobody(lies: list[int], contradicts: bool) -> None:
    house = house_with(2)
    for price in lies:
        assume(price * E8 <= 10**17)
        house.price(500, e8={1: price * E8})
        if contradicts:
            row = {"source": 1, "price_e8": E8, "observed_ns": house.state.now_ns}
            house.submit(command.REPORT_PRICE.row(**row))
            house.assess()

    # Within 3% of 500 it moves the index by half of that: nobody here is that near to the edge.
    assert house.status("long") == house.status("short") == AccountStatus.OPEN
    assert not house.events("LiquidationStarted")


@pytest.mark.rule("5.6", "5.7")
@pytest.mark.parametrize("sources", [5, 6, 7])
@pytest.mark.parametrize("colluding", [1, 2])
def test_an_hour_of_sources_at_30_percent_more_liquidates_nobody(
    sources: int, colluding: int
) -> None:
    house = house_with(sources)
    dice = np.random.default_rng(sources)
    for minute in range(1, 61):
        told = {k: int(500 * E8 * (1 + 0.001 * dice.normal())) for k in range(sources)}
        honest = [told[k] for k in range(colluding, sources)]
        told |= {k: int(told[k] * 1.3) for k in range(colluding)}
        house.price(None, at_ns=START + minute * MINUTE, e8=told)
        assert not house.state.assets.is_stale[1]
        assert min(honest) <= house.state.assets.price_e8[1] <= max(honest)

    assert house.status("long") == house.status("short") == AccountStatus.OPEN
    assert not house.events("LiquidationStarted")


def house_with(sources: int) -> ClearingHouse:
    """A long and a short of 100 lots at 500 with 6,000, at 5% maintenance margin."""
    house = ClearingHouse(parameters={Parameter.INDEX_SOURCES_MIN: 2})
    rows = [
        command.DECLARE_SOURCE.row(symbol=f"s{k}", asset=1, weight=1) for k in range(1, sources)
    ]
    house.submit(*rows)
    house.list_contract("X")
    for name in ("long", "short"):
        house.open_client(name, deposit=6_000 * COIN)
    house.price(500, e8=dict.fromkeys(range(1, sources), 500 * E8))
    house.trade("long", "short", lots=100, ticks=500)
    return house
