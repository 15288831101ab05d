from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import AccountStatus
from novate.market.pause import is_jump, jump_band, jump_quorum, ramp_of
from novate.message import command
from novate.message.parameter import Parameter, Scope, set_parameter
from novate.message.pause import ResumeReason
from novate.message.refusal import (
    ReserveMarginRefusal,
    SubmitTradeRefusal,
    WithdrawCollateralRefusal,
)
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, SECOND, START, ClearingHouse

TIGHT = ((0, 20_000, 10_000),)


def pausing_house(
    *, sources: int = 1, parameters: dict[Parameter, int] | None = None, **terms: Any
) -> ClearingHouse:
    """L long and S short 100 lots at 100 with 1,000 each, and C with a coin alone.

    A fifth is a jump, a ramp moves 2 a minute after a minute; BTC has that many sources, the first
    one number 0.
    """
    given = {Parameter.JUMP_PPM: 200_000, Parameter.RAMP_PPM: 20_000, **(parameters or {})}
    house = ClearingHouse(parameters=given)
    for number in range(1, sources):
        house.submit(command.DECLARE_SOURCE.row(symbol=f"more-{number}", asset=1, weight=1))
    house.list_contract(tiers=TIGHT, **terms)
    for name in ("L", "S"):
        house.open_client(name, deposit=1_000 * COIN)
    house.open_client("C", deposit=1)
    house.deposit("C", E8, asset=1)
    report(house, *[100] * sources, at_ns=START + 1)
    house.trade("L", "S", lots=100, ticks=100)
    return house


def report(house: ClearingHouse, *prices: float, at_ns: int) -> list[str]:
    """Let the first sources report a price each, assess, and say what happened."""
    given = {source: round(price * E8) for source, price in enumerate(prices)}
    house.price(None, at_ns=at_ns, e8=given)
    return house.event_names()


def at(seconds: int) -> int:
    return START + 1 + seconds * SECOND


@pytest.mark.rule("5.83", "5.84")
def test_an_index_that_leaps_beyond_its_band_is_not_fresh_and_liquidates_nobody() -> None:
    house = pausing_house()

    report(house, 79.99, at_ns=at(1))  # L has lost 2,000 of 1,000

    assert house.events("JumpPaused") == [
        {"asset": 1, "from_e8": 100 * E8, "price_e8": 7_999_000_000}
    ]
    assert house.equity("L") < 0
    assert not house.state.is_fresh(1)
    assert house.events("LiquidationStarted") == []


@pytest.mark.rule("5.83")
def test_a_move_of_the_band_itself_is_no_jump() -> None:
    house = pausing_house()

    report(house, 80, at_ns=at(1))

    assert house.events("JumpPaused") == []
    assert house.status("L") != AccountStatus.OPEN


@pytest.mark.rule("5.83")
def test_the_band_of_an_asset_is_the_largest_of_its_contracts_and_nothing_is_larger() -> None:
    house = pausing_house()
    house.list_contract("Y")
    assert jump_band(house.state, 1) == 200_000

    for value, band in ((300_000, 300_000), (100_000, 200_000), (0, 0)):
        house.submit(set_parameter(Parameter.JUMP_PPM, value, Scope.INSTRUMENT, 1))
        assert jump_band(house.state, 1) == band
    assert not is_jump(house.state, 1, 100, 10_000)


@pytest.mark.rule("5.83", "5.84")
def test_the_first_price_of_an_asset_is_no_jump() -> None:
    house = pausing_house()
    house.submit(
        command.DECLARE_ASSET.row(symbol="ETH", decimals=8, haircut_bps=0),
        command.DECLARE_SOURCE.row(symbol="eth", asset=2, weight=1),
    )
    house.price(None, at_ns=at(1), e8={0: 100 * E8, 1: 7 * E8})
    assert house.events("JumpPaused") == []


@pytest.mark.rule("5.86")
def test_a_wrong_print_that_is_gone_leaves_nothing_behind() -> None:
    house = pausing_house()

    report(house, 0.000_000_01, at_ns=at(1))
    report(house, 101, at_ns=at(4))

    [resumed] = house.events("JumpResumed")
    assert resumed == {"asset": 1, "reason": ResumeReason.RETURNED, "price_e8": 101 * E8}
    assert house.events("RampStarted") == []
    assert house.events("LiquidationStarted") == []
    assert house.state.is_fresh(1)


