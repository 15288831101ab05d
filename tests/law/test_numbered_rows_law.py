"""Laws of what has a number for life: it leaves the state when it is done, and nobody notices."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import given, settings

from novate.adapter.memory_journal import MemoryJournal
from novate.engine.batch import decode_batch
from novate.engine.engine import Engine
from novate.engine.recover import audit, recover
from novate.engine.state import State
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import (
    ReleaseMarginRefusal,
    ReportFillRefusal,
    SubmitTradeRefusal,
)
from tests.law.strategies import events_of, play, seeds, stream_of
from tests.unit.clearing import COIN, MINUTE, START, ClearingHouse

few = settings(max_examples=int(os.environ.get("NOVATE_LAW_EXAMPLES", "6")))


def tidy(state: State, rng: np.random.Generator) -> None:
    """Put some tables in order, and forget what is due, at a moment that nobody chose."""
    for table in (state.reservations, state.defaults.orders, state.defaults.losses):
        if rng.random() < 0.5:
            table.drop_done()
    if rng.random() < 0.5:
        state.due.forget()


@few
@given(seeds, seeds)
def test_tables_put_in_order_at_any_moment_change_no_event_and_no_digest(
    seed: int, moments: int
) -> None:
    stream, rng = stream_of(seed), np.random.default_rng(moments)
    engine = Engine(MemoryJournal())
    for runs in stream:
        engine.submit(runs)
        digest = engine.state.digest()
        tidy(engine.state, rng)
        assert engine.state.digest() == digest
    assert engine.head_hash == play(stream).head_hash


@few
@given(seeds)
def test_numbers_are_given_once_and_rise(seed: int) -> None:
    events = events_of([decode_batch(record) for record in play(stream_of(seed)).journal.read(1)])
    for name, column in (
        ("MarginReserved", "reservation"), ("OrderPlaced", "order"), ("LossRecorded", "loss"),
    ):  # fmt: skip
        numbers = [row[column] for event, row in events if event == name]
        assert numbers == list(range(1, len(numbers) + 1))


ROUNDS, ROWS = 30, 100


def house_with_much_history() -> ClearingHouse:
    """Thousands of reservations, granted and released or used, and hundreds of orders, closed."""
    house = ClearingHouse(parameters={Parameter.TAKEOVER_PPM: 0})
    house.list_contract()
    house.open_client("A", deposit=5_500 * COIN)
    house.open_client("B", deposit=90_000 * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    b, none = house.number("B"), np.zeros(ROWS, np.int64)
    for _ in range(ROUNDS):
        first = house.state.reservations.given + 1
        order = {"account": none + b, "instrument": none, "limit_ticks": none + 500}
        house.submit(command.RESERVE_MARGIN.run({**order, "lots": none + 1}))
        house.trade("B", "EXTERNAL_MARKET", lots=1, ticks=500, buyer_reservation=first)
        house.trade("EXTERNAL_MARKET", "B", lots=1, ticks=500)
        house.submit(command.RELEASE_MARGIN.run({"reservation": first + np.arange(1, ROWS)}))
    house.price(466, at_ns=START + MINUTE)
    for _ in range(2 * ROWS):
        given_orders = house.state.defaults.orders.given
        house.fill(given_orders, 0, 0, is_final=True)
        house.price(466, at_ns=house.state.now_ns + MINUTE)
        house.advance(house.state.now_ns)
    return house


def test_what_is_done_leaves_recovers_and_is_answered_late_by_the_same_codes() -> None:
    house = house_with_much_history()
    state = house.state
    assert state.reservations.given == ROUNDS * ROWS
    assert state.reservations.count < 3 * ROWS
    assert state.defaults.orders.given > 2 * ROWS
    assert state.defaults.orders.count < 2 * ROWS
    assert not state.reservations.live().size

    for from_snapshot in (False, True):
        recovered = recover(house.engine.journal, from_snapshot=from_snapshot)
        assert recovered.state.digest() == state.digest()
        house.engine.snapshot()
    assert audit(house.engine.journal).digest == state.digest()

    digest = state.digest()
    house.submit(command.RELEASE_MARGIN.row(reservation=7), allow_refusals=True)
    assert house.refusals() == [ReleaseMarginRefusal.UNKNOWN_RESERVATION]
    for reservation in (1, 7, ROUNDS * ROWS + 1):
        run = house.trade_run(
            "B", "EXTERNAL_MARKET", lots=1, ticks=466, buyer_reservation=reservation
        )
        house.submit(run, allow_refusals=True)
        assert house.refusals() == [SubmitTradeRefusal.UNKNOWN_RESERVATION]
    late = (ReportFillRefusal.ORDER_CLOSED, ReportFillRefusal.UNKNOWN_ORDER)
    for order, code in zip((1, state.defaults.orders.given + 1), late, strict=True):
        answer = command.REPORT_FILL.row(order=order, quantity=1, price=466, is_final=False)
        house.submit(answer, allow_refusals=True)
        assert house.refusals() == [code]
    assert state.digest() == digest
