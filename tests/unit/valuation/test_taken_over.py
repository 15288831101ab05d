"""Who takes over lots in liquidation does not pay the funding of the time before."""

from __future__ import annotations

import numpy as np
import pytest

from novate.engine.recover import audit, recover
from novate.message import command
from novate.message.declare import rows_of
from novate.valuation.taken_over import lots_of, taken_by_liquidator
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse

INTEREST = {"funding_cap_e9": 10**7, "funding_damper_e9": 10**9, "interest_e9": 10**7}
"""Longs pay 1% an hour."""


def failed_house(*trades: tuple[str, str, int], **terms: int) -> ClearingHouse:
    """A had 100 lots long at 100, all that it had is lost at 98, and the liquidator has the lots.

    Then the trades of buyer, seller and lots are booked at 98.
    """
    house = ClearingHouse()
    house.list_contract(
        tiers=((0, 20_000, 10_000),), cycle_ns=0, funding_ns=HOUR, **{**INTEREST, **terms}
    )
    for name in ("R", "Q"):
        house.open_client(name, deposit=10**6 * COIN)
    house.open_client("A", deposit=200 * COIN)
    house.price(100, last={0: 100})
    house.trade("A", "R", lots=100, ticks=100)
    house.price(98, at_ns=START + MINUTE, last={0: 98})
    assert house.lots("LIQUIDATOR") == 100
    for buyer, seller, lots in trades:
        house.trade(buyer, seller, lots=lots, ticks=98)
    return house


def fill(house: ClearingHouse, quantity: int) -> None:
    """The external market takes some lots over of the order that is out."""
    orders = house.state.defaults.orders
    [row] = orders.live().tolist()
    house.fill(int(orders.number[row]), quantity, 98)


def taken_over(house: ClearingHouse) -> int:
    """What the external market took over since the last funding."""
    return int(house.state.instruments.taken_over_lots[0])


def fund(house: ClearingHouse) -> dict[str, float]:
    """Let the next funding be paid; what it returned, by name."""
    house.advance(int(house.state.instruments.next_funding_ns[0]))
    names = {number: name for name, number in house.state.accounts.number.items()}
    rows = house.events("FundingReturned", last=True)
    return {names[row["account"]]: row["amount"] / COIN for row in rows}


@pytest.mark.rule("8.76")
def test_the_liquidator_pays_no_funding_of_the_period_in_which_it_took_over() -> None:
    house = failed_house()
    before = house.balance("LIQUIDATOR"), house.balance("R")
    assert fund(house) == {"LIQUIDATOR": 98, "R": -98}
    assert (house.balance("LIQUIDATOR"), house.balance("R")) == before


@pytest.mark.rule("8.76")
def test_for_lots_that_it_held_for_a_whole_period_the_liquidator_pays() -> None:
    house = failed_house()
    fund(house)
    before = house.balance("LIQUIDATOR")
    assert fund(house) == {}
    assert house.balance("LIQUIDATOR") == before - 98 * COIN


@pytest.mark.rule("8.76")
@pytest.mark.parametrize(("before", "taken"), [(0, 100), (30, 70), (100, 0), (120, 0), (-30, 100)])
def test_lots_beyond_those_of_the_last_funding_are_taken_over(before: int, taken: int) -> None:
    house = failed_house()
    house.state.instruments.liquidator_lots[0] = before
    assert taken_by_liquidator(house.state, 0) == taken


@pytest.mark.rule("8.76")
def test_what_the_liquidator_receives_it_keeps() -> None:
    house = failed_house(interest_e9=-(10**7))
    before = house.balance("LIQUIDATOR")
    assert fund(house) == {}
    assert house.balance("LIQUIDATOR") == before + 98 * COIN


@pytest.mark.rule("8.77")
def test_the_external_market_pays_for_what_it_took_over_from_the_next_funding_on() -> None:
    # Of the liquidator's 100 lots the market fills 25: 1% of 2,450 and of 7,350.
    house = failed_house()
    fill(house, 10)
    fill(house, 15)
    assert taken_over(house) == 25
    assert fund(house) == {"LIQUIDATOR": 73.5, "EXTERNAL_MARKET": 24.5, "R": -98}
    assert taken_over(house) == 0
    assert fund(house) == {}
    assert recover(house.engine.journal).state.digest() == house.state.digest()
    assert audit(house.engine.journal).digest == house.state.digest()


