"""The grace of a call is time in which its account can act: it is used up once."""

from __future__ import annotations

import pytest

from novate.book.ledger import transfer
from novate.default_management.call_grace import fresh_until
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse
from tests.unit.transfers import open_sub

LIFE = 10 * MINUTE
CALL = ShortfallPolicy.CALL_THEN_DEFAULT
DUE = START + HOUR + MINUTE


def called_house(**parameters: int) -> ClearingHouse:
    """A is long 100 lots of X at 500 and called at 485; the other coin goes on being priced."""
    given = {Parameter[name.upper()]: value for name, value in parameters.items()}
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, 0)),
        parameters={Parameter.INDEX_STALENESS_NS: LIFE, **given},
    )
    house.list_contract("X", cycle_ns=0)
    house.open_client("A", deposit=6_000 * COIN, shortfall_policy=CALL)
    tell(house, 0, 500)
    house.trade("A", "EXTERNAL_MARKET", lots=100, ticks=500)
    tell(house, 1, 485)
    assert house.status("A") == AccountStatus.CALLED
    return house


def tell(house: ClearingHouse, minute: int, price: int | None) -> None:
    """Report a price of the first coin, or none, and one of the other coin."""
    at_ns = max(START + minute * MINUTE, house.state.now_ns + 1)
    house.price(price, at_ns=at_ns, e8={1: 100 * E8})


def deadline(house: ClearingHouse) -> int:
    return int(house.state.accounts.deadline_ns[house.number("A")])


@pytest.mark.rule("4.85", "4.86", "10.7")
def test_the_time_between_the_last_price_and_the_deadline_begins_anew_with_the_price() -> None:
    # The last index counts until minute 51; the deadline is at minute 61.
    house = called_house()
    tell(house, 41, 485)
    tell(house, 55, None)
    house.advance(DUE)
    [extended] = house.events("CallExtended")
    assert (extended["deadline_ns"], extended["grace_ns"]) == (DUE, 10 * MINUTE)

    tell(house, 300, 485)
    assert deadline(house) == START + 310 * MINUTE
    tell(house, 309, 485)
    assert house.status("A") == AccountStatus.CALLED
    house.advance(START + 310 * MINUTE)

    assert house.status("A") == AccountStatus.LIQUIDATING
    assert len(house.events("CallResumed")) == 1


@pytest.mark.rule("4.86", "10.6")
def test_a_price_that_comes_back_below_the_takeover_level_waits_for_nobody() -> None:
    house = called_house()
    tell(house, 55, None)
    house.advance(DUE)

    tell(house, 300, 445)  # 500 of a third of 2,225

    assert house.events("CallResumed") == []
    assert house.status("A") == AccountStatus.TAKEN_OVER


@pytest.mark.rule("4.86", "10.6")
def test_a_call_that_the_returned_price_meets_is_met() -> None:
    house = called_house()
    tell(house, 55, None)
    house.advance(DUE)
    tell(house, 300, 500)
    assert house.status("A") == AccountStatus.OPEN


@pytest.mark.rule("4.85", "4.86")
def test_a_jump_over_the_deadline_gives_back_what_was_left_when_it_began() -> None:
    # It jumps at minute 51, which is over by time 15 minutes later; 10 of 60 minutes are left.
    house = called_house(
        jump_ppm=100_000, jump_pause_ns=15 * MINUTE, jump_quorum=2, index_staleness_ns=2 * HOUR
    )
    tell(house, 51, 420)
    house.advance(DUE)
    assert house.events("CallExtended")[0]["grace_ns"] == 10 * MINUTE

    tell(house, 70, 470)  # 3,000 of 4,700

    assert deadline(house) == START + 80 * MINUTE


@pytest.mark.rule("4.85")
def test_the_last_price_that_goes_counts_of_several_positions_and_sub_accounts() -> None:
    # X has no price after minute 11, Y after minute 41: 20 minutes are left.
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, 0), ("SOL", 8, 0)),
        parameters={Parameter.INDEX_STALENESS_NS: LIFE, Parameter.STALE_ADD_ON_PPM: 0},
    )
    house.list_contract("X", cycle_ns=0)
    house.list_contract("Y", underlying=2, cycle_ns=0)
    house.open_client("A", deposit=6_100 * COIN, shortfall_policy=CALL)
    open_sub(house, "A2", "A", group="A")
    house.price(500, e8={1: 100 * E8, 2: E8})
    house.trade("A", "EXTERNAL_MARKET", lots=100, ticks=500)
    house.trade("A2", "EXTERNAL_MARKET", lots=1, ticks=100, instrument=1)
    house.price(485, at_ns=START + MINUTE, e8={1: 100 * E8, 2: E8})
    assert house.status("A") == AccountStatus.CALLED
    house.price(None, at_ns=START + 31 * MINUTE, e8={1: 100 * E8, 2: E8})
    house.price(None, at_ns=START + 50 * MINUTE, e8={2: E8})

    house.advance(DUE)

    assert house.events("CallExtended")[0]["grace_ns"] == 20 * MINUTE