@pytest.mark.rule("5.85", "5.86")
def test_two_sources_that_go_on_to_agree_confirm_a_true_gap_in_ten_seconds() -> None:
    house = pausing_house(sources=2, parameters={Parameter.RAMP_PPM: 0})

    report(house, 60, 60, at_ns=at(1))
    report(house, 60, at_ns=at(2))  # one of them only
    assert house.events("JumpChecked") == []
    report(house, 60, 61, at_ns=at(3))
    report(house, 60, 61, at_ns=at(12))
    assert house.events("JumpResumed") == []
    assert house.events("JumpChecked") == [{"asset": 1, "sources": 2, "agreed_ns": at(3)}]
    report(house, 60, 61, at_ns=at(13))

    assert house.events("JumpResumed")[0]["reason"] == ResumeReason.QUORUM
    assert [row["account"] for row in house.events("LiquidationStarted")] == [house.number("L")]


@pytest.mark.rule("5.85")
def test_sources_that_no_longer_agree_begin_anew() -> None:
    house = pausing_house(sources=3)

    report(house, 60, 60, 60, at_ns=at(1))
    report(house, 60, 60, 60, at_ns=at(2))
    report(house, 60, 65, 70, at_ns=at(5))  # 65 is further than 3% from both others
    report(house, 60, 60, 60, at_ns=at(13))
    assert house.events("JumpResumed") == []

    assert [row["agreed_ns"] for row in house.events("JumpChecked")] == [at(2), 0, at(13)]


@pytest.mark.rule("5.85", "5.86")
def test_one_source_among_two_confirms_nothing_and_is_believed_after_five_minutes() -> None:
    house = pausing_house(sources=2)

    report(house, 55, 55, at_ns=at(1))
    for second in range(10, 300, 10):
        report(house, 55, at_ns=at(1 + second))  # the other one has said nothing since
        assert house.events("LiquidationStarted") == []
    assert house.events("JumpResumed") == []
    report(house, 55, at_ns=at(301))

    assert house.events("JumpResumed")[0]["reason"] == ResumeReason.TIME


@pytest.mark.rule("5.85")
@pytest.mark.parametrize(("sources", "asked", "needed"), [(1, 2, 2), (2, 3, 2), (4, 3, 3)])
def test_no_more_sources_are_asked_than_there_are_but_never_one_for_want_of_others(
    sources: int, asked: int, needed: int
) -> None:
    house = pausing_house(sources=sources, parameters={Parameter.JUMP_QUORUM: asked})
    assert jump_quorum(house.state, 1) == needed
    house.submit(command.SET_SOURCE_WEIGHT.row(source=0, weight=0))
    assert jump_quorum(house.state, 1) == {1: 2, 2: 3, 4: 3}[sources]


@pytest.mark.rule("5.85", "5.86")
def test_all_sources_that_are_left_confirm_a_jump_where_more_are_asked() -> None:
    parameters = {Parameter.JUMP_QUORUM: 3, Parameter.RAMP_PPM: 0}
    house = pausing_house(sources=3, parameters=parameters)
    house.submit(command.SET_SOURCE_WEIGHT.row(source=2, weight=0))

    report(house, 60, 60, at_ns=at(1))
    report(house, 60, at_ns=at(2))  # one of two decides nothing
    assert house.events("JumpChecked") == []
    report(house, 60, 60, at_ns=at(3))
    report(house, 60, 60, at_ns=at(13))

    assert house.events("JumpResumed")[0]["reason"] == ResumeReason.QUORUM


@pytest.mark.rule("5.61", "5.84")
def test_one_of_two_sources_that_leaps_alone_takes_the_index_away_and_is_no_jump() -> None:
    house = pausing_house(sources=2)

    report(house, 10, 100, at_ns=at(1))

    assert house.events("HaltBegun") == [{"asset": 1}]
    assert house.events("JumpPaused") == []
    assert (house.state.assets.price_e8[1], house.state.is_fresh(1)) == (100 * E8, False)


