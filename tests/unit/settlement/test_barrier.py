from __future__ import annotations

import pytest

from novate.canonical import Run
from novate.engine.recover import audit, recover
from novate.kernel.codes import Barrier, InstrumentStatus, Monitoring
from novate.message import command
from novate.message.parameter import Parameter, set_parameter
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, OPTION_TERMS, START, ClearingHouse

EXPIRY = OPTION_TERMS["expiry_ns"]
UP_IN = {"barrier": Barrier.UP_IN, "barrier_e8": 120 * E8, "monitoring": Monitoring.CONTINUOUS}
UP_OUT = {**UP_IN, "barrier": Barrier.UP_OUT, "rebate_ticks": 250}


def house_with(**terms: int) -> ClearingHouse:
    """A call at 100 with a barrier, an index of 100, and ten lots from short to long."""
    house = ClearingHouse()
    house.list_option(**terms)
    for name in ("long", "short"):
        house.open_client(name, deposit=1_000 * COIN)
    house.price(100)
    house.smile(0.6)
    house.assess()
    house.trade("long", "short", lots=10, ticks=500)
    return house


def names(house: ClearingHouse) -> list[str]:
    return house.event_names()


@pytest.mark.rule("9.20", "9.22", "9.27")
def test_a_knock_in_is_a_plain_option_for_good_once_it_was_touched() -> None:
    house, plain = house_with(**UP_IN), house_with()
    for at in (house, plain):
        at.price(121)
        at.price(100)
    (touched,) = house.events("BarrierTouched")
    assert (touched["index_e8"], touched["instrument"]) == (121 * E8, 0)
    assert house.state.marks.mark[0] == plain.state.marks.mark[0] == 685
    house.price(130, at_ns=EXPIRY - 1)
    house.price(None, at_ns=EXPIRY + 1)
    assert house.events("OptionExpired")[0]["ticks"] == 3_000


@pytest.mark.rule("9.27")
def test_a_knock_in_that_was_never_touched_pays_its_rebate() -> None:
    house = house_with(**UP_IN, rebate_ticks=40)
    house.price(119, at_ns=EXPIRY - 1)
    house.price(None, at_ns=EXPIRY + 1)
    assert house.events("OptionExpired")[0]["ticks"] == 40
    assert house.balance("long") == (1_000 - 50 + 4) * COIN


@pytest.mark.rule("8.12", "9.19", "9.26")
def test_a_knock_out_ends_at_once_at_its_rebate_and_its_orders_with_it() -> None:
    house = house_with(**UP_OUT)
    order = {"account": house.number("long"), "instrument": 0, "lots": 1, "limit_ticks": 600}
    house.submit(command.RESERVE_MARGIN.row(**order))
    house.price(120)
    assert house.state.instruments.status[0] == InstrumentStatus.EXPIRED
    assert house.lots("long") == house.lots("short") == 0
    assert house.balance("long") == (1_000 - 50 + 25) * COIN
    assert house.balance("short") == (1_000 + 50 - 25) * COIN
    assert house.state.accounts.open_order_hold[house.number("long")] == 0
    house.price(90, at_ns=EXPIRY + 1)
    assert not house.events("OptionExpired")


@pytest.mark.rule("9.20", "14.2")
def test_what_was_touched_stays_touched_after_the_price_came_back_and_after_a_replay() -> None:
    house = house_with(**UP_IN)
    house.price(125)
    house.engine.snapshot()
    house.price(90)
    journal, digest = house.engine.journal, house.engine.state.digest()
    assert audit(journal).digest == digest
    for from_snapshot in (True, False):
        again = recover(journal, from_snapshot=from_snapshot)
        assert again.state.digest() == digest
        assert again.state.instruments.is_knocked[0]


def report(price: int, source: int = 0, *, ago_ns: int = 0) -> Run:
    """A price of a source, now or a little earlier."""
    at_ns = START + MINUTE - ago_ns
    return command.REPORT_PRICE.row(source=source, price_e8=price * E8, observed_ns=at_ns)


@pytest.mark.rule("5.1", "9.21", "9.26")
def test_a_report_that_moves_the_index_touches_before_anybody_assesses() -> None:
    house = house_with(**UP_OUT)
    order = {"account": house.number("long"), "instrument": 0, "lots": 1, "limit_ticks": 600}
    house.submit(command.RESERVE_MARGIN.row(**order))
    house.advance(START + MINUTE)
    house.submit(report(119, ago_ns=2), report(120, ago_ns=1), report(100))
    assert names(house) == ["PriceReported", "BarrierTouched", "PriceReported"]
    assert house.events("BarrierTouched") == [
        {"instrument": 0, "index_e8": 120 * E8, "instant_ns": START + MINUTE}
    ]
    assert house.state.instruments.status[0] == InstrumentStatus.EXPIRED
    assert house.balance("long") == (1_000 - 50 + 25) * COIN
    assert house.state.accounts.open_order_hold[house.number("long")] == 0
    assert house.state.assets.price_e8[1] == 100 * E8


@pytest.mark.rule("9.21")
def test_it_is_the_index_that_touches_and_not_one_of_its_sources() -> None:
    house = house_with(**UP_IN)
    house.submit(*(command.DECLARE_SOURCE.row(symbol=s, asset=1, weight=1) for s in ("b", "c")))
    house.advance(START + MINUTE)
    house.submit(report(100, ago_ns=1), report(101, 1, ago_ns=1), report(102, 2, ago_ns=1))
    house.submit(report(130))
    assert not house.events("BarrierTouched")
    house.submit(report(131, 1))
    # 130 stands between 102 and 131.
    assert [row["index_e8"] for row in house.events("BarrierTouched")] == [130 * E8]


