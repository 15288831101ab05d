from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import AccountStatus, MemberStatus
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import PostCollateralRefusal, WithdrawCollateralRefusal
from novate.message.refusal import ReopenAccountRefusal as No
from tests.unit.clearing import COIN, E8, ClearingHouse
from tests.unit.default_management.houses import failing_house
from tests.unit.default_management.test_owner_keeps import ALT, alt_house


def reopen(house: ClearingHouse, account: int) -> list[Any]:
    house.submit(command.REOPEN_ACCOUNT.row(account=account), allow_refusals=True)
    return house.refusals()


def withdraw(house: ClearingHouse, amount: int, asset: int = 0) -> list[Any]:
    row = {"account": house.number("A"), "asset": asset, "amount": amount}
    house.submit(command.WITHDRAW_COLLATERAL.row(**row), allow_refusals=True)
    return house.refusals()


@pytest.mark.rule("6.8", "12.29")
def test_an_owner_withdraws_what_it_kept_and_opens_the_account_again() -> None:
    house = alt_house()
    house.price(89, e8={1: E8})
    assert house.status("A") == AccountStatus.TAKEN_OVER

    assert withdraw(house, 500 * E8, ALT) == []
    assert reopen(house, house.number("A")) == []

    assert house.status("A") == AccountStatus.OPEN
    assert house.balance("A", ALT) == 85_550_000_000 - 500 * E8
    house.deposit("A", 10_000 * COIN)
    house.trade("A", "B", lots=1, ticks=89)
    assert house.lots("A") == 1


@pytest.mark.rule("6.11", "12.26")
def test_gains_that_are_not_proven_do_not_leave_a_taken_over_account() -> None:
    house = alt_house()
    house.state.accounts.encumbered[house.number("A")] = 400 * COIN
    house.price(89, e8={1: E8})  # 855.5 are kept, 427.75 of them count

    assert withdraw(house, 60 * E8, ALT)[0] == WithdrawCollateralRefusal.GAINS_UNPROVEN
    assert withdraw(house, 50 * E8, ALT) == []


@pytest.mark.rule("6.8", "12.27", "12.28", "12.29")
def test_an_account_whose_loss_others_bore_pays_it_before_anything_else() -> None:
    house = failing_house(440)  # net -500
    a = house.number("A")
    fund = house.balance("INSURANCE_FUND")
    assert house.state.accounts.owed[a] == 500 * COIN
    assert reopen(house, a)[0] == No.STILL_OWED

    house.deposit("A", 200 * COIN)
    assert house.events("CollateralPosted")[-1]["repaid"] == 200 * COIN
    assert (house.balance("A"), house.balance("INSURANCE_FUND")) == (0, fund + 200 * COIN)
    assert reopen(house, a) == [No.STILL_OWED]
    refused = house.events("CommandRefused", last=True)[0]
    assert (refused["actual"], refused["allowed"]) == (300 * COIN, 0)
    assert withdraw(house, 1)[0] == WithdrawCollateralRefusal.ACCOUNT_NOT_OPEN

    house.deposit("A", 350 * COIN)
    assert house.events("CollateralPosted")[-1]["repaid"] == 300 * COIN
    assert (house.balance("A"), house.balance("INSURANCE_FUND")) == (50 * COIN, fund + 500 * COIN)
    assert withdraw(house, 10 * COIN) == []
    assert reopen(house, a) == []
    assert house.balance("A") == 40 * COIN


@pytest.mark.rule("6.6")
def test_a_taken_over_account_takes_no_other_asset_than_the_numeraire() -> None:
    house = failing_house(440)
    row = {"account": house.number("A"), "asset": 1, "amount": E8}

    house.submit(command.POST_COLLATERAL.row(**row), allow_refusals=True)

    assert house.refusals()[0] == PostCollateralRefusal.ACCOUNT_CLOSED


@pytest.mark.rule("4.25", "12.29")
def test_reasons_to_stay_closed_are_tested_in_the_order_of_their_codes() -> None:
    house = failing_house(440)
    a, member = house.number("A"), house.number("M")
    status = command.SET_MEMBER_STATUS.row(member=member, status=int(MemberStatus.SUSPENDED))
    house.submit(status)

    assert reopen(house, house.number("CUSTODY"))[0] == No.UNKNOWN_ACCOUNT
    assert reopen(house, 10**6)[0] == No.UNKNOWN_ACCOUNT
    assert reopen(house, house.number("B"))[0] == No.NOT_TAKEN_OVER
    assert reopen(house, a)[0] == No.STILL_OWED
    house.deposit("A", 500 * COIN)
    assert reopen(house, a)[0] == No.MEMBER_NOT_ACTIVE


@pytest.mark.rule("6.39", "12.27", "12.28", "12.29")
def test_a_group_owes_and_is_opened_as_one() -> None:
    house = alt_house(takeover_ppm=1_000_000)
    a = house.number("A")
    house.submit(
        command.OPEN_SUB_ACCOUNT.row(reference="A2", account=a, mode=1, group=a, netting_set=-1)
    )
    house.deposit("A2", 10 * COIN)
    house.price(70, e8={1: E8})  # 2,010 - 2,700

    assert house.state.accounts.owed[a] == 690 * COIN
    house.deposit("A2", 700 * COIN)
    assert (house.state.accounts.owed[a], house.balance("A2")) == (0, 10 * COIN)
    assert reopen(house, house.number("A2"))[0] == No.UNKNOWN_ACCOUNT
    assert reopen(house, a) == []
    assert (house.status("A"), house.status("A2")) == (AccountStatus.OPEN, AccountStatus.OPEN)


@pytest.mark.rule("12.29")
def test_a_reopened_account_is_held_to_margin_again() -> None:
    house = failing_house(440)
    house.deposit("A", 5_500 * COIN)
    assert reopen(house, house.number("A")) == []
    house.submit(command.SET_PARAMETER.row(
        parameter=int(Parameter.LIQUIDATION_FEE_PPM), value=0, scope=0, subject=0, effective_ns=0,
    ))  # fmt: skip
    house.trade("A", "B", lots=100, ticks=440)

    house.price(390)

    assert house.status("A") == AccountStatus.TAKEN_OVER
    assert len(house.events("AccountTakenOver")) == 2
