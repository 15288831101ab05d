"""Pauses of the house: without any fresh index nothing is decided against anybody."""

from __future__ import annotations

import pytest

from novate.book.ledger import transfer
from novate.engine.recover import audit, recover
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message.parameter import Parameter, set_parameter
from tests.unit.clearing import COIN, DAY, E8, HOUR, MINUTE, START, ClearingHouse

BOTH = (("BTC", 8, 0), ("ETH", 8, 0))
LIFE = 10 * MINUTE
"""For how long a source counts."""


def silent_house(
    *,
    policy: ShortfallPolicy = ShortfallPolicy.CALL_THEN_DEFAULT,
    deposit: int = 6_000,
    **more: int,
) -> ClearingHouse:
    """A is long 100 lots of X at 500, with 10% and 5% of margin: at 485 it has 4,500 of 4,850."""
    given = {Parameter[f"{name}_ns".upper()]: value for name, value in more.items()}
    house = ClearingHouse(
        assets=BOTH, parameters={Parameter.INDEX_STALENESS_NS: LIFE, **given}
    )  # fmt: skip
    house.list_contract("X", cycle_ns=0)
    house.open_client("A", deposit=deposit * COIN, shortfall_policy=policy)
    house.price(500, e8={1: 100 * E8})
    house.trade("A", "EXTERNAL_MARKET", lots=100, ticks=500)
    return house


def names(house: ClearingHouse) -> list[str]:
    found = [run.name for batch in house.batches for run in batch.events]
    return [name for name in found if name.startswith("House")]


@pytest.mark.rule("8.80")
def test_the_house_pauses_when_no_index_is_fresh_and_not_while_one_is() -> None:
    house = silent_house()

    house.price(None, at_ns=START + HOUR, e8={1: 100 * E8})
    assert names(house) == []

    house.price(None, at_ns=START + 2 * HOUR)
    house.price(None, at_ns=START + 3 * HOUR)
    assert house.events("HousePaused") == [{"assets": 2}]
    assert house.state.pause_ns == START + 2 * HOUR


@pytest.mark.rule("8.80")
def test_a_house_without_sources_or_before_its_first_index_does_not_pause() -> None:
    bare = ClearingHouse(assets=())
    bare.price(None)
    early = ClearingHouse()
    early.price(None)
    assert names(bare) == names(early) == []


@pytest.mark.rule("8.80")
def test_a_house_whose_only_index_jumps_pauses_until_the_jump_is_over() -> None:
    house = ClearingHouse(parameters={Parameter.JUMP_PPM: 200_000})
    house.price(100)
    house.price(50, at_ns=START + MINUTE)
    assert names(house) == ["HousePaused"]
    house.price(50, at_ns=START + 7 * MINUTE)
    assert names(house) == ["HousePaused", "HouseResumed"]


@pytest.mark.rule("4.17", "8.81", "8.82", "8.84")
def test_a_call_has_as_much_time_left_after_the_pause_as_before() -> None:
    # Called at one minute past, for an hour. The last index counts for ten minutes: 50 are left,
    # though the house finds out and pauses ten minutes later.
    house = silent_house()
    house.price(485, at_ns=START + MINUTE)
    house.price(None, at_ns=START + 21 * MINUTE)
    assert names(house) == ["HousePaused"]

    house.advance(START + 5 * HOUR)
    assert house.status("A") == AccountStatus.CALLED
    assert [row["grace_ns"] for row in house.events("CallExtended")] == [50 * MINUTE]
    assert house.events("DefaultDeclared") == []

    house.price(485, at_ns=START + 6 * HOUR)
    since = {"since_ns": START + 21 * MINUTE, "length_ns": 6 * HOUR - 21 * MINUTE}
    assert house.events("HouseResumed") == [since]
    assert house.state.accounts.deadline_ns[house.number("A")] == START + 6 * HOUR + 50 * MINUTE
    # An index counts for ten minutes: it has to be there at the deadline.
    house.price(485, at_ns=START + 6 * HOUR + 49 * MINUTE)
    assert house.status("A") == AccountStatus.CALLED
    house.advance(START + 6 * HOUR + 50 * MINUTE)
    assert house.status("A") == AccountStatus.LIQUIDATING


