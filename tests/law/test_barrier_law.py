"""No touch of a continuously watched barrier is missed, however seldom anybody assesses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novate.canonical import Run
from novate.engine.recover import audit, recover
from novate.kernel.codes import Barrier, InstrumentStatus, Monitoring
from novate.message import command
from novate.message.declare import rows_of
from tests.unit.clearing import COIN, E8, HOUR, SECOND, START, ClearingHouse

BARRIERS = (Barrier.UP_IN, Barrier.UP_OUT, Barrier.DOWN_IN, Barrier.DOWN_OUT)


def ready(dice: np.random.Generator) -> tuple[ClearingHouse, list[tuple[bool, int]]]:
    """Eight watched options near an index of 100, each held; whether up, and at which level."""
    house = ClearingHouse()
    terms = []
    house.price(100)
    for number in range(8):
        barrier = BARRIERS[number % 4]
        is_up = barrier in (Barrier.UP_IN, Barrier.UP_OUT)
        away = int(dice.integers(1, 12 * E8))
        level = 100 * E8 + (away if is_up else -away)
        house.list_option(
            f"O{number}", barrier=barrier, barrier_e8=level, monitoring=Monitoring.CONTINUOUS,
            rebate_ticks=int(dice.integers(0, 500)), expiry_ns=START + 9 * HOUR,
        )  # fmt: skip
        terms.append((is_up, level))
    for name in ("long", "short"):
        house.open_client(name, deposit=100_000 * COIN)
    house.smile(0.6, START + 9 * HOUR)
    house.assess()
    for number in range(8):
        house.trade("long", "short", lots=3, ticks=100, instrument=number)
    return house, terms


def reports(dice: np.random.Generator, at_ns: int, price: int) -> list[int]:
    """Prices of one source that walk away from a price within a few nanoseconds, in 1e-8."""
    steps = np.exp(np.cumsum(dice.normal(0.0, 0.01, int(dice.integers(1, 7)))))
    return [int(price * step) for step in steps]


def rows(prices: list[int], at_ns: int) -> list[dict[str, int]]:
    """Reports, each seen a nanosecond after the one before, the last one now."""
    first = at_ns - len(prices) + 1
    return [
        {"source": 0, "price_e8": price, "observed_ns": first + k} for k, price in enumerate(prices)
    ]


def run_of(reported: list[dict[str, int]]) -> Run:
    """One run of reports."""
    names = ("source", "price_e8", "observed_ns")
    return command.REPORT_PRICE.run({name: [row[name] for row in reported] for name in names})


@pytest.mark.rule("9.19", "9.20", "9.21", "9.26")
@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_a_touch_between_two_assessments_is_never_missed(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house, terms = ready(dice)
    touched: dict[int, tuple[int, int]] = {}  # by number: the first index at the level, and when
    price, at_ns = 100 * E8, house.state.now_ns
    for _ in range(12):
        at_ns += int(dice.integers(1, 600)) * SECOND
        house.advance(at_ns)
        prices = reports(dice, at_ns, price)
        for price in prices:
            for number, (is_up, level) in enumerate(terms):
                if (price >= level) if is_up else (price <= level):
                    touched.setdefault(number, (price, at_ns))
        house.submit(run_of(rows(prices, at_ns)))
        if dice.random() < 0.2:
            house.assess()
        is_knocked = house.state.instruments.used("is_knocked")
        assert set(np.flatnonzero(is_knocked)) == set(touched)
    found = {
        row["instrument"]: (row["index_e8"], row["instant_ns"])
        for row in house.events("BarrierTouched")
    }
    assert found == touched
    for number in touched:
        is_out = BARRIERS[number % 4] in (Barrier.UP_OUT, Barrier.DOWN_OUT)
        ended = house.state.instruments.status[number] == InstrumentStatus.EXPIRED
        assert ended == is_out
        assert (house.lots("long", number) == 0) == is_out


@pytest.mark.rule("9.21", "14.4")
@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_a_batch_of_reports_touches_what_its_rows_touch_and_a_replay_as_well(seed: int) -> None:
    houses = []
    for is_batch in (True, False):
        dice = np.random.default_rng(seed)
        house, _ = ready(dice)
        price, at_ns = 100 * E8, house.state.now_ns
        for _ in range(6):
            at_ns += int(dice.integers(1, 600)) * SECOND
            house.advance(at_ns)
            prices = reports(dice, at_ns, price)
            price = prices[-1]
            reported = rows(prices, at_ns)
            for part in [reported] if is_batch else [[one] for one in reported]:
                house.submit(run_of(part))
            house.state.drop_caches()
        house.assess()
        houses.append(house)
    batch, single = (
        [(run.name, list(rows_of(run))) for b in house.batches for run in b.events]
        for house in houses
    )
    assert flat(batch) == flat(single)
    digests = {house.engine.state.digest() for house in houses}
    for house in houses:
        digests |= {
            audit(house.engine.journal).digest,
            recover(house.engine.journal).state.digest(),
        }
    assert len(digests) == 1


def flat(runs: list[tuple[str, list[dict[str, object]]]]) -> list[tuple[str, dict[str, object]]]:
    """Events one by one, whatever runs they came in."""
    return [(name, row) for name, found in runs for row in found]
