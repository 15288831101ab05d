from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.default_management.unpaid import exact_sum
from novate.kernel.codes import AccountStatus, Layer, ShortfallPolicy
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import (
    SetMarginGroupRefusal,
    TransferCollateralRefusal,
    TransferPositionRefusal,
    WithdrawCollateralRefusal,
)
from novate.valuation.excess import unpaid_share
from tests.unit.clearing import COIN, DAY, E8, HOUR, MINUTE, START, ClearingHouse

NOT_PAID = WithdrawCollateralRefusal.GAINS_NOT_PAID


def withdraw(house: ClearingHouse, account: str, amount: int) -> list[Any]:
    house.submit(
        command.WITHDRAW_COLLATERAL.row(account=house.number(account), asset=0, amount=amount),
        allow_refusals=True,
    )
    return house.refusals()


def held(house: ClearingHouse) -> tuple[int, int]:
    return house.state.unpaid, house.state.gains


def settled_gains() -> ClearingHouse:
    """A gained 300 and B 100 from the external market in a cycle; C gained nothing.

    A bought 30 lots and B 10 at 100; the cycle was at 110, and the slow index is there too.
    """
    house = ClearingHouse(parameters={Parameter.SLOW_AVERAGE_NS: MINUTE})
    house.list_contract()
    for name in "ABC":
        house.open_client(name, deposit=1_000 * COIN)
    house.price(100)
    house.trade("A", "EXTERNAL_MARKET", lots=30, ticks=100)
    house.trade("B", "EXTERNAL_MARKET", lots=10, ticks=100)
    house.price(110, at_ns=START + HOUR - 1)
    house.price(110, at_ns=START + HOUR)
    house.trade("EXTERNAL_MARKET", "A", lots=30, ticks=110)
    house.trade("EXTERNAL_MARKET", "B", lots=10, ticks=110)
    house.price(110, at_ns=START + HOUR + MINUTE)
    return house


@pytest.mark.rule("6.94", "6.95")
def test_what_the_external_market_owes_is_unpaid_and_all_gains_are_told_with_it() -> None:
    house = settled_gains()

    assert held(house) == (400 * COIN, 400 * COIN)
    assert house.events("MarginAssessed")[-1]["unpaid"] == 400 * COIN
    told = house.events("GainsHeld")
    assert told[-1] == {"unpaid": 400 * COIN, "gains": 400 * COIN}

    house.assess()
    assert house.events("GainsHeld") == told  # nothing changed


@pytest.mark.rule("6.96")
def test_each_gain_keeps_its_share_and_who_gained_nothing_keeps_nothing() -> None:
    house = settled_gains()
    pay = command.SETTLE_EXTERNAL_MARKET.row(asset=0, amount=200 * COIN)
    house.submit(pay)
    house.assess()
    assert held(house) == (200 * COIN, 400 * COIN)

    # Of 200 that are unpaid A waits for 200 x 300 / 400 = 150 and B for 50.
    assert withdraw(house, "A", 1_150 * COIN + 1) == [NOT_PAID]
    row = house.events("CommandRefused", last=True)[0]
    assert (row["actual"], row["allowed"]) == (150 * COIN - 1, 150 * COIN)
    assert withdraw(house, "A", 1_150 * COIN) == []
    assert withdraw(house, "B", 1_050 * COIN + 1) == [NOT_PAID]
    assert withdraw(house, "B", 1_050 * COIN) == []
    assert withdraw(house, "C", 1_000 * COIN) == []


@pytest.mark.rule("6.95", "6.96")
def test_when_all_is_paid_the_event_says_so_and_the_gains_leave() -> None:
    house = settled_gains()
    house.submit(command.SETTLE_EXTERNAL_MARKET.row(asset=0, amount=400 * COIN))
    assert withdraw(house, "A", 1_300 * COIN) == [NOT_PAID]  # told by the next assessment

    house.assess()

    assert house.events("GainsHeld", last=True) == [{"unpaid": 0, "gains": 0}]
    assert withdraw(house, "A", 1_300 * COIN) == []


@pytest.mark.rule("6.96")
def test_a_share_is_rounded_up_and_is_no_more_than_the_gain() -> None:
    house = settled_gains()
    x, a = house.state, house.number("A")

    def share(unpaid: int, gains: int, gain: int) -> int:
        x.unpaid, x.gains = unpaid, gains
        return unpaid_share(x, a, gain - x.window_gain(a))

    assert share(10, 3, 1) == 1  # more is unpaid than was gained
    assert share(10, 30, 10) == 4  # 10 x 10 / 30, rounded up
    assert share(10, 5, 20) == 10  # gained since the assessment: never more than is unpaid
    assert share(10, 30, 0) == 0
    assert share(10, 30, -5) == 0
    assert share(0, 0, 5) == 0
    assert share(2**62 - 1, 2**62 - 1, 2**60) == 2**60