@pytest.mark.rule("4.85")
def test_an_inverse_contract_has_no_price_since_the_earlier_of_its_reasons() -> None:
    # The coin that it is paid in has no price after minute 11.
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, 0)),
        parameters={Parameter.INDEX_STALENESS_NS: LIFE},
    )
    inverse = {"form": 2, "settlement_asset": 2, "unit": 100 * E8, "lots_max": 10**6}
    house.list_contract("I", cycle_ns=0, **inverse)
    house.open_client("A", shortfall_policy=CALL)
    house.deposit("A", 11 * E8, asset=2)
    house.price(100, e8={1: 100 * E8})
    house.trade("A", "EXTERNAL_MARKET", lots=100, ticks=100)
    house.price(98, at_ns=START + MINUTE, e8={1: 100 * E8})
    assert house.status("A") == AccountStatus.CALLED
    house.price(98, at_ns=START + 21 * MINUTE)  # the coin that it is paid in is silent by now
    house.price(98, at_ns=START + 50 * MINUTE)

    house.advance(DUE)

    assert house.events("CallExtended")[0]["grace_ns"] == 50 * MINUTE


@pytest.mark.rule("4.86")
def test_blocks_that_follow_one_another_give_no_more_than_one_grace_of_time_with_a_price() -> None:
    # A price counts for a minute: 41 of 60 minutes are gone at first, then 6 each time that it is
    # there for 5 minutes and not any more.
    house = called_house(index_staleness_ns=MINUTE)
    for minute in range(2, 42):
        tell(house, minute, 485)
    house.advance(DUE)
    for minute, left in ((100, 19), (200, 13), (300, 7)):
        for more in range(6):
            tell(house, minute + more, 485)
            if more == 0:
                assert deadline(house) == START + (minute + left) * MINUTE
        house.advance(START + (minute + left) * MINUTE)
    tell(house, 400, 485)
    assert house.status("A") == AccountStatus.CALLED
    house.advance(START + 401 * MINUTE)

    assert [row["grace_ns"] for row in house.events("CallExtended")] == [
        left * MINUTE for left in (19, 13, 7, 1)
    ]
    assert house.status("A") == AccountStatus.LIQUIDATING


@pytest.mark.rule("4.85", "4.86")
def test_a_price_that_counts_for_twenty_minutes_an_hour_renews_no_call() -> None:
    house = called_house(index_staleness_ns=20 * MINUTE)
    for hour in range(1, 12):
        tell(house, 60 * hour + 1, 485)
        if house.status("A") != AccountStatus.CALLED:
            break

    # Usable from minute 1, 61 and 121 on: the third twenty minutes are the last, and the next
    # price finds that the deadline has come.
    assert hour == 3
    assert house.status("A") == AccountStatus.LIQUIDATING


@pytest.mark.rule("4.85", "4.86", "10.63")
def test_a_block_that_ends_before_the_deadline_gives_its_time_back() -> None:
    # No price from minute 15 to 40; 46 of 60 minutes were left.
    house = called_house()
    tell(house, 5, 485)
    tell(house, 20, None)
    [extended] = house.events("CallExtended")
    assert (extended["deadline_ns"], extended["grace_ns"]) == (DUE, 46 * MINUTE)
    tell(house, 40, 485)

    assert deadline(house) == START + 86 * MINUTE
    again = {"account": house.number("A"), "deadline_ns": START + 86 * MINUTE}
    assert house.events("CallResumed") == [again]


@pytest.mark.rule("10.63")
def test_a_call_that_waits_is_told_once_however_often_it_is_looked_at() -> None:
    house = called_house()
    for minute in range(20, 60, 2):
        tell(house, minute, None)
    assert len(house.events("CallExtended")) == 1


