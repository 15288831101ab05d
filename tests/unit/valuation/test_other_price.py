from __future__ import annotations

import pytest

from novate.kernel.codes import AccountStatus, Role, ShortfallPolicy
from novate.message.parameter import Parameter
from novate.valuation.other_price import index_prices, other_prices, priced_at
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, SECOND, START, ClearingHouse

TIGHT = ((0, 20_000, 10_000),)
INVERSE = {"form": 2, "settlement_asset": 1, "unit": 100 * E8, "lots_max": 10**7}


def leveraged_house(
    *,
    policy: ShortfallPolicy = ShortfallPolicy.AUTO_LIQUIDATE,
    more: int = 0,
    protection_ns: int = 10 * MINUTE,
) -> ClearingHouse:
    """L long and S short 100 lots at 100, each with 220: margin 200 and 100, and a 5% clamp."""
    house = ClearingHouse(parameters={Parameter.BASIS_PROTECTION_NS: protection_ns})
    house.list_contract(tiers=TIGHT, basis_clamp_ppm=50_000)
    house.deposit("INSURANCE_FUND", 1_000 * COIN)
    for name in ("L", "S"):
        house.open_client(name, deposit=(220 + more) * COIN, shortfall_policy=policy)
    house.price(100, last={0: 100})
    house.trade("L", "S", lots=100, ticks=100)
    return house


def push(house: ClearingHouse, ticks: int, at_ns: int) -> None:
    """Let the venue trade at a price that the index knows nothing of."""
    house.price(100, at_ns=at_ns, last={0: ticks})


@pytest.mark.rule("4.18", "5.80")
@pytest.mark.parametrize(
    ("ticks", "after_ns"), [(150, 30 * SECOND), (60, 3 * SECOND), (50, 90 * SECOND)]
)
def test_a_last_price_liquidates_nobody_who_is_sound_at_the_index(
    ticks: int, after_ns: int
) -> None:
    house = leveraged_house()

    push(house, ticks, START + 1 + after_ns)
    push(house, ticks, START + 1 + 2 * after_ns)

    assert house.events("LiquidationStarted") == []
    assert {house.status("L"), house.status("S")} == {AccountStatus.OPEN}


@pytest.mark.rule("5.80")
def test_a_long_and_a_short_gain_nothing_of_the_fund_by_a_last_price() -> None:
    # After 5 minutes at 50 the mark is 95, the clamp: L has 220 - 500 at the mark, 220 at the
    # index.  In the liquidation that does not come the fund would have paid 280 for L, and S, by
    # then worth 720, would have had the lots of L bought back for it.
    house = leveraged_house(protection_ns=0)  # the index alone

    for minute in range(5, 30, 5):
        push(house, 50, START + minute * MINUTE)
    assert house.state.marks.mark[0] == 95
    assert house.equity("L") == -280 * COIN
    for minute in range(30, 600, 30):
        push(house, 100, START + minute * MINUTE)

    assert house.balance("INSURANCE_FUND") == 1_000 * COIN
    assert house.equity("L") + house.equity("S") == 440 * COIN
    assert house.events("LossRecorded") == []