@pytest.mark.rule("4.16", "8.81")
def test_a_call_is_met_during_a_pause() -> None:
    house = silent_house(house_pause_max=DAY)
    house.price(485, at_ns=START + MINUTE)
    house.price(None, at_ns=START + 21 * MINUTE)

    house.deposit("A", 1_000 * COIN)
    house.assess()

    assert house.status("A") == AccountStatus.OPEN


@pytest.mark.rule("8.81")
def test_a_debt_without_positions_liquidates_nobody_during_a_pause_and_afterwards_does() -> None:
    # 1 coin sold for 500 of debt in the numeraire would be sound; stale for half a day its 500
    # count 250 against a debt of 400, and after the pause they count in full.
    house = ClearingHouse(assets=BOTH, parameters={Parameter.INDEX_STALENESS_NS: LIFE})
    house.open_client("A", deposit=1)
    house.deposit("A", E8, asset=1)
    house.price(500, e8={1: 100 * E8})
    x, a = house.state, house.number("A")
    transfer(x.accounts, 0, a, house.number("FEES"), 400 * COIN)
    x.margin_cache.touch_all()

    for hours in (1, 6, 13):
        house.price(None, at_ns=START + hours * HOUR)
    assert house.equity("A") < 0
    assert house.status("A") == AccountStatus.OPEN
    assert house.events("MarginCalled") == []

    house.price(390, at_ns=START + 14 * HOUR)

    assert names(house) == ["HousePaused", "HouseResumed"]
    assert house.status("A") == AccountStatus.TAKEN_OVER


@pytest.mark.rule("8.81")
def test_a_liquidation_that_runs_goes_no_further_in_a_pause_and_at_once_after_it() -> None:
    house = silent_house(policy=ShortfallPolicy.AUTO_LIQUIDATE, order_life=MINUTE)
    house.price(463, at_ns=START + MINUTE)  # 2,300 of 2,315
    assert len(house.events("OrderPlaced")) == 1
    house.price(None, at_ns=START + 21 * MINUTE)
    house.price(None, at_ns=START + 2 * HOUR)
    placed = len(house.events("OrderPlaced"))
    house.price(None, at_ns=START + 3 * HOUR)
    assert len(house.events("OrderPlaced")) == placed
    assert house.state.accounts.slice_ns[house.number("A")] == -1

    house.price(463, at_ns=START + 4 * HOUR)

    assert len(house.events("OrderPlaced")) == placed + 1


@pytest.mark.rule("8.83", "8.84")
def test_an_endless_silence_ends_the_pause_by_its_length_and_calls_go_on() -> None:
    # 50 minutes are left of the call; the pause is over by its length after a day.
    house = silent_house()
    house.price(485, at_ns=START + MINUTE)
    for hours in (0, 12, 24, 36):
        house.price(None, at_ns=START + 21 * MINUTE + hours * HOUR)
    assert names(house) == ["HousePaused", "HousePauseExpired"]
    expired = {"since_ns": START + 21 * MINUTE, "length_ns": DAY}
    assert house.events("HousePauseExpired") == [expired]
    assert house.state.pause_ns == -(START + 21 * MINUTE)

    house.price(485, at_ns=START + 40 * HOUR)

    assert house.events("HouseResumed") == [{"since_ns": START + 21 * MINUTE, "length_ns": 0}]
    assert house.state.pause_ns == 0


@pytest.mark.rule("8.83")
def test_a_house_whose_prices_are_gone_for_good_ends_in_a_decided_state() -> None:
    # The money of A is gone before the silence; expiry at the last index leaves it with - 500,
    # which is a loss when the pause is over.
    house = ClearingHouse(assets=BOTH, parameters={Parameter.INDEX_STALENESS_NS: LIFE})
    house.deposit("INSURANCE_FUND", 1_000 * COIN)
    house.list_contract("X", cycle_ns=0, expiry_ns=START + 6 * HOUR)
    for name in ("A", "B"):
        house.open_client(name, deposit=5_500 * COIN)
    house.price(500, e8={1: 100 * E8})
    house.trade("A", "B", lots=100, ticks=500)
    house.price(495, at_ns=START + HOUR, e8={1: 100 * E8})
    transfer(house.state.accounts, 0, house.number("A"), house.number("FEES"), 5_500 * COIN)
    house.state.margin_cache.touch_all()
    for hours in range(2, 72, 2):
        house.advance(START + hours * HOUR)
        house.assess()

    assert names(house) == ["HousePaused", "HousePauseExpired"]
    assert house.lots("A") == 0
    assert house.status("A") == AccountStatus.TAKEN_OVER
    assert house.balance("INSURANCE_FUND") == 500 * COIN


