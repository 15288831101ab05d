"""A generated book, opened by the engine."""

from __future__ import annotations

from typing import Any

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.app.replay.book import Book
from novate.app.replay.feed import Feed, file_feed
from novate.app.replay.generated_book import _open_interest, generated_book
from novate.app.replay.venue import Venue, open_venue
from novate.engine.batch import decode_batch
from novate.engine.engine import Engine
from novate.errors import InputError
from novate.kernel.clearing.assess import EQUITY, INITIAL, NET
from novate.kernel.codes import Role
from novate.simulation.path import PathOrder
from tests.unit.app.replay.small import START_NS, SYMBOLS, parameters
from tests.unit.app.replay.test_feed import TWO_HOURS, table


def made(settings: dict[str, Any] | None = None, seed: int = 1) -> tuple[Venue, Feed, Book]:
    """A generated book of 400 accounts, and everything it needs."""
    settings = settings or parameters()
    settings["book"]["accounts"] = 400
    venue = open_venue(settings, SYMBOLS, START_NS - 10**9)
    feed = file_feed(table(*TWO_HOURS), venue, order=PathOrder.LOW_FIRST, points=4)
    return venue, feed, generated_book(venue, feed, seed)


def opened(venue: Venue, feed: Feed, book: Book) -> Engine:
    """An engine that has taken the whole opening."""
    engine = Engine(MemoryJournal())
    engine.submit([*venue.opening, *feed.opening(venue.rules), *book.opening])
    return engine


def test_a_generated_book_is_accepted_by_the_engine_as_it_stands() -> None:
    _, _, book = made()
    engine = opened(*made())

    x, accounts = engine.state, book.accounts
    events = [run for record in engine.journal.read() for run in decode_batch(record).events]
    assert "CommandRefused" not in {run.name for run in events}
    assert len(accounts) == len(accounts.members) == 400
    assert tuple(x.accounts.references[a] for a in accounts.numbers) == accounts.references
    assert accounts.numbers[-1] == x.accounts.count - 1
    numbers = x.assess_all()[accounts.numbers]
    assert (numbers[:, EQUITY] >= numbers[:, INITIAL]).all()
    roles = {Role(int(x.accounts.role[a])).name.lower() for a in accounts.numbers}
    assert roles == set(accounts.roles)
    assert all(row["target"] and row["reached"] for row in book.calibration)


def test_opening_fees_are_prepaid_so_that_equity_is_as_drawn() -> None:
    settings = parameters()
    for terms in settings["instruments"].values():
        terms["taker_fee_ppm"] = terms["maker_fee_ppm"] = 0
    numbers = made()[2].accounts.numbers

    paying = opened(*made()).state.assess_all()[numbers, NET]
    exempt = opened(*made(settings)).state.assess_all()[numbers, NET]

    # What was prepaid is the larger rate on both sides, rounded up: never less than was paid.
    assert (paying >= exempt).all()


def test_a_seed_makes_a_book_and_another_seed_another() -> None:
    same = [made(seed=3)[2] for _ in range(2)]
    other = made(seed=4)[2]

    assert same[0].opening == same[1].opening
    assert same[0].opening != other.opening


def test_open_interest_that_is_not_stated_is_a_quarter_of_a_days_turnover() -> None:
    venue, feed, _ = made()
    venue.parameters["book"]["open_interest"] = 0

    # Two hours: 2 BTC at 50,500 and 1 ETH at 3,010, then 4 at 50,450 and 3 at 3,015, in 1e-6.
    traded = 2 * 50_500 + 3_010 + 4 * 50_450 + 3 * 3_015
    assert _open_interest(venue, feed) == max(traded * 12 // 4, 1_000_000) * 10**6
    venue.parameters["book"]["open_interest"] = 77
    assert _open_interest(venue, feed) == 77


def test_a_generated_book_needs_two_coins_and_a_stable_coin() -> None:
    settings = parameters()
    del settings["assets"]["USDC"]

    with pytest.raises(InputError, match="needs contracts on two assets and one more asset"):
        made(settings)


def test_a_book_without_shares_of_open_interest_is_refused() -> None:
    settings = parameters()
    for terms in settings["instruments"].values():
        terms["open_interest_share_ppm"] = 0

    with pytest.raises(InputError, match="open_interest_share_ppm above 0"):
        made(settings)
