from __future__ import annotations

from typing import Any

import pytest

from novate.kernel.codes import MarginMode
from novate.message import command
from novate.message.parameter import Parameter
from novate.message.refusal import WithdrawCollateralRefusal
from tests.unit.clearing import COIN, E8, HOUR, SECOND, START, ClearingHouse

GAINS_UNPROVEN = WithdrawCollateralRefusal.GAINS_UNPROVEN
THIN = 1
"""Instrument on the second coin."""


def pumped(collar_ppm: int = 0, **terms: Any) -> ClearingHouse:
    """A is long 100 thin coins bought at 10 from B; the thin index is at 30, the slow one at 10.

    A has 1,500 and gained 2,000, none of which is proven.  Contract 0 is on BTC at 100.
    """
    house = ClearingHouse(
        assets=(("BTC", 8, 0), ("THIN", 8, 0)),
        parameters={Parameter.TRADE_COLLAR_PPM: collar_ppm, Parameter.LIQUIDATION_FEE_PPM: 0},
    )
    house.list_contract("BTC", **terms)
    house.list_contract("THIN", underlying=2)
    house.deposit("INSURANCE_FUND", 100_000 * COIN)
    house.open_client("A", deposit=1_500 * COIN)
    house.open_client("B", deposit=1_500 * COIN)
    house.open_client("F", deposit=2_000 * COIN)
    house.open_client("H", deposit=10**6 * COIN)
    house.price(100, e8={1: 10 * E8})
    house.trade("A", "B", lots=100, ticks=10, instrument=THIN)
    house.price(100, at_ns=START + SECOND, e8={1: 30 * E8})
    return house


def encumbered(house: ClearingHouse, account: str) -> int:
    return int(house.state.accounts.encumbered[house.number(account)])


def moved(house: ClearingHouse) -> int:
    return int(house.events("TradeNovated")[-1]["unproven"])


def withdraw(house: ClearingHouse, account: str, amount: int) -> list[Any]:
    house.submit(
        command.WITHDRAW_COLLATERAL.row(account=house.number(account), asset=0, amount=amount),
        allow_refusals=True,
    )
    return house.refusals()


@pytest.mark.rule("7.80", "7.81")
def test_what_is_conceded_from_a_gain_not_proven_is_not_proven_with_the_other_side() -> None:
    house = pumped()

    house.trade("F", "A", lots=10, ticks=90)  # F buys 10 each below the mark: 100

    assert moved(house) == 100 * COIN
    assert encumbered(house, "F") == 100 * COIN
    house.trade("A", "F", lots=10, ticks=110)  # A buys back above it: another 100
    assert moved(house) == -100 * COIN
    assert encumbered(house, "F") == 200 * COIN


@pytest.mark.rule("7.80")
def test_a_trade_at_the_mark_moves_nothing_and_a_maker_is_not_touched() -> None:
    house = pumped()

    house.trade("H", "A", lots=10, ticks=100)
    house.trade("A", "H", lots=10, ticks=99)  # the maker concedes, and has nothing not proven

    assert [row["unproven"] for row in house.events("TradeNovated")[-2:]] == [0, 0]
    assert encumbered(house, "H") == 0


@pytest.mark.rule("7.80")
def test_fees_count_for_what_a_side_gains() -> None:
    """Taker 2 %, maker -1 %: on 10 lots at 100 a taker pays 20 and a maker is paid 10."""
    house = pumped(taker_fee_ppm=20_000, maker_fee_ppm=-10_000)

    house.trade("F", "A", lots=10, ticks=98)  # F gains 20 and pays 19.6
    assert moved(house) == 400_000
    house.trade("F", "A", lots=10, ticks=100, buyer_is_maker=True)  # only the rebate
    assert moved(house) == 10 * COIN
    house.trade("F", "A", lots=10, ticks=99)  # 10 less 19.8: no gain
    assert moved(house) == 0


@pytest.mark.rule("7.81")
def test_no_more_goes_over_than_is_not_proven() -> None:
    house = pumped()
    x = house.state
    unproven = x.assess(house.number("A")).unproven

    house.trade("H", "A", lots=50, ticks=50)  # 2,500 of the 1,999 or so that are not proven

    assert moved(house) == unproven < 2_500 * COIN


