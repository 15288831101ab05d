"""Orders and trades leave what funding has accrued, and orders that no longer do are asked back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from novate.message import command
from novate.message.parameter import Parameter, set_parameter
from novate.message.refusal import WithdrawCollateralRefusal
from novate.valuation.index_bound import accrued_by, index_bound
from tests.tiny_model import PLUGINS
from tests.unit.clearing import COIN, E8, HOUR, MINUTE, START, ClearingHouse
from tests.unit.margin.test_index_solvency import ORDER, TRADE, numbers, reserve, trade
from tests.unit.transfers import open_sub

FUNDED: dict[str, Any] = {
    "tiers": ((0, 20_000, 10_000),), "basis_clamp_ppm": 30_000, "cycle_ns": 0, "funding_ns": HOUR,
    "funding_cap_e9": 5 * 10**7,
}  # fmt: skip
"""Initial margin of 2%, marks within 3% of the index, up to 5% of funding an hour."""


def house_at(last: int, index: int = 100, **terms: Any) -> ClearingHouse:
    """X trades at a last price; P has nothing, S is rich."""
    house = ClearingHouse(plugins=PLUGINS)
    house.list_contract(**{**FUNDED, **terms})
    house.open_client("P")
    house.open_client("S", deposit=10**6 * COIN)
    house.deposit("S", 10**4 * E8, asset=1)
    house.price(index, last={0: last})
    return house


def funded(house: ClearingHouse) -> tuple[int, int]:
    """Let funding be paid; returns what P paid and what came back to it, whole numeraire."""
    before = house.balance("P")
    house.advance(int(house.state.instruments.next_funding_ns[0]))
    rows = house.events("FundingReturned", last=True)
    back = sum(row["amount"] for row in rows if row["account"] == house.number("P"))
    return (before - house.balance("P") + back) // COIN, back // COIN


def asked_back(house: ClearingHouse) -> list[int]:
    return [row["reservation"] for row in house.events("CancellationRequested", last=True)]


# ---- who fills its worth at the index with orders


def holder(worth: int) -> ClearingHouse:
    """X is marked at 103, and P is long 1,000 lots, with some worth at the index."""
    house = house_at(105)
    house.deposit("P", (3_000 + worth) * COIN)
    assert trade(house, "P", "S", lots=1_000, ticks=103) == []
    return house


@pytest.mark.rule("7.90", "7.93", "8.73")
def test_orders_do_not_fill_the_worth_that_funding_is_paid_from() -> None:
    # Of 1,000 lots at 103 funding is 5,150, and P has 5,198 at the index.  Bids for 1,729 lots lose
    # 5,187 there: 11 would be paid.  Beside funding of 5.15 a lot there is room for bids of 5 lots.
    house = holder(5_198)
    with house.before_funding_accrues():
        assert reserve(house, "P", 1_729, 103) == []
    assert funded(house) == (5_150, 5_139)

    house = holder(5_198)
    assert reserve(house, "P", 1_729, 103) == [ORDER]
    assert numbers(house) == (5_198, 5_187 + 2_729 * 515 // 100)
    assert reserve(house, "P", 6, 103) == [ORDER]
    assert reserve(house, "P", 5, 103) == []
    assert funded(house) == (5_150, 0)


@pytest.mark.rule("7.90", "7.93")
def test_a_trade_leaves_what_funding_has_accrued() -> None:
    house = house_at(105)
    house.deposit("P", 8_149 * COIN)
    assert trade(house, "P", "S", lots=1_000, ticks=103) == [TRADE]
    assert numbers(house) == (5_149, 5_150)
    house.deposit("P", 1 * COIN)
    assert trade(house, "P", "S", lots=1_000, ticks=103) == []
    assert funded(house) == (5_150, 0)


@pytest.mark.rule("7.58", "7.93")
def test_orders_are_cancelled_when_the_premium_has_grown() -> None:
    # At a last price of 103 the rate is 3%: 3.09 a lot, 4,635 for 1,000 lots and bids for 500,
    # which lose 1,500 at the index.  Once it was 105 for long the average is nearly 5%: 5.15 a lot,
    # 7,725.  One last price asks nobody's orders back.
    house = house_at(103)
    house.deposit("P", 9_200 * COIN)
    assert trade(house, "P", "S", lots=1_000, ticks=103) == []
    assert reserve(house, "P", 500, 103) == []
    house.price(100, at_ns=START + MINUTE, last={0: 103})
    assert asked_back(house) == []
    house.price(100, at_ns=START + 2 * MINUTE, last={0: 105})
    assert asked_back(house) == []
    house.price(100, at_ns=START + 40 * MINUTE, last={0: 105})
    assert asked_back(house) == [1]
    house.price(100, at_ns=START + 41 * MINUTE, last={0: 105})
    assert asked_back(house) == []
    house.submit(command.RELEASE_MARGIN.row(reservation=1))
    house.price(100, at_ns=START + 59 * MINUTE, last={0: 105})
    paid, back = funded(house)
    assert back == 0
    assert paid >= 5_000


@pytest.mark.rule("7.59", "7.93")
def test_orders_that_close_are_not_cancelled_for_accrued_funding() -> None:
    house = house_at(103)
    house.deposit("P", 6_200 * COIN)
    assert trade(house, "P", "S", lots=1_000, ticks=103) == []
    assert reserve(house, "P", -1_000, 104) == []
    assert reserve(house, "P", 10, 103) == []
    house.price(100, at_ns=START + MINUTE, last={0: 105})
    house.price(100, at_ns=START + 40 * MINUTE, last={0: 105})
    assert asked_back(house) == [2]


# ---- what accrues


@pytest.mark.rule("7.93")
def test_an_order_counts_as_filled_on_the_side_that_pays() -> None:
    # Bids of 100 lots lose 300 at the index; filled they would pay 515.
    house = house_at(105)
    house.deposit("P", 814 * COIN)
    assert reserve(house, "P", 100, 103) == [ORDER]
    assert numbers(house) == (814, 815)
    assert reserve(house, "P", -100, 103) == []  # shorts receive
    house.deposit("P", 1 * COIN)
    assert reserve(house, "P", 100, 103) == []


@pytest.mark.rule("7.93")
def test_shorts_accrue_a_negative_rate() -> None:
    house = house_at(95)
    house.deposit("P", 300 * COIN + 485 * COIN - 1)
    assert trade(house, "S", "P", lots=100, ticks=97) == [TRADE]
    house.deposit("P", 1)
    assert trade(house, "S", "P", lots=100, ticks=97) == []


@pytest.mark.rule("7.93")
def test_receipts_do_not_count_and_each_contract_stands_by_itself() -> None:
    # P pays 515 for 100 lots of X and would receive 485 for 100 lots of Y.
    house = house_at(105)
    house.list_contract("Y", **FUNDED)
    house.price(100, at_ns=START + 1, last={0: 105, 1: 95})
    house.deposit("P", 814 * COIN)
    assert trade(house, "P", "S", lots=100, ticks=97, instrument=1) == []
    assert trade(house, "P", "S", lots=100, ticks=103) == []  # Y gains 300 by the return
    assert reserve(house, "P", 55, 97, instrument=1) == []
    assert reserve(house, "P", 60, 103) == [ORDER]


@pytest.mark.rule("7.93")
def test_positions_of_a_netting_set_are_one_position() -> None:
    # P2 sells the 60 lots that P buys: together they hold nothing, and 100 lots pay 515.
    house = house_at(105)
    open_sub(house, "P2", "P", group="P", netting_set="P")
    house.deposit("P", 815 * COIN)
    assert trade(house, "P", "P2", lots=60, ticks=103) == []
    assert trade(house, "P", "S", lots=100, ticks=103) == []
    assert trade(house, "P2", "S", lots=1, ticks=103) == [TRADE]
    assert trade(house, "P2", "P", lots=60, ticks=103) == []


@pytest.mark.rule("7.93")
def test_lots_in_two_netting_sets_of_a_group_accrue_each_by_themselves() -> None:
    house = house_at(105)
    open_sub(house, "P2", "P", group="P")
    house.deposit("P", 515 * COIN)
    assert trade(house, "P", "P2", lots=100, ticks=103) == []
    assert trade(house, "P", "S", lots=1, ticks=103) == [TRADE]


@pytest.mark.rule("7.93")
def test_a_contract_that_is_paid_in_coin_accrues_coins() -> None:
    # 103 lots of 100 each are 100 coins at 103, and 103 at the index: 3 are lost, 5% of 100 are 5.
    coin = {"form": 2, "settlement_asset": 1, "unit": 100 * E8}
    house = house_at(105, **coin)
    house.deposit("P", 8 * E8 - 1, asset=1)
    assert trade(house, "P", "S", lots=103, ticks=103) == [TRADE]
    house.deposit("P", 1, asset=1)
    assert trade(house, "P", "S", lots=103, ticks=103) == []


@pytest.mark.rule("7.93")
def test_a_last_price_that_returns_for_a_trade_does_not_lower_what_is_asked() -> None:
    # The mark follows the last price of 100 by little in a second; it stands 3% above the index,
    # and the average of the period is 5%.
    house = house_at(105)
    house.deposit("P", 5_000 * COIN)
    house.price(100, at_ns=START + 30 * MINUTE, last={0: 105})
    house.price(100, at_ns=START + 30 * MINUTE + 10**9, last={0: 100})
    assert int(house.state.marks.premium_e9[0]) == 0
    assert trade(house, "P", "S", lots=1_000, ticks=103) == [TRADE]
    assert numbers(house) == (2_000, 5_150)


@pytest.mark.rule("7.93", "8.8")
def test_what_has_accrued_ends_with_the_period() -> None:
    # 30 minutes at 105 and 30 at 100 have an average of 2.5%, with a mark at the index.  Paid, all
    # of it is over.
    house = house_at(105)
    house.price(100, at_ns=START + 30 * MINUTE, last={0: 100})
    house.price(100, at_ns=START + HOUR - 1, last={0: 100})
    assert int(house.state.marks.mark[0]) == 100
    before = index_bound(house.state)
    assert before.share == 0.0
    assert before.long_e9[0] == pytest.approx(25_000_000, rel=1e-3)
    assert before.asked == pytest.approx(0.025 / 0.02, rel=1e-3)
    house.advance(START + HOUR)
    after = index_bound(house.state)
    assert (after.asked, after.long_e9[0], after.short_e9[0]) == (0.0, 0, 0)


# ---- ways out and ordinary trading


@pytest.mark.rule("7.91", "7.93")
def test_with_funding_accrued_it_is_asked_where_a_return_to_the_index_costs_nothing() -> None:
    # The mark is at the index, and longs pay 5% of interest: 5 a lot; initial margin is 2 a lot.
    house = house_at(100, funding_damper_e9=10**9, interest_e9=5 * 10**7)
    house.deposit("P", 500 * COIN)
    assert trade(house, "P", "S", lots=101, ticks=100) == [TRADE]
    assert numbers(house) == (500, 505)
    assert trade(house, "P", "S", lots=100, ticks=100) == []
    assert trade(house, "S", "P", lots=101, ticks=100) == []  # flat, and one lot short


@pytest.mark.rule("7.92", "7.93")
def test_a_position_is_closed_whatever_funding_has_accrued() -> None:
    # P has lost all but 100 of what it had at the index, and 5,150 have accrued.
    house = holder(5_150)
    house.state.accounts.balance[house.number("P"), 0] -= 5_050 * COIN
    assert trade(house, "P", "S", lots=1, ticks=103) == [TRADE]
    assert trade(house, "S", "P", lots=1, ticks=99) == []
    assert trade(house, "S", "P", lots=1, ticks=103) == []
    assert reserve(house, "P", -100, 100) == []


@pytest.mark.rule("7.91", "7.93")
def test_a_holder_may_offer_its_position_a_little_below_the_index() -> None:
    # Interest of 0.01% has accrued, and P has 0.8% of what it holds: its offer holds 1%.
    house = house_at(100, interest_e9=10**5, funding_damper_e9=10**6)
    house.submit(set_parameter(Parameter.ORDER_BAND_PPM, 10_000))
    house.deposit("P", 2_010 * COIN)
    assert trade(house, "P", "S", lots=1_000, ticks=100) == []
    house.state.accounts.balance[house.number("P"), 0] -= 1_200 * COIN
    assert reserve(house, "P", -1_000, 100) == []


# ---- what leaves


@pytest.mark.rule("6.10", "7.93")
def test_funding_that_has_accrued_is_not_withdrawn() -> None:
    # Longs pay 5% of interest: 500 for 100 lots, beside 200 of initial margin and 50 to liquidate.
    house = house_at(100, funding_damper_e9=10**9, interest_e9=5 * 10**7)
    house.deposit("P", 900 * COIN)
    assert trade(house, "P", "S", lots=100, ticks=100) == []
    house.price(100, at_ns=START + MINUTE, last={0: 100})
    row = {"account": house.number("P"), "asset": 0}
    house.submit(command.WITHDRAW_COLLATERAL.row(**row, amount=150 * COIN + 1), allow_refusals=True)
    assert house.refusals() == [WithdrawCollateralRefusal.INSUFFICIENT_MARGIN]
    house.submit(command.WITHDRAW_COLLATERAL.row(**row, amount=150 * COIN))


@pytest.mark.rule("7.93", "8.40")
def test_funding_that_waits_has_accrued_for_every_period_that_is_due() -> None:
    # The price is gone, and two more hours pass: of three periods at 5% each P would pay 15,450.
    house = holder(10**5)
    house.advance(START + 3 * HOUR + MINUTE)
    assert int(house.state.instruments.next_funding_ns[0]) == -(START + 3 * HOUR)
    house.advance(START + 5 * HOUR + MINUTE)
    found = accrued_by(house.state, index_bound(house.state), house.number("P"))
    assert found == 3 * 5_150 * COIN


@pytest.mark.rule("7.90", "7.93")
def test_with_margin_of_the_mark_ordinary_trading_goes_on_while_funding_accrues() -> None:
    # A premium of 1% at an initial rate of 2%: margin covers funding, bids at the mark included.
    house = house_at(101)
    house.deposit("P", 404 * COIN)
    assert trade(house, "P", "S", lots=100, ticks=101) == []
    assert reserve(house, "P", 50, 101) == []
    house.price(100, at_ns=START + 59 * MINUTE, last={0: 101})
    assert asked_back(house) == []
    paid, back = funded(house)
    assert (paid, back) == (101, 0)


# ---- the bound


def random_terms(draw: np.random.Generator) -> dict[str, Any]:
    coin = {"form": 2, "settlement_asset": 1, "unit": 100 * E8} if draw.random() < 0.4 else {}
    interest = int(draw.integers(-2 * 10**7, 2 * 10**7))
    return {**coin, "interest_e9": interest, "funding_damper_e9": 10**7}


def answers(seed: int, *, looks_at_all: bool) -> list[Any]:
    """Refusals of random trades and orders of P and Q with S in three contracts with funding."""
    draw = np.random.default_rng(seed)
    house = house_at(int(draw.integers(96, 105)), **random_terms(draw))
    for name in "YZ":
        house.list_contract(name, **{**FUNDED, **random_terms(draw)})
    lasts = {k: int(draw.integers(96, 105)) for k in range(3)}
    house.price(100, last=lasts, at_ns=house.state.now_ns + MINUTE)
    house.deposit("P", 500 * COIN)
    house.deposit("P", E8, asset=1)
    open_sub(house, "P2", "P", group="P", netting_set="P" if seed % 2 else "")
    if looks_at_all:
        house.state.kept_bound = (-1, index_bound(house.state)._replace(asked=1e18, share=1e18))
    found = []
    for _ in range(60):
        i, lots = int(draw.integers(3)), int(draw.integers(1, 120))
        name, side = ("P", "P2")[int(draw.integers(2))], int(draw.choice((1, -1)))
        ticks = int(house.state.marks.mark[i]) + int(draw.integers(-2, 3))
        if draw.random() < 0.3:
            found.append(reserve(house, name, side * lots, ticks, instrument=i))
            continue
        buyer, seller = (name, "S") if side > 0 else ("S", name)
        found.append(trade(house, buyer, seller, instrument=i, lots=lots, ticks=ticks))
    return found


@pytest.mark.rule("7.93")
def test_the_bound_never_passes_what_a_look_refuses_for_accrued_funding() -> None:
    found = [answers(seed, looks_at_all=False) for seed in range(8)]
    assert found == [answers(seed, looks_at_all=True) for seed in range(8)]
    assert any([TRADE] in one for one in found)
    assert any([ORDER] in one for one in found)
