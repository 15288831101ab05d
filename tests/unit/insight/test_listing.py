"""What is listed, as read from a state: sizes of lots follow from value units."""

from __future__ import annotations

import pytest

from novate.adapter.memory_journal import MemoryJournal
from novate.app.replay.venue import open_venue
from novate.engine.engine import Engine
from novate.engine.state import State
from novate.insight.listing import Listing, listing_of
from novate.kernel.clearing.value import INVERSE, LINEAR
from tests.unit.app.replay.option_run import finished, ready
from tests.unit.app.replay.small import START_NS, SYMBOLS, parameters, venue


def opened(**changes: object) -> Listing:
    """What the small venue lists; ``changes`` are terms of its first contract."""
    settings = parameters()
    settings["instruments"]["BTCUSDT"].update(changes)
    engine = Engine(MemoryJournal())
    engine.submit(open_venue(settings, SYMBOLS, START_NS).opening)
    return listing_of(engine.state)


def test_a_linear_contract_has_the_lot_that_it_was_listed_with() -> None:
    listing = opened()

    assert (listing.assets, listing.decimals) == (venue().assets, venue().decimals)
    for one, contract in zip(listing.instruments, venue().contracts, strict=True):
        assert (one.symbol, one.form, one.lot_e8) == (contract.symbol, LINEAR, contract.lot_e8)
        assert (one.underlying, one.settlement) == (contract.asset, contract.settlement)
        assert not one.is_option
        assert one.item == one.symbol


def test_an_inverse_contract_is_counted_in_contracts_of_its_face_value() -> None:
    terms = {"form": "inverse", "face_value": 100 * 10**8, "settlement_asset": "BTC"}
    one = opened(**terms, tick=5 * 10**7).instruments[0]

    assert (one.form, one.lot_e8) == (INVERSE, 100 * 10**8)
    assert one.size_text(-1_500) == "-1,500 contracts"
    assert one.price(3) == 1.5


def test_options_have_the_lots_of_their_book_and_the_name_of_their_underlying() -> None:
    market, state = ready().options, finished().engine.state
    assert market is not None
    options = listing_of(state).instruments[market.first_instrument :]

    assert [one.lot_e8 for one in options] == market.book.contracts.lot_e8.tolist()
    assert {one.item for one in options} == {"BTC options", "ETH options"}
    assert all(one.is_option for one in options)


def test_sizes_prices_and_amounts_are_text_with_their_names() -> None:
    listing = opened()

    assert listing.instruments[0].size_text(2_500) == "+2.5"
    assert listing.price_text(0, 500_001) == "50,000.1 (BTCUSDT)"
    assert listing.amount_text(1, 7) == "0.00000007 BTC"


@pytest.mark.parametrize("grown", ["assets", "instruments"])
def test_a_listing_is_of_a_state_until_something_is_added(grown: str) -> None:
    state = State()
    listing = listing_of(state)
    assert listing.is_of(state)

    getattr(state, grown).append()

    assert not listing.is_of(state)