@pytest.mark.rule("5.62", "5.63", "9.21")
def test_a_source_that_contradicts_itself_leaves_the_others_to_touch() -> None:
    house = house_with(**UP_IN)
    house.submit(*(command.DECLARE_SOURCE.row(symbol=s, asset=1, weight=1) for s in ("b", "c")))
    house.advance(START + MINUTE)
    house.submit(report(100), report(130, 1), report(100, 2, ago_ns=1), report(131, 2))
    assert [row["index_e8"] for row in house.events("BarrierTouched")] == [130 * E8]

    house = house_with(**UP_IN)
    house.submit(
        *(command.DECLARE_SOURCE.row(symbol=s, asset=1, weight=1) for s in ("b", "c", "d"))
    )
    house.advance(START + MINUTE)
    house.submit(report(100), report(101, 3), report(130, 1), report(131, 2))
    assert not house.events("BarrierTouched")  # 101 and 130 are far apart
    house.submit(report(90))
    # Without the first one 130 stands between 101 and 131.
    assert names(house) == ["SourceContradicted", "BarrierTouched"]
    assert [row["index_e8"] for row in house.events("BarrierTouched")] == [130 * E8]


@pytest.mark.rule("9.21")
def test_too_few_sources_touch_nothing() -> None:
    house = house_with(**UP_IN)
    house.submit(set_parameter(Parameter.INDEX_SOURCES_MIN, 2))
    house.advance(START + MINUTE)
    house.submit(report(130))
    assert not house.events("BarrierTouched")


@pytest.mark.rule("9.21", "9.22")
def test_an_index_after_expiry_touches_nothing() -> None:
    house = house_with(**UP_OUT)
    house.advance(EXPIRY + 10 * MINUTE)
    assert house.state.instruments.status[0] == InstrumentStatus.ACTIVE
    house.price(130, at_ns=EXPIRY + 10 * MINUTE)
    house.advance(EXPIRY + 12 * MINUTE)
    assert not house.events("BarrierTouched")
    assert house.events("OptionExpired")


@pytest.mark.rule("9.19", "9.23")
@pytest.mark.parametrize("barrier", [Barrier.DOWN_IN, Barrier.DOWN_OUT])
def test_a_scheduled_barrier_is_not_looked_at_in_between(barrier: Barrier) -> None:
    terms = {"barrier": barrier, "barrier_e8": 80 * E8, "monitoring": Monitoring.SCHEDULE}
    house = house_with(**terms, observation_ns=HOUR)
    house.price(79, at_ns=START + 10 * MINUTE)
    house.price(100, at_ns=START + 50 * MINUTE)
    house.price(79, at_ns=START + 70 * MINUTE)
    assert not house.events("BarrierTouched")
    (seen,) = house.events("BarrierObserved")
    assert (seen["index_e8"], seen["next_ns"]) == (100 * E8, START + 2 * HOUR)
    house.advance(START + 2 * HOUR)
    assert house.events("BarrierTouched")[0]["instant_ns"] == START + 2 * HOUR


@pytest.mark.rule("4.10", "8.15", "9.24")
def test_a_scheduled_look_waits_for_its_index() -> None:
    terms = {"barrier": Barrier.DOWN_IN, "barrier_e8": 80 * E8, "monitoring": Monitoring.SCHEDULE}
    house = house_with(**terms, observation_ns=4 * HOUR)
    house.advance(START + 4 * HOUR + MINUTE)
    assert not house.events("BarrierObserved")
    house.price(79)
    house.advance(START + 4 * HOUR + 3 * MINUTE)
    assert house.events("BarrierTouched")


@pytest.mark.rule("9.25", "9.27")
def test_a_barrier_at_expiry_is_compared_with_the_settlement_price() -> None:
    house = house_with(**{**UP_OUT, "monitoring": Monitoring.AT_EXPIRY})
    house.price(150)
    house.price(119, at_ns=EXPIRY - 1)
    house.price(None, at_ns=EXPIRY + 1)
    assert not house.events("BarrierTouched")
    assert house.events("OptionExpired")[0]["ticks"] == 1_900
    house = house_with(**{**UP_OUT, "monitoring": Monitoring.AT_EXPIRY})
    house.price(120, at_ns=EXPIRY - 1)
    house.price(None, at_ns=EXPIRY + 1)
    assert house.events("OptionExpired")[0]["ticks"] == 250


@pytest.mark.rule("9.22")
def test_a_stale_index_touches_nothing() -> None:
    house = house_with(**UP_IN)
    house.advance(START + 3 * HOUR)
    house.state.assets.price_e8[1] = 130 * E8
    house.assess()
    assert not house.events("BarrierTouched")


@pytest.mark.rule("15.19")
@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"barrier": 5}, "UNKNOWN_BARRIER"),
        ({"monitoring": 1}, "UNKNOWN_BARRIER"),
        ({**UP_IN, "monitoring": 0}, "UNKNOWN_BARRIER"),
        ({**UP_IN, "barrier_e8": 0}, "BARRIER_OUT_OF_RANGE"),
        ({**UP_IN, "monitoring": 2}, "BARRIER_OUT_OF_RANGE"),
        ({**UP_IN, "observation_ns": HOUR}, "BARRIER_OUT_OF_RANGE"),
        ({"rebate_ticks": 1}, "BARRIER_OUT_OF_RANGE"),
        ({**UP_IN, "barrier_e8": 100 * E8}, "BARRIER_CROSSED"),
    ],
)
def test_terms_of_a_barrier_that_do_not_fit_are_refused(terms: dict[str, int], code: str) -> None:
    house = ClearingHouse()
    house.declare_rule()
    house.price(100)
    house.submit(command.LIST_OPTION.row(**{**OPTION_TERMS, **terms}), allow_refusals=True)
    assert [refusal.name for refusal in house.refusals()] == [code]
