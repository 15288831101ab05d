"""A coin that is quoted in dollars is led to its index with the dollar."""

from __future__ import annotations

import pytest

from novate.kernel.codes import AccountStatus
from novate.market.inherited_ramp import inherited
from novate.market.pause import ramp_prices, with_ramp
from novate.message import command
from novate.message.parameter import Parameter, Scope, set_parameter
from novate.message.pause import ResumeReason
from novate.message.refusal import SubmitTradeRefusal, WithdrawCollateralRefusal
from tests.unit.clearing import COIN, E8, MINUTE, SECOND, START, ClearingHouse

DOLLAR, BTC = 1, 2
TIGHT = ((0, 20_000, 10_000),)


def house_in_dollars(*, coin_sources: int = 1, dollar_sources: int = 1) -> ClearingHouse:
    """L long and S short 100 lots of a coin at 500, with 10,000 each.

    A fifth is a jump of the dollar, and none of the coin.  The dollar's first source is number 0,
    the coin's number 1, which quotes in dollars as all of the coin's.
    """
    made = ClearingHouse(
        assets=(("USD", 2, 10_000), ("BTC", 8, 500)),
        parameters={Parameter.JUMP_PPM: 200_000, Parameter.RAMP_PPM: 20_000},
    )
    more = [(BTC, k) for k in range(1, coin_sources)] + [
        (DOLLAR, k) for k in range(1, dollar_sources)
    ]
    made.submit(
        *(command.DECLARE_SOURCE.row(symbol=f"{a}-{k}", asset=a, weight=1) for a, k in more),
        *(
            command.SET_SOURCE_QUOTE.row(source=source, quote=DOLLAR, is_inverted=False)
            for source in (1, *range(2, 1 + coin_sources))
        ),
    )
    made.list_contract(underlying=BTC, tiers=TIGHT)
    made.submit(set_parameter(Parameter.JUMP_PPM, 0, Scope.INSTRUMENT, 0))
    for name in ("L", "S"):
        made.open_client(name, deposit=10_000 * COIN)
    return made


def report(made: ClearingHouse, told: dict[int, float], *, minutes: float) -> None:
    """Prices by source in its quote asset, and an assessment."""
    at_ns = START + round(minutes * MINUTE)
    made.price(None, at_ns=at_ns, e8={source: round(p * E8) for source, p in told.items()})


def after_the_leap() -> ClearingHouse:
    """The dollar has leapt by 40%, nobody confirmed it, and its ramp begins."""
    made = house_in_dollars()
    report(made, {0: 1, 1: 500}, minutes=1)
    made.trade("L", "S", lots=100, ticks=500)
    report(made, {0: 1.4, 1: 500}, minutes=2)
    report(made, {0: 1.4, 1: 500}, minutes=7)
    assert made.events("JumpResumed") == [
        {"asset": DOLLAR, "reason": ResumeReason.TIME, "price_e8": 140_000_000}
    ]
    return made


@pytest.mark.rule("5.90", "5.91", "5.135")
def test_nobody_fails_at_once_for_a_coin_that_leapt_with_its_money() -> None:
    made = after_the_leap()

    # The coin is at 700, where S has lost 20,000 of 10,000; at ramp prices it still is at 500.
    assert made.state.assets.price_e8[BTC] == 700 * E8
    assert made.state.assets.ramp_ns[BTC] == made.state.assets.jump_ns[BTC] == 0
    assert ramp_prices(made.state) == {DOLLAR: E8, BTC: 500 * E8}
    assert made.equity("S") < 0
    assert made.status("S") == AccountStatus.OPEN

    # After a minute of grace the dollar moves 0.02 a minute: 1.1 after 6 minutes, the coin 550.
    report(made, {0: 1.4, 1: 500}, minutes=13)
    assert ramp_prices(made.state) == {DOLLAR: 110_000_000, BTC: 550 * E8}
    assert made.status("S") == AccountStatus.OPEN

    report(made, {0: 1.4, 1: 500}, minutes=19)  # 1.22, 610: S has lost 11,000
    assert made.status("S") != AccountStatus.OPEN