@pytest.mark.rule("5.84", "6.9", "7.13", "7.28", "8.13")
def test_while_an_asset_jumps_nothing_is_opened_withdrawn_or_settled() -> None:
    house = pausing_house()
    report(house, 130, at_ns=START + HOUR - SECOND)

    house.submit(house.trade_run("L", "C", lots=1, ticks=130), allow_refusals=True)
    assert house.refusals() == [SubmitTradeRefusal.PRICE_BLOCKED]
    house.submit(
        command.WITHDRAW_COLLATERAL.row(account=house.number("L"), asset=0, amount=1),
        command.WITHDRAW_COLLATERAL.row(account=house.number("C"), asset=0, amount=1),
        command.RESERVE_MARGIN.row(
            account=house.number("L"), instrument=0, lots=1, limit_ticks=130
        ),
        allow_refusals=True,
    )
    assert house.refusals() == [
        WithdrawCollateralRefusal.INDEX_STALE,
        WithdrawCollateralRefusal.INDEX_STALE,
        ReserveMarginRefusal.PRICE_BLOCKED,
    ]
    house.advance(START + HOUR)
    assert len(house.events("CyclePostponed")) == 1


@pytest.mark.rule("5.90", "5.91")
def test_collateral_that_jumps_counts_at_the_price_of_before() -> None:
    # D holds one coin, worth 100, and is short of nothing with 40 lots of ETH at 10: margin 8.
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("ETH", 8, 0)), parameters={Parameter.JUMP_PPM: 200_000}
    )
    house.list_contract(tiers=TIGHT, underlying=2)
    house.open_client("D")
    house.deposit("D", E8, asset=1)
    house.open_client("E", deposit=1_000 * COIN)
    house.price(100, e8={1: 10 * E8})
    house.trade("D", "E", lots=40, ticks=10)

    house.price(None, e8={0: 1, 1: 10 * E8})  # BTC is worth nothing, ETH what it was

    assert house.equity("D") == 0
    assert house.events("LiquidationStarted") == []
    house.price(None, at_ns=house.state.now_ns + 5 * MINUTE, e8={0: 1, 1: 10 * E8})
    assert len(house.events("LiquidationStarted")) == 1  # without ramps it counts from now on


@pytest.mark.rule("5.87", "9.21", "9.22")
def test_a_wrong_print_touches_no_barrier() -> None:
    house = pausing_house()
    house.list_option(barrier=4, barrier_e8=50 * E8, monitoring=1)
    house.smile(0.8)
    report(house, 100, at_ns=at(1))

    report(house, 1, at_ns=at(2))
    report(house, 100, at_ns=at(3))
    assert house.events("BarrierTouched") == []
    report(house, 1, at_ns=at(10))
    report(house, 1, at_ns=at(311))
    assert len(house.events("BarrierTouched")) == 1  # nobody said that it was wrong


@pytest.mark.rule("5.88", "5.89", "5.91")
def test_after_a_jump_a_ramp_leads_from_the_price_of_before_to_the_index() -> None:
    # L bought 100 lots at 100 with 1,000: short of 1% below 90.9.  The ramp is at 100 until a
    # minute after the jump is over, and at 90 five minutes later.
    house = pausing_house(sources=2)
    for second in (1, 2, 12):
        report(house, 60, 60, at_ns=at(second))
    assert house.events("RampStarted") == [{"asset": 1, "from_e8": 100 * E8, "side": -1}]

    for second, price in ((72, 100.0), (102, 99.0), (12 + 60 + 270, 91.0)):
        report(house, 60, 60, at_ns=at(second))
        assert ramp_of(house.state, 1) == round(price * E8)
        assert house.events("LiquidationStarted") == []
    report(house, 60, 60, at_ns=at(12 + 60 + 300))
    assert len(house.events("LiquidationStarted")) == 1
    report(house, 60, 60, at_ns=at(12 + 60 + 1_199))
    assert house.events("RampEnded") == []
    report(house, 60, 60, at_ns=at(12 + 60 + 1_200))  # 40 in 20 minutes
    assert house.events("RampEnded") == [{"asset": 1, "price_e8": 60 * E8}]


