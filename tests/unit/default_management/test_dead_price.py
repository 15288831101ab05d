"""A position whose price is dead shields nobody: it counts at its last mark and a growing share."""

from __future__ import annotations

import pytest

from novate.kernel.codes import AccountStatus, MarginMode, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter, Scope, set_parameter
from tests.unit.clearing import COIN, DAY, E8, HOUR, START, ClearingHouse
from tests.unit.transfers import open_sub

LIVE, DEAD = 0, 1


def twins(
    *, policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE, dead_lots: int = 1,
    mode: MarginMode = MarginMode.CROSS,
) -> ClearingHouse:  # fmt: skip
    """A and its twin are long 100 lots of a live contract at 100; A also of a dead one at 1.

    Both have 1,200, of which a lot of the dead one asks for 5 cents of maintenance margin.
    """
    house = ClearingHouse(assets=(("BTC", 8, 0), ("DEAD", 8, 0)))
    house.list_contract("P", cycle_ns=0)
    house.list_contract("D", underlying=2, cycle_ns=0)
    for name in ("A", "twin"):
        house.open_client(name, deposit=1_200 * COIN, shortfall_policy=policy, mode=mode)
    house.open_client("B", deposit=10**6 * COIN)
    house.price(100, e8={1: E8})
    if dead_lots:
        house.trade("A", "B", lots=dead_lots, ticks=1, instrument=DEAD)
    for name in ("A", "twin"):
        house.trade(name, "B", lots=100, ticks=100)
    return house


@pytest.mark.rule("4.22", "5.44")
def test_one_lot_of_a_dead_contract_keeps_no_account_from_its_liquidation() -> None:
    # At 92 they have 400 and must hold 460.
    house = twins()
    for step, price in enumerate((97, 95, 92), start=1):
        house.price(price, at_ns=START + step * 3 * HOUR)
    started = [row["account"] for row in house.events("LiquidationStarted")]
    assert sorted(started) == [house.number("A"), house.number("twin")]
    assert {row["subject"] for row in house.events("OrderPlaced")} == {LIVE}


