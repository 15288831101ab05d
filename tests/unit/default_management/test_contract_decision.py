from __future__ import annotations

from typing import Any

import pytest

from novate.default_management.contract_decision import name_number
from novate.kernel.codes import AccountStatus, InstrumentStatus
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import (
    ApproveSettlementRefusal,
    DelistContractRefusal,
    ProposeSettlementRefusal,
    ReserveMarginRefusal,
    ResumeContractRefusal,
    SubmitTradeRefusal,
    SuspendContractRefusal,
)
from tests.unit.clearing import COIN, DAY, E8, HOUR, MINUTE, SECOND, START, ClearingHouse

INVERSE = {"form": 2, "settlement_asset": 1, "unit": 100 * E8, "lots_max": 10**7}


def traded_house(**terms: Any) -> ClearingHouse:
    """L long and S short 10 lots at 100, prices stale after a minute."""
    house = ClearingHouse(parameters={Parameter.INDEX_STALENESS_NS: MINUTE})
    house.list_contract(**terms)
    for name in ("L", "S"):
        house.open_client(name, deposit=1_000 * COIN)
        house.deposit(name, 10 * E8, asset=1)
    house.price(100, at_ns=START + SECOND)
    house.trade("L", "S", lots=10, ticks=100)
    return house


def suspend(house: ClearingHouse, **how: Any) -> None:
    house.submit(command.SUSPEND_CONTRACT.row(instrument=0), **how)


def resume(house: ClearingHouse, **how: Any) -> None:
    house.submit(command.RESUME_CONTRACT.row(instrument=0), **how)


def delist(house: ClearingHouse, suspend_ns: int, expiry_ns: int, window_ns: int = 0) -> list[Any]:
    run = command.DELIST_CONTRACT.row(
        instrument=0, suspend_ns=suspend_ns, expiry_ns=expiry_ns, settlement_window_ns=window_ns
    )
    house.submit(run, allow_refusals=True)
    return house.refusals()


def propose(house: ClearingHouse, price_e8: int, name: str = "Ann") -> list[Any]:
    run = command.PROPOSE_SETTLEMENT.row(instrument=0, price_e8=price_e8, proposer=name)
    house.submit(run, allow_refusals=True)
    return house.refusals()


def approve(house: ClearingHouse, price_e8: int, name: str = "Ben") -> list[Any]:
    run = command.APPROVE_SETTLEMENT.row(instrument=0, price_e8=price_e8, approver=name)
    house.submit(run, allow_refusals=True)
    return house.refusals()


def silent_house(**terms: Any) -> ClearingHouse:
    """The same after an index between 90 and 110 that ended at 95 and is gone."""
    house = traded_house(**terms)
    for minute, price in ((1, 110), (2, 90), (3, 95)):
        house.price(price, at_ns=START + minute * MINUTE)
    house.price(None, at_ns=START + 5 * MINUTE)
    return house


@pytest.mark.rule("5.21", "8.60", "8.61")
def test_a_suspended_contract_is_only_reduced_and_goes_on_to_be_margined() -> None:
    house = traded_house()
    suspend(house)

    house.submit(
        house.trade_run("L", "S", lots=1, ticks=100),
        command.RESERVE_MARGIN.row(
            account=house.number("L"), instrument=0, lots=1, limit_ticks=100
        ),
        allow_refusals=True,
    )
    assert house.refusals() == [
        SubmitTradeRefusal.PRICE_BLOCKED,
        ReserveMarginRefusal.PRICE_BLOCKED,
    ]
    house.trade("S", "L", lots=1, ticks=100)
    house.price(1, at_ns=START + 30 * SECOND)
    assert house.state.marks.mark[0] == 1
    house.price(320, at_ns=START + 40 * SECOND)  # S: 1,000 + 3,200 - 1,980 of 288
    assert house.status("S") == AccountStatus.OPEN

    suspend(house, allow_refusals=True)
    assert house.refusals() == [SuspendContractRefusal.ALREADY_SUSPENDED]
    resume(house)
    house.trade("L", "S", lots=1, ticks=320)
    resume(house, allow_refusals=True)
    assert house.refusals() == [ResumeContractRefusal.NOT_SUSPENDED]


@pytest.mark.rule("8.62")
def test_a_delisted_perpetual_is_suspended_and_expires_at_the_average_of_its_window() -> None:
    # In the last ten minutes the index is 120 for 4 and 130 for 6: 126.  It is told every minute,
    # for later than a minute after an update nothing is observed (rule 5.17).
    house = traded_house()
    assert delist(house, START + 10 * MINUTE, START + 20 * MINUTE, 10 * MINUTE) == []

    house.price(120, at_ns=START + 9 * MINUTE + 30 * SECOND)
    house.trade("L", "S", lots=1, ticks=120)
    for minute in range(10, 21):
        price = 120 if minute < 14 else 130
        house.price(price, at_ns=START + minute * MINUTE)
        house.submit(house.trade_run("L", "S", lots=1, ticks=price), allow_refusals=True)
        assert house.refusals() == [
            SubmitTradeRefusal.PRICE_BLOCKED
            if minute < 20
            else SubmitTradeRefusal.INSTRUMENT_NOT_ACTIVE
        ]

    [expired] = house.events("ContractExpired")
    assert expired["ticks"] == 126
    # 10 lots from 100, one from 120.
    assert house.balance("L") == (1_000 + 10 * 26 + 6) * COIN


