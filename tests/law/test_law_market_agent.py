from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from novate.simulation.agents.market_agent import AgentTerms, FillBatch, MarketAgent, OrderBatch

SECOND = 1_000_000_000
LOT = 1000
MID = st.integers(10**6, 10**13)
VOLUME = st.integers(0, 10**15)
RANGE = st.integers(0, 800_000)
LOTS = st.integers(1, 10**9)
SIDE = st.sampled_from([-1, 1])
STEP = st.integers(1, 120)


def observed(mid: int, volume: int, width: int, step: int) -> MarketAgent:
    terms = AgentTerms(tick_e8=np.array([100]), lot_e8=np.array([LOT]), latency_ns=0)
    agent = MarketAgent(terms)
    for instant in (0, step * SECOND):
        agent.observe(instant, np.array([mid]), np.array([volume]), np.array([width]))
    return agent


def send(
    agent: MarketAgent, instant_ns: int, *quantity: int, limits: tuple[int, ...] = ()
) -> FillBatch:
    count = len(quantity)
    batch = OrderBatch(
        order_id=np.arange(count),
        symbol=np.zeros(count, dtype=np.int64),
        quantity_e8=np.array(quantity, dtype=np.int64),
        placed_ns=np.zeros(count, dtype=np.int64),
        limit_e8=np.array(limits or (0,) * count, dtype=np.int64),
    )
    return agent.answer(batch, instant_ns)


@given(MID, VOLUME, RANGE, STEP, LOTS, LOTS, SIDE)
def test_a_bigger_order_never_gets_a_better_average_price(
    mid: int, volume: int, width: int, step: int, first: int, second: int, side: int
) -> None:
    small, big = sorted((first, second))
    prices = []
    for lots in (small, big):
        fills = send(observed(mid, volume, width, step), step * SECOND, side * lots * LOT)
        prices.append(fills.price_e8.tolist())
    assert len(prices[0]) == len(prices[1])
    if prices[0]:
        assert side * prices[0][0] <= side * prices[1][0]


@given(MID, VOLUME, RANGE, STEP, st.lists(st.tuples(LOTS, SIDE), min_size=1, max_size=8))
def test_fills_never_exceed_orders_or_depth_and_are_never_better_than_the_mid(
    mid: int, volume: int, width: int, step: int, wanted: list[tuple[int, int]]
) -> None:
    agent = observed(mid, volume, width, step)
    depth = agent.depth_left_e8[0].copy()
    quantity = np.array([lots * side * LOT for lots, side in wanted])
    fills = send(agent, step * SECOND, *quantity.tolist())
    assert np.all(np.abs(fills.quantity_e8) <= np.abs(quantity[fills.row]))
    assert np.all(np.sign(fills.quantity_e8) == np.sign(quantity[fills.row]))
    assert np.all(fills.quantity_e8 % LOT == 0)
    assert np.array_equal(fills.is_final, fills.quantity_e8 == quantity[fills.row])
    sold = fills.quantity_e8 < 0
    assert -fills.quantity_e8[sold].sum() <= depth[0]
    assert fills.quantity_e8[~sold].sum() <= depth[1]
    assert np.all(fills.price_e8[sold] <= mid)
    assert np.all(fills.price_e8[~sold] >= mid)
    assert np.all(2 * fills.price_e8[sold] >= mid)
    assert np.all(fills.price_e8[~sold] <= 2 * mid)


@given(
    MID, VOLUME, RANGE, STEP,
    st.lists(st.tuples(LOTS, SIDE, st.integers(-500_000, 500_000)), min_size=1, max_size=8),
)  # fmt: skip
def test_no_fill_is_worse_than_its_limit_and_a_limit_never_makes_the_first_order_larger(
    mid: int, volume: int, width: int, step: int, wanted: list[tuple[int, int, int]]
) -> None:
    quantity = [lots * side * LOT for lots, side, _ in wanted]
    # A share of the mid from it, on a tick.
    limits = tuple(max(mid + mid * far // 10**6, 100) // 100 * 100 for _, _, far in wanted)
    bound = send(observed(mid, volume, width, step), step * SECOND, *quantity, limits=limits)
    free = send(observed(mid, volume, width, step), step * SECOND, *quantity)

    for row, size, price in zip(bound.row, bound.quantity_e8, bound.price_e8, strict=True):
        assert price >= limits[row] if size < 0 else price <= limits[row]
    taken = dict(zip(bound.row.tolist(), bound.quantity_e8.tolist(), strict=True))
    first = {side: next((k for k, w in enumerate(wanted) if w[1] == side), -1) for side in (-1, 1)}
    for row, size in zip(free.row.tolist(), free.quantity_e8.tolist(), strict=True):
        if row in first.values():
            assert abs(taken.get(row, 0)) <= abs(size)
    assert np.all(bound.quantity_e8 % LOT == 0)


@given(MID, RANGE, STEP, LOTS, SIDE)
def test_no_volume_means_no_fill(mid: int, width: int, step: int, lots: int, side: int) -> None:
    agent = observed(mid, 0, width, step)
    assert len(send(agent, step * SECOND, side * lots * LOT)) == 0


@given(MID, VOLUME, RANGE, STEP, st.lists(st.tuples(LOTS, SIDE), min_size=1, max_size=8))
def test_the_same_orders_give_the_same_fills(
    mid: int, volume: int, width: int, step: int, wanted: list[tuple[int, int]]
) -> None:
    quantity = [lots * side * LOT for lots, side in wanted]
    first, second = (
        send(observed(mid, volume, width, step), step * SECOND, *quantity) for _ in range(2)
    )
    assert first.price_e8.tolist() == second.price_e8.tolist()
    assert first.quantity_e8.tolist() == second.quantity_e8.tolist()


@given(MID, st.integers(10**9, 10**14), st.integers(1, 100_000), LOTS, SIDE)
def test_refill_restores_the_market(
    mid: int, volume: int, width: int, lots: int, side: int
) -> None:
    fresh, used = (observed(mid, volume, width, 60) for _ in range(2))
    send(used, 60 * SECOND, side * lots * LOT)
    much_later = 60 * SECOND + 3_600 * 24 * SECOND
    for agent in (fresh, used):
        agent.observe(much_later, np.array([mid]), np.array([volume]), np.array([width]))
    again = [send(agent, much_later, side * lots * LOT) for agent in (fresh, used)]
    assert used.last_displacement_ppm.tolist() == fresh.last_displacement_ppm.tolist()
    assert again[0].price_e8.tolist() == again[1].price_e8.tolist()
    assert again[0].quantity_e8.tolist() == again[1].quantity_e8.tolist()


@given(MID, VOLUME, STEP, RANGE, RANGE)
def test_a_wider_range_never_offers_more_depth(
    mid: int, volume: int, step: int, first: int, second: int
) -> None:
    narrow, wide = sorted((first, second))
    depth = [observed(mid, volume, width, step).depth_left_e8[0] for width in (narrow, wide)]
    assert np.all(depth[0] >= depth[1])


@given(MID, VOLUME, RANGE, STEP, LOTS, LOTS, SIDE)
def test_an_order_and_its_two_halves_leave_the_market_in_the_same_place(
    mid: int, volume: int, width: int, step: int, first: int, second: int, side: int
) -> None:
    whole, split = (observed(mid, volume, width, step) for _ in range(2))
    send(whole, step * SECOND, side * (first + second) * LOT)
    send(split, step * SECOND, side * first * LOT, side * second * LOT)
    assert np.array_equal(whole.displacement_ppb, split.displacement_ppb)