@pytest.mark.rule("4.22", "10.7")
def test_a_call_comes_and_ends_in_a_default_as_for_the_twin() -> None:
    house = twins(policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.price(97, at_ns=START + 3 * HOUR)
    house.price(95, at_ns=START + 6 * HOUR)
    assert len(house.events("MarginCalled")) == 2
    house.advance(START + 7 * HOUR)
    assert len(house.events("DefaultDeclared")) == 2
    assert not house.events("CallExtended")


@pytest.mark.rule("4.22", "12.2")
def test_a_takeover_waits_for_the_price_and_the_slices_do_not() -> None:
    house = twins()
    for step, price in enumerate((97, 95, 89), start=1):
        house.price(price, at_ns=START + step * 3 * HOUR)
    # At 89 equity is 100 and the takeover level 148.
    assert house.status("twin") == AccountStatus.TAKEN_OVER
    assert house.status("A") == AccountStatus.LIQUIDATING
    placed = [row for row in house.events("OrderPlaced") if row["account"] == house.number("A")]
    assert [row["subject"] for row in placed] == [LIVE]
    house.price(89, e8={1: E8})
    assert house.status("A") == AccountStatus.TAKEN_OVER


@pytest.mark.rule("5.44")
def test_margin_of_a_dead_contract_grows_with_its_age() -> None:
    house = twins(dead_lots=100)
    assert house.state.assess(house.number("A")).maintenance == 505 * COIN
    house.price(100, at_ns=START + 1 * HOUR)
    house.price(100, at_ns=START + 2 * HOUR)
    fresh = house.state.now_ns
    house.price(100, at_ns=fresh + 6 * HOUR)
    # A quarter of a day: 5% of 100 more, on both margins.
    found = house.state.assess(house.number("A"))
    assert (found.initial, found.maintenance) == (1_015 * COIN, 510 * COIN)
    house.price(100, at_ns=fresh + 20 * DAY)
    found = house.state.assess(house.number("A"))
    # The whole notional more; 1.1 in float64 is a little above eleven tenths, and rounds up.
    assert (found.initial, found.maintenance) == (1_110 * COIN + 1, 605 * COIN)
    house.price(100, e8={1: E8})
    assert house.state.assess(house.number("A")).maintenance == 505 * COIN


@pytest.mark.rule("5.44")
def test_the_share_is_a_parameter_of_the_contract_and_zero_is_none() -> None:
    house = twins(dead_lots=100)
    parameter = Parameter.STALE_ADD_ON_PPM
    house.submit(set_parameter(parameter, 0, Scope.INSTRUMENT, DEAD))
    house.price(100, at_ns=START + 2 * HOUR)
    house.price(100, at_ns=START + 8 * HOUR)
    assert house.state.assess(house.number("A")).maintenance == 505 * COIN


@pytest.mark.rule("4.22")
def test_an_account_of_which_nothing_could_be_closed_waits() -> None:
    house = ClearingHouse()
    house.list_contract("X", cycle_ns=0)
    for name in ("A", "B"):
        house.open_client(name, deposit=1_000 * COIN)
    house.price(100)
    house.trade("A", "B", lots=99, ticks=100)
    for hours in (2, 12, 36):
        house.advance(START + hours * HOUR)
        house.assess()
    found = house.state.assess(house.number("A"))
    assert found.equity < found.maintenance
    assert house.status("A") == AccountStatus.OPEN
    house.price(100)
    assert house.status("A") == AccountStatus.OPEN


@pytest.mark.rule("5.44")
def test_a_dead_short_option_asks_for_more_and_a_long_one_for_nothing() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0), ("DEAD", 8, 0)))
    option = house.list_option(underlying=2)
    house.open_client("long", deposit=1_000 * COIN)
    house.open_client("short", deposit=1_000 * COIN)
    house.price(100, e8={1: 100 * E8})
    house.smile(0.6, underlying=2)
    house.assess()
    mark = int(house.state.marks.mark[option])
    house.trade("long", "short", lots=1, ticks=mark, instrument=option)
    house.price(100, at_ns=START + 2 * HOUR)
    asked = house.state.assess(house.number("short")).maintenance
    mark = int(house.state.marks.mark[option])
    fresh = house.state.now_ns
    house.price(100, at_ns=fresh + 12 * HOUR)
    # A tenth of the mark, in ticks of a cent.
    more = -(-mark // 10) * COIN // 100
    assert house.state.assess(house.number("short")).maintenance == asked + more
    assert house.state.assess(house.number("long")).maintenance == 0


@pytest.mark.rule("4.22", "5.44")
def test_a_dead_inverse_contract_paid_in_its_coin_shields_nobody_either() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0), ("DEAD", 8, 0)))
    house.list_contract("P", cycle_ns=0)
    house.list_contract("I", form=2, underlying=2, settlement_asset=2, unit=E8, lots_max=1_000)
    house.open_client("A", deposit=1_200 * COIN)
    house.open_client("B", deposit=10**6 * COIN)
    house.deposit("B", 100 * E8, asset=2)
    house.price(100, e8={1: E8})
    house.trade("A", "B", lots=1, ticks=1, instrument=1)
    house.trade("A", "B", lots=100, ticks=100)
    for step, price in enumerate((97, 95, 92), start=1):
        house.price(price, at_ns=START + step * 3 * HOUR)
    assert house.status("A") == AccountStatus.LIQUIDATING


@pytest.mark.rule("4.22", "6.36")
def test_a_dead_lot_in_a_sub_account_of_the_group_shields_nobody() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0), ("DEAD", 8, 0)))
    house.list_contract("P", cycle_ns=0)
    house.list_contract("D", underlying=2, cycle_ns=0)
    house.open_client("A", deposit=1_200 * COIN)
    open_sub(house, "A2", "A", group="A")
    house.open_client("B", deposit=10**6 * COIN)
    house.price(100, e8={1: E8})
    house.trade("A2", "B", lots=1, ticks=1, instrument=DEAD)
    house.trade("A", "B", lots=100, ticks=100)
    for step, price in enumerate((97, 95, 92), start=1):
        house.price(price, at_ns=START + step * 3 * HOUR)
    assert house.status("A") == house.status("A2") == AccountStatus.LIQUIDATING


@pytest.mark.rule("4.22")
def test_lots_that_a_netting_set_offsets_have_no_price_to_close_at() -> None:
    # What is live is flat in the set: nothing could be closed, so nothing is begun.
    house = ClearingHouse(assets=(("BTC", 8, 0), ("DEAD", 8, 0)))
    house.list_contract("P", cycle_ns=0)
    house.list_contract("D", underlying=2, cycle_ns=0)
    house.open_client("A", deposit=20 * COIN)
    open_sub(house, "A2", "A", group="A", netting_set="A")
    house.open_client("B", deposit=10**6 * COIN)
    house.price(100, e8={1: E8})
    house.trade("A", "B", lots=1, ticks=100)
    house.trade("B", "A2", lots=1, ticks=100)
    house.trade("A", "B", lots=190, ticks=1, instrument=DEAD)
    house.price(100, at_ns=START + 2 * HOUR)
    for hours in (12, 24):
        house.price(100, at_ns=START + (2 + hours) * HOUR)
    found = house.state.assess(house.number("A"))
    assert found.equity < found.maintenance
    assert house.status("A") == AccountStatus.OPEN