@pytest.mark.rule("6.94")
def test_a_loss_that_is_pending_with_the_external_market_is_unpaid_before_its_cycle() -> None:
    house = ClearingHouse()
    house.list_contract(form=2, settlement_asset=1, unit=100 * E8, ticks_max=10**6)
    house.open_client("A", deposit=1_000 * COIN)
    house.price(100)
    house.trade("A", "EXTERNAL_MARKET", lots=1, ticks=100)

    house.price(125)

    # A gains 100/100 - 100/125 = 0.2 coins, at 125: 25.
    assert held(house) == (25 * COIN, 25 * COIN)


@pytest.mark.rule("6.94")
@pytest.mark.parametrize("shortfall_policy", ShortfallPolicy)
def test_an_account_below_nothing_is_unpaid_until_its_loss_is_borne(
    shortfall_policy: ShortfallPolicy,
) -> None:
    house = ClearingHouse(parameters={Parameter.SLOW_AVERAGE_NS: MINUTE})
    house.list_contract()
    house.open_client("A", deposit=1_000 * COIN, shortfall_policy=shortfall_policy)
    house.open_client("B", deposit=9_000 * COIN)
    house.price(100)
    house.trade("A", "B", lots=100, ticks=100)

    house.price(80)  # A: 1,000 - 100 x 20 = -1,000; no fund: B's gain of 2,000 bears it

    assert house.events("MarginAssessed", last=True)[0]["unpaid"] == 1_000 * COIN
    assert [row["amount"] for row in house.events("GainsCut")] == [1_000 * COIN]
    house.assess()
    assert held(house) == (0, 0)


