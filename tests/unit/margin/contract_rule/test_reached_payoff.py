from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novate.kernel.codes import Barrier, Monitoring
from novate.margin.contract_rule.reached_payoff import NO_WINDOW, Window, reached_ticks
from novate.market.option import is_out, is_touched, plain_ticks
from novate.message.refusal import SubmitTradeRefusal
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, SECOND, START, ClearingHouse

EXPIRY = START + 6 * HOUR


def marked(*, at_ns: int = EXPIRY - MINUTE, price: int = 100, **terms: Any) -> ClearingHouse:
    """A house with one option, marked at a volatility of 0.6."""
    house = ClearingHouse()
    house.list_option(**{"expiry_ns": EXPIRY, **terms})
    house.price(price)
    house.smile(0.6, EXPIRY)
    house.price(price, at_ns=at_ns)
    return house


def margins(house: ClearingHouse) -> tuple[int, int]:
    (row,) = house.events("OptionMarked", last=True)
    return row["short_initial"], row["short_maintenance"]


@pytest.mark.rule("9.53")
def test_a_digital_that_one_move_reaches_is_margined_for_its_payout() -> None:
    """A minute before expiry, a thousandth below the strike: a payout of ten times the index."""
    house = marked(kind=2, payout_ticks=100_000, strike_e8=100 * E8 + E8 // 10)
    assert margins(house) == (100_000, 100_000)
    for name, deposit in (("short", 100_000), ("long", 10**6)):
        house.open_client(name, deposit=deposit * COIN)
    house.smile(0.6, EXPIRY)
    mark = int(house.state.marks.mark[0])
    run = house.trade_run("long", "short", lots=1_000, ticks=mark)
    # 1,000 lots at 1,000 are 1,000,000; 100,000 and the premium are not.
    house.submit(run, allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.INSUFFICIENT_MARGIN]


@pytest.mark.rule("9.53", "9.54")
def test_a_digital_beyond_the_move_of_maintenance_is_margined_for_it_initially() -> None:
    # 10 above the index: further than 7.5% of 100, nearer than 15%.
    initial, maintenance = margins(marked(kind=2, payout_ticks=100_000, strike_e8=110 * E8))
    assert (initial, maintenance) == (100_000, 750)


@pytest.mark.rule("9.53")
def test_a_digital_beyond_both_moves_is_margined_by_the_rule_alone() -> None:
    found = margins(marked(kind=2, payout_ticks=100_000, strike_e8=120 * E8))
    assert found == (1_000, 750)


@pytest.mark.rule("9.53", "9.54")
def test_a_digital_whose_window_has_decided_is_not_margined_for_its_payout() -> None:
    terms = {"kind": 2, "payout_ticks": 100_000, "strike_e8": 101 * E8}
    house = marked(at_ns=EXPIRY - HOUR, settlement_window_ns=HOUR, **terms)
    assert margins(house)[1] == 100_000
    house.price(100, at_ns=EXPIRY - 5 * MINUTE)
    # 15% of 100 for five minutes of sixty are 1.25, beyond the strike; 7.5% are 0.625.
    initial, maintenance = margins(house)
    assert initial == 100_000
    assert maintenance < 1_000


@pytest.mark.rule("9.53", "9.55")
def test_a_reverse_barrier_is_margined_for_what_it_pays_just_before_its_touch() -> None:
    # A call at 80 that ends at 104: 24 less a tick at most, and a touch pays a rebate of 3.
    terms = {"barrier": Barrier.UP_OUT, "barrier_e8": 104 * E8, "monitoring": 1}
    house = marked(strike_e8=80 * E8, rebate_ticks=300, **terms)
    assert min(margins(house)) >= 2_400
    # Knocked out it pays the rebate; what cannot be reached asks for nothing.
    c = house.state.instruments
    assert reached_ticks(c, 0, 100 * E8, NO_WINDOW, 30_000) == 2_300
    assert reached_ticks(c, 0, 100 * E8, NO_WINDOW, 50_000) == 2_400
    assert reached_ticks(c, 0, 70 * E8, NO_WINDOW, 50_000) == 0


@pytest.mark.rule("9.53", "9.55")
def test_an_option_that_begins_with_its_touch_is_margined_for_what_it_begins_with() -> None:
    # A put at 120 that begins at 104: touched it pays 16 there; untouched it pays its rebate.
    terms = {"barrier": Barrier.UP_IN, "barrier_e8": 104 * E8, "monitoring": 1, "side": -1}
    house = marked(strike_e8=120 * E8, rebate_ticks=300, **terms)
    c = house.state.instruments
    assert reached_ticks(c, 0, 100 * E8, NO_WINDOW, 30_000) == 300
    assert reached_ticks(c, 0, 100 * E8, NO_WINDOW, 50_000) == 1_600


@pytest.mark.rule("9.53")
def test_a_plain_option_is_margined_by_the_rule_alone_and_so_is_one_that_was_touched() -> None:
    house = marked(strike_e8=100 * E8)
    assert margins(house)[0] == pytest.approx(1_500, abs=10)
    barrier = {"barrier": Barrier.UP_IN, "barrier_e8": 104 * E8, "monitoring": 1}
    house = marked(strike_e8=100 * E8, **barrier)
    house.price(105, at_ns=EXPIRY - SECOND)
    # Touched: in the money by 5, a move of 15% of 105.
    assert margins(house) == (500 + 1_575, 500 + 788)


@pytest.mark.rule("9.53", "9.54", "9.55")
@given(
    data=st.data(),
    side=st.sampled_from((1, -1)),
    kind=st.sampled_from((1, 2)),
    is_coin=st.booleans(),
    barrier=st.sampled_from(list(Barrier)),
    monitoring=st.sampled_from(list(Monitoring)),
    move=st.integers(1, 400_000),
    seen=st.integers(0, 100),
)
def test_no_move_within_the_share_pays_more_than_what_is_reached(
    data: st.DataObject, side: int, kind: int, is_coin: bool, barrier: int, monitoring: int,
    move: int, seen: int,
) -> None:  # fmt: skip
    c = TERMS.state.instruments
    index = data.draw(st.integers(50 * E8, 150 * E8))
    c.side[0], c.kind[0], c.settlement_asset[0] = side, kind, int(is_coin)
    c.payout_ticks[0], c.barrier[0], c.rebate_ticks[0] = 5_000, barrier, 70
    c.strike_e8[0] = data.draw(st.integers(60 * E8, 140 * E8))
    c.barrier_e8[0] = data.draw(st.integers(60 * E8, 140 * E8))
    c.monitoring[0] = monitoring if barrier else 0
    window = Window(seen * data.draw(st.integers(60 * E8, 140 * E8)), seen, 100 - seen)

    reached = reached_ticks(c, 0, index, window, move)

    low, high = index * (10**6 - move) // 10**6, -(-index * (10**6 + move) // 10**6)
    level = int(c.barrier_e8[0])
    at = data.draw(st.one_of(st.integers(low, high), st.sampled_from((low, high, level))))
    if low <= at <= high:
        final = window.settles(at)
        looked = final if monitoring == Monitoring.AT_EXPIRY else at
        if barrier and is_touched(barrier, looked, level) == is_out(barrier):
            paid = 70
        else:
            paid = plain_ticks(c, 0, final)
        assert paid <= reached


TERMS = ClearingHouse()
TERMS.list_option()