def filled_twins(fill: int) -> ClearingHouse:
    """The twins at 92, where their 100 live lots are ordered, and what A has is filled at a price.

    There is no fee.  From then on A holds its lot of the dead contract and nothing else.
    """
    house = twins()
    house.submit(set_parameter(Parameter.LIQUIDATION_FEE_PPM, 0))
    house.deposit("INSURANCE_FUND", 10_000 * COIN)
    for step, price in enumerate((97, 95, 92), start=1):
        house.price(price, at_ns=START + step * 3 * HOUR)
    [order] = [r for r in house.events("OrderPlaced") if r["account"] == house.number("A")]
    assert order["quantity"] == -100
    house.fill(order["order"], 100, fill, is_final=True)
    return house


@pytest.mark.rule("4.22")
def test_what_waits_for_a_price_loses_what_closing_the_rest_cost_and_no_more() -> None:
    # Filled at 85 A has 1,200 - 1,500.  The live price halves while the takeover waits: the loss
    # stays 300, plus what the dead lot itself lost: 0.5 when it comes back at a half.
    house = filled_twins(85)
    house.price(50, at_ns=START + 10 * HOUR)
    assert house.status("A") == AccountStatus.LIQUIDATING
    assert house.equity("A") == -300 * COIN

    house.price(50, e8={1: E8 // 2})

    [loss] = [r for r in house.events("LossRecorded") if r["account"] == house.number("A")]
    assert loss["amount"] == 300 * COIN  # a tick is 1: a half rounds up to the tick that it was


@pytest.mark.rule("4.15", "4.22")
def test_what_waits_for_a_price_keeps_what_closing_the_rest_left() -> None:
    # Filled at 89 A has 100: more than its dead lot asks for.  A takeover of what has a price would
    # have charged it, and left what remains to a mark that nobody can trade at.
    house = filled_twins(89)

    house.price(50, at_ns=START + 10 * HOUR)

    number = house.number("A")
    assert house.status("A") == AccountStatus.OPEN
    assert house.equity("A") == 100 * COIN
    assert [row for row in house.events("LossRecorded") if row["account"] == number] == []


@pytest.mark.rule("4.22", "8.66")
def test_a_price_that_never_comes_back_is_no_endless_wait() -> None:
    # Two settle the dead contract by hand at 1, in the range of its index; the takeover follows.
    house = filled_twins(85)
    names = iter(("one", "other"))
    price = {"instrument": DEAD, "price_e8": E8}
    house.submit(command.PROPOSE_SETTLEMENT.row(**price, proposer=next(names)))
    house.submit(command.APPROVE_SETTLEMENT.row(**price, approver=next(names)))

    house.price(50, at_ns=START + 10 * HOUR)

    assert house.lots("A", DEAD) == 0
    assert house.status("A") == AccountStatus.TAKEN_OVER
    assert house.balance("INSURANCE_FUND") <= 9_700 * COIN


@pytest.mark.rule("4.22")
@pytest.mark.parametrize("policy", list(ShortfallPolicy))
def test_one_lot_of_a_dead_contract_keeps_no_debt_from_being_converted(
    policy: ShortfallPolicy,
) -> None:
    # A debt of 4 BTC, worth 400, beside 1,000 and a dead lot; BTC rises to 240, where 40 are left
    # and the debt alone asks for more.
    house = ClearingHouse(assets=(("BTC", 8, 0), ("DEAD", 8, 0)))
    house.list_contract("D", underlying=2, cycle_ns=0)
    house.open_client("A", deposit=1_000 * COIN, shortfall_policy=policy)
    house.open_client("B", deposit=10**6 * COIN)
    house.deposit("B", 100 * E8, asset=1)
    house.price(100, e8={1: E8})
    house.trade("A", "B", lots=1, ticks=1)
    balance, a, b = house.state.accounts.balance, house.number("A"), house.number("B")
    balance[a, 1], balance[b, 1] = -4 * E8, balance[b, 1] + 4 * E8
    house.state.margin_cache.touch_all()

    house.price(240, at_ns=START + 5 * HOUR)  # the dead feed is silent

    assert house.status("A") in (AccountStatus.LIQUIDATING, AccountStatus.CALLED)