@pytest.mark.rule("6.94")
def test_a_short_option_worth_more_than_all_there_is_is_found_among_many() -> None:
    """The writer has equity above nothing: only with the option it is worth less.

    It is taken over after the assessment that finds this.
    """
    house = ClearingHouse()
    option = house.list_option()
    house.open_client("S", deposit=3_000 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.open_client("L", deposit=9_000 * COIN)
    house.price(100)
    house.smile(0.5)
    house.price(100)
    mark = int(house.state.marks.mark[option])
    house.trade("L", "S", lots=100, ticks=mark, instrument=option)
    cash = house.balance("S")

    house.price(150)

    net = cash - int(house.state.marks.mark[option]) * COIN  # 100 lots of a hundredth a tick
    assert net < 0 < cash
    assert house.events("MarginAssessed", last=True)[0]["unpaid"] == -net
    assert [row["equity"] for row in house.events("AccountTakenOver")] == [net]


# ---- doors


def family(**terms: Any) -> ClearingHouse:
    """`settled_gains` with another account A2 of A's holder, in a group of its own."""
    house = settled_gains()
    house.submit(
        command.OPEN_SUB_ACCOUNT.row(
            reference="A2", account=house.number("A"), mode=1, group=-1, netting_set=-1
        )
    )
    return house


@pytest.mark.rule("6.96")
def test_a_gain_that_is_not_paid_for_does_not_go_to_another_account_of_the_holder() -> None:
    house = family()
    row = {"sender": house.number("A"), "receiver": house.number("A2"), "asset": 0}

    house.submit(
        command.TRANSFER_COLLATERAL.row(**row, amount=1_000 * COIN + 1), allow_refusals=True
    )
    assert house.refusals() == [TransferCollateralRefusal.GAINS_NOT_PAID]
    house.submit(command.TRANSFER_COLLATERAL.row(**row, amount=1_000 * COIN))

    # The gain went along with the cash: what stays with A keeps nothing back any more.
    assert house.state.accounts.window_gain[house.number("A2")] == 300 * COIN
    assert withdraw(house, "A", 300 * COIN) == []
    assert withdraw(house, "A2", 700 * COIN + 1) == [NOT_PAID]
    assert withdraw(house, "A2", 700 * COIN) == []


@pytest.mark.rule("6.96")
def test_a_position_with_a_pending_gain_keeps_its_share_where_it_goes() -> None:
    house = family()
    house.submit(
        command.TRANSFER_COLLATERAL.row(
            sender=house.number("A"), receiver=house.number("A2"), asset=0, amount=1_000 * COIN
        )
    )
    house.trade("A2", "C", lots=1, ticks=110)
    x = house.state
    x.unpaid, x.gains = 4_000 * COIN, 4_000 * COIN
    row = {"sender": house.number("A2"), "receiver": house.number("A"), "instrument": 0, "lots": 1}
    withdraw(house, "A2", 600 * COIN)

    house.state.accounts.window_gain[house.number("A2")] += 1_000 * COIN
    house.submit(command.TRANSFER_POSITION.row(**row), allow_refusals=True)

    assert house.refusals() == [TransferPositionRefusal.GAINS_NOT_PAID]


@pytest.mark.rule("6.96")
def test_an_account_does_not_leave_its_group_with_cash_that_the_gain_waits_for() -> None:
    house = settled_gains()
    a = house.number("A")
    house.submit(
        command.OPEN_SUB_ACCOUNT.row(reference="A2", account=a, mode=1, group=a, netting_set=-1)
    )
    row = {"sender": a, "receiver": house.number("A2"), "asset": 0, "amount": 1_100 * COIN}
    house.submit(command.TRANSFER_COLLATERAL.row(**row))  # inside the group, with its gain of 300
    number = house.number("A2")
    house.state.accounts.window_gain[[a, number]] = 300 * COIN, 0

    leave = command.SET_MARGIN_GROUP.row(account=number, group=number, netting_set=number)
    house.submit(leave, allow_refusals=True)

    assert house.refusals() == [SetMarginGroupRefusal.GAINS_NOT_PAID]


# ---- the gains window


@pytest.mark.rule("4.70", "8.17", "8.50")
def test_a_window_turns_at_the_first_assessment_after_its_end() -> None:
    house = settled_gains()
    house.submit(command.SETTLE_EXTERNAL_MARKET.row(asset=0, amount=400 * COIN))
    end = START + house.state.parameter(Parameter.GAINS_WINDOW_NS)

    house.advance(end)
    assert house.state.accounts.window_gain[house.number("A")] == 300 * COIN
    house.assess()

    assert house.events("GainsWindowStarted") == [{"instant_ns": end}]
    assert house.state.accounts.window_gain[house.number("A")] == 0
    house.assess()
    assert len(house.events("GainsWindowStarted")) == 1


@pytest.mark.rule("8.50")
def test_a_window_does_not_turn_while_something_is_unpaid() -> None:
    house = settled_gains()
    end = START + house.state.parameter(Parameter.GAINS_WINDOW_NS)

    house.price(110, at_ns=end + HOUR)
    assert house.events("GainsWindowStarted") == []

    house.submit(command.SETTLE_EXTERNAL_MARKET.row(asset=0, amount=400 * COIN))
    house.assess()
    assert house.events("GainsWindowStarted") == [{"instant_ns": end + HOUR}]


@pytest.mark.rule("8.50")
def test_a_window_does_not_turn_while_an_account_is_in_liquidation() -> None:
    house = ClearingHouse()
    house.list_contract()
    house.open_client("A", deposit=1_000 * COIN)
    house.open_client("B", deposit=9_000 * COIN)
    house.price(100)
    house.trade("A", "B", lots=100, ticks=100)
    end = START + house.state.parameter(Parameter.GAINS_WINDOW_NS)
    house.price(94, at_ns=end - 1)  # A: 1,000 - 600 = 400, below 470
    assert house.status("A") == AccountStatus.LIQUIDATING

    house.price(94, at_ns=end)
    assert house.events("GainsWindowStarted") == []

    house.deposit("A", 1_000 * COIN)
    house.assess()
    assert house.status("A") == AccountStatus.OPEN
    assert house.events("GainsWindowStarted") == [{"instant_ns": end}]


@pytest.mark.rule("8.50", "13.9")
@pytest.mark.parametrize("turns", [True, False])
def test_the_gain_of_an_expiry_bears_the_loss_of_the_same_expiry_whenever_a_window_ends(
    turns: bool,
) -> None:
    """L is long 20 calls at 50,000 that S wrote with 6,000; they expire at 90,000.

    L gains 20 x 0.01 x 40,000 = 8,000 less the premium; S owes more than it has.
    """
    shift = 0 if turns else HOUR
    house = ClearingHouse(at_ns=START - shift, parameters={Parameter.LIQUIDATION_FEE_PPM: 0})
    end = START + 30 * DAY
    hundredth = {"unit": COIN // 10_000, "strike_e8": 50_000 * E8}  # of a coin a lot
    option = house.list_option(**hundredth, expiry_ns=end)
    house.open_client("L", deposit=100_000 * COIN)
    house.open_client("S", deposit=6_000 * COIN)
    house.price(50_000)
    house.smile(0.5)
    house.price(50_000)
    mark = int(house.state.marks.mark[option])
    house.trade("L", "S", lots=20, ticks=mark, instrument=option)
    house.advance(end - HOUR)
    house.price(90_000)
    house.advance(end)
    house.price(90_000)

    [loss] = house.events("LossRecorded")
    cuts = house.events("GainsCut")
    assert sum(row["amount"] for row in cuts) == loss["amount"] > 0
    assert all(row["layer"] != Layer.UNCOVERED for row in house.events("LossAllocated"))


def test_sums_of_any_size_are_exact() -> None:
    assert exact_sum(np.array([2**62, 2**62, 3, -5], np.int64)) == 2**63 - 2
    assert exact_sum(np.zeros(0, np.int64)) == 0
