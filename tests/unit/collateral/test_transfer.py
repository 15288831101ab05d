from __future__ import annotations

from typing import Any

import pytest

from novate.engine.recover import audit, recover
from novate.kernel.codes import MarginMode
from novate.message import command
from novate.message.refusal import SetMarginGroupRefusal
from novate.message.refusal import TransferCollateralRefusal as No
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, E8, HOUR, START, ClearingHouse
from tests.unit.transfers import (
    holder_house,
    move,
    numbers,
    open_sub,
    send,
    split,
    withdraw,
)


def gains(house: ClearingHouse, *names: str) -> list[int]:
    """Window gains in whole coins."""
    return [int(house.state.accounts.window_gain[house.number(name)]) // COIN for name in names]


@pytest.mark.rule("6.53", "6.54")
def test_collateral_moves_within_a_pool_and_custody_knows_nothing_of_it() -> None:
    house = holder_house()
    house.deposit("A", 3 * E8, asset=1)
    before = house.balance("CUSTODY")

    assert send(house, "A", "A2", 400 * COIN) == []
    assert send(house, "A", "A2", 3 * E8, asset=1) == []
    assert send(house, "A2", "A", 1) == []

    assert [house.balance(name) for name in ("A", "A2")] == [600 * COIN + 1, 400 * COIN - 1]
    assert [house.balance(name, 1) for name in ("A", "A2")] == [0, 3 * E8]
    assert house.balance("CUSTODY") == before
    assert house.events("CollateralTransferred")[0]["amount"] == 400 * COIN


@pytest.mark.rule("4.25", "6.54", "6.55")
def test_a_transfer_is_refused_in_the_order_of_the_codes() -> None:
    house = holder_house()
    house.trade("A", "B", lots=10, ticks=100)
    house.deposit("A2", 2**60 - 9, asset=1)
    house.deposit("A", 8, asset=1)
    x, before = house.state, house.state.digest()
    x.assets.is_stale[1] = True

    assert send(house, "B", "A", 0, asset=9) == [No.OTHER_POOL]
    assert send(house, "A", "A2", 0, asset=2) == [No.UNKNOWN_ASSET]
    assert send(house, "A", "A2", 0) == [No.AMOUNT_NOT_POSITIVE]
    assert send(house, "A", "A2", -1) == [No.AMOUNT_NOT_POSITIVE]
    assert send(house, "A", "A2", 10, asset=1) == [No.INSUFFICIENT_BALANCE]
    assert numbers(house) == (10, 8)
    x.accounts.balance[house.number("A2"), 1] += 2
    assert send(house, "A", "A2", 8, asset=1) == [No.AMOUNT_TOO_LARGE]
    assert numbers(house) == (8, 7)
    x.accounts.balance[house.number("A2"), 1] -= 2
    assert send(house, "A", "A2", 1_000 * COIN) == [No.INDEX_STALE]
    x.assets.is_stale[1] = False
    assert send(house, "A", "A2", 1_000 * COIN) == [No.INSUFFICIENT_MARGIN]
    assert x.digest() == before
    assert send(house, "A", "A2", 8, asset=1) == []


# 10 lots at 100: initial margin 100, and 1% of the notional of 1,000 for closing it.
@pytest.mark.rule("6.10", "6.55")
def test_initial_margin_and_the_cost_of_liquidation_stay_in_the_group() -> None:
    house = holder_house()
    house.trade("A", "B", lots=10, ticks=100)

    assert send(house, "A", "A2", 890 * COIN + 1) == [No.INSUFFICIENT_MARGIN]
    assert numbers(house) == (110 * COIN - 1, 110 * COIN)
    assert send(house, "A", "A2", 890 * COIN) == []


@pytest.mark.rule("6.11", "6.55")
def test_cash_is_not_parted_from_a_gain_that_is_not_proven() -> None:
    house = holder_house()
    house.trade("A", "B", lots=10, ticks=100)
    house.price(120, at_ns=START + HOUR)  # the slow index is at 110

    # Equity 1,200 less 120 of margin less 12 of cost; 100 of the gain is not proven.
    assert send(house, "A", "A2", 968 * COIN + 1) == [No.GAINS_UNPROVEN]
    assert numbers(house) == (232 * COIN - 1, 232 * COIN)
    house.state.accounts.encumbered[house.number("A")] = 8 * COIN
    assert send(house, "A", "A2", 960 * COIN + 1) == [No.GAINS_UNPROVEN]
    assert send(house, "A", "A2", 960 * COIN) == []


@pytest.mark.rule("6.55")
def test_inside_a_group_collateral_moves_whatever_the_group_must_hold() -> None:
    house = holder_house(group=True)
    house.trade("A", "B", lots=95, ticks=100)
    house.state.assets.is_stale[1] = True

    assert send(house, "A", "A2", 1_000 * COIN) == []
    assert send(house, "A", "A2", 1) == [No.INSUFFICIENT_BALANCE]

    found = house.state.assess(house.number("A"))
    assert found == house.state.assess(house.number("A2"))
    assert (found.equity, found.initial) == (1_000 * COIN, 950 * COIN)


@pytest.mark.rule("6.36", "6.55")
def test_out_of_a_group_of_several_the_whole_group_is_asked() -> None:
    house = holder_house(group=True)
    open_sub(house, "A3", "A")
    house.deposit("A2", 500 * COIN)
    house.trade("A", "B", lots=100, ticks=100)

    # 1,500 of equity; 1,000 of margin and 100 of cost.
    assert send(house, "A2", "A3", 400 * COIN + 1) == [No.INSUFFICIENT_MARGIN]
    assert send(house, "A2", "A3", 400 * COIN) == []
    assert withdraw(house, "A3", 400 * COIN) == []


@pytest.mark.rule("6.56")
def test_a_window_gain_goes_along_as_far_as_the_group_has_gained() -> None:
    house = holder_house()
    house.trade("A", "B", lots=10, ticks=100)
    house.price(120, at_ns=START + HOUR)
    house.price(120, at_ns=START + 2 * HOUR)  # the cycle paid 200
    assert gains(house, "A", "A2") == [200, 0]

    assert send(house, "A", "A2", 150 * COIN) == []
    assert gains(house, "A", "A2") == [50, 150]
    assert send(house, "A", "A2", 150 * COIN) == []
    assert gains(house, "A", "A2") == [0, 200]
    assert send(house, "A", "A2", 150 * COIN) == []
    assert gains(house, "A", "A2") == [0, 200]

    house.price(130)  # what is not settled yet counts too
    assert send(house, "A2", "A", 200 * COIN) == []
    assert gains(house, "A", "A2") == [200, 0]
    assert send(house, "A", "A2", 300 * COIN) == []
    assert gains(house, "A", "A2") == [-100, 300]


@pytest.mark.rule("6.56")
def test_who_lost_sends_no_window_gain_along() -> None:
    house = holder_house()
    house.trade("A", "B", lots=10, ticks=100)
    house.price(90, at_ns=START + HOUR)

    assert send(house, "A", "A2", 150 * COIN) == []

    assert gains(house, "A", "A2") == [0, 0]


@pytest.mark.rule("2.10", "6.56")
def test_window_gains_stay_within_their_bounds() -> None:
    house = holder_house()
    window = house.state.accounts.window_gain
    window[house.number("A")] = 100 * COIN
    window[house.number("A2")] = 2**60 - 7

    assert send(house, "A", "A2", 100 * COIN) == []

    assert window[house.number("A2")] == 2**60
    assert window[house.number("A")] == 100 * COIN - 7


@pytest.mark.rule("6.56")
def test_collateral_takes_its_worth_in_window_gain_rounded_up() -> None:
    house = holder_house()
    house.deposit("A", 1_000, asset=1)
    house.state.accounts.window_gain[house.number("A")] = 10**9

    assert send(house, "A", "A2", 1, asset=1) == []  # a hundred-millionth of a coin at 100

    assert house.state.accounts.window_gain[house.number("A2")] == 1


@pytest.mark.rule("6.57")
def test_what_is_encumbered_stays_with_the_sender() -> None:
    house = holder_house(group=True)
    encumbered = house.state.accounts.encumbered
    encumbered[house.number("A")] = 60 * COIN

    assert send(house, "A", "A2", 1_000 * COIN) == []

    assert [encumbered[house.number(name)] for name in ("A", "A2")] == [60 * COIN, 0]
    assert withdraw(house, "A2", 940 * COIN) == []
    assert [code.name for code in withdraw(house, "A2", 1)] == ["GAINS_UNPROVEN"]


@pytest.mark.rule("6.58")
def test_cash_that_moved_inside_a_group_does_not_leave_its_unproven_gains_with_an_account() -> None:
    house = holder_house(group=True)
    house.state.accounts.encumbered[house.number("A")] = 60 * COIN
    assert send(house, "A", "A2", 941 * COIN) == []

    assert split(house, "A2") == [SetMarginGroupRefusal.GAINS_UNPROVEN]
    assert numbers(house) == (59 * COIN, 60 * COIN)

    assert send(house, "A2", "A", 1 * COIN) == []
    assert split(house, "A2") == []


@pytest.mark.rule("6.58")
def test_an_account_does_not_leave_with_unproven_gains_while_its_cash_stays() -> None:
    house = holder_house(group=True)
    house.deposit("A2", 1_000 * COIN)
    house.trade("A2", "B", lots=10, ticks=100)
    house.price(120, at_ns=START + HOUR)
    house.price(120, at_ns=START + 2 * HOUR)  # 200 are paid, of which 50 are not proven
    assert send(house, "A2", "A", 1_069 * COIN) == []

    assert split(house, "A2") == [SetMarginGroupRefusal.INSUFFICIENT_MARGIN]
    assert numbers(house) == (131 * COIN, 132 * COIN)  # margin, and the cost of closing the lots
    assert send(house, "A", "A2", 50 * COIN) == []
    assert split(house, "A2") == [SetMarginGroupRefusal.GAINS_UNPROVEN]
    assert numbers(house) == (181 * COIN, 182 * COIN)

    assert send(house, "A", "A2", 13 * COIN) == []
    assert split(house, "A2") == []


@pytest.mark.rule("6.53")
def test_an_isolated_account_gets_and_gives_collateral() -> None:
    house = holder_house()
    open_sub(house, "A3", "A", mode=MarginMode.ISOLATED)

    assert send(house, "A", "A3", 5) == []
    assert send(house, "A3", "A2", 5) == []


@pytest.mark.rule("14.2", "14.3")
def test_recovery_and_audit_repeat_transfers() -> None:
    house = holder_house(group=True)
    open_sub(house, "A3", "A2")
    house.trade("A", "B", lots=10, ticks=100)
    house.price(120, at_ns=START + HOUR)
    for sender, receiver in (("A", "A2"), ("A2", "A3"), ("A3", "A")):
        send(house, sender, receiver, 300 * COIN)
    move(house, "A", "A2", 4)

    assert recover(house.engine.journal, plugins=PLUGINS).state.digest() == house.state.digest()
    assert audit(house.engine.journal, plugins=PLUGINS).digest == house.state.digest()


@pytest.mark.rule("6.53")
def test_linked_transfers_see_one_another() -> None:
    house = holder_house()
    a, a2 = house.number("A"), house.number("A2")
    there: dict[str, Any] = {"sender": a, "receiver": a2, "asset": 0, "amount": 700 * COIN}
    back = {**there, "sender": a2, "receiver": a}
    runs = [command.TRANSFER_COLLATERAL.row(**row) for row in (there, back, there)]

    house.engine.submit(runs, linked=True)

    assert house.balance("A2") == 700 * COIN
    before = house.state.digest()
    house.engine.submit(runs, linked=True)  # the first row lacks the balance
    assert house.state.digest() == before


def test_figures_of_both_accounts_follow_a_transfer() -> None:
    house = holder_house()
    house.state.margin_cache.numbers()

    send(house, "A", "A2", 300 * COIN)

    kept = house.state.margin_cache.numbers()[[house.number("A"), house.number("A2")], 0]
    assert kept.tolist() == [700 * COIN, 300 * COIN]
