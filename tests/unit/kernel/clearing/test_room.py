"""Takeovers, payments and sweeps for which 64 bits have no room wait or move less."""

from __future__ import annotations

import numpy as np
import pytest

from novate.default_management.room import (
    load_of,
    payment_room,
    sweep_room,
    takeovers_with_room,
)
from novate.default_management.surplus import surplus
from novate.default_management.waterfall import decide_allocate_losses
from novate.kernel.codes import AccountStatus, Layer
from tests.unit.clearing import COIN, ClearingHouse, Recorder

E8 = 10**8


def failed_house() -> ClearingHouse:
    """A is long 100 at 500 on 5,000, C 90 on 9,000; B is short of both."""
    house = ClearingHouse(default_fund=1_000 * COIN)
    house.list_contract()
    for name, deposit in (("A", 5_000), ("B", 30_000), ("C", 9_000)):
        house.open_client(name, deposit=deposit * COIN)
    house.price(500)
    house.trade("A", "B", lots=100, ticks=500)
    house.trade("C", "B", lots=90, ticks=500)
    return house


def move(house: ClearingHouse, account: str, amount: int, *, asset: int = 0) -> None:
    """Give an account what custody then owes: no command could."""
    for name, signed in ((account, amount), ("CUSTODY", -amount)):
        house.state.accounts.balance[house.number(name), asset] += signed


@pytest.mark.rule("15.64")
def test_the_load_of_an_account_is_its_balance_and_its_settlement_costs() -> None:
    house = failed_house()
    x = house.state

    # Sold 190 lots at 500.
    assert load_of(x, house.number("B"), 0) == (30_000 + 95_000) * COIN
    assert load_of(x, house.number("B"), 1) == 0


@pytest.mark.rule("15.65")
def test_a_takeover_waits_while_the_books_of_the_liquidator_have_no_room() -> None:
    house = failed_house()
    # At 445 A moves three times its value of 44,500, costs and entries of 50,000 and 5,000.
    moved = (3 * 44_500 + 2 * 50_000 + 5_000) * COIN
    move(house, "SETTLEMENT", 2**61 - moved + 1)

    house.price(445)
    assert house.status("A") == AccountStatus.LIQUIDATING
    assert not house.events("AccountTakenOver")

    move(house, "SETTLEMENT", -1)
    house.price(445)
    assert house.status("A") == AccountStatus.TAKEN_OVER


@pytest.mark.rule("15.65")
def test_takeovers_of_a_record_count_what_those_before_them_move() -> None:
    house = failed_house()
    x, groups = house.state, np.array([house.number("A"), house.number("C")])
    # A: 3 x 50,000 + 50,000 + 50,000 + 5,000; C: 3 x 45,000 + 45,000 + 45,000 + 9,000.
    a, c = 255_000 * COIN, 234_000 * COIN
    liquidator = house.number("LIQUIDATOR")
    for free, fits in (
        (a + c, [True, True]), (a + c - 1, [True, False]), (a - 1, [False, True]),
        (c - 1, [False, False]),
    ):  # fmt: skip
        x.accounts.balance[liquidator, 0] = 2**61 - free
        assert takeovers_with_room(x, groups).tolist() == fits
    x.accounts.balance[liquidator] = 0, -(2**62)
    assert takeovers_with_room(x, groups).tolist() == [True, True]  # nothing moves in the coin
    x.accounts.balance[liquidator] = 0
    x.accounts.balance[house.number("SETTLEMENT"), 0] = 2**61 - a
    assert takeovers_with_room(x, groups).tolist() == [True, False]


@pytest.mark.rule("15.67")
def test_losses_are_paid_as_far_as_the_liquidator_has_room() -> None:
    house = failed_house()
    x, liquidator = house.state, house.number("LIQUIDATOR")
    assert payment_room(x) == 2**61

    x.accounts.balance[liquidator, 0] = -5
    assert payment_room(x) == 2**61 + 5
    x.accounts.balance[liquidator, 0] = 2**61 - 7
    assert payment_room(x) == 7
    x.accounts.balance[liquidator, 0] = 2**61 + 1
    assert payment_room(x) == 0


@pytest.mark.rule("15.67")
def test_what_the_liquidator_has_no_room_for_is_uncovered() -> None:
    house = failed_house()
    x, liquidator = house.state, house.number("LIQUIDATOR")
    losses = x.defaults.losses
    rows = losses.add(2)
    losses.account[rows], losses.is_open[rows] = house.number("A"), True
    losses.amount[rows] = 9 * COIN, 5 * COIN
    move(house, "LIQUIDATOR", 2**61 - 11 * COIN)
    assert payment_room(x) == 11 * COIN
    emitted = Recorder()

    decide_allocate_losses(x, {"loss": losses.number[rows]}, emitted)

    # The member's own contribution of 1,000 would pay both; there is room for 9 and 2.
    paid = [(e["layer"], e["amount"]) for name, e in emitted.events if name == "LossAllocated"]
    own, uncovered = Layer.OWN_CONTRIBUTION, Layer.UNCOVERED
    assert paid == [(own, 9 * COIN), (own, 2 * COIN), (uncovered, 3 * COIN)]
    assert int(x.accounts.balance[liquidator, 0]) == 2**61
    assert x.defaults.uncovered == 3 * COIN


@pytest.mark.rule("15.67")
def test_what_is_uncovered_counts_as_much_as_64_bits_have_room_for() -> None:
    x = failed_house().state

    x.defaults.add_uncovered(np.array([2**61, 2**61, 2**61]))

    assert x.defaults.uncovered == x.defaults.pending() == 2**62


@pytest.mark.rule("15.68")
def test_a_surplus_is_paid_as_far_as_the_insurance_fund_has_room() -> None:
    house = failed_house()
    x = house.state
    move(house, "LIQUIDATOR", 700)
    assert (sweep_room(x), surplus(x)) == (2**60, 700)

    move(house, "INSURANCE_FUND", 2**60 - 30)
    assert (sweep_room(x), surplus(x)) == (30, 30)
    move(house, "INSURANCE_FUND", 30)
    assert (sweep_room(x), surplus(x)) == (0, 0)
    move(house, "INSURANCE_FUND", -(2**60))
    move(house, "SETTLEMENT", 2**61 + 1)
    assert (sweep_room(x), surplus(x)) == (0, 0)