@pytest.mark.rule("8.77")
def test_for_what_it_holds_by_choice_the_external_market_pays() -> None:
    house = failed_house(("EXTERNAL_MARKET", "R", 40))
    fill(house, 25)
    assert lots_of(house.state, house.number("EXTERNAL_MARKET"), 0) == 65
    assert fund(house) == {"LIQUIDATOR": 73.5, "EXTERNAL_MARKET": 24.5, "R": -98}


@pytest.mark.rule("8.77")
def test_of_lots_taken_over_only_those_count_that_the_external_market_still_holds() -> None:
    house = failed_house()
    fill(house, 25)
    house.trade("Q", "EXTERNAL_MARKET", lots=15, ticks=98)
    assert taken_over(house) == 10
    assert fund(house) == {"LIQUIDATOR": 73.5, "EXTERNAL_MARKET": 9.8, "R": -83.3}


@pytest.mark.rule("8.77")
@pytest.mark.parametrize("is_one_run", [False, True])
def test_what_the_external_market_gave_away_it_does_not_take_over_again_by_choice(
    is_one_run: bool,
) -> None:
    # Of 25 lots taken over it gives 20 to Q, and gets 60 of R: for these it pays.
    house = failed_house()
    fill(house, 25)
    trades = [("Q", "EXTERNAL_MARKET", 20), ("EXTERNAL_MARKET", "R", 60), ("Q", "R", 7)]
    runs = [house.trade_run(b, s, lots=lots, ticks=98) for b, s, lots in trades]
    if is_one_run:
        columns = {
            name: np.array([row[name] for run in runs for row in rows_of(run)])
            for name in dict(runs[0].columns)
        }
        runs = [command.SUBMIT_TRADE.run(columns)]
    for run in runs:
        house.submit(run)

    assert taken_over(house) == 5
    assert recover(house.engine.journal).state.digest() == house.state.digest()
    assert fund(house) == {"LIQUIDATOR": 73.5, "EXTERNAL_MARKET": 4.9, "R": -78.4}


@pytest.mark.rule("8.77")
def test_nothing_is_taken_over_any_more_once_the_external_market_had_the_other_side() -> None:
    house = failed_house()
    fill(house, 25)
    house.trade("Q", "EXTERNAL_MARKET", lots=26, ticks=98)
    house.trade("EXTERNAL_MARKET", "Q", lots=50, ticks=98)
    assert taken_over(house) == 0


@pytest.mark.rule("8.77")
@pytest.mark.parametrize("seed", range(5))
def test_lots_taken_over_are_those_that_were_there_after_every_trade(seed: int) -> None:
    dice = np.random.default_rng(seed)
    house = failed_house(("Q", "EXTERNAL_MARKET", 5) if seed % 2 else ("Q", "R", 5))
    market, expected = house.number("EXTERNAL_MARKET"), 0
    for _ in range(6):
        lots = int(dice.integers(1, 10))
        fill(house, lots)
        expected = kept(expected + lots, lots_of(house.state, market, 0))
        rows = [
            (*dice.permutation(["EXTERNAL_MARKET", "Q", "R"])[:2].tolist(), dice.integers(1, 20))
            for _ in range(int(dice.integers(1, 6)))
        ]
        held = lots_of(house.state, market, 0)
        for buyer, seller, size in rows:
            held += int(size) * ((buyer == "EXTERNAL_MARKET") - (seller == "EXTERNAL_MARKET"))
            expected = kept(expected, held)
        runs = [house.trade_run(b, s, lots=int(n), ticks=98) for b, s, n in rows]
        house.submit(*runs)
        assert lots_of(house.state, market, 0) == held
        assert taken_over(house) == expected


def kept(lots: int, held: int) -> int:
    """How many of some lots are held."""
    return sorted((0, lots, held))[1] if lots * held > 0 else 0


@pytest.mark.rule("8.77")
def test_lots_that_close_a_position_of_the_external_market_are_not_taken_over() -> None:
    # It is short 20 by choice, takes 25 over, and is long 5: with the 5 of the next fill 10.
    house = failed_house(("Q", "EXTERNAL_MARKET", 20))
    fill(house, 15)
    assert taken_over(house) == 0
    fill(house, 10)
    assert lots_of(house.state, house.number("EXTERNAL_MARKET"), 0) == 5
    assert taken_over(house) == 5
    assert fund(house) == {"LIQUIDATOR": 73.5, "EXTERNAL_MARKET": 4.9, "R": -78.4}


def test_nobody_holds_no_lots() -> None:
    house = failed_house()
    assert lots_of(house.state, -1, 0) == 0
    assert lots_of(house.state, house.number("Q"), 0) == 0
