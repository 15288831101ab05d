"""Funding that is paid with what a return to the index costs is returned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.engine.recover import audit, recover
from novate.kernel.clearing.assess import EQUITY, INITIAL, MAINTENANCE
from novate.message import command
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse
from tests.unit.transfers import open_sub

FUNDED = {
    "tiers": ((0, 20_000, 10_000),), "basis_clamp_ppm": 100_000, "cycle_ns": 0, "funding_ns": HOUR,
    "funding_cap_e9": 10**7,
}  # fmt: skip
"""Initial margin of 2%, marks at their last prices within 10%, up to 1% of funding an hour."""

INVERSE = {"form": 2, "settlement_asset": 1, "unit": 100 * E8}


def house_at(last: int, *names: str, **terms: Any) -> ClearingHouse:
    """The index is 100 and the mark of X the last price; R is rich, other accounts have nothing."""
    house = ClearingHouse()
    house.list_contract(**{**FUNDED, **terms})
    house.open_client("R", deposit=10**6 * COIN)
    house.deposit("R", 10**4 * E8, asset=1)
    for name in names:
        house.open_client(name)
    house.price(100, last={0: last})
    return house


def enter(house: ClearingHouse, buyer: str, seller: str, **trade: int) -> None:
    """Trade while no funding has accrued: who pays has no more than margin for it."""
    with house.before_funding_accrues():
        house.trade(buyer, seller, **trade)


def returned(house: ClearingHouse, *, whole: int = COIN) -> dict[int, float]:
    """What the last call returned, by account."""
    rows = house.events("FundingReturned", last=True)
    assert sum(row["amount"] for row in rows) == 0
    assert [row["account"] for row in rows] == sorted(row["account"] for row in rows)
    return {row["account"]: row["amount"] / whole for row in rows}


def by_name(house: ClearingHouse, **amounts: float) -> dict[int, float]:
    return {house.number(name): amount for name, amount in amounts.items()}


def fund(house: ClearingHouse) -> None:
    """Let the next funding be paid."""
    house.advance(int(house.state.instruments.next_funding_ns[0]))


@pytest.mark.rule("8.71", "8.73", "8.75")
def test_who_has_only_what_a_return_to_the_index_costs_pays_no_funding() -> None:
    # 100 lots at 105: funding is 1% of 10,500, and the return to 100 costs the 500 that A has.
    house = house_at(105, "A")
    house.deposit("A", 500 * COIN)
    enter(house, "A", "R", lots=100, ticks=105)
    for _ in range(2):
        fund(house)
        assert house.events("FundingSettled", last=True)
        assert returned(house) == by_name(house, A=105, R=-105)
        assert (house.balance("A"), house.balance("R")) == (500 * COIN, 10**6 * COIN)
    gains = house.state.accounts.window_gain
    assert [int(gains[house.number(name)]) for name in "AR"] == [0, 0]


@pytest.mark.rule("8.73")
def test_what_a_payer_has_at_the_index_it_pays() -> None:
    # A has 40 beyond the cost of the return: of 105 it is short of 65.
    house = house_at(105, "A")
    house.deposit("A", 540 * COIN)
    enter(house, "A", "R", lots=100, ticks=105)
    fund(house)
    assert returned(house) == by_name(house, A=65, R=-65)
    assert house.balance("A") == 500 * COIN
    gains = house.state.accounts.window_gain
    assert [int(gains[house.number(name)]) for name in "AR"] == [-40 * COIN, 40 * COIN]


@pytest.mark.rule("8.71", "8.73")
def test_the_side_that_gains_by_a_return_to_the_index_and_who_has_enough_pay_all_of_it() -> None:
    # At 95 shorts pay; 605 are enough for the return of 500 and 95 of funding, 594 are not.
    house = house_at(95, "A", "B")
    house.deposit("A", 595 * COIN)
    enter(house, "R", "A", lots=100, ticks=95)
    fund(house)
    assert returned(house) == {}
    assert house.balance("A") == 500 * COIN
    fund(house)
    assert returned(house) == by_name(house, A=95, R=-95)


@pytest.mark.rule("8.70", "8.71")
def test_who_is_insolvent_at_the_mark_by_funding_is_returned_nothing_where_no_mark_is_away() -> (
    None
):
    # 10% of 10,000 is 1,000 of the 700 that A has.
    high = {"funding_cap_e9": 10**8, "funding_damper_e9": 10**9, "interest_e9": 10**8}
    house = house_at(100, "A", **high)
    house.deposit("A", 700 * COIN)
    enter(house, "A", "R", lots=100, ticks=100)
    fund(house)
    assert returned(house) == {}
    assert house.balance("A") == -300 * COIN


@pytest.mark.rule("8.72", "8.73", "8.78")
def test_what_a_payer_is_short_of_at_the_mark_too_is_its_loss() -> None:
    # 10% of 10,500 is 1,050 of 700: 350 are missing at the mark, 500 more at the index.
    high = {"funding_cap_e9": 10**8, "funding_damper_e9": 10**9, "interest_e9": 10**8}
    house = house_at(105, "A", **high)
    house.deposit("A", 700 * COIN)
    enter(house, "A", "R", lots=100, ticks=105)
    fund(house)
    assert returned(house) == by_name(house, A=500, R=-500)
    house.price(100, at_ns=house.state.now_ns + 1, last={0: 105})
    assert not house.events("LossRecorded")


@pytest.mark.rule("8.73")
def test_who_has_enough_at_the_index_pays_though_it_is_worth_nothing_at_the_mark() -> None:
    # At 95 and 10% A pays 950 of 700; at 100 its lots gain 500: it is not short of the 250.
    high = {"funding_cap_e9": 10**8, "funding_damper_e9": 10**9, "interest_e9": 10**8}
    house = house_at(95, "A", **high)
    house.deposit("A", 700 * COIN)
    enter(house, "A", "R", lots=100, ticks=95)
    fund(house)
    assert house.state.assess(house.number("A")).net == -250 * COIN
    assert returned(house) == {}


@pytest.mark.rule("8.73", "8.78")
@pytest.mark.parametrize(("deposit", "back"), [(560, 40), (600, 0)])
def test_what_the_mark_was_worth_before_it_came_back_pays_no_funding(
    deposit: int, back: int
) -> None:
    # The last price stands at 105 for the hour and is back at 100 with the funding: 1% of 10,000.
    # The return of 500 left 60, or 100.  At 105, the average, A is short of nothing.
    house = house_at(105, "A")
    house.deposit("A", deposit * COIN)
    enter(house, "A", "R", lots=100, ticks=105)
    due = int(house.state.instruments.next_funding_ns[0])
    house.submit(
        command.ADVANCE_TIME.row(instant_ns=due - 1),
        command.REPORT_PRICE.row(source=0, price_e8=100 * E8, observed_ns=due - 1),
        command.REPORT_LAST.row(instrument=0, ticks=100),
        command.ASSESS_MARGIN.row(instant_ns=due - 1),
        command.ADVANCE_TIME.row(instant_ns=due),
        allow_refusals=True,
    )
    assert int(house.state.marks.mark[0]) == 100
    [funded] = house.events("FundingSettled", last=True)
    assert funded["rate_e9"] == 10**7
    assert returned(house) == (by_name(house, A=back, R=-back) if back else {})
    assert house.balance("A") == (deposit - 100 + back) * COIN


@pytest.mark.rule("8.70", "8.73", "8.78")
def test_what_an_index_that_fell_with_its_mark_leaves_too_little_for_is_a_loss() -> None:
    # At 95 A has 200 of 700 left, and 3% of 9,500 is 285: of 85 it is short everywhere.
    interest = {"funding_cap_e9": 10**8, "funding_damper_e9": 10**9, "interest_e9": 3 * 10**7}
    house = house_at(100, "A", **interest)
    house.deposit("A", 700 * COIN)
    enter(house, "A", "R", lots=100, ticks=100)
    house.price(95, at_ns=int(house.state.instruments.next_funding_ns[0]) - 1, last={0: 95})
    fund(house)
    assert house.events("FundingSettled", last=True)
    assert returned(house) == {}
    assert house.equity("A") == -85 * COIN


@pytest.mark.rule("1.7", "8.8", "8.74")
@pytest.mark.parametrize(
    ("deposit", "shares"), [(50, {"A": 11, "B": -7, "C": -3, "RESIDUE": -1}),
                            (56, {"A": 5, "B": -4, "C": -1})],
)  # fmt: skip
def test_who_received_funding_gives_it_back_pro_rata_and_the_residue_account_too(
    deposit: int, shares: dict[str, int]
) -> None:
    # In units: 1,050 at 1% are 11, rounded up; 735 are 7 and 315 are 3, rounded down; one is left.
    # Of 5, 5 * 7 / 11 = 3.2, 5 * 3 / 11 = 1.4 and 5 * 1 / 11 = 0.5: the unit left is B's.
    house = house_at(105, "A", "B", "C", unit=1)
    for name, amount in (("A", deposit), ("B", 1_000), ("C", 1_000)):
        house.deposit(name, amount)
    enter(house, "A", "B", lots=7, ticks=105)
    enter(house, "A", "C", lots=3, ticks=105)
    fund(house)
    assert returned(house, whole=1) == by_name(house, **shares)
    assert house.balance("A") == 50


@pytest.mark.rule("8.73")
def test_each_payer_is_returned_what_it_is_short_of_itself() -> None:
    # A is short of 105 and D of 65; E has enough.  R received 315 of the three.
    house = house_at(105, "A", "D", "E")
    for name, amount in (("A", 500), ("D", 540), ("E", 5_000)):
        house.deposit(name, amount * COIN)
        enter(house, name, "R", lots=100, ticks=105)
    fund(house)
    assert returned(house) == by_name(house, A=105, D=65, R=-170)
    assert house.balance("R") == (10**6 + 315 - 170) * COIN


@pytest.mark.rule("8.71", "8.74")
def test_accounts_of_one_margin_group_pay_and_receive_as_one() -> None:
    # A pays 105 and A2 receives 42 of it: together 63.  60 lots cost the 300 that they have.
    house = house_at(105, "A")
    open_sub(house, "A2", "A", group="A")
    house.deposit("A", 300 * COIN)
    enter(house, "A", "R", lots=60, ticks=105)
    enter(house, "A", "A2", lots=40, ticks=105)
    fund(house)
    assert returned(house) == by_name(house, A=63, R=-63)
    assert house.balance("A2") == 42 * COIN


@pytest.mark.rule("8.74")
def test_within_a_group_it_is_shared_over_who_paid_and_over_who_received() -> None:
    # The group of A pays 63 and 42 and is short of 45 of it: 27 and 18.  That of B received
    # 21 and 84, and gives back 9 and 36.
    house = house_at(105, "A", "B")
    for name in ("A", "B"):
        open_sub(house, f"{name}2", name, group=name)
    house.deposit("A2", 560 * COIN)
    house.deposit("B2", 10_000 * COIN)
    enter(house, "A", "B", lots=20, ticks=105)
    enter(house, "A", "B2", lots=40, ticks=105)
    enter(house, "A2", "B2", lots=40, ticks=105)
    fund(house)
    assert returned(house) == by_name(house, A=27, A2=18, B=-9, B2=-36)


@pytest.mark.rule("8.73", "8.75")
@pytest.mark.parametrize(("deposit", "back"), [(500, 100), (550, 50)])
def test_a_contract_that_is_paid_in_coin_returns_coins(deposit: int, back: int) -> None:
    # 105 lots of 100 each are 100 coins at 105 and 105 coins at 100: the return costs 5 coins.
    # 1% is a coin.  Of 5.5 coins 0.5 are left for it.
    house = house_at(105, "A", **INVERSE)
    house.deposit("A", deposit * E8 // 100, asset=1)
    enter(house, "A", "R", lots=105, ticks=105)
    fund(house)
    hundredth = E8 // 100
    assert returned(house, whole=hundredth) == by_name(house, A=back, R=-back)
    assert house.balance("A", 1) == 5 * E8
    gain = int(house.state.accounts.window_gain[house.number("A")])
    assert gain == -(100 - back) * COIN  # a coin is worth 100


@pytest.mark.rule("8.71")
def test_the_mark_that_is_away_may_be_that_of_another_contract() -> None:
    # X stands at its index and asks for 1% interest; the return of Y costs what A has.
    interest = {"funding_damper_e9": 10**9, "interest_e9": 10**7}
    house = house_at(100, "A", **interest)
    house.list_contract("Y", **{**FUNDED, "funding_ns": 0})
    house.price(100, last={1: 105}, at_ns=START + 1)
    house.deposit("A", 550 * COIN)
    enter(house, "A", "R", lots=100, ticks=105, instrument=1)
    enter(house, "A", "R", lots=100, ticks=100)
    fund(house)
    assert returned(house) == by_name(house, A=50, R=-50)


@pytest.mark.rule("8.72")
def test_what_open_orders_may_lose_is_no_money_for_funding() -> None:
    # An order for 10 lots at 110 holds 50, and loses 50 more at the index: 100 of the 610 that A
    # has beyond the 500 of its lots.  Of 105 it has 10.
    house = house_at(105, "A")
    house.deposit("A", 610 * COIN)
    enter(house, "A", "R", lots=100, ticks=105)
    row = {"account": house.number("A"), "instrument": 0, "lots": 10, "limit_ticks": 110}
    with house.before_funding_accrues():
        house.submit(command.RESERVE_MARGIN.row(**row))
    assert house.state.open_order_hold(house.number("A")) == 50 * COIN
    fund(house)
    assert returned(house) == by_name(house, A=95, R=-95)


@pytest.mark.rule("8.72")
@pytest.mark.parametrize(("limit", "deposit"), [(104, 610), (100, 610), (99, 1_190)])
def test_an_order_that_closes_keeps_from_funding_what_it_concedes_at_the_index(
    limit: int, deposit: int
) -> None:
    # 500 are what the return costs, 105 are paid.  A sale of the 100 lots at 100 holds 500 more,
    # but filled it leaves at the index what the lots leave; at 99 it holds 600 and leaves 100 less.
    house = house_at(105, "A")
    house.deposit("A", deposit * COIN)
    enter(house, "A", "R", lots=100, ticks=105)
    row = {"account": house.number("A"), "instrument": 0, "lots": -100, "limit_ticks": limit}
    with house.before_funding_accrues():
        house.submit(command.RESERVE_MARGIN.row(**row))
    assert house.state.open_order_hold(house.number("A")) >= (105 - limit) * 100 * COIN
    fund(house)
    assert returned(house) == {}
    assert house.balance("A") == (deposit - 105) * COIN


@pytest.mark.rule("8.72")
def test_what_short_options_are_worth_is_no_money_for_funding() -> None:
    # A has 600 and, for a call that it sold, its worth besides; 100 lots cost 500 by the return.
    house = house_at(105, "A")
    call = house.list_option()
    house.smile(0.8)
    house.price(100, last={0: 105}, at_ns=START + 1)
    house.deposit("A", 550 * COIN)
    ticks = int(house.state.marks.mark[call])
    enter(house, "R", "A", lots=10, ticks=ticks, instrument=call)
    enter(house, "A", "R", lots=100, ticks=105)
    assert house.equity("A") > 550 * COIN
    fund(house)
    assert returned(house) == by_name(house, A=55, R=-55)


@pytest.mark.rule("8.40", "8.71")
def test_funding_that_waited_is_returned_too() -> None:
    house = house_at(105, "A")
    house.deposit("A", 520 * COIN)
    enter(house, "A", "R", lots=100, ticks=105)
    house.advance(START + 4 * HOUR)
    assert house.balance("A") == 500 * COIN
    house.price(100, at_ns=START + 4 * HOUR + MINUTE, last={0: 105})
    [funded] = house.events("FundingSettled", last=True)
    assert funded["periods"] == 2
    assert returned(house) == by_name(house, A=210, R=-210)


@pytest.mark.rule("8.40", "8.73", "8.79")
def test_for_several_periods_at_once_nobody_is_paid_from_nothing() -> None:
    # Two periods of 3% leave A 100 of 700; the index is silent for the next two, which are 600.
    interest = {"funding_cap_e9": 10**8, "funding_damper_e9": 10**9, "interest_e9": 3 * 10**7}
    house = house_at(100, "A", **interest)
    house.deposit("A", 700 * COIN)
    house.trade("A", "R", lots=100, ticks=100)
    house.advance(START + 4 * HOUR)
    assert house.balance("A") == 100 * COIN
    house.price(100, at_ns=START + 4 * HOUR + MINUTE, last={0: 100})
    [funded] = house.events("FundingSettled", last=True)
    assert funded["periods"] == 2
    assert returned(house) == by_name(house, A=500, R=-500)
    assert not house.events("LossRecorded")


@pytest.mark.rule("8.71", "8.75")
def test_figures_are_exact_after_a_return_and_the_journal_recovers() -> None:
    # Bought at 103 with 300, of which an index of 100 leaves nothing; the premium comes with it.
    house = house_at(100, "A")
    house.deposit("A", 300 * COIN)
    house.price(103, at_ns=START + MINUTE, last={0: 103})
    house.trade("A", "R", lots=100, ticks=103)
    house.price(100, at_ns=START + 30 * MINUTE, last={0: 105})
    house.state.margin_cache.numbers()
    fund(house)
    assert returned(house)[house.number("A")] > 0
    figures = house.state.assess_all()[:, [EQUITY, INITIAL, MAINTENANCE]]
    assert np.array_equal(house.state.margin_cache.numbers(), figures)
    assert recover(house.engine.journal).state.digest() == house.state.digest()
    assert audit(house.engine.journal).digest == house.state.digest()
