from __future__ import annotations

import numpy as np
import pytest

from novate.kernel.codes import InstrumentStatus
from novate.message.parameter import Parameter
from novate.message.refusal import SubmitTradeRefusal
from novate.valuation.price_status import (
    blocked_prices,
    halted_among,
    has_stale_index,
    is_blocked,
    is_halted,
    without_the_expired,
)
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse


def house_of_two() -> ClearingHouse:
    """A future and an option on one coin, with a smile that is one hour good and an index two."""
    house = ClearingHouse(parameters={Parameter.SURFACE_STALENESS_NS: HOUR})
    house.list_contract("X")
    house.list_option("C", strike_e8=90 * E8)
    return house


@pytest.mark.rule("5.20", "5.21")
def test_what_has_no_mark_is_blocked_and_halted() -> None:
    x = house_of_two().state
    for i in (0, 1):
        assert is_blocked(x, i)
        assert is_halted(x, i)


@pytest.mark.rule("5.20", "5.42")
def test_from_its_expiry_on_a_contract_is_blocked_and_takes_no_trade() -> None:
    house = house_of_two()
    house.list_contract("F", expiry_ns=START + HOUR)
    house.price(100)
    x = house.state
    assert not is_blocked(x, 2)
    assert without_the_expired(x, np.array([2])) is x.instruments.status
    x.now_ns = START + HOUR
    assert is_blocked(x, 2)
    assert blocked_prices(x).tolist() == [False, True, True]
    for named in (np.array([2]), np.array([0, 2, 99])):
        assert without_the_expired(x, named)[:3].tolist() == [
            InstrumentStatus.ACTIVE, InstrumentStatus.ACTIVE, InstrumentStatus.EXPIRED,
        ]  # fmt: skip
    assert without_the_expired(x, np.array([0, 1])) is x.instruments.status


@pytest.mark.rule("5.20", "5.21", "5.22")
def test_an_old_smile_halts_its_option_and_blocks_nothing() -> None:
    house = house_of_two()
    house.price(100)
    house.smile(0.6)
    house.assess()
    assert not is_halted(house.state, 1)
    house.advance(START + HOUR + MINUTE)
    assert [is_halted(house.state, i) for i in (0, 1)] == [False, True]
    assert not is_blocked(house.state, 1)


@pytest.mark.rule("5.19", "5.20", "5.21")
def test_an_old_index_blocks_and_halts_all_that_is_made_of_it() -> None:
    house = house_of_two()
    house.price(100)
    house.smile(0.6)
    house.assess()
    house.advance(START + 2 * HOUR + MINUTE)
    for i in (0, 1):
        assert has_stale_index(house.state, i)
        assert is_blocked(house.state, i)
        assert is_halted(house.state, i)


def test_a_run_of_trades_is_told_what_each_instrument_would_be() -> None:
    house = house_of_two()
    house.list_option("P", side=-1, expiry_ns=START + 5 * HOUR)  # without a smile of its own
    named = np.array([1, 1, 0, 2, 99])  # 99 does not exist
    house.price(100)
    house.smile(0.6)
    house.assess()
    for hours in (0, 1, 2):
        if hours:
            house.advance(START + hours * HOUR + MINUTE)
        expected = [is_halted(house.state, i) for i in (0, 1, 2)]
        assert halted_among(house.state, named).tolist() == expected
        assert halted_among(house.state, named[2:3]).tolist() == [expected[0], False, False]


@pytest.mark.rule("5.21", "5.41")
def test_nothing_is_opened_at_a_mark_of_one_tick_that_would_be_settled_at_zero() -> None:
    # An index of 0.4 ticks: the mark is 1, and a linear contract would settle at 0.
    house = ClearingHouse()
    house.list_contract("X", cycle_ns=0)
    for name in ("A", "B"):
        house.open_client(name, deposit=120 * COIN)
    house.price(None, e8={0: 4 * E8 // 10})
    assert house.state.marks.mark[0] == 1

    house.submit(house.trade_run("A", "B", lots=10, ticks=1), allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.PRICE_BLOCKED]

    house.price(None, e8={0: 5 * E8 // 10})  # half a tick rounds to one
    house.trade("A", "B", lots=10, ticks=1)
