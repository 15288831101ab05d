from __future__ import annotations

import numpy as np
import pytest

from novate.engine.batch import apply_record
from novate.engine.decide import Events
from novate.engine.state import State
from novate.engine.touch import note
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.kernel.codes import Layer, ShortfallPolicy
from novate.message import command, event
from novate.message.topic import BOTH_SIDES, EVERYBODY, HOUSE, NOBODY
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse


def require_exact(state: State) -> None:
    """The cache says what an assessment of everybody says."""
    numbers = state.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]

    assert np.array_equal(state.margin_cache.numbers(), numbers)


@pytest.mark.parametrize("last", [Layer.GAINS_HAIRCUT, Layer.AUTO_DELEVERAGING])
def test_the_cache_is_exact_after_every_call(last: Layer) -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 1_000)))
    house.waterfall(last)
    house.list_contract(funding_ns=HOUR, funding_cap_e9=10**6, interest_e9=10**5)
    house.list_contract("Y", underlying=2, expiry_ns=START + 5 * HOUR)
    house.open_member("N", default_fund=50 * COIN)
    steps = [
        lambda: house.open_client("A", deposit=5_500 * COIN),
        lambda: house.open_client("B", deposit=90_000 * COIN),
        lambda: house.open_client(
            "D", deposit=5_500 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT
        ),
        lambda: house.deposit("D", 10**10, asset=2),
        lambda: house.price(500, e8={1: 3 * 10**8}),
        lambda: house.trade("A", "B", lots=100, ticks=500),
        lambda: house.trade("D", "B", lots=90, ticks=500),
        lambda: house.trade("D", "B", lots=9, ticks=3, instrument=1),
        lambda: house.submit(
            command.RESERVE_MARGIN.row(
                account=house.number("B"), instrument=0, lots=5, limit_ticks=600
            )
        ),
        lambda: house.submit(command.RELEASE_MARGIN.row(reservation=1)),
        lambda: house.price(468, at_ns=START + MINUTE, e8={1: 2 * 10**8}),
        lambda: house.fill(1, 10, 467),
        lambda: house.submit(command.SET_HAIRCUT.row(asset=2, haircut_bps=4_000)),
        lambda: house.price(467, at_ns=START + HOUR + MINUTE, e8={1: 2 * 10**8}),
        lambda: house.price(430, at_ns=START + 2 * HOUR, e8={1: 10**8}),
        lambda: house.advance(START + 3 * HOUR),
        lambda: house.price(425, at_ns=START + 6 * HOUR, e8={1: 10**8}),
        house.assess,  # after what had waited for a price was settled
        lambda: house.submit(
            command.WITHDRAW_COLLATERAL.row(account=house.number("B"), asset=0, amount=COIN)
        ),
    ]
    for step in steps:
        step()
        require_exact(house.engine.state)


def test_the_cache_is_exact_after_every_record_of_a_journal() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.price(440, at_ns=START + MINUTE)
    house.advance(START + 2 * HOUR)
    state = State()
    for record in house.engine.journal.read():
        apply_record(state, record)
        require_exact(state)

    assert state.digest() == house.engine.state.digest()


def sleepy_house() -> ClearingHouse:
    """A, B and C with a balance of 7 that the cache has not been told of."""
    house = ClearingHouse()
    for name in ("A", "B", "C"):
        house.open_client(name)
    state = house.engine.state
    state.require_sound()
    state.margin_cache.numbers()
    state.accounts.balance[[house.number(name) for name in ("A", "B", "C")], 0] += 7
    return house


def seen(house: ClearingHouse) -> list[int]:
    """What the cache says of A, B and C."""
    numbers = [house.number(name) for name in ("A", "B", "C")]
    return [int(equity) for equity in house.state.margin_cache.numbers()[numbers, 0]]


def test_an_event_that_touches_nobody_leaves_the_state_sound() -> None:
    house = sleepy_house()

    note(house.state, NOBODY, {})

    assert seen(house) == [0, 0, 0]
    assert not house.state.is_moved


def test_an_event_that_touches_everybody_moves_the_state() -> None:
    house = sleepy_house()

    note(house.state, EVERYBODY, {})

    assert seen(house) == [7, 7, 7]
    assert house.state.is_moved


def test_an_event_that_touches_some_touches_the_house_too() -> None:
    house = sleepy_house()
    state, fees = house.state, house.number("FEES")
    state.accounts.balance[fees, 0] += 3

    note(state, BOTH_SIDES, {"buyer": house.number("A"), "seller": house.number("B")})

    assert seen(house) == [7, 7, 0]
    assert state.margin_cache.numbers()[fees, 0] == 3
    assert state.is_moved


def test_an_event_of_the_house_alone_touches_no_client() -> None:
    house = sleepy_house()

    note(house.state, HOUSE, {})

    assert seen(house) == [0, 0, 0]
    assert house.state.is_moved


def test_deciding_tells_the_cache_too() -> None:
    house = ClearingHouse()
    house.open_client("A")
    state = house.engine.state
    state.margin_cache.numbers()

    Events(state)(
        event.COLLATERAL_POSTED, account=house.number("A"), asset=0, amount=3, repaid=0
    )  # fmt: skip

    assert state.margin_cache.numbers()[house.number("A"), 0] == 3
