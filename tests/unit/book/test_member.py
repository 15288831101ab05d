from __future__ import annotations

from typing import Any

import pytest

from novate.engine.recover import audit, recover
from novate.kernel.codes import AccountStatus, MemberStatus, Role, ShortfallPolicy
from novate.message import command
from novate.message.refusal import (
    OpenAccountRefusal,
    OpenSubAccountRefusal,
    ReserveMarginRefusal,
    SetMemberStatusRefusal,
    SubmitTradeRefusal,
    WithdrawCollateralRefusal,
)
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, ClearingHouse, _account
from tests.unit.transfers import holder_house, numbers, open_sub, order, set_status, withdraw

ACTIVE, SUSPENDED, DEFAULTED = MemberStatus
INACTIVE = (SUSPENDED, DEFAULTED)


def two_members() -> ClearingHouse:
    """A and A2 belong to M, B and C to N; X is at 100."""
    house = holder_house()
    house.open_member("N")
    for name in ("N1", "N2"):
        house.open_client(name, deposit=10_000 * COIN, member="N")
    return house


def trade(house: ClearingHouse, buyer: str, seller: str, lots: int, **other: Any) -> Any:
    run = house.trade_run(buyer, seller, lots=lots, ticks=100, **other)
    house.submit(run, allow_refusals=True)
    return house.refusals()


def test_codes_of_members_are_apart_from_those_of_accounts_but_for_the_first() -> None:
    assert MemberStatus.ACTIVE == AccountStatus.OPEN
    assert {*INACTIVE} & {*AccountStatus} == set()


@pytest.mark.rule("4.25", "6.50")
def test_a_status_is_refused_in_the_order_of_the_codes() -> None:
    house, code = two_members(), SetMemberStatusRefusal

    def refusals(member: int, status: int) -> Any:
        run = command.SET_MEMBER_STATUS.row(member=member, status=status)
        house.submit(run, allow_refusals=True)
        return house.refusals()

    m = house.number("M")
    assert refusals(999, 0) == [code.UNKNOWN_MEMBER]
    assert refusals(house.number("A"), SUSPENDED) == [code.UNKNOWN_MEMBER]
    assert refusals(m, 0) == refusals(m, 2) == refusals(m, 7) == [code.UNKNOWN_STATUS]
    assert refusals(m, ACTIVE) == [code.STATUS_UNCHANGED]
    assert refusals(m, SUSPENDED) == refusals(m, ACTIVE) == refusals(m, SUSPENDED) == []
    assert refusals(m, SUSPENDED) == [code.STATUS_UNCHANGED]
    assert refusals(m, DEFAULTED) == []
    for status in MemberStatus:
        assert refusals(m, status) == [code.MEMBER_DEFAULTED]
    assert refusals(house.number("N"), DEFAULTED) == []
    assert house.status("M") == house.status("N") == DEFAULTED


@pytest.mark.rule("6.51")
@pytest.mark.parametrize("status", INACTIVE)
def test_of_a_member_that_is_not_active_no_account_is_opened(status: MemberStatus) -> None:
    house = two_members()
    set_status(house, status)

    for role in (Role.HOUSE, Role.CLIENT, Role.DEFAULT_FUND):
        row = _account("new", role, parent=house.number("M"))
        house.submit(row, allow_refusals=True)
        assert house.refusals() == [OpenAccountRefusal.MEMBER_NOT_ACTIVE]
        assert numbers(house) == (status, ACTIVE)
    assert open_sub(house, "new", "A", allow_refusals=True) == [
        OpenSubAccountRefusal.MEMBER_NOT_ACTIVE
    ]
    house.open_client("N3", member="N")
    assert open_sub(house, "N4", "N3") == []


@pytest.mark.rule("6.52")
@pytest.mark.parametrize("status", INACTIVE)
def test_accounts_of_such_a_member_take_deposits_and_give_nothing_out(
    status: MemberStatus,
) -> None:
    house, code = two_members(), WithdrawCollateralRefusal
    set_status(house, status)

    assert withdraw(house, "A", 1) == [code.MEMBER_NOT_ACTIVE]
    assert withdraw(house, "A", 10**12) == [code.INSUFFICIENT_BALANCE]
    assert withdraw(house, "N1", 1) == []
    house.deposit("A", 5)
    assert house.balance("A") == 1_000 * COIN + 5


@pytest.mark.rule("7.40")
@pytest.mark.parametrize("status", INACTIVE)
def test_accounts_of_such_a_member_trade_only_to_reduce(status: MemberStatus) -> None:
    house, code = two_members(), SubmitTradeRefusal
    house.trade("A", "N1", lots=10, ticks=100)
    set_status(house, status)

    assert trade(house, "A", "N1", 1) == [code.MEMBER_NOT_ACTIVE]
    assert trade(house, "N1", "A2", 1) == [code.INSUFFICIENT_MARGIN]
    house.deposit("A2", 100 * COIN)
    assert trade(house, "N1", "A2", 1) == [code.MEMBER_NOT_ACTIVE]
    assert trade(house, "N1", "A", 13) == [code.MEMBER_NOT_ACTIVE]
    assert numbers(house) == (3, 0)
    assert trade(house, "N1", "A", 4) == []
    assert trade(house, "N1", "A", 6) == []
    assert trade(house, "N1", "A", 1) == [code.MEMBER_NOT_ACTIVE]
    assert trade(house, "N1", "N2", 50) == []


@pytest.mark.rule("7.40")
def test_that_a_member_is_not_active_is_the_last_reason_against_a_trade() -> None:
    house, code = two_members(), SubmitTradeRefusal
    set_status(house, SUSPENDED)

    assert trade(house, "A", "N1", 500) == [code.INSUFFICIENT_MARGIN]
    house.state.assets.is_stale[1] = True
    assert trade(house, "A", "N1", 1) == [code.PRICE_BLOCKED]


