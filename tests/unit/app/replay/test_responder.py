from __future__ import annotations

import numpy as np
import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.app.replay.feed import Feed, Step, file_feed
from novate.app.replay.responder import Responder
from novate.app.replay.venue import Venue, open_venue
from novate.engine.engine import Engine
from novate.kernel.codes import OrderKind
from novate.message import command
from novate.message.declare import rows_of
from novate.simulation.path import PathOrder
from tests.unit.app.replay.small import START_NS, SYMBOLS, parameters
from tests.unit.app.replay.test_feed import TWO_HOURS, table

SECOND = 10**9


def market() -> tuple[Venue, Feed, Engine, Responder]:
    """A venue with prices of its assets, without accounts, and the responder of its outbox."""
    venue = open_venue(parameters(), SYMBOLS, START_NS - 1)
    feed = file_feed(table(*TWO_HOURS), venue, order=PathOrder.LOW_FIRST, points=4)
    engine = Engine(MemoryJournal())
    first = next(iter(feed))
    engine.submit(
        [
            *venue.opening,
            *feed.opening(venue.rules),
            command.ADVANCE_TIME.row(instant_ns=START_NS),
            command.REPORT_PRICE.run(
                {
                    "source": first.source,
                    "price_e8": first.price_e8,
                    "observed_ns": first.observed_ns,
                }
            ),
            command.ASSESS_MARGIN.row(instant_ns=START_NS),
        ]
    )
    responder = Responder(venue, feed.bar_ns, feed.last_e8[0])
    responder.observe(first, engine.state)  # starts its clock
    return venue, feed, engine, responder


def place(
    engine: Engine, kind: OrderKind, subject: int, quantity: int, *, at_ns: int = START_NS
) -> int:
    """Put an order into the outbox; returns its number."""
    orders = engine.state.defaults.orders
    row = orders.append()
    orders.kind[row], orders.subject[row], orders.quantity[row] = kind, subject, quantity
    orders.placed_ns[row] = at_ns
    orders.is_open[row] = True
    return row + 1


def answers(engine: Engine, responder: Responder, feed: Feed) -> list[dict[str, int]]:
    """What the responder says at the second step, a quarter of an hour later."""
    step: Step = list(feed)[1]
    responder.observe(step, engine.state)
    fills = responder.answer(engine.state, step.instant_ns)
    return [dict(row) for run in fills for row in rows_of(run)]


def test_without_open_orders_there_is_no_answer() -> None:
    _, feed, engine, responder = market()

    assert answers(engine, responder, feed) == []


@pytest.mark.parametrize(("late_ns", "count"), [(1, 0), (0, 1)])
def test_an_order_waits_for_its_latency(late_ns: int, count: int) -> None:
    venue, feed, engine, responder = market()
    latency = venue.parameters["agent"]["latency_ms"] * 10**6
    step = list(feed)[1]
    place(engine, OrderKind.POSITION, 0, -10, at_ns=step.instant_ns - latency + late_ns)

    assert len(answers(engine, responder, feed)) == count


@pytest.mark.parametrize("sign", [1, -1])
def test_a_small_order_fills_near_the_last_price_on_the_worse_side(sign: int) -> None:
    _, feed, engine, responder = market()
    order = place(engine, OrderKind.POSITION, 0, sign * 10)  # 0.01 BTC

    [fill] = answers(engine, responder, feed)

    last = 49_500 * 10  # ticks of 0.1
    assert fill["order"] == order
    assert fill["quantity"] == 10
    assert sign * (fill["price"] - last) >= 0
    assert abs(fill["price"] - last) < last // 50
    assert fill["is_final"] is False


def test_no_more_is_filled_than_the_depth_allows_and_the_venue_price_moves() -> None:
    _, feed, engine, responder = market()
    place(engine, OrderKind.POSITION, 0, -50_000)  # 50 BTC where 2 trade in an hour

    fills = answers(engine, responder, feed)

    assert sum(fill["quantity"] for fill in fills) < 50_000
    displaced = responder.last_displacement_ppm
    assert displaced.shape == (2,)
    assert displaced[0] <= 0
    assert displaced[1] == 0


def test_a_conversion_is_answered_in_ledger_units_at_the_index() -> None:
    venue, feed, engine, responder = market()
    usdc = venue.asset("USDC")
    order = place(engine, OrderKind.CONVERSION, usdc, -1_000_001)  # 1.000001 USDC

    [fill] = answers(engine, responder, feed)

    assert (fill["order"], fill["quantity"]) == (order, 1_000_001)
    assert 90_000_000 < fill["price"] <= 100_000_000


def test_dust_is_answered_too() -> None:
    venue, feed, engine, responder = market()
    place(engine, OrderKind.CONVERSION, venue.asset("BTC"), 1)
    place(engine, OrderKind.CONVERSION, venue.asset("USDC"), -1)

    fills = answers(engine, responder, feed)

    assert [fill["quantity"] for fill in fills] == [1, 1]


def test_an_inverse_contract_is_sized_by_its_face_at_the_first_price() -> None:
    settings = parameters()
    settings["instruments"]["BTCUSDT"].update(
        form="inverse", face_value=100 * 10**8, settlement_asset="BTC", tick=5 * 10**7
    )
    venue = open_venue(settings, SYMBOLS, START_NS)

    responder = Responder(venue, 3_600 * SECOND, np.array([50_000, 3_000], np.int64) * 10**8)

    assert responder._lot.tolist() == [200_000, 10**5]  # 100 / 50,000 of a coin; 0.001
