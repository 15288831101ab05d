from __future__ import annotations

import math

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.agents.market_agent import AgentTerms, FillBatch, MarketAgent, OrderBatch

MINUTE = 60_000_000_000
SECOND = 1_000_000_000
COIN = 10**8
MID = 100_000 * COIN


def terms(**changes: int) -> AgentTerms:
    settings = {"collapse_range_ppm": 10**12, "participation_ppm": 100_000, "latency_ns": 0}
    return AgentTerms(tick_e8=np.array([COIN]), lot_e8=np.array([COIN // 1000]),
                      **(settings | changes))  # fmt: skip


def orders(*quantity: int, placed_ns: int = 0, limit_e8: int = 0) -> OrderBatch:
    count = len(quantity)
    return OrderBatch(
        order_id=np.arange(count),
        symbol=np.zeros(count, dtype=np.int64),
        quantity_e8=np.array(quantity, dtype=np.int64),
        placed_ns=np.full(count, placed_ns),
        limit_e8=np.full(count, limit_e8),
    )


def agent_after(passed_ns: int, *, volume: int = 1000 * COIN, range_ppm: int = 10_000,
                **changes: int) -> MarketAgent:  # fmt: skip
    agent = MarketAgent(terms(**changes))
    for instant in (0, passed_ns):
        agent.observe(instant, np.array([MID]), np.array([volume]), np.array([range_ppm]))
    return agent


def total(fills: FillBatch) -> int:
    return int(fills.quantity_e8.sum())


def test_the_first_observation_starts_the_clock_and_offers_nothing() -> None:
    agent = MarketAgent(terms())
    agent.observe(0, np.array([MID]), np.array([1000 * COIN]), np.array([10_000]))
    assert len(agent.answer(orders(-COIN), 0)) == 0


def test_depth_is_the_participation_in_the_volume_of_the_step() -> None:
    # 10 percent of 1000 coins a minute, for 15 of 60 seconds: 25 coins.
    fills = agent_after(15 * SECOND).answer(orders(-1000 * COIN), 15 * SECOND)
    assert total(fills) == -25 * COIN
    assert not fills.is_final.any()


def test_an_outage_does_not_save_up_depth() -> None:
    agent = agent_after(60 * MINUTE)
    assert total(agent.answer(orders(-1000 * COIN), 60 * MINUTE)) == -100 * COIN


def test_depth_is_used_up_within_a_step_and_each_side_has_its_own() -> None:
    agent = agent_after(MINUTE)
    assert total(agent.answer(orders(-80 * COIN), MINUTE)) == -80 * COIN
    assert total(agent.answer(orders(-80 * COIN), MINUTE)) == -20 * COIN
    assert total(agent.answer(orders(80 * COIN), MINUTE)) == 80 * COIN


def test_the_oldest_order_is_served_first() -> None:
    batch = OrderBatch(
        order_id=np.array([1, 2, 3]),
        symbol=np.zeros(3, dtype=np.int64),
        quantity_e8=np.array([-60, -60, -60]) * COIN,
        placed_ns=np.array([30, 10, 20]),
        limit_e8=np.zeros(3, dtype=np.int64),
    )
    fills = agent_after(MINUTE).answer(batch, MINUTE)
    assert fills.order_id.tolist() == [2, 3]
    assert fills.row.tolist() == [1, 2]
    assert fills.quantity_e8.tolist() == [-60 * COIN, -40 * COIN]
    assert fills.is_final.tolist() == [True, False]
    assert fills.price_e8[1] < fills.price_e8[0]


def test_an_order_younger_than_the_latency_waits() -> None:
    agent = agent_after(MINUTE, latency_ns=SECOND)
    young = orders(-COIN, placed_ns=MINUTE - SECOND + 1)
    assert len(agent.answer(young, MINUTE)) == 0
    assert len(agent.answer(young, MINUTE + 1)) == 1


def test_the_price_follows_the_square_root_law() -> None:
    # sigma = range / (2 sqrt(ln 2)); an order from zero pays 2/3 of its final displacement.
    agent = agent_after(MINUTE)
    fills = agent.answer(orders(-50 * COIN), MINUTE)
    sigma = 0.01 / (2.0 * math.sqrt(math.log(2.0)))
    peak = sigma * math.sqrt(50 / 1000)
    assert agent.displacement_ppb[0, 0] == pytest.approx(peak * 1e9, rel=1e-6)
    paid = 1.0 - int(fills.price_e8[0]) / MID
    assert paid == pytest.approx(2.0 / 3.0 * peak, rel=0.02)


def test_depth_collapses_as_the_range_widens_down_to_its_floor() -> None:
    settings = {"collapse_range_ppm": 10_000, "collapse_floor_ppm": 50_000}
    depth = [
        int(agent_after(MINUTE, range_ppm=width, **settings).depth_left_e8[0, 0])
        for width in (0, 10_000, 20_000, 900_000)
    ]
    assert depth == [100 * COIN, 50 * COIN, 20 * COIN, 5 * COIN]


def test_displacement_halves_in_the_refill_half_life() -> None:
    agent = agent_after(MINUTE, refill_half_life_ns=30 * SECOND)
    agent.answer(orders(-100 * COIN), MINUTE)
    before = int(agent.displacement_ppb[0, 0])
    agent.observe(MINUTE + 30 * SECOND, np.array([MID]), np.array([COIN]), np.array([10_000]))
    assert agent.displacement_ppb[0, 0] == pytest.approx(before / 2, abs=1)


def test_feedback_moves_the_last_price_by_its_share_and_with_the_sign_of_the_flow() -> None:
    agent = agent_after(MINUTE, feedback_ppm=250_000)
    agent.answer(orders(-100 * COIN), MINUTE)
    sold = int(agent.last_displacement_ppm[0])
    assert sold == pytest.approx(-agent.displacement_ppb[0, 0] / 4000, abs=1)
    agent.answer(orders(100 * COIN), MINUTE)
    assert agent.last_displacement_ppm[0] == 0


def test_nothing_fills_beyond_the_floor_of_the_reference() -> None:
    agent = agent_after(MINUTE, range_ppm=900_000, impact_ppm=50_000_000)
    fills = agent.answer(orders(-100 * COIN), MINUTE)
    assert 0 < -total(fills) < 100 * COIN
    assert fills.price_e8[0] >= MID // 2
    assert total(agent.answer(orders(-100 * COIN), MINUTE)) > -COIN // 100


def test_an_order_fills_up_to_its_limit_and_leaves_the_rest_to_those_behind_it() -> None:
    # An order for 50 of 1,000 coins ends at sigma sqrt(0.05) below the mid; at half of that
    # distance a quarter of it has traded.
    sigma = 0.01 / (2.0 * math.sqrt(math.log(2.0)))
    limit = int(MID * (1.0 - sigma * math.sqrt(50 / 1000) / 2)) // COIN * COIN
    whole = agent_after(MINUTE).answer(orders(-50 * COIN), MINUTE)
    part = agent_after(MINUTE).answer(orders(-50 * COIN, limit_e8=limit), MINUTE)

    assert total(whole) == -50 * COIN
    assert total(part) == pytest.approx(-12.5 * COIN, rel=0.03)
    assert part.price_e8[0] >= limit
    assert part.is_final.tolist() == [False]
    beyond = orders(-COIN, limit_e8=MID + COIN)
    assert len(agent_after(MINUTE).answer(beyond, MINUTE)) == 0
    both = OrderBatch(
        order_id=np.array([1, 2]),
        symbol=np.zeros(2, dtype=np.int64),
        quantity_e8=np.array([-50, -50]) * COIN,
        placed_ns=np.array([0, 1]),
        limit_e8=np.array([limit, 0]),
    )
    fills = agent_after(MINUTE).answer(both, MINUTE)
    assert fills.order_id.tolist() == [1, 2]
    assert fills.quantity_e8[0] == part.quantity_e8[0]
    assert fills.quantity_e8[1] == -50 * COIN


def test_a_market_that_has_left_the_index_behind_does_not_fill_at_all() -> None:
    agent = MarketAgent(terms())
    for instant in (0, MINUTE):
        agent.observe(instant, np.array([MID]), np.array([1000 * COIN]), np.array([10_000]),
                      reference_e8=np.array([3 * MID]))  # fmt: skip
    assert len(agent.answer(orders(-COIN), MINUTE)) == 0
    assert len(agent.answer(orders(COIN), MINUTE)) == 1


def test_symbols_do_not_touch_each_other() -> None:
    two = AgentTerms(tick_e8=np.array([COIN, COIN]), lot_e8=np.array([1000, 1000]), latency_ns=0)
    agent = MarketAgent(two)
    for instant in (0, MINUTE):
        agent.observe(instant, np.array([MID, MID]), np.array([COIN, COIN]) * 1000,
                      np.array([1000, 1000]))  # fmt: skip
    batch = OrderBatch(
        order_id=np.array([1]), symbol=np.array([1]), quantity_e8=np.array([-COIN]),
        placed_ns=np.array([0]), limit_e8=np.array([0]),
    )  # fmt: skip
    assert agent.answer(batch, MINUTE).symbol.tolist() == [1]
    assert agent.displacement_ppb[0].tolist() == [0, 0]
    assert agent.displacement_ppb[1, 0] > 0


def test_an_empty_batch_has_an_empty_answer() -> None:
    assert len(agent_after(MINUTE).answer(orders(), MINUTE)) == 0


@pytest.mark.parametrize(
    ("quantity", "symbol", "message"),
    [(COIN // 1000 + 1, 0, "multiple of the lot"), (COIN, 7, "names symbol 7")],
)
def test_an_order_that_makes_no_sense_is_refused(quantity: int, symbol: int, message: str) -> None:
    batch = OrderBatch(
        order_id=np.array([1]), symbol=np.array([symbol]), quantity_e8=np.array([quantity]),
        placed_ns=np.array([0]), limit_e8=np.array([0]),
    )  # fmt: skip
    with pytest.raises(InputError, match=message):
        agent_after(MINUTE).answer(batch, MINUTE)


def test_time_does_not_run_backwards() -> None:
    agent = agent_after(MINUTE)
    with pytest.raises(InputError, match="is before the observed"):
        agent.answer(orders(-COIN), MINUTE - 1)
    with pytest.raises(InputError, match="is not after"):
        agent.observe(MINUTE, np.array([MID]), np.array([COIN]), np.array([0]))


@pytest.mark.parametrize(
    ("mid", "volume", "message"),
    [
        (np.array([0]), np.array([1]), "mid_e8 of symbol 0 is 0"),
        (np.array([MID]), np.array([-1]), "volume_e8 of symbol 0 is -1"),
        (np.array([MID, MID]), np.array([1]), "mid_e8 has shape"),
        (np.array([1.5]), np.array([1]), "mid_e8 has shape .* type float64"),
    ],
)
def test_a_market_that_makes_no_sense_is_refused(
    mid: np.ndarray, volume: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        MarketAgent(terms()).observe(0, mid, volume, np.array([0]))
