"""Gains that were settled since the last assessment wait for the next one (rule 6.110)."""

from __future__ import annotations

from typing import Any

import pytest

from novate.message import command
from novate.message.refusal import TransferCollateralRefusal, WithdrawCollateralRefusal
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse
from tests.unit.transfers import open_sub, send

NOT_ASSESSED = WithdrawCollateralRefusal.PRICE_NOT_ASSESSED


def house_at_expiry(*, last: int = 100) -> ClearingHouse:
    """A is long and B short 100 lots of F from 100; F expires in an hour, at its last index.

    A, B and C, which holds nothing, have 3,000 each.  The index is `last` when F expires.
    """
    house = ClearingHouse()
    house.list_contract("F", expiry_ns=START + HOUR, cycle_ns=0, basis_clamp_ppm=0)
    for name in ("A", "B", "C"):
        house.open_client(name, deposit=3_000 * COIN)
    house.price(100)
    house.trade("A", "B", lots=100, ticks=100)
    house.price(last, at_ns=START + HOUR - MINUTE)
    return house


def withdraw_run(house: ClearingHouse, name: str, amount: int) -> Any:
    return command.WITHDRAW_COLLATERAL.row(
        account=house.number(name), asset=0, amount=amount * COIN
    )


def withdraw(house: ClearingHouse, name: str, amount: int) -> list[Any]:
    house.submit(withdraw_run(house, name, amount), allow_refusals=True)
    return house.refusals()


@pytest.mark.rule("6.110")
def test_a_gain_of_an_expiry_leaves_only_after_an_assessment() -> None:
    # A gained 500 at 105.  B, which lost, and C wait for nobody.
    house = house_at_expiry(last=105)
    house.advance(START + HOUR)
    assert house.events("ContractExpired", last=True)
    assert withdraw(house, "A", 1) == [NOT_ASSESSED]
    [row] = house.events("CommandRefused", last=True)
    assert (row["actual"], row["allowed"]) == (0, -1)
    assert withdraw(house, "B", 1) == []
    assert withdraw(house, "C", 3_000) == []
    house.assess()
    assert withdraw(house, "A", 3_500) == []


@pytest.mark.rule("6.110")
def test_an_assessment_and_a_withdrawal_go_through_in_one_batch() -> None:
    house = house_at_expiry(last=105)
    at_ns = START + HOUR
    house.submit(
        command.ADVANCE_TIME.row(instant_ns=at_ns),
        command.ASSESS_MARGIN.row(instant_ns=at_ns),
        withdraw_run(house, "A", 3_500),
    )
    assert house.events("CollateralWithdrawn", last=True)


@pytest.mark.rule("6.95", "6.110")
def test_a_winner_does_not_leave_before_the_debt_of_the_loser_is_found() -> None:
    # Marked at 129, B has 100 left; the index is 140 at expiry, B owes 1,000 and A is worth 7,000.
    # Before the next assessment nothing would be unpaid by what is known.
    house = house_at_expiry(last=129)
    house.advance(START + HOUR - 1)
    at_ns = START + HOUR
    house.submit(
        command.REPORT_PRICE.row(source=0, price_e8=140 * E8, observed_ns=START + HOUR - 1)
    )
    house.assess()
    house.advance(at_ns)
    assert withdraw(house, "A", 1) == [NOT_ASSESSED]


@pytest.mark.rule("6.110")
def test_funding_that_was_paid_counts_like_an_expiry() -> None:
    # The last price is a tenth above the index for an hour: longs pay shorts 1%, 100 of 10,000.
    house = ClearingHouse()
    house.list_contract("P", funding_ns=HOUR, funding_cap_e9=10**7, cycle_ns=0, basis_clamp_ppm=0)
    for name in ("A", "B"):
        house.open_client(name, deposit=3_000 * COIN)
    house.price(100, last={0: 110})
    house.trade("A", "B", lots=100, ticks=100)
    house.price(100, at_ns=START + HOUR - MINUTE)
    house.advance(START + HOUR)
    assert house.events("FundingSettled", last=True)
    assert withdraw(house, "B", 1) == [NOT_ASSESSED]
    assert withdraw(house, "A", 1) == []
    house.assess()
    assert withdraw(house, "B", 1) == []


@pytest.mark.rule("6.110")
def test_a_gain_that_was_settled_does_not_leave_its_group_by_a_transfer_either() -> None:
    house = house_at_expiry(last=105)
    open_sub(house, "A2", "A")
    house.advance(START + HOUR)
    assert send(house, "A", "A2", COIN) == [TransferCollateralRefusal.PRICE_NOT_ASSESSED]
    house.assess()
    assert send(house, "A", "A2", COIN) == []


@pytest.mark.rule("6.110", "14.2")
def test_what_waits_for_an_assessment_is_kept_by_a_copy_and_by_recovery() -> None:
    house = house_at_expiry(last=105)
    house.advance(START + HOUR)
    assert house.state.has_settled
    assert house.engine.fork().state.has_settled
    house.assess()
    assert not house.state.has_settled