@pytest.mark.rule("7.81", "7.83")
def test_what_was_conceded_goes_on_with_the_next_trade_and_leaves_who_concedes_it() -> None:
    house = pumped()
    house.trade("F", "A", lots=10, ticks=90)
    house.trade("H", "F", lots=10, ticks=100)
    house.open_client("G", deposit=1_000 * COIN)

    house.trade("G", "F", lots=5, ticks=92)  # F concedes 40 of its 100

    assert moved(house) == 40 * COIN
    assert (encumbered(house, "F"), encumbered(house, "G")) == (60 * COIN, 40 * COIN)


@pytest.mark.rule("7.82")
def test_what_closing_adds_in_the_same_trade_is_a_part_of_it() -> None:
    """F closes 10 lots 10 above the slow index and the mark: rule 7.20 alone adds the 100."""
    house = pumped()
    house.trade("F", "H", lots=10, ticks=100)

    house.trade("A", "F", lots=10, ticks=110)

    assert moved(house) == -100 * COIN
    assert encumbered(house, "F") == 100 * COIN


@pytest.mark.rule("7.81")
def test_inside_one_group_nothing_goes_over() -> None:
    house = pumped()
    a = house.number("A")
    house.submit(
        command.OPEN_SUB_ACCOUNT.row(
            reference="A2", account=a, mode=int(MarginMode.CROSS), group=a, netting_set=-1
        )
    )

    house.trade("A2", "A", lots=10, ticks=90)

    assert moved(house) == 0


@pytest.mark.rule("7.80", "7.81")
def test_an_option_bought_dear_concedes_too() -> None:
    house = pumped()
    option = house.list_option()
    house.smile(0.5)
    house.price(100, e8={1: 30 * E8})
    mark = int(house.state.marks.mark[option])

    house.trade("A", "H", lots=10, ticks=mark + 500, instrument=option)  # 10 lots, 5 each

    assert moved(house) == -50 * COIN
    assert encumbered(house, "H") == 50 * COIN


@pytest.mark.rule("7.81")
def test_an_inverse_contract_paid_in_coin_concedes_in_numeraire() -> None:
    house = pumped()
    inverse = house.list_contract("INV", form=2, settlement_asset=1, unit=100 * E8, ticks_max=10**6)
    house.price(100, e8={1: 30 * E8})

    # A pays 100/100 - 100/125 = 0.2 coins too much, at 100: 20.
    house.trade("A", "H", lots=1, ticks=125, instrument=inverse)

    assert moved(house) == -20 * COIN


@pytest.mark.rule("7.81", "7.84")
@pytest.mark.parametrize("collar_ppm", [0, 100_000])
@pytest.mark.parametrize("detour", ["", "EXTERNAL_MARKET"])
def test_a_pumped_gain_is_not_passed_to_another_who_withdraws_it(
    collar_ppm: int, detour: str
) -> None:
    """A loses its 2,000 to F in rounds off the market; H trades at the mark with both."""
    house = pumped(collar_ppm)
    low = 90 if collar_ppm or detour else 80
    for _ in range(60):
        pairs = [("F", "A", low), ("H", "F", 100), ("A", "H", 100)]
        if detour:
            pairs = [(detour, "A", low), ("F", detour, low), *pairs[1:]]
        house.submit(
            *(house.trade_run(b, s, lots=20, ticks=t) for b, s, t in pairs), allow_refusals=True
        )
        if house.refusals():
            break
    cycle_ns = START + HOUR
    house.advance(cycle_ns)
    house.price(100, at_ns=cycle_ns + SECOND, e8={1: 30 * E8})

    most = house.balance("F")
    while most and withdraw(house, "F", most):
        most -= 10 * COIN

    # A's own 1,500 may be given away; what the pump made of it may not, but what time proves.
    proven = 2_000 * COIN - house.state.assess(house.number("A")).unproven
    assert most <= (2_000 + 1_500) * COIN + max(proven, 0)