@pytest.mark.rule("6.38", "7.40")
def test_what_reduces_the_netted_position_of_a_netting_set_is_no_more_than_reducing() -> None:
    house = holder_house(group=True, is_netted=True)
    house.open_member("N")
    house.open_client("N1", deposit=10_000 * COIN, member="N")
    house.trade("A", "N1", lots=10, ticks=100)
    set_status(house, SUSPENDED)

    assert trade(house, "N1", "A2", 11) == [SubmitTradeRefusal.MEMBER_NOT_ACTIVE]
    assert trade(house, "N1", "A2", 10) == []


@pytest.mark.rule("7.40")
def test_an_order_that_was_granted_before_still_fills_because_the_other_side_is_innocent() -> None:
    house = two_members()
    assert order(house, "A", 10, 100) == []
    set_status(house, SUSPENDED)

    assert trade(house, "A", "N1", 4, buyer_reservation=1) == []
    assert trade(house, "A", "N1", 1) == [SubmitTradeRefusal.MEMBER_NOT_ACTIVE]
    set_status(house, DEFAULTED)
    assert trade(house, "A", "N1", 6, buyer_reservation=1) == []
    assert house.lots("A") == 10


@pytest.mark.rule("7.41")
@pytest.mark.parametrize("status", INACTIVE)
def test_such_an_account_gets_risk_reducing_orders_only(status: MemberStatus) -> None:
    house, code = two_members(), ReserveMarginRefusal
    house.trade("A", "N1", lots=10, ticks=100)
    set_status(house, status)

    assert order(house, "A", 1, 100) == [code.MEMBER_NOT_ACTIVE]
    assert order(house, "A2", -1, 100) == [code.INSUFFICIENT_MARGIN]
    assert order(house, "A", -6, 100) == []
    assert order(house, "A", -5, 100) == [code.MEMBER_NOT_ACTIVE]
    assert numbers(house) == (-5, 0)
    assert order(house, "A", -4, 100) == []
    assert order(house, "N1", 1, 100) == []


@pytest.mark.rule("6.50", "7.40")
def test_a_member_that_is_active_again_trades_as_before() -> None:
    house = two_members()
    set_status(house, SUSPENDED)
    assert trade(house, "A", "N1", 1) == [SubmitTradeRefusal.MEMBER_NOT_ACTIVE]

    set_status(house, ACTIVE)

    assert trade(house, "A", "N1", 1) == []
    assert withdraw(house, "A", 1) == []
    assert open_sub(house, "A3", "A") == []


@pytest.mark.rule("6.52")
@pytest.mark.parametrize("status", INACTIVE)
def test_calls_liquidation_and_takeover_go_on(status: MemberStatus) -> None:
    house = holder_house(policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.open_client("C", deposit=1_000 * COIN)
    house.trade("A", "B", lots=95, ticks=100)
    house.trade("C", "B", lots=95, ticks=100)
    set_status(house, status)
    assert house.status("A") == AccountStatus.OPEN  # nothing is closed out by the status

    house.price(94)

    assert house.events("MarginCalled", last=True)[0]["account"] == house.number("A")
    assert house.status("C") == AccountStatus.LIQUIDATING
    [placed] = house.events("OrderPlaced", last=True)
    house.fill(placed["order"], 10, 94)
    house.price(89)
    assert house.status("C") == AccountStatus.TAKEN_OVER


@pytest.mark.rule("14.2", "14.3")
def test_recovery_and_audit_know_the_status_and_its_reach() -> None:
    house = two_members()
    set_status(house, SUSPENDED)
    set_status(house, DEFAULTED, "N")
    set_status(house, ACTIVE)
    trade(house, "A", "N1", 1)

    journal = house.engine.journal
    again = recover(journal, plugins=PLUGINS)

    assert again.state.digest() == house.state.digest()
    assert audit(journal, plugins=PLUGINS).digest == house.state.digest()
    suspended = {
        name for name in ("A", "A2", "N1", "N2")
        if again.state.accounts.is_suspended[house.number(name)]
    }  # fmt: skip
    assert suspended == {"N1", "N2"}


@pytest.mark.rule("6.50", "7.40")
def test_linked_rows_see_the_status_that_a_row_before_them_gave() -> None:
    house = two_members()
    suspend = command.SET_MEMBER_STATUS.row(member=house.number("M"), status=SUSPENDED)
    before = house.state.digest()

    house.engine.submit([suspend, house.trade_run("A", "N1", lots=1, ticks=100)], linked=True)

    assert house.state.digest() == before
    house.trade("A", "N1", lots=1, ticks=100)
    reduce = house.trade_run("N1", "A", lots=1, ticks=100)
    house.engine.submit([suspend, reduce], linked=True)
    assert (house.status("M"), house.lots("A")) == (SUSPENDED, 0)


@pytest.mark.rule("6.52")
def test_a_linked_row_is_refused_with_the_status_of_its_member() -> None:
    house = two_members()
    set_status(house, SUSPENDED)
    row = {"account": house.number("A"), "asset": 0, "amount": 1}

    house.last = house.engine.submit([command.WITHDRAW_COLLATERAL.row(**row)], linked=True)

    assert house.refusals() == [WithdrawCollateralRefusal.MEMBER_NOT_ACTIVE]
    assert numbers(house) == (SUSPENDED, ACTIVE)


def test_a_reader_sees_the_status_of_a_member() -> None:
    house = two_members()
    house.engine.view(1)

    set_status(house, SUSPENDED)

    assert house.engine.view(10**9).status(house.number("M")) == SUSPENDED
