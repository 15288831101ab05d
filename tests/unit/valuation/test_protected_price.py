"""The price at which an account must fail beside the mark: the index with the basis that stood."""

from __future__ import annotations

import pytest

from novate.kernel.codes import AccountStatus, ShortfallPolicy
from novate.message.parameter import Parameter, Scope, set_parameter
from novate.valuation.other_price import at_ramps, index_prices, protected_prices
from tests.unit.clearing import COIN, E8, MINUTE, SECOND, START, ClearingHouse

TIGHT = ((0, 20_000, 10_000),)
CENTS = {"tick_e8": E8 // 100, "unit": COIN // 100}
"""Ticks of a cent: 10,000 of them at a price of 100."""


def traded_house(**terms: object) -> ClearingHouse:
    """L long and S short 100 lots at 100, each with 220: margin 200 and 100, and a 5% clamp."""
    house = ClearingHouse()
    house.list_contract(tiers=TIGHT, basis_clamp_ppm=50_000, **terms)
    house.deposit("INSURANCE_FUND", 1_000 * COIN)
    for name in ("L", "S"):
        house.open_client(name, deposit=220 * COIN)
    ticks = 100 * E8 // int(house.state.instruments.tick_e8[0])
    house.price(100, last={0: ticks})
    house.trade("L", "S", lots=100, ticks=ticks)
    return house


def protected(house: ClearingHouse) -> int:
    return int(protected_prices(house.state).mark[0])


@pytest.mark.rule("5.110", "5.111")
def test_thirty_seconds_of_a_last_price_at_half_more_hardly_move_the_protected_price() -> None:
    # Seen every 10 seconds. The first update that sees it counts nothing, the two others 500, the
    # clamp: 500 x 10/610 = 8.197, then + (500 - 8.197) x 10/610 = 16.26.  The mark goes by 5%.
    house = traded_house(**CENTS)

    for second in (10, 20, 30):
        house.price(100, at_ns=START + MINUTE + second * SECOND, last={0: 15_000})

    assert house.state.marks.mark[0] == 10_500
    assert protected(house) == 10_016
    assert house.events("LiquidationStarted") == []


@pytest.mark.rule("5.111")
def test_a_last_price_that_one_update_sees_counts_for_nothing_however_long_ago_the_last_was() -> (
    None
):
    house = traded_house()

    house.price(100, at_ns=START + 60 * MINUTE, last={0: 60})
    assert (house.state.marks.mark[0], protected(house)) == (95, 100)
    house.price(100, at_ns=START + 60 * MINUTE + 3 * SECOND, last={0: 140})

    assert protected(house) == 100  # prints to both sides are no basis
    assert house.state.marks.slow_basis_e8[0] == 0


@pytest.mark.rule("4.18", "5.80", "5.110", "5.111")
def test_a_basis_that_stands_becomes_the_price_at_which_a_long_is_liquidated() -> None:
    # The contract trades at 96, the index stays at 100: a crash that the index does not show.  From
    # the second update on b moves by 1/11 of its way to -4: -0.36, -0.69, -0.99, -1.27, -1.52.
    # Half up that is 98 at last, where L has 20 of 98; at the mark it is short since minute 2.
    house = traded_house()

    for minute in range(1, 6):
        house.price(100, at_ns=START + minute * MINUTE, last={0: 96})
    assert house.equity("L") < 100 * COIN
    assert house.status("L") == AccountStatus.OPEN

    house.price(100, at_ns=START + 6 * MINUTE, last={0: 96})

    assert protected(house) == 98
    [started] = house.events("LiquidationStarted")
    assert started["account"] == house.number("L")
    assert (started["index_equity"], started["index_requirement"]) == (220 * COIN, 100 * COIN)


@pytest.mark.rule("5.80", "5.110")
def test_a_basis_that_stands_liquidates_a_short_of_an_inverse_contract_too() -> None:
    # 100 lots of 100 face each, 2.2 coins of collateral. At 104 a short has gained 100 coins x
    # (1 - 100/104) in what it owes: 3.85 coins.
    house = ClearingHouse()
    terms = {"form": 2, "settlement_asset": 1, "unit": 100 * E8, "lots_max": 10**7}
    house.list_contract(tiers=TIGHT, basis_clamp_ppm=50_000, **terms)
    for name in ("L", "S"):
        house.open_client(name)
        house.deposit(name, 220 * E8 // 100, asset=1)
    house.price(100, last={0: 100})
    house.trade("L", "S", lots=100, ticks=100)

    for minute in range(1, 11):
        house.price(100, at_ns=START + minute * MINUTE, last={0: 104})

    assert [row["account"] for row in house.events("LiquidationStarted")] == [house.number("S")]


@pytest.mark.rule("4.19", "5.80", "5.110")
def test_a_basis_that_stands_calls_an_account() -> None:
    house = traded_house()
    house.open_client("C", deposit=220 * COIN, shortfall_policy=ShortfallPolicy.CALL_THEN_DEFAULT)
    house.open_client("D", deposit=900 * COIN)
    house.trade("C", "D", lots=100, ticks=100)

    for minute in range(1, 11):
        house.price(100, at_ns=START + minute * MINUTE, last={0: 96})

    assert {row["account"] for row in house.events("MarginCalled")} == {house.number("C")}


@pytest.mark.rule("5.111")
def test_without_a_time_of_protection_the_protected_price_is_the_index() -> None:
    house = traded_house()
    house.submit(set_parameter(Parameter.BASIS_PROTECTION_NS, 0, Scope.INSTRUMENT, 0))

    for minute in range(1, 30):
        house.price(100, at_ns=START + minute * MINUTE, last={0: 96})

    assert house.state.marks.slow_basis_e8[0] == 0
    assert protected(house) == index_prices(house.state).mark[0] == 100


@pytest.mark.rule("5.110")
def test_the_protected_price_stays_within_the_clamp_of_its_own_index() -> None:
    # 60 stands for an hour: the average nears - 5 of 100.  At an index of 50 the clamp is 2.5,
    # whole ticks 2.
    house = traded_house()
    for minute in range(1, 61):
        house.price(100, at_ns=START + minute * MINUTE, last={0: 60})
    assert protected(house) == 95

    house.price(50, at_ns=START + 60 * MINUTE + SECOND, last={0: 40})

    assert protected(house) == 48


@pytest.mark.rule("5.90", "5.110")
def test_at_the_ramp_price_of_one_asset_contracts_on_another_have_their_protected_prices() -> None:
    house = ClearingHouse(assets=(("BTC", 8, 0), ("ETH", 8, 0)), parameters={
        Parameter.JUMP_PPM: 200_000, Parameter.RAMP_PPM: 20_000,
    })  # fmt: skip
    house.list_contract(basis_clamp_ppm=50_000)
    house.list_contract("Y", underlying=2, basis_clamp_ppm=50_000)
    for minute in range(1, 31):
        e8 = {0: 100 * E8, 1: 100 * E8}
        house.price(None, at_ns=START + minute * MINUTE, e8=e8, last={0: 96, 1: 96})
    house.price(None, at_ns=START + 31 * MINUTE, e8={0: 50 * E8, 1: 100 * E8})

    ramps = at_ramps(house.state)

    assert ramps is not None
    assert ramps.mark[:2].tolist() == [100, 96]
