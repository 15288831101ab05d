"""What is called beside a first call, what is too little for one, and what a deadline asks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.default_management.call import apply_call_without_number
from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message import command
from novate.message.obligation import ObligationOutcome as Outcome
from novate.message.parameter import Parameter, Scope, set_parameter
from novate.message.refusal import SubmitTradeRefusal, WithdrawCollateralRefusal
from novate.valuation.price_status import WAITING
from tests.unit.clearing import COIN, HOUR, MINUTE, START, ClearingHouse
from tests.unit.transfers import open_sub, withdraw

DUE = START + MINUTE + HOUR


def house_of(*accounts: str, deposit: int = 6_000, **parameters: int) -> ClearingHouse:
    """Groups of one holder, each long 100 at 500 and called before it defaults.

    Of each: initial margin 10 p, maintenance 5 p, equity deposit + 100 (p - 500).
    """
    house = ClearingHouse(
        parameters={Parameter[name.upper()]: value for name, value in parameters.items()}
    )
    house.list_contract(cycle_ns=0)
    house.open_client("A", shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    for name in accounts:
        open_sub(house, name, "A")
    house.open_client("B", deposit=200_000 * COIN)
    house.price(500)
    for name in ("A", *accounts):
        house.deposit(name, deposit * COIN)
        house.trade(name, "B", lots=100, ticks=500)
    return house


def called(house: ClearingHouse) -> list[tuple[int, int, int]]:
    """Number, amount in whole numeraire and deadline of all calls."""
    return [
        (row["obligation"], row["amount"] // COIN, row["deadline_ns"])
        for row in house.events("MarginCalled")
    ]


def outcomes(house: ClearingHouse) -> list[tuple[int, int]]:
    """Number and outcome of the obligations that ended."""
    return [(row["obligation"], row["outcome"]) for row in house.events("ObligationClosed")]


def ask_more(house: ClearingHouse, initial_ppm: int) -> None:
    """Another initial margin, between two assessments."""
    tiers = {"instrument": 0, "floor": 0, "initial_ppm": initial_ppm, "maintenance_ppm": 50_000}
    house.submit(command.REPLACE_TIERS.row(**tiers, effective_ns=0))


@pytest.mark.rule("10.52", "10.53")
def test_what_a_worse_price_makes_missing_is_called_too_and_due_with_the_first_call() -> None:
    house = house_of()
    house.price(485, at_ns=START + MINUTE)  # 4,500 where 4,850 are asked

    house.price(483, at_ns=START + 55 * MINUTE)  # 4,300 where 4,830 are: 530

    assert called(house) == [(1, 350, DUE), (2, 180, DUE)]
    house.price(484, at_ns=START + 56 * MINUTE)  # 440 are missing, 530 asked
    house.price(483, at_ns=START + 57 * MINUTE)
    assert len(called(house)) == 2


@pytest.mark.rule("10.8", "10.58")
def test_who_pays_only_the_first_of_two_calls_is_in_default_for_the_second() -> None:
    house = house_of()
    house.price(485, at_ns=START + MINUTE)
    house.price(483, at_ns=START + 55 * MINUTE)
    house.deposit("A", 350 * COIN)

    house.advance(DUE)

    assert outcomes(house) == [(1, Outcome.PAID), (2, Outcome.FAILED)]
    assert house.status("A") == AccountStatus.LIQUIDATING


@pytest.mark.rule("10.4", "10.6")
def test_who_pays_both_has_met_them() -> None:
    house = house_of()
    house.price(485, at_ns=START + MINUTE)
    house.price(483, at_ns=START + 55 * MINUTE)
    house.deposit("A", 529 * COIN)
    house.price(484, at_ns=START + 58 * MINUTE)

    assert outcomes(house) == [(1, Outcome.PAID), (2, Outcome.MET)]
    assert len(house.events("MarginCallMet")) == 1
    assert house.status("A") == AccountStatus.OPEN


@pytest.mark.rule("10.58", "10.59")
def test_who_paid_all_that_was_called_is_in_no_default_for_what_nobody_called() -> None:
    house = house_of()
    house.price(485, at_ns=START + MINUTE)
    house.deposit("A", 350 * COIN)
    ask_more(house, 120_000)  # 5,820 are asked of 4,850

    house.advance(DUE)

    assert house.events("DefaultDeclared") == []
    assert house.events("MarginCallPaid") == [
        {"account": house.number("A"), "equity": 4_850 * COIN, "requirement": 5_820 * COIN}
    ]
    assert house.status("A") == AccountStatus.OPEN
    assert house.state.accounts.deadline_ns[house.number("A")] == 0

    house.price(485, at_ns=DUE + MINUTE)

    assert called(house)[1:] == [(2, 970, DUE + MINUTE + HOUR)]


@pytest.mark.rule("10.53", "10.59")
def test_each_call_is_paid_before_there_is_another_grace() -> None:
    house = house_of()
    house.price(485, at_ns=START + MINUTE)
    house.deposit("A", 349 * COIN)
    house.submit(set_parameter(Parameter.CALL_MINIMUM, 0))
    ask_more(house, 120_000)

    house.advance(DUE)  # one is not paid, and more than one is missing

    assert house.status("A") == AccountStatus.LIQUIDATING


@pytest.mark.rule("10.58", "10.59")
def test_what_another_group_of_the_holder_has_still_time_to_pay_is_no_arrears() -> None:
    # At 485 A misses 350 and pays 346; its twin, with 355 more, is called 54 minutes later.
    house = house_of("A2", call_minimum=10 * COIN)
    house.deposit("A2", 355 * COIN)
    house.price(485, at_ns=START + MINUTE)
    house.deposit("A", 346 * COIN)
    house.price(484, at_ns=START + 55 * MINUTE)  # A misses 90 more, A2 85
    house.deposit("A", 90 * COIN)

    house.advance(DUE)

    assert house.status("A2") == AccountStatus.CALLED
    assert house.status("A") == AccountStatus.OPEN
    assert house.events("DefaultDeclared") == []


@pytest.mark.rule("4.86", "10.53", "10.60")
def test_a_price_that_comes_back_worse_is_called_too_and_due_with_the_call_that_waited() -> None:
    house = house_of(index_staleness_ns=10 * MINUTE, stale_add_on_ppm=0)
    house.price(485, at_ns=START + MINUTE)
    house.deposit("A", 350 * COIN)
    house.submit(set_parameter(Parameter.CALL_MINIMUM, 0))
    ask_more(house, 120_000)
    house.advance(DUE)
    assert len(house.events("CallExtended")) == 1
    # The last price counts until ten minutes after the call: 50 are left.
    left = 50 * MINUTE
    assert house.state.accounts.deadline_ns[house.number("A")] == WAITING - left

    house.price(480, at_ns=DUE + HOUR)

    assert len(house.events("CallResumed")) == 1
    # 6,350 - 2,000 where 5,760 are asked: due with the call that has its time back.
    assert called(house)[1:] == [(2, 1_410, DUE + HOUR + left)]


@pytest.mark.rule("4.17", "10.58")
def test_who_paid_all_and_falls_below_the_takeover_level_is_in_default_at_once() -> None:
    # A fifth of maintenance margin: the level is p.
    house = house_of(deposit=5_450, takeover_ppm=200_000)
    house.price(485, at_ns=START + MINUTE)  # 3,950 where 4,850 are asked
    house.deposit("A", 900 * COIN)

    house.price(440, at_ns=START + 2 * MINUTE)  # 350 left

    assert house.events("DefaultDeclared")[0]["equity"] == 350 * COIN
    assert outcomes(house) == [(1, Outcome.PAID)]


# ---- the minimum


@pytest.mark.rule("10.54", "10.56")
def test_who_misses_less_than_the_minimum_is_not_called_and_adds_no_risk() -> None:
    house = house_of(call_minimum=100 * COIN)
    house.price(488, at_ns=START + MINUTE)  # 4,800 where 4,880 are asked
    assert called(house) == []
    assert house.status("A") == AccountStatus.OPEN

    assert withdraw(house, "A", 1) == [WithdrawCollateralRefusal.INSUFFICIENT_MARGIN]
    house.submit(house.trade_run("A", "B", lots=1, ticks=488), allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.INSUFFICIENT_MARGIN]
    house.advance(START + 9 * HOUR)
    assert house.status("A") == AccountStatus.OPEN

    house.price(487, at_ns=START + 10 * HOUR)  # 4,700 where 4,870 are

    assert called(house) == [(1, 170, START + 11 * HOUR)]


@pytest.mark.rule("10.54")
def test_the_minimum_is_of_what_is_missing_beyond_what_was_called() -> None:
    house = house_of(call_minimum=100 * COIN)
    house.price(487, at_ns=START + MINUTE)
    house.price(487 - 1, at_ns=START + 2 * MINUTE)  # 90 more
    assert called(house) == [(1, 170, DUE)]

    house.price(487 - 2, at_ns=START + 3 * MINUTE)  # 180 more

    assert called(house)[1:] == [(2, 180, DUE)]


@pytest.mark.rule("10.54")
def test_the_minimum_counts_what_the_groups_of_a_holder_miss_together() -> None:
    house = house_of("A2", call_minimum=100 * COIN)

    house.price(488, at_ns=START + MINUTE)  # 80 each

    assert called(house) == [(1, 80, DUE), (2, 80, DUE)]


@pytest.mark.rule("10.54")
def test_the_minimum_of_a_group_may_be_another_one() -> None:
    house = house_of("A2", call_minimum=1_000 * COIN)
    run = set_parameter(Parameter.CALL_MINIMUM, 160 * COIN, Scope.GROUP, house.number("A2"))
    house.submit(run)

    house.price(488, at_ns=START + MINUTE)

    assert [row["account"] for row in house.events("MarginCalled")] == [house.number("A2")]


@pytest.mark.rule("10.55")
def test_below_the_takeover_level_there_is_no_minimum() -> None:
    house = house_of(call_minimum=10_000 * COIN)
    house.price(450, at_ns=START + MINUTE)  # 1,000 of 4,500
    assert called(house) == []

    house.price(447, at_ns=START + 2 * MINUTE)  # 700, below a third of 2,235

    assert [amount for _, amount, _ in called(house)] == [3_770]
    assert len(house.events("DefaultDeclared")) == 1
    assert house.status("A") == AccountStatus.TAKEN_OVER


@pytest.mark.rule("10.58", "10.59")
def test_less_than_the_minimum_that_was_not_paid_is_no_default() -> None:
    house = house_of(call_minimum=100 * COIN)
    house.price(487, at_ns=START + MINUTE)  # 170
    house.deposit("A", 71 * COIN)

    house.advance(DUE)

    assert outcomes(house) == [(1, Outcome.WAIVED)]
    assert house.events("ObligationClosed")[0]["paid"] == 71 * COIN
    assert house.status("A") == AccountStatus.OPEN
    house.assess()
    assert len(called(house)) == 1


@pytest.mark.rule("10.58")
def test_the_minimum_itself_that_was_not_paid_is_a_default() -> None:
    house = house_of(call_minimum=100 * COIN)
    house.price(487, at_ns=START + MINUTE)
    house.deposit("A", 70 * COIN)

    house.advance(DUE)

    assert house.status("A") == AccountStatus.LIQUIDATING


@pytest.mark.rule("10.58", "10.61")
def test_groups_of_a_holder_are_in_arrears_together() -> None:
    house = house_of("A2", "A3", call_minimum=100 * COIN)
    house.price(487, at_ns=START + MINUTE)
    for name in ("A", "A2", "A3"):
        house.deposit(name, 110 * COIN)  # 60 are left of each

    house.advance(DUE)

    # 180 are in arrears, whichever group is looked at first.
    assert {house.status(name) for name in ("A", "A2", "A3")} == {AccountStatus.LIQUIDATING}
    assert outcomes(house) == [(number, Outcome.FAILED) for number in (1, 2, 3)]


@pytest.mark.rule("10.58")
def test_two_groups_that_are_short_of_the_minimum_only_together_are_both_in_default() -> None:
    house = house_of("A2", call_minimum=10 * COIN)
    house.price(487, at_ns=START + MINUTE)
    for name in ("A", "A2"):
        house.deposit(name, 164 * COIN)  # 6 are left of each

    house.advance(DUE)

    assert outcomes(house) == [(1, Outcome.FAILED), (2, Outcome.FAILED)]


def staggered_house(left: int) -> ClearingHouse:
    """A's call is due at `DUE` and 6 of it are not paid; of A2's, due 29 minutes later, so many."""
    house = house_of("A2", call_minimum=10 * COIN)
    house.deposit("A2", 170 * COIN)
    house.price(487, at_ns=START + MINUTE)  # 170 of A
    house.price(486, at_ns=START + 30 * MINUTE)  # 90 more of A, and 90 of A2
    house.deposit("A", 254 * COIN)
    house.deposit("A2", (90 - left) * COIN)
    house.price(486, at_ns=DUE)
    assert [due for *_, due in called(house)] == [DUE, DUE, DUE + 29 * MINUTE]
    assert (house.status("A"), house.status("A2")) == (AccountStatus.OPEN, AccountStatus.CALLED)
    return house


@pytest.mark.rule("10.58")
@pytest.mark.parametrize("left", [3, 4, 9])
def test_deadlines_one_after_another_forgive_together_less_than_the_minimum(left: int) -> None:
    house = staggered_house(left)

    house.price(486, at_ns=DUE + 29 * MINUTE)

    is_forgiven = 6 + left < 10
    status = AccountStatus.OPEN if is_forgiven else AccountStatus.LIQUIDATING
    assert (house.status("A"), house.status("A2")) == (AccountStatus.OPEN, status)


@pytest.mark.rule("10.58")
def test_what_an_open_group_misses_and_is_called_for_next_is_no_arrears_of_another_one() -> None:
    house = staggered_house(9)
    ask_more(house, 120_000)  # A misses 978, which nobody has called yet

    house.advance(DUE + 29 * MINUTE)

    assert house.events("DefaultDeclared") == []
    assert house.status("A2") == AccountStatus.OPEN
    house.price(486, at_ns=DUE + 30 * MINUTE)
    assert (house.status("A"), house.status("A2")) == (AccountStatus.CALLED,) * 2


@pytest.mark.rule("10.58", "10.59")
def test_a_group_that_met_its_call_is_no_arrears_of_another_one() -> None:
    # A2 misses 6 of its call and is cured by its own margin rate before the deadline.
    house = house_of("A2", call_minimum=10 * COIN)
    house.price(487, at_ns=START + MINUTE)
    for name in ("A", "A2"):
        house.deposit(name, 164 * COIN)
    house.submit(command.POST_COLLATERAL.row(account=house.number("A2"), asset=0, amount=6 * COIN))

    house.advance(DUE)

    assert outcomes(house) == [(2, Outcome.PAID), (1, Outcome.WAIVED)]


@pytest.mark.rule("10.58")
def test_who_paid_is_in_no_default_for_what_another_group_did_not_pay() -> None:
    house = house_of("A2", call_minimum=100 * COIN)
    house.price(487, at_ns=START + MINUTE)
    house.deposit("A", 170 * COIN)
    ask_more(house, 120_000)

    house.advance(DUE)

    assert house.status("A") == AccountStatus.OPEN
    assert house.status("A2") == AccountStatus.LIQUIDATING


@pytest.mark.rule("10.62")
def test_a_call_without_an_obligation_is_called_anew_with_its_deadline() -> None:
    house = house_of()
    a, due = house.number("A"), START + HOUR
    row: dict[str, Any] = {"account": a, "deadline_ns": due}
    apply_call_without_number(house.state, row)
    assert house.status("A") == AccountStatus.CALLED
    assert house.state.obligations.asked(np.array([a])).tolist() == [0]

    house.price(485, at_ns=START + MINUTE)

    assert called(house) == [(1, 350, due)]