@pytest.mark.rule("4.85")
def test_a_source_that_contradicts_itself_takes_no_time_before_it_is_found() -> None:
    house = called_house()
    tell(house, 10, 485)
    x = house.state
    row = {"source": 0, "price_e8": 480 * E8, "observed_ns": int(x.sources.observed_ns[0])}
    house.submit(command.REPORT_PRICE.row(**row))
    tell(house, 15, None)
    [extended] = house.events("CallExtended")
    assert extended["grace_ns"] == 46 * MINUTE


@pytest.mark.rule("4.85")
def test_a_source_has_a_price_no_longer_than_the_asset_that_it_quotes_in() -> None:
    # The first coin is quoted in the dollar, which is silent from minute 1 on; the other coin goes
    # on, so that the house does not pause.
    house = ClearingHouse(
        assets=(("USD", 8, 0), ("BTC", 8, 0), ("ETH", 8, 0)),
        parameters={Parameter.INDEX_STALENESS_NS: LIFE},
    )
    house.list_contract("X", underlying=2, cycle_ns=0)
    house.open_client("A", deposit=6_000 * COIN, shortfall_policy=CALL)
    house.submit(command.SET_SOURCE_QUOTE.row(source=1, quote=1, is_inverted=False))
    house.price(1, e8={1: 500 * E8, 2: E8})
    house.trade("A", "EXTERNAL_MARKET", lots=100, ticks=500)
    house.price(1, at_ns=START + MINUTE, e8={1: 485 * E8, 2: E8})
    assert house.status("A") == AccountStatus.CALLED

    house.price(None, at_ns=START + 31 * MINUTE, e8={1: 485 * E8, 2: E8})

    assert fresh_until(house.state)[1:3] == [START + 11 * MINUTE] * 2
    assert house.events("CallExtended")[0]["grace_ns"] == 50 * MINUTE


@pytest.mark.rule("4.22", "4.85")
def test_a_debt_that_can_be_converted_is_a_way_to_act_until_its_price_goes_too() -> None:
    # X has no price after minute 11, the coin of the debt after minute 31.
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, 0), ("SOL", 8, 0)),
        parameters={Parameter.INDEX_STALENESS_NS: LIFE, Parameter.STALE_ADD_ON_PPM: 0},
    )
    house.list_contract("X", cycle_ns=0)
    house.open_client("A", deposit=6_200 * COIN, shortfall_policy=CALL)
    house.price(500, e8={1: 100 * E8, 2: E8})
    house.trade("A", "EXTERNAL_MARKET", lots=100, ticks=500)
    transfer(house.state.accounts, 2, house.number("A"), house.number("FEES"), E8)
    house.state.margin_cache.touch_all()
    house.price(485, at_ns=START + MINUTE, e8={1: 100 * E8, 2: E8})
    assert house.status("A") == AccountStatus.CALLED
    house.price(None, at_ns=START + 21 * MINUTE, e8={1: 100 * E8, 2: E8})
    assert house.events("CallExtended") == []

    house.price(None, at_ns=START + 50 * MINUTE, e8={2: E8})

    assert house.events("CallExtended")[0]["grace_ns"] == 30 * MINUTE


@pytest.mark.rule("4.85")
def test_who_closes_what_has_a_price_gets_no_time_of_before_his_call_went_on() -> None:
    # X has no price after minute 11.  A has a lot of Y, which keeps its time running, and closes it
    # at minute 40: what is left is counted from then on.
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, 0)),
        parameters={Parameter.INDEX_STALENESS_NS: LIFE, Parameter.STALE_ADD_ON_PPM: 0},
    )
    house.list_contract("X", cycle_ns=0)
    house.list_contract("Y", underlying=2, cycle_ns=0)
    house.open_client("A", deposit=6_100 * COIN, shortfall_policy=CALL)
    house.price(500, e8={1: 100 * E8})
    house.trade("A", "EXTERNAL_MARKET", lots=100, ticks=500)
    house.trade("A", "EXTERNAL_MARKET", lots=1, ticks=100, instrument=1)
    house.price(485, at_ns=START + MINUTE, e8={1: 100 * E8})
    assert house.status("A") == AccountStatus.CALLED
    house.price(None, at_ns=START + 40 * MINUTE, e8={1: 100 * E8})
    house.trade("EXTERNAL_MARKET", "A", lots=1, ticks=100, instrument=1)

    house.price(None, at_ns=START + 41 * MINUTE, e8={1: 100 * E8})

    assert house.events("CallExtended")[0]["grace_ns"] == 21 * MINUTE