@pytest.mark.rule("8.80", "8.83")
@pytest.mark.parametrize("begins_paused", [False, True])
def test_a_longest_pause_of_zero_is_none(begins_paused: bool) -> None:
    house = silent_house(house_pause_max=DAY if begins_paused else 0)
    house.price(None, at_ns=START + HOUR)
    if begins_paused:
        house.submit(set_parameter(Parameter.HOUSE_PAUSE_MAX_NS, 0))
        house.assess()
    assert not house.state.is_paused()


@pytest.mark.rule("8.84", "14.2")
def test_a_pause_is_recovered_and_audited() -> None:
    house = silent_house()
    house.price(485, at_ns=START + MINUTE)
    house.price(None, at_ns=START + 21 * MINUTE)
    digest = house.state.digest()
    assert recover(house.engine.journal).state.digest() == digest
    house.price(485, at_ns=START + 6 * HOUR)
    found = recover(house.engine.journal).state
    assert found.digest() == house.state.digest()
    assert audit(house.engine.journal).digest == house.state.digest()
    assert house.state.copy().pause_ns == 0


@pytest.mark.rule("4.86", "8.84")
def test_a_call_that_waited_before_the_pause_goes_on_with_the_grace_that_it_had() -> None:
    # The deadline passes with the sources out of use and no assessment: 50 minutes are left of it.
    # Five hours of pause add nothing to it.
    house = silent_house()
    house.price(485, at_ns=START + MINUTE)
    house.advance(START + 2 * HOUR)
    house.assess()
    assert names(house) == ["HousePaused"]

    house.price(485, at_ns=START + 7 * HOUR)

    again = {"account": house.number("A"), "deadline_ns": START + 7 * HOUR + 50 * MINUTE}
    assert house.events("CallResumed") == [again]


@pytest.mark.rule("4.85", "4.86", "8.84")
def test_a_pause_that_begins_in_a_block_gives_the_time_back_once() -> None:
    # X has no price from minute 11 on, the other index goes at minute 40: 50 minutes are left.
    house = silent_house()
    house.price(485, at_ns=START + MINUTE, e8={1: 100 * E8})
    house.price(None, at_ns=START + 30 * MINUTE, e8={1: 100 * E8})
    assert names(house) == []
    house.price(None, at_ns=START + 45 * MINUTE)
    assert names(house) == ["HousePaused"]

    house.price(485, at_ns=START + 90 * MINUTE)

    assert house.state.accounts.deadline_ns[house.number("A")] == START + 140 * MINUTE
    assert len(house.events("CallExtended")) == len(house.events("CallResumed")) == 1


@pytest.mark.rule("4.85", "8.84", "10.7", "10.63")
def test_a_call_without_positions_waits_with_the_pause_and_names_no_contract() -> None:
    # A coin of collateral and a debt of 400; what decays calls it, and then the last index goes.
    house = ClearingHouse(assets=BOTH, parameters={Parameter.INDEX_STALENESS_NS: LIFE})
    house.open_client("A", deposit=1)
    house.deposit("A", E8, asset=1)
    house.price(500, e8={1: 100 * E8})
    transfer(house.state.accounts, 0, house.number("A"), house.number("FEES"), 400 * COIN)
    house.state.margin_cache.touch_all()
    for minute in range(60, 12 * 60, 60):
        house.price(None, at_ns=START + minute * MINUTE, e8={1: 100 * E8})
        if house.status("A") == AccountStatus.CALLED:
            break
    called_ns = house.state.now_ns

    house.price(None, at_ns=called_ns + 30 * MINUTE)
    house.price(500, at_ns=called_ns + 300 * MINUTE)

    waits = {
        "account": house.number("A"), "deadline_ns": called_ns + HOUR,
        "instrument": -1, "grace_ns": 50 * MINUTE,
    }  # fmt: skip
    assert house.events("CallExtended") == [waits]