@pytest.mark.rule("5.21", "5.135")
def test_nothing_is_opened_in_a_coin_while_its_money_has_a_ramp() -> None:
    made = after_the_leap()
    for name in ("A", "B"):
        made.open_client(name, deposit=100_000 * COIN)

    made.submit(made.trade_run("A", "B", lots=1, ticks=700), allow_refusals=True)
    assert made.refusals() == [SubmitTradeRefusal.PRICE_BLOCKED]

    report(made, {0: 1.4, 1: 500}, minutes=30)  # the ramp is over
    assert with_ramp(made.state, (DOLLAR, BTC)) == set()
    made.trade("A", "B", lots=1, ticks=700)


@pytest.mark.rule("5.92", "5.135")
def test_a_gain_by_a_leap_of_the_money_does_not_leave_before_its_ramp() -> None:
    made = after_the_leap()
    take = command.WITHDRAW_COLLATERAL.row(account=made.number("L"), asset=0, amount=9_500 * COIN)

    made.submit(take, allow_refusals=True)

    assert made.refusals() == [WithdrawCollateralRefusal.INSUFFICIENT_MARGIN]


@pytest.mark.rule("5.135")
def test_what_the_money_cannot_move_inherits_nothing() -> None:
    made = house_in_dollars(coin_sources=3)
    for source in (2, 3):
        row = {"source": source, "quote": 0, "is_inverted": False}
        made.submit(command.SET_SOURCE_QUOTE.row(**row))
    report(made, {0: 1, 1: 500, 2: 500, 3: 500}, minutes=1)

    # One of three sources quotes in dollars: the median does not feel it.
    assert inherited(made.state, {DOLLAR: 120_000_000}) == {}

    made.submit(command.SET_SOURCE_QUOTE.row(source=2, quote=DOLLAR, is_inverted=False))
    report(made, {0: 1, 1: 500, 2: 500, 3: 500}, minutes=2)
    assert inherited(made.state, {DOLLAR: 120_000_000}) == {BTC: 600 * E8}
    assert made.state.assets.price_e8[DOLLAR] == E8


@pytest.mark.rule("5.135")
def test_what_is_inherited_is_inherited_on() -> None:
    made = house_in_dollars()
    made.submit(
        command.DECLARE_ASSET.row(symbol="ETH", decimals=8, haircut_bps=0),
        command.DECLARE_SOURCE.row(symbol="eth-btc", asset=3, weight=1),
        command.SET_SOURCE_QUOTE.row(source=2, quote=BTC, is_inverted=False),
    )
    report(made, {0: 1, 1: 500, 2: 0.1}, minutes=1)

    assert inherited(made.state, {DOLLAR: 110_000_000}) == {BTC: 550 * E8, 3: 55 * E8}
    # An asset with a ramp of its own has that.
    assert inherited(made.state, {DOLLAR: 110_000_000, BTC: 520 * E8}) == {3: 52 * E8}


@pytest.mark.rule("5.85", "5.136")
def test_a_leap_that_the_money_made_is_not_confirmed_by_the_coin_alone() -> None:
    # Three are asked, of two that each of them has.
    made = house_in_dollars(coin_sources=2, dollar_sources=2)
    made.submit(
        set_parameter(Parameter.JUMP_PPM, 0), set_parameter(Parameter.RAMP_PPM, 0),
        set_parameter(Parameter.JUMP_QUORUM, 3),
        set_parameter(Parameter.JUMP_PPM, 200_000, Scope.INSTRUMENT, 0),
    )  # fmt: skip
    dollar, coin = {0: 1.5, 3: 1.5}, {1: 500, 2: 500}
    report(made, {0: 1, 3: 1, **coin}, minutes=1)

    report(made, dollar | coin, minutes=2)
    assert made.state.assets.jump_ns[BTC] == START + 2 * MINUTE
    assert made.state.assets.jump_ns[DOLLAR] == 0

    # The coin's sources go on to say 500 dollars: that says nothing of the dollar.
    for minutes in (2.5, 3):
        report(made, coin, minutes=minutes)
    assert made.state.assets.agreed_ns[BTC] == 0

    report(made, {0: 1.5}, minutes=3.5)  # one of two that are asked
    assert made.state.assets.agreed_ns[BTC] == 0
    report(made, dollar, minutes=4)
    assert made.state.assets.agreed_ns[BTC] == START + 4 * MINUTE
    report(made, coin, minutes=4 + 10 * SECOND / MINUTE)
    assert made.events("JumpResumed") == [
        {"asset": BTC, "reason": ResumeReason.QUORUM, "price_e8": 750 * E8}
    ]