@pytest.mark.rule("8.61", "8.62", "8.63")
def test_what_a_delisting_may_not_be() -> None:
    house = traded_house(expiry_ns=START + DAY, settlement_window_ns=HOUR)
    no, now_ns = DelistContractRefusal, house.state.now_ns

    assert delist(house, now_ns, now_ns + HOUR) == [no.SUSPENSION_OUT_OF_RANGE]
    assert delist(house, now_ns + HOUR, now_ns + 1) == [no.EXPIRY_OUT_OF_RANGE]
    assert delist(house, now_ns + 1, START + DAY + 1) == [no.EXPIRY_OUT_OF_RANGE]
    assert delist(house, now_ns + 1, now_ns + HOUR, DAY + 1) == [no.WINDOW_OUT_OF_RANGE]
    assert delist(house, START + DAY - HOUR, START + DAY - HOUR, HOUR) == []
    house.price(100, at_ns=START + DAY - HOUR - MINUTE)
    assert delist(house, START + DAY - HOUR - 1, START + DAY - HOUR) == [no.WINDOW_BEGUN]
    suspend(house)
    resume(house, allow_refusals=True)
    assert house.refusals() == [ResumeContractRefusal.DELISTED]


@pytest.mark.rule("8.11", "8.64", "8.66")
def test_two_settle_a_contract_that_has_no_index() -> None:
    house = silent_house()

    assert propose(house, 105 * E8) == []
    assert approve(house, 105 * E8) == []

    assert house.event_names() == ["SettlementApproved", "ContractExpired"]
    assert house.events("ContractExpired")[0]["ticks"] == 105
    assert house.state.instruments.status[0] == InstrumentStatus.EXPIRED
    assert (house.balance("L"), house.balance("S")) == (1_050 * COIN, 950 * COIN)


@pytest.mark.rule("8.66")
def test_an_inverse_contract_and_an_option_are_settled_at_the_price_of_their_underlying() -> None:
    house = silent_house(**INVERSE)
    propose(house, 100 * E8)
    approve(house, 100 * E8)
    assert house.balance("L", 1) == 10 * E8  # 1,000 of face from 100 to 100

    house = ClearingHouse(parameters={Parameter.INDEX_STALENESS_NS: MINUTE})
    house.list_option()
    for name in ("L", "S"):
        house.open_client(name, deposit=1_000 * COIN)
    house.smile(0.8)
    house.price(105, at_ns=START + SECOND)
    house.trade("L", "S", lots=1, ticks=1_000)
    house.price(None, at_ns=START + 2 * MINUTE)
    propose(house, 105 * E8)
    approve(house, 105 * E8)
    [expired] = house.events("OptionExpired")
    assert (expired["final_e8"], expired["ticks"]) == (105 * E8, 500)
    assert house.balance("L") == (1_000 - 10 + 5) * COIN


@pytest.mark.rule("8.65", "8.67")
def test_no_price_is_settled_at_that_the_index_has_not_seen_lately() -> None:
    house = silent_house()
    no = ProposeSettlementRefusal

    assert propose(house, 90 * E8 - 1) == [no.PRICE_OUT_OF_RANGE]
    refused = house.events("CommandRefused", last=True)[0]
    assert (refused["actual"], refused["allowed"]) == (90 * E8 - 1, 90 * E8)
    assert propose(house, 110 * E8 + 1) == [no.PRICE_OUT_OF_RANGE]
    assert propose(house, 110 * E8) == []


@pytest.mark.rule("8.67")
def test_the_range_forgets_what_is_older_than_two_halves_and_a_jump_is_no_part_of_it() -> None:
    house = traded_house()
    house.submit(
        command.SET_PARAMETER.row(
            parameter=int(Parameter.JUMP_PPM), value=200_000, scope=0, subject=0, effective_ns=0
        )
    )
    house.price(110, at_ns=START + MINUTE)
    house.price(1, at_ns=START + 2 * MINUTE)
    house.price(110, at_ns=START + 2 * MINUTE + SECOND)
    for hour in (13, 26):
        house.price(105, at_ns=START + hour * HOUR)
    house.price(None, at_ns=START + 27 * HOUR)

    assert propose(house, 106 * E8) == [ProposeSettlementRefusal.PRICE_OUT_OF_RANGE]
    assert propose(house, 104 * E8) == [ProposeSettlementRefusal.PRICE_OUT_OF_RANGE]
    assert propose(house, 105 * E8) == []


@pytest.mark.rule("8.64")
def test_while_the_index_is_there_nobody_names_a_price() -> None:
    house = traded_house()
    assert propose(house, 100 * E8) == [ProposeSettlementRefusal.INDEX_REPORTED]
    assert approve(house, 100 * E8) == [ApproveSettlementRefusal.INDEX_REPORTED]


@pytest.mark.rule("8.64", "8.66")
def test_an_approval_is_that_of_another_name_for_the_same_price_within_an_hour() -> None:
    house = silent_house()
    no = ApproveSettlementRefusal
    assert propose(house, 100 * E8, " ") == [ProposeSettlementRefusal.NAME_MISSING]
    assert approve(house, 100 * E8) == [no.NOT_PROPOSED]
    propose(house, 100 * E8)

    assert approve(house, 100 * E8, "") == [no.NAME_MISSING]
    assert approve(house, 100 * E8, " aNN") == [no.SAME_NAME]
    assert approve(house, 101 * E8) == [no.NOT_PROPOSED]
    house.advance(house.state.now_ns + HOUR + 1)
    assert approve(house, 100 * E8) == [no.NOT_PROPOSED]
    propose(house, 100 * E8)
    house.advance(house.state.now_ns + HOUR)
    assert approve(house, 100 * E8) == []


def test_names_are_the_same_whatever_their_case_and_outer_spaces() -> None:
    assert name_number(" Ann ") == name_number("aNN") != name_number("Ben")
    assert 0 <= name_number("Ann") < 2**63
