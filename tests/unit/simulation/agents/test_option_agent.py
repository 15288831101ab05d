"""The dealer of options: never better than the mark, dearer the more it takes, calm again later."""

from __future__ import annotations

import numpy as np
import pytest

from novate.errors import InputError
from novate.simulation.agents.option_agent import OptionAgent, OptionAgentTerms
from novate.simulation.options.value import contract_table, market_at
from novate.valuation.holding import unit_risk
from tests.unit.simulation.option_scene import MINUTE_NS, paths, scene

CALM = np.array([0, 0])


def dealer(at: int = 10, range_ppm: int = 0, **terms: float) -> OptionAgent:
    agent = OptionAgent(OptionAgentTerms(**terms), scene().book, paths())  # type: ignore[arg-type]
    agent.observe(int(paths()[0].instant_ns[at]), np.array([range_ppm, range_ppm]))
    return agent


def fill(agent: OptionAgent, contract: int, lots: int, limit: int = 0) -> tuple[int, int]:
    answered = agent.answer(
        np.array([contract]), np.array([lots]), np.array([0]), np.array([limit])
    )
    if not len(answered.row):
        return 0, 0
    return int(answered.lots[0]), int(answered.ticks[0])


def marks(at: int = 10) -> np.ndarray:
    book = scene().book
    rows = np.arange(len(book.contracts))
    table = contract_table(book.contracts, paths()[0].expiry_ns, 2).take(rows)
    market = market_at(book.contracts, paths(), at).take(rows)
    return unit_risk(table, market).native[0] / book.contracts.ticks()


def test_a_sale_pays_at_most_the_mark_and_a_purchase_costs_at_least_it() -> None:
    value = marks()
    for contract in range(len(value)):
        _, bid = fill(dealer(), contract, -1)
        _, ask = fill(dealer(), contract, 1)

        assert ask >= value[contract] - 1e-9
        assert bid <= max(value[contract], 1.0) + 1e-9
        assert ask > bid or value[contract] < 1.0


def test_a_minute_takes_a_share_of_the_open_interest_and_the_next_one_again() -> None:
    book = scene().book
    contract = int(book.lots_of().argmax())
    depth = int(book.lots_of()[contract]) * 20_000 // 10**6
    agent = dealer()

    assert fill(agent, contract, -10 * depth) == (-depth, pytest.approx(marks()[contract], rel=0.5))
    assert fill(agent, contract, -1) == (0, 0)
    agent.observe(int(paths()[0].instant_ns[11]), CALM)
    assert fill(agent, contract, -1)[0] == -1


def test_a_second_order_is_dearer_and_the_move_fades() -> None:
    book = scene().book
    contract = int(book.lots_of().argmax())
    depth = int(book.lots_of()[contract]) * 20_000 // 10**6
    agent = dealer()
    _, first = fill(agent, contract, depth // 2)
    _, second = fill(agent, contract, depth // 2)
    moved = agent.answer(*(np.empty(0, int) for _ in range(4)))
    agent.observe(int(paths()[0].instant_ns[10]) + 600 * MINUTE_NS, CALM)

    assert second > first
    assert len(moved.row) == 0
    assert agent.displacement(contract)[1] < 1e-6


def test_the_dealer_takes_less_where_the_whole_would_be_beyond_the_limit() -> None:
    book = scene().book
    contract = int(book.lots_of().argmax())
    depth = int(book.lots_of()[contract]) * 20_000 // 10**6
    lots, price = fill(dealer(), contract, depth)
    _, cheapest = fill(dealer(), contract, 1)
    assert (lots, price > cheapest) == (depth, True)

    some, limit = fill(dealer(), contract, depth, limit=price - 1)

    assert 0 < some < depth
    assert limit <= price - 1
    assert fill(dealer(), contract, depth, limit=cheapest - 1) == (0, 0)
    assert fill(dealer(), contract, -1, limit=cheapest) == (0, 0)
    assert fill(dealer(), contract, depth, limit=price) == (depth, price)


def test_a_wide_bar_widens_the_spread() -> None:
    contract = int(scene().book.lots_of().argmax())

    assert fill(dealer(range_ppm=50_000), contract, 1)[1] > fill(dealer(), contract, 1)[1]
    assert fill(dealer(range_ppm=50_000), contract, -1)[1] < fill(dealer(), contract, -1)[1]


def test_an_order_waits_for_its_latency_and_an_expired_option_is_not_dealt() -> None:
    agent = dealer(latency_ns=3 * 10**18)
    assert fill(agent, 0, 1) == (0, 0)
    expired = int(np.flatnonzero(scene().book.contracts.expiry == 0)[0])
    assert fill(dealer(at=1000), expired, 1) == (0, 0)


def test_terms_out_of_range_are_refused_with_the_value() -> None:
    with pytest.raises(InputError, match="depth_ppm 0; allowed is 1 or more"):
        OptionAgentTerms(depth_ppm=0)