@pytest.mark.rule("5.80")
def test_an_inverse_contract_is_held_to_its_index_too() -> None:
    # 100 lots of 100 face each: 100 coins at a price of 100.  At a mark of 95 a long has lost
    # 10,000 x (1/95 - 1/100) = 5.26 coins of 2.2.
    house = ClearingHouse()
    house.list_contract(tiers=TIGHT, basis_clamp_ppm=50_000, **INVERSE)
    for name in ("L", "S"):
        house.open_client(name)
        house.deposit(name, 220 * E8 // 100, asset=1)
    house.price(100, last={0: 100})
    house.trade("L", "S", lots=100, ticks=100)

    push(house, 50, START + 5 * MINUTE)

    assert house.equity("L") < 0
    assert house.events("LiquidationStarted") == []


@pytest.mark.rule("4.18", "5.80", "11.2")
def test_an_account_short_at_both_is_liquidated_and_both_worths_are_told() -> None:
    # At an index of 98 L has 20 of 98, at a mark of 97 - 80 of 97.
    house = leveraged_house()

    house.price(98, at_ns=START + MINUTE, last={0: 92})

    [started] = house.events("LiquidationStarted")
    assert house.state.marks.mark[0] == 97
    assert (started["equity"], started["requirement"]) == (-80 * COIN, 97 * COIN)
    assert (started["index_equity"], started["index_requirement"]) == (20 * COIN, 98 * COIN)


@pytest.mark.rule("4.19", "5.80")
def test_a_last_price_calls_nobody() -> None:
    house = leveraged_house(policy=ShortfallPolicy.CALL_THEN_DEFAULT)

    push(house, 50, START + 5 * MINUTE)

    assert house.events("MarginCalled") == []


@pytest.mark.rule("4.17", "5.80", "5.81", "10.6")
def test_a_called_account_that_the_index_cured_is_not_declared_in_default() -> None:
    house = leveraged_house(policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.price(99, at_ns=START + MINUTE, last={0: 99})  # L has 120 of 198
    assert house.status("L") == AccountStatus.CALLED

    push(house, 50, START + 30 * MINUTE)  # at the mark it is worth less than nothing
    assert house.status("L") == AccountStatus.CALLED
    house.advance(START + MINUTE + HOUR)

    assert house.events("DefaultDeclared") == []
    [met] = house.events("MarginCallMet")
    assert met["account"] == house.number("L")
    assert (met["equity"], met["requirement"]) == (220 * COIN, 200 * COIN)


@pytest.mark.rule("4.13", "5.80")
def test_a_last_price_takes_over_nobody() -> None:
    # At 98 L has 60 of 98: it is liquidated, and above the takeover level of 32 at the index,
    # whatever the mark is.
    house = leveraged_house(more=40)
    house.price(98, at_ns=START + MINUTE, last={0: 98})
    assert house.status("L") == AccountStatus.LIQUIDATING

    house.price(98, at_ns=START + 6 * MINUTE, last={0: 50})

    assert house.equity("L") < 0
    assert house.events("AccountTakenOver") == []


@pytest.mark.rule("4.15", "5.81", "11.4")
def test_a_liquidation_stops_when_the_index_cured_it_whatever_the_mark_is() -> None:
    house = leveraged_house(more=40)
    house.price(98, at_ns=START + MINUTE, last={0: 98})  # 60 of 98
    assert house.status("L") == AccountStatus.LIQUIDATING

    push(house, 50, START + 6 * MINUTE)

    [stopped] = house.events("LiquidationStopped")
    assert (stopped["equity"], stopped["requirement"]) == (260 * COIN, 125 * COIN)


@pytest.mark.rule("4.14", "5.82")
def test_a_last_price_makes_no_loss_of_what_the_liquidator_holds() -> None:
    # L fails at 97 and is taken over with - 80: a loss, paid by the fund, which then has 20.
    house = ClearingHouse(parameters={Parameter.ORDER_LIFE_NS: 0})
    house.list_contract(tiers=TIGHT, basis_clamp_ppm=50_000)
    house.deposit("INSURANCE_FUND", 100 * COIN)
    for name in ("L", "S"):
        house.open_client(name, deposit=220 * COIN)
    house.price(100, last={0: 100})
    house.trade("L", "S", lots=100, ticks=100)
    house.price(97, at_ns=START + MINUTE, last={0: 97})
    assert house.lots(Role.LIQUIDATOR.name) == 100
    assert house.balance("INSURANCE_FUND") == 20 * COIN
    losses = len(house.events("LossRecorded"))

    house.price(97, at_ns=START + 6 * MINUTE, last={0: 50})

    assert house.state.marks.mark[0] == 93
    assert len(house.events("LossRecorded")) == losses


@pytest.mark.rule("5.80")
def test_options_keep_their_marks_at_the_index_and_the_state_is_as_before_afterwards() -> None:
    house = leveraged_house()
    house.list_option()
    house.smile(0.8)
    push(house, 50, START + 5 * MINUTE)
    marks = house.state.marks.mark.copy()

    there = index_prices(house.state)
    with priced_at(house.state, there):
        assert house.equity("L") == 220 * COIN

    assert there.mark[0] == 100
    assert there.mark[1] == marks[1] > 0
    assert (house.state.marks.mark == marks).all()


def test_where_every_mark_is_its_index_there_are_no_other_prices() -> None:
    house = leveraged_house()
    assert other_prices(house.state) == ()
    push(house, 50, START + 5 * MINUTE)
    assert len(other_prices(house.state)) == 1