@pytest.mark.rule("5.21", "5.92", "7.13")
def test_while_a_ramp_runs_nothing_is_opened_and_withdrawals_are_held_to_both_prices() -> None:
    house = pausing_house(sources=2)
    house.deposit("L", 3_000 * COIN)  # so that L can pay for what S gains (rule 6.96)
    for second in (1, 2, 12):
        report(house, 60, 60, at_ns=at(second))  # S has gained 4,000, C's coin is worth 60

    house.submit(house.trade_run("C", "S", lots=1, ticks=60), allow_refusals=True)

    assert house.refusals() == [SubmitTradeRefusal.PRICE_BLOCKED]
    number = house.number("S")
    # At 100 S has 1,000, and needs 2% and the half per cent that a liquidation costs: 250.
    house.submit(
        command.WITHDRAW_COLLATERAL.row(account=number, asset=0, amount=750 * COIN + 1),
        allow_refusals=True,
    )
    [refused] = house.events("CommandRefused", last=True)
    assert refused["code"] == WithdrawCollateralRefusal.INSUFFICIENT_MARGIN
    assert (refused["actual"], refused["allowed"]) == (250 * COIN - 1, 250 * COIN)
    house.submit(command.WITHDRAW_COLLATERAL.row(account=number, asset=0, amount=750 * COIN))
    house.trade("S", "L", lots=1, ticks=60)  # both reduce


@pytest.mark.rule("5.89")
def test_a_ramp_ends_when_the_index_comes_back_to_where_it_began() -> None:
    house = pausing_house(sources=2)
    for second in (1, 2, 12):
        report(house, 60, 60, at_ns=at(second))
    for second in (20, 21, 31):
        report(house, 101, 101, at_ns=at(second))

    assert ramp_of(house.state, 1) == 101 * E8
    assert len(house.events("RampEnded")) == 1


@pytest.mark.rule("5.88")
def test_a_second_jump_goes_on_from_where_the_ramp_is() -> None:
    house = pausing_house(sources=2)
    for second in (1, 2, 12):
        report(house, 60, 60, at_ns=at(second))
    for second in (132, 133, 143):  # a minute after the grace the ramp is at 98
        report(house, 40, 40, at_ns=at(second))

    second = house.events("RampStarted")[1]["from_e8"]
    assert second == 100 * E8 - 2 * E8 * 71 // 60  # 71 seconds after the grace


@pytest.mark.rule("5.88")
@pytest.mark.parametrize(("minutes", "ramps"), [(10, 0), (11, 1)])
def test_an_index_that_was_gone_for_longer_than_a_halt_may_be_comes_back_by_a_ramp(
    minutes: int, ramps: int
) -> None:
    house = pausing_house(parameters={Parameter.INDEX_STALENESS_NS: MINUTE})
    house.price(None, at_ns=at(120))
    assert house.events("HaltBegun") == [{"asset": 1}]

    report(house, 85, at_ns=at(120) + minutes * MINUTE)

    assert house.events("HaltEnded") == [{"asset": 1, "since_ns": at(120)}]
    assert len(house.events("RampStarted")) == ramps
    assert len(house.events("LiquidationStarted")) == 1 - ramps


@pytest.mark.rule("5.88")
def test_a_house_that_stood_still_itself_comes_back_by_a_ramp() -> None:
    house = pausing_house(parameters={Parameter.INDEX_STALENESS_NS: MINUTE})

    report(house, 85, at_ns=at(60) + 10 * MINUTE)
    assert len(house.events("LiquidationStarted")) == 1
    other = pausing_house(parameters={Parameter.INDEX_STALENESS_NS: MINUTE})
    report(other, 85, at_ns=at(60) + 10 * MINUTE + 1)
    assert other.events("LiquidationStarted") == []
    assert len(other.events("RampStarted")) == 1


@pytest.mark.rule("5.90")
def test_at_ramp_prices_options_have_the_marks_that_their_smiles_make() -> None:
    # A short call at 100 asks for much more at an index of 160 than at 100.
    house = pausing_house(sources=2)
    house.list_option()
    house.smile(0.8)
    report(house, 100, 100, at_ns=at(1))
    house.open_client("O", deposit=40 * COIN)
    mark = int(house.state.marks.mark[1])
    house.trade("L", "O", lots=1, ticks=mark, instrument=1)

    for second in (2, 3, 13):
        report(house, 160, 160, at_ns=at(second))

    found = house.state.assess(house.number("O"))
    assert found.equity < found.maintenance
    numbers = [row["account"] for row in house.events("LiquidationStarted")]
    assert house.number("O") not in numbers
    report(house, 160, 160, at_ns=at(13) + 40 * MINUTE)
    numbers = [row["account"] for row in house.events("LiquidationStarted")]
    assert house.number("O") in numbers
